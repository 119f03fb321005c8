"""Small firewalls for explain and lint: the helpers of ``firewalls`` and interfaces."""

from typing import Any

from firewalls import SOURCE, SOURCE_VPC

from twinwall.engine import inspecting
from twinwall.engine.sides import FileSide
from twinwall.planning.answer import Answer
from twinwall.planning.asking import parse_ask
from twinwall.planning.findings import Finding
from twinwall.planning.lint import LintReport

Json = dict[str, Any]


def interface(id_: str, subnet: str, *addresses: str, groups: tuple[str, ...], instance: str = "") -> Json:
    made: Json = {
        "NetworkInterfaceId": id_,
        "SubnetId": subnet,
        "VpcId": SOURCE_VPC,
        "OwnerId": SOURCE,
        "PrivateIpAddresses": [{"PrivateIpAddress": one} for one in addresses if ":" not in one],
        "Ipv6Addresses": [{"Ipv6Address": one} for one in addresses if ":" in one],
        "Groups": [{"GroupId": group} for group in groups],
    }
    return made | ({"Attachment": {"InstanceId": instance}} if instance else {})


def lint_of(document: Json, vpc: str | None = None) -> LintReport:
    return inspecting.lint(FileSide("case.json", document, vpc))[0]


def findings(document: Json, id_: str) -> list[Finding]:
    return [finding for finding in lint_of(document).findings if finding.id == id_]


def told(document: Json, id_: str) -> list[tuple[str, str, str]]:
    """(severity, the thing's id, its rule) of a check's findings."""
    return [(one.severity, one.resource.id, one.rule) for one in findings(document, id_)]


def explained(
    document: Json, from_: str, to: str, protocol: str = "tcp", port: str | None = "443", **more: str
) -> Answer:
    ask = parse_ask(protocol, port if protocol in ("tcp", "udp") else None, **more)
    return inspecting.explain(FileSide("case.json", document), ask, from_, to)[0]
