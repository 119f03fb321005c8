"""The HTML report by itself: what it bundles, what it escapes, and the values that its sections are made of."""

import hashlib
import json
import re
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import firewalls as f
import report_material as material
from command_line import EXISTING
from sample_plans import empty

from twinwall.engine import replica
from twinwall.engine.sides import FileSide
from twinwall.model import wire
from twinwall.report.html.acls import acl_blocks
from twinwall.report.html.cycles import cycles
from twinwall.report.html.graph import graph_of
from twinwall.report.html.matrix import ANYWHERE, LISTS, matrix_of
from twinwall.report.html.of_plan import plan_part
from twinwall.report.html.page import Page
from twinwall.report.html.render import render
from twinwall.report.html.rules import group_blocks
from twinwall.report.html.scene import Scene, scene_of_one, scene_of_plan
from twinwall.report.html.tiers import tiers_of
from twinwall.report.html.timeline import timeline_of

VENDOR = files("twinwall.report.html") / "vendor"


def planned(**options: Any) -> Any:
    sides = FileSide("source", material.source()), FileSide("target", material.target())
    return replica.plan(*sides, f.settings(map_vpc_cidr=True, associate="auto", max_change=None, **options))


def scene() -> Scene:
    made = planned()
    return scene_of_plan(made.plan, made.existing)


def one(*groups: Any, **more: Any) -> Scene:
    return scene_of_one(wire.parse_snapshot(f.source(*groups, **more)))


def test_what_is_bundled_is_what_was_published() -> None:
    rows = re.findall(
        r"^\| `(\S+)` .* `([0-9a-f]{64})` \|$", (VENDOR / "README.md").read_text(), re.MULTILINE
    )
    assert {name for name, _ in rows} == {item.name for item in VENDOR.iterdir() if item.name.endswith(".js")}
    for name, sum_ in rows:
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == sum_


