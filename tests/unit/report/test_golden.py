"""What users read, held against tests/golden line by line. ``TWINWALL_GOLDEN=write`` writes the files anew."""

import os
import re
from pathlib import Path

import pytest
import sample_plans as sample
from firewalls import DEFAULT_EGRESS, acl, group, source, subnet
from inspections import explained, interface, lint_of
from rich.console import Console, RenderableType

from twinwall.model.firewall import Resource
from twinwall.model.rules import Direction, make_traffic
from twinwall.planning.findings import Finding, NotCompared
from twinwall.planning.flows import Flow
from twinwall.planning.proof import Compared, DecidedBy, Difference, Undecided, VerifyReport
from twinwall.report.applied import applied_text
from twinwall.report.blocks import plain, seconds_words
from twinwall.report.drift import Drift, drift_text
from twinwall.report.explain import explain_text
from twinwall.report.findings import MOST, findings_text
from twinwall.report.lint import lint_text
from twinwall.report.mesh import mesh_status_text
from twinwall.report.plan import plan_text
from twinwall.report.verify import verify_text

GOLDEN = Path(__file__).resolve().parents[2] / "golden"

HTTPS = make_traffic(6, 443, 443)
EQUAL = VerifyReport("equal", Compared(8, 2, 6))
DIFFERENT = VerifyReport(
    verdict="different",
    compared=Compared(1, 1, 0),
    symbols=(sample.WEB, sample.DB),
    not_compared=sample.FULL.not_compared,
    undecided=(
        Undecided(
            sample.DB,
            Direction.EGRESS,
            Flow(Direction.EGRESS, make_traffic(17, 53, 53), "10.0.0.2", sample.DB),
            "differs unless web (sg-1) has no member outside 10.2.0.0/16",
        ),
    ),
    differences=(
        Difference(
            sample.WEB,
            Direction.INGRESS,
            "source",
            Flow(Direction.INGRESS, HTTPS, "198.51.100.7", sample.WEB),
            DecidedBy("ingress tcp/443 from 0.0.0.0/0", "no rule admits it"),
        ),
        Difference(
            Resource("network-acl", "acl-8", "private"),
            Direction.INGRESS,
            "target",
            Flow(Direction.INGRESS, make_traffic(1, 8, 0), "192.0.2.1", sample.SUBNET),
            DecidedBy("ingress 90 deny icmp from 192.0.2.0/24", "ingress 100 allow all from 0.0.0.0/0"),
        ),
        Difference(sample.OLD_LIST, None, "target", None, DecidedBy("there is no such list", "")),
    ),
    truncated=(sample.OLD_ACL,),
)
APPLIED = {"calls": {"CreateSecurityGroup": 1}, "seconds": 201.4, "throttled": 3}
LONG_PATH = "/home/somebody/.local/state/twinwall/journals/20231114T221320Z-vpc-0123456789abcdef0.jsonl"

BACK = (
    "in 90 deny tcp 22 0.0.0.0/0",
    "in 100 allow -1 - 0.0.0.0/0",
    "in 110 allow tcp 22 10.0.0.0/16",
    "out 100 allow tcp 32768-60999 0.0.0.0/0",
    "out 110 allow tcp 443 0.0.0.0/0",
)
INSPECTED = source(
    group("sg-web", "web", "in tcp 443 0.0.0.0/0", "in tcp 443 10.0.0.0/8", "in tcp 22 ::/0", DEFAULT_EGRESS),
    group("sg-db", "db", "in tcp 5432 sg-web", "in tcp 22 10.0.0.0/28", "in tcp 80 sg-gone"),
    acls=[
        acl("acl-a", "in 100 allow -1 - 0.0.0.0/0", "out 100 allow -1 - 0.0.0.0/0", subnets=["subnet-a"]),
        acl("acl-b", *BACK, subnets=["subnet-b"], tags={"Name": "back"}),
    ],
    subnets=[subnet("subnet-a", "10.0.0.0/24", name="front"), subnet("subnet-b", "10.0.1.0/24")],
    NetworkInterfaces=[
        interface("eni-web", "subnet-a", "10.0.0.5", groups=("sg-web",), instance="i-web"),
        interface("eni-db", "subnet-b", "10.0.1.7", groups=("sg-db", "sg-default")),
    ],
)
WITHOUT_ACLS = {key: value for key, value in INSPECTED.items() if key != "NetworkAcls"}

_SITE = {
    "known": True,
    "why": "",
    "generation": 3,
    "age": 12.0,
    "rules": 2,
    "room": 58,
    "room_of_interface": 998,
}
MESH = {
    "mesh": "web",
    "right": False,
    "sites": [
        {**_SITE, "site": "eu-west-1/web", "group": "sg-1", "right": True, "members": ["10.1.0.4/32 i-1"]}
        | {"copies": {"us": "same"}, "missing": [], "extra": [], "other_ports": []},
        {
            **_SITE,
            "site": "us-east-1/web",
            "group": "sg-2",
            "right": False,
            "members": ["10.2.0.4/32 i-2"],
            "room": None,
        }
        | {"copies": {"eu": "older", "ap": "missing"}, "missing": ["ingress tcp/7000 from 10.1.0.4/32"]}
        | {"extra": ["ingress tcp/22 from 0.0.0.0/0"], "known": False, "why": "its row is 900 s old"}
        | {"further_groups": ["sg-4"], "other_ports": ["ingress tcp/7999 from 10.2.0.4/32"]},
        {"site": "ap-south-1/web", "group": "sg-3", "right": False, "why": "the table of ap cannot be read"},
    ],
}
DRIFTS = [
    Drift("shop", "source", "target", "vpc-1", 0, EQUAL),
    Drift("shop", "source", "dr", "vpc-2", 2, DIFFERENT),
    Drift("data", "lake", "lake-dr", "vpc-3", 1, error="reading vpc-3: no credentials; log in again"),
]
WIDE = ("plan", "verify-different", "lint", "explain-partly", "mesh-status", "drift")

