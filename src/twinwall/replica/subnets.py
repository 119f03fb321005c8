"""``--associate``: which subnet of the target corresponds to which of the source, and so gets which ACL."""

from collections.abc import Callable, Mapping

from twinwall.errors import AmbiguousName, ConfigError
from twinwall.model.firewall import NetworkAcl, Resource, Subnet
from twinwall.model.ownership import mark_of
from twinwall.planning.desired import DesiredAssociation
from twinwall.planning.findings import NotCompared
from twinwall.replica.cidrs import CidrMapper
from twinwall.replica.notes import Notes
from twinwall.replica.scene import Scene

Note = Callable[..., None]


def desired_associations(
    scene: Scene, mapper: CidrMapper, copies: Mapping[str, str], notes: Notes
) -> tuple[DesiredAssociation, ...]:
    """``copies``: source ACL id → id or ref of what stands for it. Raises ``AmbiguousName`` with the candidates, and
    ``ConfigError`` for a subnet that is not there or where subnets are unknown."""
    wanted = scene.settings.translation.associate
    if wanted == "none" or scene.target_shared or not copies:
        return ()
    for side, snapshot in (("source", scene.source), ("target", scene.target)):
        if snapshot.subnets is None or snapshot.acls is None:
            raise ConfigError(
                f"--associate: the {side} says nothing of its subnets; take a snapshot that does"
            )
    pairs = _automatic(scene, mapper, notes.note) if wanted == "auto" else _named(scene, wanted)
    found = [_association(scene, source, target, copies, notes) for source, target in pairs]
    return tuple(sorted((item for item in found if item), key=lambda item: item.subnet))


def _association(
    scene: Scene, source: Subnet, target: Subnet, copies: Mapping[str, str], notes: Notes
) -> DesiredAssociation | None:
    acl, now = _acl_of(scene.source.acls or (), source), _acl_of(scene.target.acls or (), target)
    if acl is None:
        return None
    wanted = copies.get(acl.network_acl_id)
    if wanted is not None and (not acl.is_default or scene.adopts_default or _is_copy(scene, now)):
        return DesiredAssociation(target.resource, wanted, source.resource)
    if wanted is None and _is_copy(scene, now):
        why = f"the source's {source.resource} has {acl.resource}, which was not copied; the subnet keeps its ACL"
        notes.leave_out(target.resource, why, "subnet-keeps-acl")
    elif acl.is_default and (now is None or now.network_acl_id != wanted):
        why = f"the source's {source.resource} has the default ACL, which is not adopted; --adopt default"
        notes.not_compared.append(NotCompared(target.resource, why))
    return None


def _is_copy(scene: Scene, acl: NetworkAcl | None) -> bool:
    """A copy of an ACL of this very source VPC."""
    mark = mark_of(acl.tags) if acl else None
    return mark is not None and mark == scene.mark(mark.id)


def _acl_of(acls: tuple[NetworkAcl, ...], subnet: Subnet) -> NetworkAcl | None:
    return next((acl for acl in acls if any(a.subnet_id == subnet.subnet_id for a in acl.associations)), None)


def _named(scene: Scene, wanted: tuple[tuple[str, str], ...]) -> list[tuple[Subnet, Subnet]]:
    return [
        (
            _subnet(scene.source.subnets or (), one, "source"),
            _subnet(scene.target.subnets or (), other, "target"),
        )
        for one, other in wanted
    ]


def _subnet(subnets: tuple[Subnet, ...], wanted: str, side: str) -> Subnet:
    found = [subnet for subnet in subnets if wanted in (subnet.subnet_id, subnet.name)]
    if len(found) != 1:
        raise ConfigError(f"--associate: {len(found)} subnets of the {side} are called {wanted}; give one id")
    return found[0]


def _automatic(scene: Scene, mapper: CidrMapper, note: Note) -> list[tuple[Subnet, Subnet]]:
    """Same Name tag, else same position of CIDR and zone."""
    pairs: list[tuple[Subnet, Subnet]] = []
    for source in scene.source.subnets or ():
        target = _by_name(scene, source) or _by_position(scene, mapper, source)
        if target is None:
            note(
                "subnet-unmatched",
                source.resource,
                "no subnet of the target corresponds to it; --associate names one",
            )
        else:
            pairs.append((source, target))
    _check_one_to_one(pairs)
    return pairs


def _by_name(scene: Scene, source: Subnet) -> Subnet | None:
    if not source.name:
        return None
    found = [subnet for subnet in scene.target.subnets or () if subnet.name == source.name]
    return _only(source, found, f"the Name {source.name!r}")


def _by_position(scene: Scene, mapper: CidrMapper, source: Subnet) -> Subnet | None:
    """The subnet whose block lies where the source's would be mapped to, or at the same offset of the
    VPC's primary block, and whose zone has the same letter."""
    if source.cidr is None:
        return None
    places = {mapper.map(source.cidr)}
    before, after = scene.source_vpc, scene.target_vpc
    if before and after and before.primary and after.primary and before.primary.contains(source.cidr):
        offset = source.cidr.first - before.primary.first
        places.add(type(source.cidr)(source.cidr.family, after.primary.first + offset, source.cidr.length))
    found = [
        subnet
        for subnet in scene.target.subnets or ()
        if subnet.cidr in places and subnet.availability_zone[-1:] == source.availability_zone[-1:]
    ]
    return _only(source, found, f"the position of {source.cidr} in zone {source.availability_zone[-1:]}")


def _only(source: Subnet, found: list[Subnet], by: str) -> Subnet | None:
    if len(found) > 1:
        names = ", ".join(str(subnet.resource) for subnet in found)
        raise AmbiguousName(
            f"--associate auto: {source.resource} matches by {by} {len(found)} subnets, {names}; name one"
        )
    return found[0] if found else None


def _check_one_to_one(pairs: list[tuple[Subnet, Subnet]]) -> None:
    seen: dict[str, Resource] = {}
    for source, target in pairs:
        if (twin := seen.setdefault(target.subnet_id, source.resource)) != source.resource:
            raise AmbiguousName(
                f"--associate auto: {twin} and {source.resource} both match {target.resource}; name the pairs"
            )
