"""The published table, in Markdown, written from the results alone."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from probes.registry import Probe

SIGNS = {"right": "✓", "wrong": "✗", "missing": "–"}
AREAS = {
    "accounts": "Regions, accounts, roles, policies, records",
    "acls": "Network ACLs",
    "dynamodb": "DynamoDB",
    "events": "EventBridge and Lambda",
    "groups": "Security groups",
    "hooks": "Lifecycle hooks",
    "lists": "Prefix lists",
    "quotas": "Quotas",
    "references": "Rules that name groups and lists",
    "rule_changes": "Rules of security groups, changed",
    "rule_values": "Rules of security groups, their values",
    "rules": "Rules of security groups",
    "scaling": "Auto Scaling groups",
    "scaling_events": "Auto Scaling's events",
    "sharing": "Groups in other VPCs",
    "stacks": "CloudFormation",
}

HEAD = """\
# How faithful is the embedded AWS?

Written by `make fidelity`, which runs a small probe for each documented behaviour against the embedded AWS as a user
starts it (`twinwall demo --serve --enforce-iam`), against moto's own server alone, and against ministack: emulators
answer, and AWS itself was never asked. A probe says what AWS's documentation and API models say; where it says "from
memory", the fact was not found written. Why an answer is wrong stands in [fidelity.json](fidelity.json).

✓ as AWS documents it · ✗ otherwise · – the operation is not there

Sources: B is botocore's service model, BR its runtime, ERR EC2's page of error codes, VPC, PEER, EC2DG, EC2UG, ASG, EB,
EBREF, DDB, LAM the user guides, CLI the AWS CLI's examples, TF Terraform's provider, GH an issue on GitHub, PS the
Service Authorization Reference.
"""


def table(probes: Sequence[Probe], found: Mapping[str, Any]) -> str:
    """``found``: as ``run_all`` answers."""
    return "\n".join([HEAD, *_counts(probes, found), *_areas(probes, found)]) + "\n"


def _counts(probes: Sequence[Probe], found: Mapping[str, Any]) -> Iterator[str]:
    yield _row("", *(f"{name} {world['version']}" for name, world in found.items()))
    yield _row("---", *("---:" for _ in found))
    yield _row(f"**all {len(probes)}**", *(f"**{_right(world, probes)}**" for world in found.values()))
    for area, group in _by_area(probes):
        yield _row(f"{AREAS[area]} ({len(group)})", *(str(_right(world, group)) for world in found.values()))


def _right(world: Mapping[str, Any], probes: Sequence[Probe]) -> int:
    return sum(world["results"][probe.id].outcome == "right" for probe in probes)


def _areas(probes: Sequence[Probe], found: Mapping[str, Any]) -> Iterator[str]:
    for area, group in _by_area(probes):
        yield f"\n## {AREAS[area]}\n"
        yield _row("behaviour", "source", *found)
        yield _row("---", "---", *("---" for _ in found))
        for probe in group:
            signs = (SIGNS[world["results"][probe.id].outcome] for world in found.values())
            yield _row(_plain(probe.behaviour), _plain(probe.source), *signs)


def _by_area(probes: Sequence[Probe]) -> Iterator[tuple[str, list[Probe]]]:
    return ((area, list(group)) for area, group in groupby(probes, key=lambda probe: probe.area))


def _plain(text: str) -> str:
    for sign in "|*_":
        text = text.replace(sign, f"\\{sign}")
    return text


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
