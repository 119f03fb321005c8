"""Sections that several pages have."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from twinwall.model.firewall import Endpoint, Resource
from twinwall.planning.findings import Finding, NotCompared
from twinwall.planning.flows import Flow
from twinwall.report.blocks import TYPE_WORDS, without_refs
from twinwall.report.flows import FlowLine, flow_lines
from twinwall.report.html.acls import acl_blocks
from twinwall.report.html.graph import graph_of
from twinwall.report.html.matrix import matrix_of
from twinwall.report.html.page import Section, Tone
from twinwall.report.html.rules import GroupBlock, Sign, group_blocks, list_blocks
from twinwall.report.html.scene import Scene, resource_name, shown_id

MOST_ROWS = 6_000
"""Rules of one page. What changes is always shown; of what stays as it is, as much as there is room for."""


@dataclass(frozen=True)
class FlowBlock:
    """``count``: flows before they were merged into lines."""

    title: str
    sign: Sign
    tone: Tone
    lines: Sequence[FlowLine]
    count: int


@dataclass(frozen=True)
class Thing:
    """A resource as a page names it; ``anchor`` is its id where the page may have a block of it."""

    kind: str
    name: str
    shown_id: str
    anchor: str


def thing(resource: Resource) -> Thing:
    return Thing(
        TYPE_WORDS[resource.type],
        resource_name(resource),
        shown_id(resource.id) if resource.id != resource_name(resource) else "",
        resource.id,
    )


def place_facts(name: str, endpoint: Endpoint) -> list[tuple[str, str]]:
    where = " / ".join(part for part in (endpoint.account, endpoint.region) if part)
    label = "" if endpoint.label == endpoint.vpc_id else endpoint.label
    vpc = f"{endpoint.vpc_id}{f' in {where}' if where else ''}"
    return [(name, ": ".join(part for part in (label, vpc) if part))]


def flow_block(title: str, sign: Sign, tone: Tone, flows: Sequence[Flow]) -> FlowBlock:
    return FlowBlock(title, sign, tone, flow_lines(flows), len(flows))


def flows_section(part: str, blocks: Iterable[FlowBlock]) -> Section:
    told = [block for block in blocks if block.lines or block.sign in "+-"]
    return Section("flows", f"{part}-flows", "What opens and closes", told)


def findings_section(part: str, findings: Sequence[Finding], title: str = "Findings") -> Section | None:
    if not findings:
        return None
    order = ("error", "warning", "note")
    rows = [(one, thing(one.resource)) for one in sorted(findings, key=lambda f: order.index(f.severity))]
    return Section("findings", f"{part}-findings", title, rows, len(rows))


def not_compared_section(part: str, items: Sequence[NotCompared]) -> Section | None:
    if not items:
        return None
    rows = [(one.why, without_refs(one.rule), thing(one.resource)) for one in items]
    return Section("not_compared", f"{part}-not-compared", "Not compared", rows, len(rows))


def calls_section(part: str, calls: dict[str, int], title: str, intro: str) -> Section | None:
    """Counts by operation; ``widths`` in percent of the largest."""
    if not calls:
        return None
    most = max(calls.values())
    rows = [(name, number, round(100 * number / most, 1)) for name, number in calls.items()]
    return Section("calls", f"{part}-calls", title, rows, sum(calls.values()), intro)


def scene_sections(part: str, scene: Scene) -> list[Section | None]:
    """The graph, the matrix, groups, ACLs, lists."""
    groups = group_blocks(scene)
    return [
        _graph(part, scene, groups),
        _matrix(part, scene),
        _groups(part, scene, groups),
        _acls(part, scene),
        _lists(part, scene),
    ]


def _graph(part: str, scene: Scene, blocks: Sequence[GroupBlock]) -> Section | None:
    graph = graph_of(scene, blocks)
    if graph is None:
        return None
    return Section("graph", f"{part}-graph", "References between groups", graph, len(scene.group_ids))


def _matrix(part: str, scene: Scene) -> Section | None:
    matrix = matrix_of(scene, f"{part}-cell")
    if matrix is None:
        return None
    return Section("matrix", f"{part}-matrix", "Who may reach whom", matrix, intro=matrix.how)


@dataclass(frozen=True)
class Blocks:
    """``left_out``: how many that stay as they are found no room. ``words``: of the states that are compared."""

    shown: Sequence[object]
    left_out: int
    words: tuple[str, str]
    compares: bool


def _groups(part: str, scene: Scene, blocks: Sequence[GroupBlock]) -> Section | None:
    room, shown = MOST_ROWS, []
    for block in blocks:
        room -= len(block.rows)
        if block.state != "same" or room > 0:
            shown.append(block)
    return _section("groups", part, "Security groups", scene, shown, len(blocks))


def _acls(part: str, scene: Scene) -> Section | None:
    blocks = acl_blocks(scene)
    return _section("acls", part, "Network ACLs", scene, blocks, len(blocks))


def _lists(part: str, scene: Scene) -> Section | None:
    blocks = list_blocks(scene)
    return _section("lists", part, "Prefix lists", scene, blocks, len(blocks))


def _section(
    kind: str, part: str, title: str, scene: Scene, shown: Sequence[object], all_: int
) -> Section | None:
    if not all_:
        return None
    data = Blocks(shown, all_ - len(shown), scene.words, scene.compares)
    return Section(kind, f"{part}-{kind}", title, data, all_)
