"""What only reads: a firewall as a snapshot, and whether two of them admit the same packets."""

from dataclasses import dataclass, replace

from twinwall.boundary import Document
from twinwall.engine.reading import SideReader, read_scene
from twinwall.engine.sides import Side
from twinwall.errors import AccessDenied
from twinwall.model.firewall import Endpoint, Snapshot
from twinwall.planning.desired import Desired
from twinwall.planning.proof import VerifyReport
from twinwall.planning.semantics import Lists
from twinwall.planning.verify import verify as compare
from twinwall.replica.members import todays_members
from twinwall.replica.scene import Scene
from twinwall.replica.selection import select_acls, select_groups
from twinwall.replica.settings import Settings
from twinwall.replica.translate import translate


@dataclass(frozen=True)
class Compared:
    """What ``verify`` found, and what it compared: the source in the target's terms, and the target as it was read."""

    report: VerifyReport
    source: Endpoint
    target: Endpoint
    desired: Desired
    existing: Snapshot


def snapshot(side: Side, settings: Settings, name: str = "source") -> Document:
    """The side's firewall as a snapshot document: all sections that there are, groups and ACLs narrowed by
    the selection (then ``Selection`` says so), lists those that the rules name."""
    reader = SideReader(side, name)
    reader.read("Vpcs", "Subnets", "SecurityGroups", "NetworkAcls", "NetworkInterfaces")
    if settings.translation.rule_tags:
        reader.read("SecurityGroupRules")
    values = reader.snapshot()
    reader.read_lists(
        sorted({str(r.peer) for g in values.groups for r in g.rules if str(r.peer).startswith("pl-")})
    )
    groups = {group.group_id for group in select_groups(values, settings.selection)}
    acls = {acl.network_acl_id for acl in select_acls(values, settings.selection)}
    document = _of_one_vpc(reader.document, reader.at.vpc_id)
    for section, key, chosen in (
        ("SecurityGroups", "GroupId", groups),
        ("NetworkAcls", "NetworkAclId", acls),
    ):
        if document.get(section) is not None:
            document[section] = [thing for thing in document[section] if thing[key] in chosen]
    if len(groups) < len(values.groups) or len(acls) < len(values.acls or ()):
        document["Selection"] = "narrowed"
    return document


def _of_one_vpc(document: Document, vpc_id: str) -> Document:
    """A file of several VPCs, narrowed to one, names no other one; what is missing stays missing."""
    narrowed = {
        section: [thing for thing in document[section] if thing.get("VpcId", vpc_id) == vpc_id]
        for section in ("Vpcs", "Subnets", "NetworkInterfaces", "Instances")
        if document.get(section) is not None
    }
    return {**document, **narrowed}


def opened(source: Side) -> SideReader:
    """A source that is read once for several targets."""
    return SideReader(source, "source")


def verify(source: Side | SideReader, target: Side, settings: Settings) -> Compared:
    """Do both admit the same packets, after translation? Writes nothing."""
    here = source if isinstance(source, SideReader) else opened(source)
    there = SideReader(target, "target")
    scene = read_scene(here, there, settings, writing=False)
    desired = _without_deletions(translate(scene), settings.limits.prune)
    report = compare(desired, there.snapshot())
    if report.verdict == "undecided" and (today := _todays_members(here, there, scene, desired)):
        report = compare(desired, there.snapshot(), today=today)
    return Compared(report, here.endpoint, there.endpoint, desired, there.snapshot())


def _todays_members(here: SideReader, there: SideReader, scene: Scene, desired: Desired) -> tuple[Lists, ...]:
    """Interfaces are asked for only where the answer hangs on members; without permission they stay unknown."""
    try:
        here.read("NetworkInterfaces")
        there.read("NetworkInterfaces")
    except AccessDenied:
        return ()
    return todays_members(replace(scene, source=here.snapshot(), target=there.snapshot()), desired)


def _without_deletions(desired: Desired, prune: bool) -> Desired:
    return desired if prune else replace(desired, delete_groups=(), delete_acls=(), delete_lists=())