class _Elements(HTMLParser):
    """Elements with their attributes, and the scripts' texts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.scripts and self.found[-1][0] == "script":
            self.scripts[-1] += data


def parsed(text: str) -> _Elements:
    elements = _Elements()
    elements.feed(text)
    return elements


def page_of(source: Any, target: Any) -> str:
    sides = FileSide("source", source), FileSide("target", target)
    made = replica.plan(*sides, f.settings(map_vpc_cidr=True, associate="auto", max_change=None))
    return render(Page("twinwall plan", "0", 0.0, [plan_part("t1", made.plan, made.existing)]))


def test_nothing_in_a_report_leads_outside_and_no_word_becomes_an_element() -> None:
    plain, hostile = (
        parsed(page_of(*sides))
        for sides in (
            (material.source(), material.target()),
            (material.hostile(material.source()), material.hostile(material.target())),
        )
    )
    assert {tag for tag, _ in hostile.found} == {tag for tag, _ in plain.found}
    assert len(hostile.scripts) == len(plain.scripts)
    for _, attributes in hostile.found:
        assert not [key for key in attributes if key.startswith("on") or key == "style"]
        links = [attributes[key] or "" for key in ("href", "src", "action") if key in attributes]
        assert all(link.startswith(("#", "data:")) for link in links)
    data = json.loads(hostile.scripts[0])
    assert any(material.HOSTILE in node["label"] for node in data["nodes"])


def test_the_policy_names_each_script_and_style() -> None:
    elements = parsed(page_of(material.source(), material.target()))
    (policy,) = [
        a["content"] for tag, a in elements.found if a.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    code = [script for script in elements.scripts if not script.startswith("{")]
    assert policy.partition("style-src")[0].count("sha256-") == len(code)


def test_half_a_character_and_marks_of_direction_do_no_harm() -> None:
    target = material.target()
    target["SecurityGroups"][-1]["Description"] = "a\ud800b\u202ec"
    assert "<bdi>a?b\u202ec</bdi>" in page_of(material.source(), target)


def test_an_empty_plan_has_its_verdict() -> None:
    part = plan_part("t1", empty(), EXISTING)
    assert part.verdict.tone == "good"
    assert "Nothing to change" in render(Page("twinwall plan", "0", 0.0, [part]))


def test_the_circles_of_a_graph() -> None:
    edges = {"a": ["b"], "b": ["c", "a"], "c": ["d"], "d": ["c", "x"], "e": ["e"], "f": ["a"]}
    assert cycles(edges) == [["a", "b"], ["c", "d"]]
    ring = {str(n): [str((n + 1) % 5000)] for n in range(5000)}
    assert [len(part) for part in cycles(ring)] == [5000]


def test_the_graph_says_what_changes() -> None:
    here = scene()
    graph = graph_of(here, group_blocks(here))
    assert graph is not None
    states = {node["label"]: node["state"] for node in graph.data["nodes"]}
    assert states == {
        "api": "changed",
        "db": "changed",
        "edge": "created",
        "idle": "created",
        "jobs": "changed",
        "default": "same",
        "other": "same",
    }
    told = {(source, target): (one.state, one.in_cycle) for source, target, one in graph.references}
    assert told["edge", "api"] == ("created", False)
    assert told["jobs", "api"] == ("same", True)
    assert graph.circles == [["api", "jobs"]]


def test_a_group_that_is_elsewhere_is_drawn() -> None:
    here = one(f.group("sg-1", "web", "in tcp 443 999999999999/sg-far"))
    graph = graph_of(here, group_blocks(here))
    assert graph is not None
    assert [node["label"] for node in graph.data["nodes"] if node["state"] == "outside"] == ["sg-far"]


def test_the_matrix_says_who_reaches_whom() -> None:
    matrix = matrix_of(scene(), "c")
    assert matrix is not None
    cells = {(cell.source, cell.target): cell for cell in matrix.cells}
    assert cells["edge", "api"].words == ["tcp/8080"]
    assert cells["edge", "api"].sign == "+"
    assert cells[ANYWHERE, "db"].words == []
    assert cells[ANYWHERE, "db"].closed == ["tcp/22"]
    assert cells[LISTS, "db"].words == ["tcp/22"]
    assert cells["db", "db"].kept == ["tcp/5432"], "its own rules let nothing out"
    assert [rule.sign for _, rule in cells[ANYWHERE, "db"].rules] == ["-"]


def test_tiers_of_many_groups() -> None:
    many = [
        f.group(f"sg-{n}", f"g{n}", f"in tcp 1 sg-{n - 1}" if n % 3 else "in tcp 443 0.0.0.0/0")
        for n in range(60)
    ]
    assert len(set(tiers_of(one(*many)).of.values())) == 4, "outside, one behind, two behind, default: nobody"
    for n, group in enumerate(many):
        group["Tags"] = [{"Key": "tier", "Value": "web" if n % 2 else "db"}]
    tiers = tiers_of(one(*many))
    assert tiers.how == "groups by their tag tier"
    assert tiers.names == ["db", "no tag tier", "web"]
    assert tiers_of(one(*many[:3])).each_group


def test_a_shadowed_entry_is_told_with_what_shadows_it() -> None:
    (public,) = [block for block in acl_blocks(scene()) if block.name == "public"]
    ingress = dict(public.tables)["ingress"]
    assert [(row.number, bool(row.never)) for row in ingress] == [
        ("100", False),
        ("200", True),
        ("210", True),
        ("*", False),
    ]
    assert "100 (allow)" in ingress[1].never
    assert [name for _, name, _ in public.subnets] == ["public"]


def record(event: str, second: float, **fields: Any) -> dict[str, Any]:
    return {"event": event, "time": f"2026-01-01T00:00:{second:06.3f}Z", **fields}


def test_the_time_line_of_the_last_run() -> None:
    thing = {"type": "security-group", "id": {"ref": "web"}, "name": "web"}
    call = {"action": "CreateSecurityGroup", "resource": thing}
    records = [
        record("journal", 0),
        record("call", 0.5, step=0, **call),
        record("journal", 10),
        record("call", 11, step=0, **call),
        record("refused", 11.5, step=0),
        record("call", 12, step=0, **call),
        record("done", 13, step=0, id="sg-1"),
        record("call", 13, step=1, **call),
        record("failed", 14, step=1, error="no"),
        record("call", 14, step=2, **call),
        record("stopped", 15),
    ]
    line = timeline_of("j", records)
    assert line is not None
    assert [(c.start, c.end, c.outcome, c.troubles) for c in line.calls] == [
        (1.0, 3.0, "done", ["EC2 asked for patience"]),
        (3.0, 4.0, "failed", []),
        (4.0, 5.0, "", []),
    ]
    assert line.marks == [(5.0, "stopped")]
    assert (line.seconds, line.place(3.0)) == (5.0, 60.0)
    assert timeline_of("j", records[:1]) is None
