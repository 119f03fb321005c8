"""What a target firewall should be: the meeting point of both halves.

The replica half gets it from another VPC, the mesh half from members; planning and proof know nothing of
either. Everything is in the target's terms: ids of things that exist are the target's, of things that do
not exist yet they are refs (``new_id``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from twinwall.model.firewall import NetworkAcl, PrefixList, Resource, SecurityGroup
from twinwall.planning.changes import resolve_peer
from twinwall.planning.findings import Finding, NotCompared


@dataclass(frozen=True)
class DesiredAssociation:
    """The subnet is to have this ACL. ``association_id`` is the one it has now."""

    subnet: Resource
    network_acl_id: str
    source_subnet: Resource


@dataclass(frozen=True)
class Desired:
    """``groups``, ``acls``, ``lists`` are to be exactly so; what is not named stays as it is.

    ``group_tags`` come in ``SecurityGroup.tags``: they are added, never taken away. ``delete_*`` are ids
    of copies whose source is gone (``--prune``). ``sources`` maps a desired id to the source it copies;
    ``counterparts`` maps the id of a referenced group to the source groups that it stands for. ``purpose`` is the
    reason of every change where it is not copying (``undo``); ``drop_tags``: keys of tags that are to go, by id.
    """

    groups: tuple[SecurityGroup, ...] = ()
    acls: tuple[NetworkAcl, ...] = ()
    lists: tuple[PrefixList, ...] = ()
    associations: tuple[DesiredAssociation, ...] = ()
    delete_groups: tuple[str, ...] = ()
    delete_acls: tuple[str, ...] = ()
    delete_lists: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    not_compared: tuple[NotCompared, ...] = ()
    sources: dict[str, Resource] = field(default_factory=dict)
    adopted: frozenset[str] = frozenset()
    purpose: str = ""
    drop_tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    counterparts: Mapping[str, frozenset[str]] = field(default_factory=dict, compare=False)


def resolve_desired(desired: Desired, ids: Mapping[str, str]) -> Desired:
    """The same with every ref replaced by the id that was created for it."""

    def real(id_: str) -> str:
        return ids.get(id_, id_)

    return replace(
        desired,
        groups=tuple(_resolve_group(group, ids) for group in desired.groups),
        acls=tuple(replace(acl, network_acl_id=real(acl.network_acl_id)) for acl in desired.acls),
        lists=tuple(replace(item, prefix_list_id=real(item.prefix_list_id)) for item in desired.lists),
        associations=tuple(replace(a, network_acl_id=real(a.network_acl_id)) for a in desired.associations),
        sources={real(id_): source for id_, source in desired.sources.items()},
    )


def _resolve_group(group: SecurityGroup, ids: Mapping[str, str]) -> SecurityGroup:
    rules = tuple(replace(rule, peer=resolve_peer(rule.peer, ids)) for rule in group.rules)
    return replace(group, group_id=ids.get(group.group_id, group.group_id), rules=rules)
