"""What the true-up and a restored node do beside a pass: other nodes' tables are read; rows go both ways.

their copy of our row differs      it is pushed; one that is newer than ours makes ours go above it
their own row is newer than ours   it is taken over, as if they had pushed it (they may not reach us)
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from twinwall.boundary import Row, Table
from twinwall.engine.mesh.run import NotDone, Run
from twinwall.errors import AwsError
from twinwall.mesh.rows import Unreadable, key_of, read_row
from twinwall.model.members import Membership, Node, SiteKey


@dataclass
class Elsewhere:
    """``push``: rows of ours whose copy differs somewhere; ``pull``: rows of others that are newer there;
    ``unread``: nodes that could not be asked."""

    push: set[SiteKey] = field(default_factory=set)
    pull: list[Row] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)


def compare_tables(run: Run, table: Table) -> Elsewhere:
    """Each other node's table is read once, at once, by the deadline for other nodes."""
    found, crew, nodes = Elsewhere(), run.around.crew(), run.reachable()
    for key, node in enumerate(nodes):
        crew.start(key, lambda node=node: run.around.doors.table(node.name).read(run.within_remote()))  # type: ignore[misc]
    for _ in nodes:
        ended = crew.next()
        assert ended is not None
        node = nodes[ended.key]
        if isinstance(ended.error, AwsError | NotDone):
            run.failed.add(node.name)
            found.unread.add(node.name)
            run.log("node-failed", other=node.name, error=str(ended.error))
        elif ended.error is not None:
            raise ended.error
        else:
            assert isinstance(ended.value, Table)
            _compare(run, table, node, ended.value, found)
    return found


def _compare(run: Run, here: Table, node: Node, there: Table, found: Elsewhere) -> None:
    ours, theirs = _by_key(here.rows), _by_key(there.rows)
    for site in run.around.sites:
        own, copy = _read(ours.get(site.key)), _read(theirs.get(site.key))
        if copy is not None and not copy.tombstone and (own is None or copy.age_key > own.age_key):
            run.floor[site.key] = max(run.floor.get(site.key, 0), copy.generation or 0)
        same = (
            own is not None
            and copy is not None
            and copy.age_key == own.age_key
            and copy.content == own.content
        )
        if not same and not (copy is not None and copy.tombstone):
            found.push.add(site.key)
    for site in run.around.mesh.sites_of(node.name):
        row, mine = _read(theirs.get(site.key)), _read(ours.get(site.key))
        if row is not None and not row.tombstone and (mine is None or row.age_key > mine.age_key):
            found.pull.append(theirs[site.key])


def _by_key(rows: Iterable[Row]) -> Mapping[SiteKey, Row]:
    return {key_of(row): row for row in rows}


def _read(row: Row | None) -> Membership | None:
    try:
        return read_row(row) if row is not None else None
    except Unreadable:
        return None


def take_over(run: Run, rows: Iterable[Row]) -> None:
    given = tuple(rows)
    run.around.table.push(given, run.within())
    for row in given:
        run.log("pulled", site=str(key_of(row)))
