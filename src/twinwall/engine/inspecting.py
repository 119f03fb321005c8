"""One firewall, read for ``explain``, ``lint`` and ``export``: live, or from a snapshot."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from twinwall.boundary import Section
from twinwall.engine.reading import SideReader, quotas_of, stale_groups
from twinwall.engine.sides import Side
from twinwall.model import wire
from twinwall.model.firewall import Location, NetworkInterface, SecurityGroup, Snapshot
from twinwall.planning.answer import Answer
from twinwall.planning.asking import Ask
from twinwall.planning.explain import explain as answer
from twinwall.planning.inspected import Firewall
from twinwall.planning.lint import LintReport
from twinwall.planning.lint import lint as findings_of
from twinwall.planning.passage import EPHEMERAL, Ports
from twinwall.replica.selection import select_groups
from twinwall.replica.settings import Selection

_EXPLAINED: tuple[Section, ...] = ("Vpcs", "SecurityGroups", "NetworkAcls", "Subnets", "NetworkInterfaces")
_OF_REFERENCES: tuple[Section, ...] = ("StaleSecurityGroups", "VpcPeeringConnections")
"""What tells that a reference is dead; where it may not be read, what the rules say of it has to do."""


def explain(side: Side, ask: Ask, from_: str, to: str) -> tuple[Answer, Firewall]:
    """And the firewall that was looked at. Raises ``ConfigError`` for what is not there, ``AwsError``'s children for
    what cannot be read."""
    looked_at = _firewall(_read(side))
    return answer(looked_at, ask, from_, to), looked_at


def lint(side: Side, client_ports: Ports = EPHEMERAL) -> tuple[LintReport, Firewall]:
    """And the firewall that was looked at."""
    reader = _read(side)
    looked_at = _firewall(reader)
    return findings_of(looked_at, quotas_of(reader), client_ports), looked_at


def firewall(side: Side, selection: Selection, *, subnets: bool) -> tuple[Snapshot, Location]:
    """All groups and ACLs, and the lists that the selected groups' rules name; ``subnets`` with their names."""
    reader = SideReader(side, "at")
    reader.read("SecurityGroups")
    if selection.only != "groups":
        reader.read("NetworkAcls")
    if subnets:
        reader.read("Subnets")
    _read_lists(reader, select_groups(reader.snapshot(), selection))
    return reader.snapshot(), reader.at


def _read_lists(reader: SideReader, groups: Sequence[SecurityGroup]) -> None:
    rules = [rule for group in groups for rule in group.rules]
    named = sorted({str(rule.peer) for rule in rules if str(rule.peer).startswith("pl-")})
    if named:
        reader.read_lists(named)


def _read(side: Side) -> SideReader:
    reader = SideReader(side, "at")
    reader.read(*_EXPLAINED)
    _read_lists(reader, reader.snapshot().groups)
    for section in _OF_REFERENCES if _has_outside_references(reader) else ():
        reader.read_if_allowed(section)
    return reader


def _has_outside_references(reader: SideReader) -> bool:
    known = reader.snapshot().group_by_id
    peers = (rule.peer for group in reader.snapshot().groups for rule in group.rules)
    return any(str(peer).startswith("sg-") and str(peer) not in known for peer in peers)


def _firewall(reader: SideReader) -> Firewall:
    snapshot = reader.snapshot()
    document = reader.document
    others = frozenset(str(group.get("GroupId")) for group in document.get("SecurityGroups") or ())
    partly = snapshot.interfaces is None and document.get("Instances") is not None
    if partly:
        snapshot = replace(snapshot, interfaces=tuple(_of_instances(document, reader.at.vpc_id)))
    return Firewall(
        label=reader.side.label,
        vpc_id=reader.at.vpc_id,
        snapshot=snapshot,
        whole=not document.get("Selection") and any(group.is_default for group in snapshot.groups),
        elsewhere=others,
        peerings=_peerings(document),
        stale=stale_groups(document),
        all_interfaces=not partly,
    )


def _of_instances(document: Mapping[str, Any], vpc_id: str) -> Iterator[NetworkInterface]:
    """Instances say which interfaces they have; those of load balancers, databases and others stay unknown."""
    for instance in document.get("Instances") or ():
        for item in instance.get("NetworkInterfaces") or ():
            interface = replace(wire.parse_interface(item), instance_id=str(instance.get("InstanceId") or ""))
            if interface.vpc_id in ("", vpc_id):
                yield interface


def _peerings(document: Mapping[str, Any]) -> dict[str, str]:
    return {
        str(item.get("VpcPeeringConnectionId")): str((item.get("Status") or {}).get("Code") or "")
        for item in document.get("VpcPeeringConnections") or ()
    }
