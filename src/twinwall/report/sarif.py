"""Findings as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format", errata 01).

A firewall has no lines. A finding's place is the thing's *logical* location, ``ACCOUNT/REGION/VPC/ID`` as far
as that is known; where a snapshot file was read, that file is the physical one, which code scanning services
ask for.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from twinwall.planning.findings import Finding
from twinwall.planning.lint import CATALOG, Check

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_INDEX = {check.id: index for index, check in enumerate(CATALOG)}


def sarif_document(
    findings: Sequence[Finding], *, vpc_id: str, version: str, files: Sequence[str] = ()
) -> dict[str, Any]:
    """``files``: the snapshot files that were read, with ``/``; none for a live VPC."""
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(version)},
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, vpc_id, files) for finding in findings],
            }
        ],
    }


def _driver(version: str) -> dict[str, Any]:
    return {"name": "twinwall", "semanticVersion": version, "rules": list(map(_rule, CATALOG))}


def _rule(check: Check) -> dict[str, Any]:
    return {
        "id": check.id,
        "name": "".join(part.capitalize() for part in check.id.split("-")),
        "shortDescription": {"text": f"{check.title}."},
        "fullDescription": {"text": check.help},
        "help": {"text": check.help},
        "defaultConfiguration": {"level": check.severity},
    }


def _result(finding: Finding, vpc_id: str, files: Sequence[str]) -> dict[str, Any]:
    told = [f"{finding.resource}: {finding.message}.", f"Fix: {finding.way_out}."]
    told += [f"Rule: {finding.rule}."] if finding.rule else []
    return {
        "ruleId": finding.id,
        "ruleIndex": _INDEX[finding.id],
        "level": finding.severity,
        "message": {"text": " ".join(told)},
        "locations": [_location(finding, vpc_id, files)],
        "partialFingerprints": {"twinwall/v1": _fingerprint(finding, vpc_id)},
    }


def _location(finding: Finding, vpc_id: str, files: Sequence[str]) -> dict[str, Any]:
    place: dict[str, Any] = {
        "logicalLocations": [
            {
                "name": finding.resource.name or finding.resource.id,
                "fullyQualifiedName": f"{vpc_id}/{finding.resource.id}",
                "kind": "resource",
            }
        ]
    }
    if files:
        uri = quote(files[0], safe="/")
        place["physicalLocation"] = {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}
    return place


def _fingerprint(finding: Finding, vpc_id: str) -> str:
    """The same finding keeps it from run to run, whatever else is found."""
    parts = (finding.id, vpc_id, finding.resource.type, finding.resource.id, finding.rule)
    return sha256("\0".join(parts).encode()).hexdigest()
