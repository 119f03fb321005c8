"""Who the members of referenced groups are today, as far as interfaces tell."""

from twinwall.model.firewall import Snapshot
from twinwall.model.net import Cidr
from twinwall.planning.desired import Desired
from twinwall.planning.semantics import Lists
from twinwall.replica.cidrs import CidrMapper
from twinwall.replica.scene import Scene
from twinwall.replica.translate import cidr_maps


def todays_members(scene: Scene, desired: Desired) -> tuple[Lists, ...]:
    """The target's members and the source's, both by the target's group ids and at the target's addresses. The
    source's take the place of the target's for the groups that stand for some of the source.

    Nothing if the interfaces of one side are not known, or a VPC is shared, whose owner may have others.
    """
    if scene.source.interfaces is None or scene.target.interfaces is None:
        return ()
    if scene.target_shared or scene.source_shared:
        return ()
    mapper = CidrMapper.of(cidr_maps(scene))
    here, there = _members(scene.source), _members(scene.target)
    translated = {
        id_: tuple(sorted({mapper.map(cidr) for one in sources for cidr in here[one]}))
        for id_, sources in desired.counterparts.items()
        if id_ in there and sources <= here.keys()
    }
    return there, {**there, **translated}


def _members(snapshot: Snapshot) -> dict[str, tuple[Cidr, ...]]:
    """The private addresses of each group of the VPC, none for a group on no interface."""
    found: dict[str, list[Cidr]] = {group.group_id: [] for group in snapshot.groups}
    for interface in snapshot.interfaces or ():
        for group_id in interface.group_ids:
            if group_id in found:
                found[group_id] += interface.addresses
    return {id_: tuple(cidrs) for id_, cidrs in found.items()}
