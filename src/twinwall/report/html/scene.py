"""The firewall that a page speaks of, before and after, with the names of what it names.

``before`` and ``after`` are what the words of the scene call them: a plan's target as it stands and as it will, or
for a comparison the target and what the source is in its terms. Where there is one state only, both are the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from twinwall.model.firewall import NetworkAcl, Resource, SecurityGroup, Snapshot, ref_name
from twinwall.model.ownership import LOCK_TAG
from twinwall.model.rules import GroupPeer, Peer
from twinwall.planning.desired import Desired
from twinwall.planning.plan import Plan
from twinwall.planning.replay import Replay
from twinwall.planning.replay import after as after_calls


@dataclass(frozen=True)
class Scene:
    """``words``: what before and after are called. ``compares`` is false where there is one state only."""

    before: Replay
    after: Replay
    network: Snapshot
    words: tuple[str, str] = ("before", "after")
    compares: bool = True

    @cached_property
    def group_ids(self) -> tuple[str, ...]:
        """Of both states, by name."""
        ids = dict.fromkeys((*self.before.groups, *self.after.groups))
        shown = (id_ for id_ in ids if not self._is_lock(id_))
        return tuple(sorted(shown, key=lambda id_: (self.name(id_).casefold(), id_)))

    def _is_lock(self, id_: str) -> bool:
        group = self.after.groups.get(id_) or self.before.groups.get(id_)
        return group is not None and any(key == LOCK_TAG for key, _ in group.tags)

    @cached_property
    def acl_ids(self) -> tuple[str, ...]:
        ids = dict.fromkeys((*self.before.acls, *self.after.acls))
        return tuple(sorted(ids, key=lambda id_: (self.name(id_).casefold(), id_)))

    @cached_property
    def list_ids(self) -> tuple[str, ...]:
        ids = dict.fromkeys((*self.before.lists, *self.after.lists))
        return tuple(sorted(ids, key=lambda id_: (self.name(id_).casefold(), id_)))

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Of all groups, ACLs, lists and subnets that are known, by id."""
        found: dict[str, str] = {}
        for state in (self.before, self.after):
            found |= {id_: group.group_name for id_, group in state.groups.items()}
            found |= {id_: acl.name for id_, acl in state.acls.items()}
            found |= {id_: item.name for id_, item in state.lists.items()}
        return found | {subnet.subnet_id: subnet.name for subnet in self.network.subnets or ()}

    def name(self, id_: str) -> str:
        return self.names.get(id_) or ref_name(id_) or id_

    def peer_name(self, peer: Peer) -> str:
        """A rule's other side as a person calls it."""
        known = self.names.get(str(peer))
        if isinstance(peer, GroupPeer):
            return known or peer.group_name or ref_name(peer.group_id) or peer.group_id
        return known or ref_name(str(peer)) or str(peer)

    def subnets_of(self, state: Replay, acl_id: str) -> list[str]:
        return sorted(subnet for subnet, acl in state.acl_of_subnet.items() if acl == acl_id)


def shown_id(id_: str) -> str:
    """The id as a person may look it up; empty for what does not exist yet."""
    return "" if ref_name(id_) is not None else id_


def resource_name(resource: Resource) -> str:
    return resource.name or ref_name(resource.id) or resource.id


def scene_of_plan(plan: Plan, existing: Snapshot) -> Scene:
    return Scene(Replay.of(existing), after_calls(existing, plan.changes), existing)


def scene_of_one(snapshot: Snapshot) -> Scene:
    state = Replay.of(snapshot)
    return Scene(state, state, snapshot, compares=False)


def scene_of_comparison(desired: Desired, target: Snapshot) -> Scene:
    """The target, and what it would be if it were as the source."""
    wanted = Replay.of(target)
    for group in desired.groups:
        wanted.groups[group.group_id] = _with_tags(group, wanted.groups.get(group.group_id))
    for acl in desired.acls:
        wanted.acls[acl.network_acl_id] = _placed(acl, wanted.acls.get(acl.network_acl_id))
    wanted.lists |= {item.prefix_list_id: item for item in desired.lists}
    for association in desired.associations:
        wanted.acl_of_subnet[association.subnet.id] = association.network_acl_id
    for id_ in (*desired.delete_groups, *desired.delete_acls, *desired.delete_lists):
        for things in (wanted.groups, wanted.acls, wanted.lists):
            things.pop(id_, None)
    return Scene(Replay.of(target), wanted, target, ("target", "source, in the target's terms"))


def _with_tags(group: SecurityGroup, held: SecurityGroup | None) -> SecurityGroup:
    """Tags are no part of a comparison, and the target's own stay."""
    return replace(group, tags=held.tags) if held else group


def _placed(acl: NetworkAcl, held: NetworkAcl | None) -> NetworkAcl:
    return replace(acl, tags=held.tags, is_default=held.is_default) if held else acl
