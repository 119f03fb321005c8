"""ACLs as ordered tables: what decides first stands first, and what can never match is struck through."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from twinwall.model.firewall import NetworkAcl
from twinwall.model.rules import Direction, NetworkAclEntry
from twinwall.planning.lint.acls import acl_findings
from twinwall.planning.lint.catalog import SHADOWED, WRONG_FAMILY
from twinwall.report.html.rules import Sign, State, state_of, traffic_words
from twinwall.report.html.scene import Scene, shown_id

_DEAD = frozenset({SHADOWED.id, WRONG_FAMILY.id})


@dataclass(frozen=True)
class EntryRow:
    """``never``: why no packet ever gets to it; empty where one may."""

    sign: Sign
    number: str
    action: str
    traffic: str
    cidr: str
    never: str = ""


@dataclass(frozen=True)
class AclBlock:
    """``subnets``: (sign, name or id, id)."""

    id: str
    name: str
    shown_id: str
    is_default: bool
    state: State
    subnets: Sequence[tuple[Sign, str, str]]
    tables: Sequence[tuple[str, Sequence[EntryRow]]]

    @property
    def never(self) -> int:
        return sum(bool(row.never) for _, rows in self.tables for row in rows)


def acl_blocks(scene: Scene) -> list[AclBlock]:
    blocks = [_acl(scene, id_) for id_ in scene.acl_ids]
    return sorted(blocks, key=lambda block: block.state == "same")


def _acl(scene: Scene, id_: str) -> AclBlock:
    before, after = scene.before.acls.get(id_), scene.after.acls.get(id_)
    acl = after or before
    assert acl is not None
    never = _never(after) if after else {}
    tables = [(way.value, list(_rows(before, after, way, never))) for way in Direction]
    subnets = list(_subnets(scene, id_))
    signs = {row.sign for _, rows in tables for row in rows} | {sign for sign, *_ in subnets}
    state = state_of(before, after, signs)
    return AclBlock(id_, scene.name(id_), shown_id(id_), acl.is_default, state, subnets, tables)


def _never(acl: NetworkAcl) -> dict[str, str]:
    """By the entry's own words."""
    return {finding.rule: finding.message for finding in acl_findings(acl) if finding.id in _DEAD}


def _rows(
    before: NetworkAcl | None, after: NetworkAcl | None, way: Direction, never: dict[str, str]
) -> Iterator[EntryRow]:
    held = {entry.rule_number: entry for entry in (before.entries_of(way) if before else ())}
    wanted = {entry.rule_number: entry for entry in (after.entries_of(way) if after else ())}
    for number in sorted({**held, **wanted}):
        old, new = held.get(number), wanted.get(number)
        if old is not None and old != new:
            yield _row("-", old)
        if new is not None:
            yield _row("" if old == new else "+", new, never.get(str(new), ""))
    yield EntryRow("", "*", "deny", "all traffic", "everything else")


def _row(sign: Sign, entry: NetworkAclEntry, never: str = "") -> EntryRow:
    traffic = traffic_words(entry.traffic)
    return EntryRow(sign, str(entry.rule_number), entry.action.value, traffic, str(entry.cidr), never)


def _subnets(scene: Scene, acl_id: str) -> Iterator[tuple[Sign, str, str]]:
    held = scene.subnets_of(scene.before, acl_id)
    wanted = scene.subnets_of(scene.after, acl_id)
    for subnet in sorted({*held, *wanted}, key=lambda id_: (scene.name(id_), id_)):
        sign: Sign = "+" if subnet not in held else "-" if subnet not in wanted else ""
        yield sign, scene.name(subnet), subnet
