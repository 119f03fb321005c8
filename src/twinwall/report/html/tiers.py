"""Groups in tiers, so that a matrix of who reaches whom stays small enough to read.

few groups                          each is a tier of its own
tagged (``tier``, ``Tier``, …)      by the tag, if at least half of the groups have it
else                                by how many references they are away from the addresses outside
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from twinwall.model.firewall import SecurityGroup, tag
from twinwall.model.rules import Direction, GroupPeer
from twinwall.report.html.scene import Scene

FEW = 24
_TAGS = ("tier", "Tier", "layer", "Layer", "role", "Role")
_MOST_VALUES = FEW


@dataclass(frozen=True)
class Tiers:
    """``how`` says how they were made; ``of`` is the tier of each group by id; ``names`` are in order."""

    how: str
    names: Sequence[str]
    of: Mapping[str, str]
    each_group: bool = False


def tiers_of(scene: Scene) -> Tiers:
    groups = {id_: scene.after.groups.get(id_) or scene.before.groups[id_] for id_ in scene.group_ids}
    if len(groups) <= FEW:
        return _each(scene, groups)
    for key in _TAGS:
        values = {id_: tag(group.tags, key) for id_, group in groups.items()}
        told = {value for value in values.values() if value}
        if sum(map(bool, values.values())) * 2 >= len(groups) and 1 < len(told) <= _MOST_VALUES:
            return _tagged(key, values)
    return _by_distance(groups)


def _each(scene: Scene, groups: Iterable[str]) -> Tiers:
    """Groups in one VPC have different names; should two still share one, the id tells them apart."""
    names: dict[str, str] = {}
    for id_ in groups:
        name = scene.name(id_)
        names[id_] = f"{name} ({id_})" if name in names.values() else name
    return Tiers("each group by itself", list(names.values()), names, each_group=True)


def _tagged(key: str, values: Mapping[str, str | None]) -> Tiers:
    of = {id_: value or f"no tag {key}" for id_, value in values.items()}
    return Tiers(f"groups by their tag {key}", sorted(set(of.values()), key=str.casefold), of)


_FIRST = "reached from outside"
_NOBODY = "reached by nobody"


def _by_distance(groups: Mapping[str, SecurityGroup]) -> Tiers:
    """Breadth first, from the groups that let addresses or lists in, along the references."""
    near = [id_ for id_, group in groups.items() if _lets_addresses_in(group)]
    of = dict.fromkeys(near, _FIRST)
    names, steps = [_FIRST], 0
    while near:
        steps += 1
        reached = {id_ for id_, group in groups.items() if id_ not in of and _names(group) & set(near)}
        name = f"{steps} reference{'s' if steps > 1 else ''} behind"
        of |= dict.fromkeys(sorted(reached), name)
        names += [name] if reached else []
        near = sorted(reached)
    rest = {id_: _NOBODY for id_ in groups if id_ not in of}
    words = "groups by how many references they are away from the addresses outside"
    return Tiers(words, names + ([_NOBODY] if rest else []), of | rest)


def _lets_addresses_in(group: SecurityGroup) -> bool:
    return any(not isinstance(rule.peer, GroupPeer) for rule in group.rules_of(Direction.INGRESS))


def _names(group: SecurityGroup) -> set[str]:
    return {str(rule.peer) for rule in group.rules_of(Direction.INGRESS)}
