"""``twinwall export`` from the command line to the exit code; wrong input is one line."""

import json
from pathlib import Path
from typing import Any

import hcl2
import pytest
from firewalls import DEFAULT_EGRESS, acl, group, planned, source, subnet, target

from twinwall.cli.main import run
from twinwall.documents import plans

Json = dict[str, Any]


@pytest.fixture
def case(tmp_path: Path) -> Path:
    document = source(
        group("sg-web", "web", "in tcp 443 0.0.0.0/0", "in tcp 80 sg-db", DEFAULT_EGRESS),
        group("sg-db", "db", "in tcp 5432 sg-web", DEFAULT_EGRESS),
        acls=[acl("acl-a", "in 100 allow tcp 443 0.0.0.0/0", subnets=["subnet-a"], tags={"Name": "edge"})],
        subnets=[subnet("subnet-a", "10.0.0.0/24")],
    )
    path = tmp_path / "case.json"
    path.write_text(json.dumps(document))
    return path


def export(*arguments: str | Path) -> int:
    return run(["export", *map(str, arguments)])


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    told = capsys.readouterr()
    assert told.out == ""
    (line,) = told.err.splitlines()
    return line


@pytest.mark.parametrize(
    ("format_", "first"),
    [("terraform", "# The firewall of"), ("cloudformation", "{"), ("cli", "#!/usr/bin/env bash")],
)
def test_it_goes_to_stdout(case: Path, capsys: pytest.CaptureFixture[str], format_: str, first: str) -> None:
    assert export("--at", case, "--format", format_) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[0].startswith(first)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_it_goes_to_a_file_of_its_owners(
    case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "firewall.tf"
    assert export("--at", case, "--format", "terraform", "-o", out) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert f"export saved: {out}" in told.err
    assert out.stat().st_mode & 0o777 == 0o600
    assert hcl2.loads(out.read_text("utf-8"))["resource"]


def test_json_holds_the_text_and_the_remarks(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export("--at", case, "--format", "cli", "--group", "web", "--output", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["format"] == "cli"
    assert "DB_ID" in told["text"]
    assert told["remarks"] == ["Security group db (sg-db) is not part of the export: its reader names one"]


def test_associations_come_only_if_asked(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = []
    for more in ([], ["--with-associations"]):
        assert export("--at", case, "--format", "terraform", *more) == 0
        texts.append(capsys.readouterr().out)
    assert ["aws_network_acl_association" in text for text in texts] == [False, True]


def test_a_plan_is_exported(case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "plan.json"
    plans.save(planned(json.loads(case.read_text()), target()), path)
    assert export("--plan", path, "--format", "terraform", "--only", "groups") == 0
    text = capsys.readouterr().out
    assert "vpc-target in 222222222222/us-east-1" in text
    assert "aws_network_acl" not in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--at", "case.json", "--format", "pulumi"), "'pulumi' is not one of"),
        (("--at", "case.json"), "Missing option '--format'"),
        (("--format", "cli"), "either --at X"),
        (("--at", "case.json", "--plan", "p.json", "--format", "cli"), "either --at X"),
        (("--at", "nothing.json", "--format", "cli"), "nothing.json cannot be read"),
        (("--at", "nowhere", "--format", "cli"), "neither a VPC id"),
        (("--plan", "case.json", "--format", "cli"), "case.json is not a plan"),
        (
            ("--at", "case.json", "--format", "cli", "-o", "no/such/folder/x.sh"),
            "no/such/folder/x.sh cannot be written",
        ),
        (("--at", "case.json", "--format", "cli", "--group", "nobody"), "--group nobody"),
        (("--at", "case.json", "--format", "cli", "--with-default"), "take --format terraform"),
        (("--at", "case.json", "--format", "cloudformation", "--with-default"), "take --format terraform"),
        (("--at", "case.json", "--format", "cli", "--at-vpc", "vpc-9"), "holds no such VPC"),
    ],
)
def test_wrong_input_is_one_line_and_1(
    case: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    words: str,
) -> None:
    monkeypatch.chdir(case.parent)
    assert export(*arguments) == 1
    assert words in one_line(capsys)


def test_a_snapshot_of_several_vpcs_needs_at_vpc(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(case.read_text())
    document["SecurityGroups"].append(group("sg-x", "x", vpc="vpc-other"))
    case.write_text(json.dumps(document))
    assert export("--at", case, "--format", "cli") == 1
    assert "--at-vpc" in one_line(capsys)
    assert export("--at", case, "--at-vpc", "vpc-other", "--format", "cli") == 0