REPORTS: dict[str, RenderableType] = {
    "explain-passes": explain_text(
        explained(INSPECTED, "i-web", "db", port="5432", client_ports="32768-60999")
    ),
    "explain-partly": explain_text(explained(INSPECTED, "web", "db", port="5432")),
    "explain-refused": explain_text(explained(INSPECTED, "10.0.0.0/27", "eni-db", port="22")),
    "explain-unknown": explain_text(explained(WITHOUT_ACLS, "203.0.113.9", "eni-web")),
    "lint": lint_text(lint_of(INSPECTED)),
    "lint-clean": lint_text(lint_of(source())),
    "plan": plan_text(sample.FULL),
    "plan-empty": plan_text(sample.empty()),
    "verify-equal": verify_text(EQUAL),
    "verify-different": verify_text(DIFFERENT),
    "applied": applied_text(sample.small(), APPLIED, LONG_PATH),
    "mesh-status": mesh_status_text(MESH),
    "drift": drift_text(DRIFTS),
    "applied-nothing": applied_text(sample.empty(), {"calls": {}, "seconds": 0.0, "throttled": 0}, None),
}


def held(text: str, name: str) -> None:
    path = GOLDEN / name
    if os.environ.get("TWINWALL_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text("utf-8")


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_reads_as_it_did(name: str) -> None:
    held(plain(REPORTS[name]), f"{name}.txt")


@pytest.mark.parametrize("name", WIDE)
def test_a_wide_terminal_is_used(name: str) -> None:
    held(plain(REPORTS[name], 200), f"{name}-200.txt")


def coloured(name: str, width: int) -> str:
    console = Console(
        force_terminal=True, color_system="standard", width=width, highlight=False, markup=False
    )
    with console.capture() as captured:
        console.print(REPORTS[name], crop=False)
    return captured.get()


@pytest.mark.parametrize("name", WIDE)
def test_colours_are_where_they_were(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    held(coloured(name, 80), f"{name}.ansi")


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("name", REPORTS)
def test_colours_add_nothing_that_is_not_said(name: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sees no colours reads the same words; signs and verbs tell what colours tell."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    words = re.sub(r"\x1b\[[0-9;]*m", "", coloured(name, width))
    assert "".join(f"{line.rstrip()}\n" for line in words.splitlines()) == plain(REPORTS[name], width)
    assert all(len(line) <= width for line in words.splitlines() if LONG_PATH not in line)


@pytest.mark.parametrize("name", REPORTS)
def test_a_pipe_gets_80_columns_of_plain_text(name: str) -> None:
    lines = [line for line in plain(REPORTS[name]).splitlines() if LONG_PATH not in line]
    assert all(len(line) <= 80 and line == line.rstrip() for line in lines)
    assert "\x1b" not in plain(REPORTS[name])


def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def shown() -> str:
        console = Console(force_terminal=True, width=80)
        with console.capture() as captured:
            console.print(REPORTS["plan"])
        return captured.get()

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[32m" in shown()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in shown()


def test_names_are_never_read_as_markup() -> None:
    finding = Finding("x", "warning", Resource("security-group", "sg-1", "[red]web[/red] :smile:"), "[bold]")
    assert "[red]web[/red] :smile: (sg-1): [bold]" in plain(findings_text([finding]))


def test_the_severest_findings_come_first() -> None:
    kinds = ("note", "error", "warning")
    findings = [Finding(kind, kind, sample.DB, f"the {kind}") for kind in kinds]
    text = plain(findings_text(findings))
    assert text.index("the error") < text.index("the warning") < text.index("the note")


def test_many_findings_are_cut_and_counted() -> None:
    text = plain(findings_text([Finding("x", "note", sample.DB, "again")] * (MOST + 5)))
    assert "Findings (25)" in text
    assert "… and 5 more; --output json has all" in text


def test_many_rules_of_one_call_are_cut_and_counted() -> None:
    change = sample.c.AuthorizeRules(
        resource=sample.DB, direction=Direction.INGRESS, rules=(sample.HTTPS,) * 45
    )
    plan = sample.Plan(
        sample.SOURCE,
        sample.TARGET,
        (sample.Step(change),),
        sample.Desired(),
        sample.Summary(),
        "",
        sample.Touched(),
    )
    assert "… and 15 more" in plain(plan_text(plan))


def test_what_is_not_compared_names_its_rule() -> None:
    item = NotCompared(sample.DB, "no counterpart", "ingress tcp/22 from sg-5")
    text = plain(verify_text(VerifyReport("equal", Compared(1), not_compared=(item,))))
    assert "db [old] (sg-9), ingress tcp/22 from sg-5: no counterpart" in text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "less than a second"), (1.4, "1 s"), (119.4, "119 s"), (200, "3 min 20 s")],
)
def test_times_are_rounded(seconds: float, words: str) -> None:
    assert seconds_words(seconds) == words
