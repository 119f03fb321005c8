"""``twinwall explain`` and ``twinwall lint`` on snapshot files, from the command line to the exit code."""

import json
from pathlib import Path
from typing import Any

import pytest
from firewalls import DEFAULT_EGRESS, acl, group, source, subnet
from inspections import interface

from twinwall.cli.main import run

Json = dict[str, Any]
OPEN = ("in 100 allow -1 - 0.0.0.0/0", "out 100 allow -1 - 0.0.0.0/0")


@pytest.fixture
def case(tmp_path: Path) -> Path:
    document = source(
        group("sg-web", "web", "in tcp 443 0.0.0.0/0", "in tcp 443 10.0.0.0/8", DEFAULT_EGRESS),
        acls=[acl("acl-a", *OPEN, subnets=["subnet-a"])],
        subnets=[subnet("subnet-a", "10.0.0.0/24")],
        NetworkInterfaces=[
            interface("eni-web", "subnet-a", "10.0.0.5", groups=("sg-web",)),
            interface("eni-six", "subnet-a", "2001:db8::5", groups=("sg-web",)),
        ],
    )
    path = tmp_path / "case.json"
    path.write_text(json.dumps(document))
    return path


def without_acls(case: Path) -> Path:
    document = json.loads(case.read_text())
    del document["NetworkAcls"]
    case.write_text(json.dumps(document))
    return case


def explain(case: Path, *arguments: str) -> int:
    return run(["explain", "--at", str(case), *arguments])


@pytest.mark.parametrize(
    ("from_", "port", "code", "verdict"),
    [
        ("203.0.113.9", "443", 0, "passes"),
        ("203.0.113.9", "22", 2, "refused"),
        ("10.0.0.0/7", "443", 0, "passes"),
    ],
)
def test_explain_exits_by_the_verdict(
    case: Path, capsys: pytest.CaptureFixture[str], from_: str, port: str, code: int, verdict: str
) -> None:
    asked = ("--from", from_, "--to", "eni-web", "--protocol", "tcp", "--port", port)
    assert explain(case, *asked) == code
    text = capsys.readouterr().out
    assert ("does not pass" in text) is (verdict == "refused")
    assert explain(case, *asked, "--output", "json") == code
    assert json.loads(capsys.readouterr().out)["verdict"] == verdict


def test_without_acls_the_answer_is_unknown_and_never_open(
    case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A snapshot may lack any section, so it is no wrong input (1): what cannot be decided is 2."""
    asked = ("--from", "203.0.113.9", "--to", "web", "--protocol", "tcp", "--port", "443", "--output", "json")
    assert explain(case, *asked) == 0
    capsys.readouterr()
    assert explain(without_acls(case), *asked) == 2
    assert json.loads(capsys.readouterr().out)["verdict"] == "unknown"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("--from", "1.2.3", "--to", "eni-web", "--protocol", "tcp", "--port", "1"),
            "--from 1.2.3: not an address",
        ),
        (
            ("--from", "1.2.3.4", "--to", "eni-none", "--protocol", "tcp", "--port", "1"),
            "no such network interface",
        ),
        (("--from", "1.2.3.4", "--to", "eni-six", "--protocol", "tcp", "--port", "1"), "has IPv6 only"),
        (("--from", "1.2.3.4", "--to", "eni-web", "--protocol", "xyz"), "protocol 'xyz'"),
        (("--from", "1.2.3.4", "--to", "eni-web", "--protocol", "tcp", "--port", "70000"), "--port 70000"),
        (("--from", "1.2.3.4", "--to", "eni-web", "--protocol", "tcp"), "without --port"),
        (("--from", "1.2.3.4", "--protocol", "tcp"), "Missing option '--to'"),
        (
            ("--from", "10.0.0.0/33", "--to", "eni-web", "--protocol", "tcp", "--port", "1"),
            "--from 10.0.0.0/33: not an address or CIDR block",
        ),
        (
            ("--from", "1.2.3.4", "--to", "i-none", "--protocol", "tcp", "--port", "1"),
            "no such instance",
        ),
        (
            ("--from", "1.2.3.4", "--to", "web", "--protocol", "tcp", "--port", "1", "--client-ports", "9-1"),
            "--client-ports 9-1: the lower port comes first",
        ),
    ],
)
def test_bad_input_is_one_line_and_1(
    case: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert explain(case, *arguments) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert words in told.err
    assert len(told.err.splitlines()) == 1


@pytest.mark.parametrize(("fail_on", "code"), [(None, 0), ("error", 0), ("warning", 0), ("note", 2)])
def test_lint_fails_on_what_it_is_told_to(case: Path, fail_on: str | None, code: int) -> None:
    more = ["--fail-on", fail_on] if fail_on else []
    assert run(["lint", "--at", str(case), *more]) == code


def test_lint_goes_by_the_ports_that_clients_pick_from(
    case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(case.read_text())
    answers = ("in 100 allow tcp 443 0.0.0.0/0", "out 100 allow tcp 32768-60999 0.0.0.0/0")
    document["NetworkAcls"] = [acl("acl-a", *answers, subnets=["subnet-a"])]
    case.write_text(json.dumps(document))
    assert run(["lint", "--at", str(case)]) == 0
    assert "[acl-reply-refused]" in capsys.readouterr().out
    assert run(["lint", "--at", str(case), "--client-ports", "32768-60999"]) == 0
    assert "[acl-reply-refused]" not in capsys.readouterr().out
    assert run(["lint", "--at", str(case), "--client-ports", "70000"]) == 1
    told = capsys.readouterr().err
    assert told == "twinwall: --client-ports 70000: '70000' is not a number from 0 to 65535\n"


@pytest.mark.parametrize("output", ["json", "sarif", "text"])
def test_lint_speaks_three_tongues(case: Path, capsys: pytest.CaptureFixture[str], output: str) -> None:
    assert run(["lint", "--at", str(case), "--output", output]) == 0
    text = capsys.readouterr().out
    if output == "text":
        assert "[rule-covered]" in text
        return
    document = json.loads(text)
    found = document["findings"] if output == "json" else document["runs"][0]["results"]
    assert [one.get("id") or one["ruleId"] for one in found] == ["rule-covered"]
    if output == "sarif":
        place = found[0]["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == case.as_posix()


def test_sarif_is_lint_s_alone(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(case, "--output", "sarif") == 1
    assert "'sarif' is not one of" in capsys.readouterr().err


def test_a_snapshot_of_several_vpcs_needs_at_vpc(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(case.read_text())
    document["SecurityGroups"].append(group("sg-x", "x", vpc="vpc-other"))
    case.write_text(json.dumps(document))
    assert run(["lint", "--at", str(case)]) == 1
    assert "--at-vpc" in capsys.readouterr().err
    assert run(["lint", "--at", str(case), "--at-vpc", "vpc-source", "--quiet"]) == 0
