"""``boundary.MemberTable`` in memory: DynamoDB's conditions as one step each. Every write is told to ``listeners``."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twinwall.boundary import Row, Table

Key = tuple[str, str]
Listener = Callable[[Row | None, Row], None]
"""The row before and after a write."""


def key_of(row: Row) -> Key:
    return row["region"], row["asg"]


def _age(row: Row) -> tuple[int, int]:
    return row.get("generation") or 0, row.get("observed_at") or 0


class MemoryTable:
    def __init__(self) -> None:
        self.rows: dict[Key, Row] = {}
        self.lease: tuple[str, float] | None = None
        self.unknown: Mapping[str, float] = {}
        self.listeners: list[Listener] = []

    def read(self) -> Table:
        return Table(tuple(self.rows.values()), self.unknown)

    def take(self, token: str, now: float, until: float) -> float | None:
        is_free = self.lease is None or self.lease[1] <= now or self.lease[0] == token
        if is_free:
            self.lease = (token, until)
            return None
        assert self.lease is not None
        return self.lease[1]

    def release(self, token: str, unknown: Mapping[str, float] | None) -> None:
        if self.lease is not None and self.lease[0] == token:
            self.lease = None
            if unknown is not None:
                self.unknown = dict(unknown)

    def write(self, rows: Sequence[tuple[Row, int | None]], token: str) -> bool:
        is_holder = self.lease is not None and self.lease[0] == token
        unmoved = all((self.rows.get(key_of(row)) or {}).get("generation") == old for row, old in rows)
        if is_holder and unmoved:
            for row, _ in rows:
                self._put(row)
        return is_holder and unmoved

    def push(self, rows: Sequence[Row]) -> Sequence[Row | None]:
        return [self._push(row) for row in rows]

    def _push(self, row: Row) -> Row | None:
        standing = self.rows.get(key_of(row))
        is_removed = standing is not None and standing.get("tombstone")
        is_newer = standing is None or _age(row) > _age(standing)
        if is_newer and not is_removed:
            self._put(row)
            return None
        return standing

    def _put(self, row: Row) -> None:
        before = self.rows.get(key_of(row))
        self.rows[key_of(row)] = row
        for listener in self.listeners:
            listener(before, row)

    # --- by hand

    def backup(self) -> Any:
        return dict(self.rows), dict(self.unknown)

    def restore(self, backup: Any) -> None:
        """A new table in the old one's place: there is no lease in it that counts, and its stream is silent."""
        rows, unknown = backup
        self.rows, self.unknown, self.lease = dict(rows), dict(unknown), None
