"""Findings as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format", errata 01).

A firewall has no lines. A finding's place is the thing's *logical* location, ``ACCOUNT/REGION/VPC/ID`` as far
as that is known; where a snapshot file was read, that file is the physical one, which code scanning services
ask for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from twinwall.planning.findings import Finding
from twinwall.planning.lint import CATALOG, Check

Json = dict[str, Any]
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


@dataclass(frozen=True)
class Told:
    """A finding and where it is: the place whose thing it is about (a VPC), and the file and line that speak of
    it, if one does."""

    finding: Finding
    place: str
    file: str = ""
    line: int = 1


def sarif_document(
    findings: Sequence[Finding], *, vpc_id: str, version: str, files: Sequence[str] = ()
) -> Json:
    """What lint found. ``files``: the snapshot files that were read, with ``/``; none for a live VPC."""
    told = [Told(finding, vpc_id, files[0] if files else "") for finding in findings]
    return run_document(told, CATALOG, version)


def run_document(told: Sequence[Told], checks: Sequence[Check], version: str) -> Json:
    """One run. ``checks``: every kind of finding there is."""
    index = {check.id: number for number, check in enumerate(checks)}
    driver = {"name": "twinwall", "semanticVersion": version, "rules": list(map(_rule, checks))}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": [_result(one, index[one.finding.id]) for one in told],
            }
        ],
    }


def _rule(check: Check) -> Json:
    return {
        "id": check.id,
        "name": "".join(part.capitalize() for part in check.id.split("-")),
        "shortDescription": {"text": f"{check.title}."},
        "fullDescription": {"text": check.help},
        "help": {"text": check.help},
        "defaultConfiguration": {"level": check.severity},
    }


def _result(one: Told, index: int) -> Json:
    finding = one.finding
    words = [f"{finding.resource}: {finding.message}."]
    words += [f"Fix: {finding.way_out}."] if finding.way_out else []
    words += [f"Rule: {finding.rule}."] if finding.rule else []
    return {
        "ruleId": finding.id,
        "ruleIndex": index,
        "level": finding.severity,
        "message": {"text": " ".join(words)},
        "locations": [_location(one)],
        "partialFingerprints": {"twinwall/v1": _fingerprint(one)},
    }


def _location(one: Told) -> Json:
    resource = one.finding.resource
    place: Json = {
        "logicalLocations": [
            {
                "name": resource.name or resource.id,
                "fullyQualifiedName": f"{one.place}/{resource.id}",
                "kind": "resource",
            }
        ]
    }
    if one.file:
        uri = quote(one.file, safe="/")
        place["physicalLocation"] = {"artifactLocation": {"uri": uri}, "region": {"startLine": one.line}}
    return place


def _fingerprint(one: Told) -> str:
    """The same finding keeps it from run to run, whatever else is found."""
    finding = one.finding
    parts = (finding.id, one.place, finding.resource.type, finding.resource.id, finding.rule)
    return sha256("\0".join(parts).encode()).hexdigest()
