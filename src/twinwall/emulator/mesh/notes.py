"""What one invocation of a handler has seen, noted from outside, and what it must not have done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from twinwall.boundary import Row
from twinwall.emulator.mesh.instances import Machine
from twinwall.emulator.mesh.shapes import is_readable
from twinwall.emulator.mesh.wire import Environment
from twinwall.mesh.settings import Mesh
from twinwall.model.members import Site


class Violation(AssertionError):
    def __init__(self, invariant: str, story: str) -> None:
        super().__init__(f"{invariant}: {story}")
        self.invariant = invariant


@dataclass
class Notes:
    """Of one invocation: the configuration it runs with, rows as last read and when, groups as last read with the
    moment in which that reading began."""

    env: Environment
    mesh: Mesh
    began: float
    rows: tuple[Row, ...] | None = None
    rows_at: float = -1.0
    pushed: dict[str, set[str]] = field(default_factory=dict)
    proofs: dict[str, tuple[float, list[Mapping[str, Any]]]] = field(default_factory=dict)

    def by_site(self) -> dict[Site, Row | None]:
        rows = {(row["region"], row["asg"]): row for row in self.rows or ()}
        return {site: rows.get((site.key.region, site.key.asg)) for site in self.mesh.sites}

    def proof(self, site: Site) -> tuple[float, list[Mapping[str, Any]]]:
        """Of all groups of the site: when the first of them was asked, and their rules."""
        found = [self.proofs.get(group_id, (-1.0, [])) for group_id in site.groups]
        return min(begun for begun, _ in found), [rule for _, rules in found for rule in rules]

    @property
    def is_suspended(self) -> bool:
        """A configured site has no readable row at all."""
        return not all(is_readable(row) for row in self.by_site().values())

    @property
    def only_adds(self) -> bool:
        """The node's own table was lost or restored, and it has not heard all others yet."""
        rows = self.by_site().items()
        return any(site.node == self.env.node and bool(row and row.get("unheard")) for site, row in rows)

    def addresses_of(self, machine: Machine) -> set[str]:
        """The machine's, in the rows that the handler read last."""
        members = [member for row in self.rows or () for member in row.get("members") or ()]
        return {member["address"] for member in members if member["instance"] == machine.id}
