"""Which group names which: nodes and edges as the browser draws them, and as a list for who does not see them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from twinwall.model.net import ANY_IPV4, ANY_IPV6
from twinwall.model.rules import CidrPeer, Direction, GroupPeer, SecurityGroupRule
from twinwall.planning.replay import Replay
from twinwall.report.html.cycles import cycles
from twinwall.report.html.rules import GroupBlock, State
from twinwall.report.html.scene import Scene, shown_id

MOST_NODES = 600
"""More than a browser lays out while one waits; what changes is drawn first."""


@dataclass(frozen=True)
class Reference:
    """``source`` may send ``traffic`` to ``target``, as one of them says: (ids)."""

    source: str
    target: str
    traffic: Sequence[str]
    state: State
    in_cycle: bool


@dataclass(frozen=True)
class Graph:
    """``left_out``: groups that are not drawn. ``data``: what the script reads."""

    data: dict[str, Any]
    references: Sequence[tuple[str, str, Reference]]
    circles: Sequence[Sequence[str]]
    left_out: int = 0


def graph_of(scene: Scene, blocks: Sequence[GroupBlock]) -> Graph | None:
    """``blocks``: of the scene, what changes first. None without groups."""
    if not blocks:
        return None
    before, after = _edges(scene.before), _edges(scene.after)
    drawn = [block.id for block in blocks[:MOST_NODES]]
    outside = sorted({end for edge in {**before, **after} for end in edge} - set(scene.group_ids))
    nodes = dict.fromkeys([*drawn, *outside])
    circles = cycles({node: [target for source, target in after if source == node] for node in nodes})
    place = {node: number for number, circle in enumerate(circles) for node in circle}
    references = [
        _reference(edge, before, after, place)
        for edge in sorted({**before, **after}, key=lambda pair: (scene.name(pair[0]), scene.name(pair[1])))
        if edge[0] in nodes and edge[1] in nodes
    ]
    states: dict[str, State] = {block.id: block.state for block in blocks}
    data = {
        "nodes": [_node(scene, id_, states.get(id_), id_ in place) for id_ in nodes],
        "edges": [_edge(reference) for reference in references],
    }
    told = [(_named(scene, one.source), _named(scene, one.target), one) for one in references]
    names = [[scene.name(id_) for id_ in circle] for circle in circles]
    return Graph(data, told, names, len(blocks) - len(drawn))


def _edges(state: Replay) -> dict[tuple[str, str], list[SecurityGroupRule]]:
    """(who sends, who receives) → the rules that say so, of either end."""
    found: dict[tuple[str, str], list[SecurityGroupRule]] = {}
    for id_, group in state.groups.items():
        for rule in group.rules:
            if isinstance(rule.peer, GroupPeer):
                ends = (rule.peer.group_id, id_)
                ends = ends if rule.direction is Direction.INGRESS else (ends[1], ends[0])
                found.setdefault(ends, []).append(rule)
    return found


def _reference(
    edge: tuple[str, str],
    before: dict[tuple[str, str], list[SecurityGroupRule]],
    after: dict[tuple[str, str], list[SecurityGroupRule]],
    circle: dict[str, int],
) -> Reference:
    held, wanted = before.get(edge, []), after.get(edge, [])
    state: State = "created" if not held else "deleted" if not wanted else "changed"
    state = "same" if set(held) == set(wanted) else state
    source, target = edge
    inside = source != target and source in circle and circle[source] == circle.get(target)
    return Reference(source, target, _words(wanted or held), state, inside)


def _words(rules: Iterable[SecurityGroupRule]) -> list[str]:
    return list(dict.fromkeys(str(rule.traffic) for rule in sorted(rules)))


def _node(scene: Scene, id_: str, state: State | None, in_cycle: bool) -> dict[str, Any]:
    group = scene.after.groups.get(id_) or scene.before.groups.get(id_)
    return {
        "id": id_,
        "label": _named(scene, id_),
        "sub": shown_id(id_),
        "state": state or "outside",
        "cycle": in_cycle,
        "world": group is not None and any(map(_from_anywhere, group.rules)),
        "rules": len(group.rules) if group else 0,
    }


def _named(scene: Scene, id_: str) -> str:
    return scene.name(id_)


def _from_anywhere(rule: SecurityGroupRule) -> bool:
    peer = rule.peer
    is_any = isinstance(peer, CidrPeer) and peer.cidr in (ANY_IPV4, ANY_IPV6)
    return is_any and rule.direction is Direction.INGRESS


def _edge(reference: Reference) -> dict[str, Any]:
    traffic = reference.traffic
    more = f" +{len(traffic) - 2}" if len(traffic) > 2 else ""
    return {
        "source": reference.source,
        "target": reference.target,
        "label": ", ".join(traffic[:2]) + more,
        "state": reference.state,
        "cycle": reference.in_cycle,
    }
