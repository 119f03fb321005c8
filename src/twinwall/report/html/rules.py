"""A group's rules before and after as rows, each with the sign of what becomes of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from twinwall.model.firewall import PrefixList, SecurityGroup
from twinwall.model.rules import Direction, GroupPeer, Peer, PrefixListPeer, SecurityGroupRule, Tags, Traffic
from twinwall.report.html.scene import Scene, shown_id

Sign = Literal["", "+", "-", "~"]
"""Stays, comes, goes, is described anew."""
State = Literal["same", "created", "changed", "deleted"]


@dataclass(frozen=True)
class RuleRow:
    """``anchor`` is the id of the named group, where the page has it. ``was``: the description that goes."""

    sign: Sign
    way: str
    traffic: str
    peer: str
    peer_id: str = ""
    anchor: str = ""
    description: str = ""
    was: str = ""


@dataclass(frozen=True)
class GroupBlock:
    id: str
    name: str
    shown_id: str
    state: State
    description: str
    rows: Sequence[RuleRow]
    tags: Sequence[tuple[Sign, str, str]] = ()

    @property
    def added(self) -> int:
        return sum(row.sign == "+" for row in self.rows)

    @property
    def removed(self) -> int:
        return sum(row.sign == "-" for row in self.rows)


@dataclass(frozen=True)
class ListBlock:
    id: str
    name: str
    shown_id: str
    state: State
    size: str
    rows: Sequence[tuple[Sign, str, str]]


def group_blocks(scene: Scene) -> list[GroupBlock]:
    """Of all groups; what changes comes first."""
    blocks = [_group(scene, id_) for id_ in scene.group_ids]
    return sorted(blocks, key=lambda block: block.state == "same")


def _group(scene: Scene, id_: str) -> GroupBlock:
    before, after = scene.before.groups.get(id_), scene.after.groups.get(id_)
    group = after or before
    assert group is not None
    rows = list(_rule_rows(scene, before, after))
    tags = list(_tag_rows(before.tags if before else (), after.tags if after else ()))
    signs = {row.sign for row in rows} | {sign for sign, *_ in tags}
    return GroupBlock(
        id_, scene.name(id_), shown_id(id_), state_of(before, after, signs), group.description, rows, tags
    )


def state_of(before: object | None, after: object | None, signs: set[Sign]) -> State:
    if before is None:
        return "created"
    if after is None:
        return "deleted"
    return "changed" if signs - {""} else "same"


def _rule_rows(scene: Scene, before: SecurityGroup | None, after: SecurityGroup | None) -> Iterator[RuleRow]:
    held = {rule: rule for rule in (before.rules if before else ())}
    wanted = {rule: rule for rule in (after.rules if after else ())}
    for rule in sorted({**held, **wanted}):
        old, new = held.get(rule), wanted.get(rule)
        shown = new or old
        assert shown is not None
        was = old.description if old and new and old.description != new.description else ""
        changed = bool(old and new and old.description != new.description)
        sign: Sign = "+" if old is None else "-" if new is None else "~" if changed else ""
        yield rule_row(scene, shown, sign, was)


def rule_row(scene: Scene, rule: SecurityGroupRule, sign: Sign = "", was: str = "") -> RuleRow:
    return RuleRow(
        sign,
        rule.direction.value,
        traffic_words(rule.traffic),
        scene.peer_name(rule.peer),
        _peer_id(scene, rule.peer),
        str(rule.peer) if str(rule.peer) in scene.names else "",
        rule.description,
        was,
    )


def traffic_words(traffic: Traffic) -> str:
    return "all traffic" if str(traffic) == "all" else str(traffic)


def _peer_id(scene: Scene, peer: Peer) -> str:
    if not isinstance(peer, GroupPeer | PrefixListPeer):
        return ""
    id_ = shown_id(str(peer))
    return "" if id_ == scene.peer_name(peer) else id_


def _tag_rows(before: Tags, after: Tags) -> Iterator[tuple[Sign, str, str]]:
    held, wanted = dict(before), dict(after)
    for key in sorted({**held, **wanted}):
        if held.get(key) == wanted.get(key):
            yield "", key, wanted[key]
            continue
        if key in held:
            yield "-", key, held[key]
        if key in wanted:
            yield "+", key, wanted[key]


def direction_rows(rows: Sequence[RuleRow]) -> list[tuple[Direction, list[RuleRow]]]:
    return [(way, [row for row in rows if row.way == way.value]) for way in Direction]


# --- prefix lists


def list_blocks(scene: Scene) -> list[ListBlock]:
    blocks = [_list(scene, id_) for id_ in scene.list_ids]
    return sorted(blocks, key=lambda block: block.state == "same")


def _list(scene: Scene, id_: str) -> ListBlock:
    before, after = scene.before.lists.get(id_), scene.after.lists.get(id_)
    rows = list(_entry_rows(before, after))
    size = after.max_entries if after else before.max_entries if before else None
    return ListBlock(
        id_,
        scene.name(id_),
        shown_id(id_),
        state_of(before, after, {sign for sign, *_ in rows}),
        "" if size is None else f"at most {size} entries",
        rows,
    )


def _entry_rows(before: PrefixList | None, after: PrefixList | None) -> Iterator[tuple[Sign, str, str]]:
    held = {entry.cidr: entry for entry in (before and before.entries) or ()}
    wanted = {entry.cidr: entry for entry in (after and after.entries) or ()}
    for cidr in sorted({**held, **wanted}):
        sign: Sign = "+" if cidr not in held else "-" if cidr not in wanted else ""
        yield sign, str(cidr), (wanted.get(cidr) or held[cidr]).description
