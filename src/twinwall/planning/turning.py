"""From a journal to what is to be: onward to where its plan leads, or back to where it began.

                    onward (resume)                        back (undo)
things              those that the plan changes            those that the journal's calls touched
wanted              before, and the plan's calls replayed  as before
made by the run     found by id, by mark and name, kept    deleted
deleted by the run  deleted                                made again, under a new id
somebody else's     stays as it is now                     refused, named
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from twinwall.errors import ForeignOwner
from twinwall.model.firewall import (
    NetworkAcl,
    PrefixList,
    Resource,
    ResourceType,
    SecurityGroup,
    Snapshot,
    new_id,
)
from twinwall.model.rules import SecurityGroupRule
from twinwall.planning import changes as c
from twinwall.planning.desired import Desired, DesiredAssociation, resolve_desired
from twinwall.planning.history import (
    Foreign,
    History,
    Own,
    acl_of,
    foreign,
    own_work,
    things_in,
    twins_of,
)
from twinwall.planning.replay import Replay

NO_SUBNET = Resource("subnet", "")


# --- onward


def onward(history: History, now: Snapshot) -> Desired:
    """Where the plan leads; what somebody else has changed meanwhile stays, and is a finding."""
    replay = Replay.of(history.before)
    replay.take(history.plan.changes)
    named, known = {change.resource.id for change in history.plan.changes}, history.ids
    desired = Desired(
        groups=tuple(replay.groups[id_] for id_ in sorted(named) if id_ in replay.groups),
        acls=tuple(replay.acls[id_] for id_ in sorted(named) if id_ in replay.acls),
        lists=tuple(replay.lists[id_] for id_ in sorted(named) if id_ in replay.lists),
        associations=tuple(
            DesiredAssociation(Resource("subnet", id_), replay.acl_of_subnet[id_], NO_SUBNET)
            for id_ in sorted(named)
            if id_ in replay.acl_of_subnet
        ),
        delete_groups=_gone(named, known, history.before.group_by_id, replay.groups, now.group_by_id),
        delete_acls=_gone(named, known, _acls(history.before), replay.acls, _acls(now)),
        delete_lists=_gone(named, known, history.before.list_by_id, replay.lists, now.list_by_id),
        purpose="resumed",
    )
    own = own_work(history)
    others = (*foreign(history, own, now), *_made_anew(history, own, now))
    desired = resolve_desired(desired, history.ids)
    lists = tuple(item for item in desired.lists if item.prefix_list_id not in history.shared)
    desired = _left_alone(replace(desired, lists=lists), others, now)
    return replace(desired, findings=tuple(one.finding() for one in others))


def _made_anew(history: History, own: Own, now: Snapshot) -> Iterator[Foreign]:
    """What the run deleted, and an undo, or somebody, has made again since: it stays."""
    things = things_in(now)
    for id_ in sorted(set(twins_of(own, history.before, now).values()) - own.created):
        yield Foreign(things[id_].resource, None, there=True)


def _acls(snapshot: Snapshot) -> Mapping[str, NetworkAcl]:
    return {acl.network_acl_id: acl for acl in snapshot.acls or ()}


def _gone(
    named: Iterable[str],
    ids: Mapping[str, str],
    before: Collection[str],
    after: Collection[str],
    now: Collection[str],
) -> tuple[str, ...]:
    """What the plan deletes, and stands there still: of before, or made by the run for a while."""
    gone = (ids.get(id_, id_) for id_ in named if id_ not in after and (id_ in before or id_ in ids))
    return tuple(sorted(id_ for id_ in gone if id_ in now))


def _left_alone(desired: Desired, others: Collection[Foreign], now: Snapshot) -> Desired:
    """The desired state with what somebody else did as it is now."""
    moved = {one.resource.id for one in others if one.resource.type == "subnet"}
    lost = {one.resource.id for one in others if one.thing is None}
    acls, lists = _acls(now), now.list_by_id

    def group(wanted: SecurityGroup) -> SecurityGroup:
        mine = [one for one in others if one.resource.id == wanted.group_id]
        come = [one.thing for one in mine if one.there and isinstance(one.thing, SecurityGroupRule)]
        gone = {one.thing for one in mine if not one.there}
        rules = dict.fromkeys((*(rule for rule in wanted.rules if rule not in gone), *come))
        return replace(wanted, rules=tuple(rules))

    changed = {one.resource.id for one in others if one.thing is not None}
    return replace(
        desired,
        groups=tuple(group(one) for one in desired.groups if one.group_id not in lost),
        acls=tuple(
            acls[a.network_acl_id] if a.network_acl_id in changed else a
            for a in desired.acls
            if a.network_acl_id not in lost
        ),
        lists=tuple(
            lists[i.prefix_list_id] if i.prefix_list_id in changed else i
            for i in desired.lists
            if i.prefix_list_id not in lost
        ),
        associations=tuple(a for a in desired.associations if a.subnet.id not in moved),
    )


# --- back


def back(history: History, now: Snapshot) -> Desired:
    """As it was before. Raises ``ForeignOwner``: what somebody else changed since, and who uses what would go."""
    own = own_work(history)
    _refuse_foreign(tuple(foreign(history, own, now)))
    made = {id_ for id_ in own.created if id_ in {**now.group_by_id, **_acls(now), **now.list_by_id}}
    _refuse_used(made, own, now)
    return _Back(history.before, now, own, made).desired()


def _refuse_foreign(others: Collection[Foreign]) -> None:
    if not others:
        return
    told = "; ".join(map(str, list(others)[:3])) + (
        f"; and {len(others) - 3} more" if len(others) > 3 else ""
    )
    raise ForeignOwner(f"undoing: {told}; settle that with whoever did it (or put it back), then undo again")


def _refuse_used(made: Collection[str], own: Own, now: Snapshot) -> None:
    """What the run made goes only if nobody uses it: no interface, no rule of somebody else's group here or elsewhere,
    no subnet that the run did not move."""
    users = [
        (id_, interface.interface_id)
        for interface in now.interfaces or ()
        for id_ in interface.group_ids
        if id_ in made
    ]
    users += [
        (str(rule.peer), f"a rule of {group.resource}")
        for group in now.groups
        if group.group_id not in own.touched
        for rule in group.rules
        if str(rule.peer) in made
    ]
    users += [
        (acl, subnet) for subnet, acl in acl_of(now).items() if acl in made and subnet not in own.acls_of
    ]
    users += [
        (item.prefix_list_id, user)
        for item in now.prefix_lists or ()
        if item.prefix_list_id in made
        for user in item.users or ()
        if user not in own.touched | now.group_by_id.keys()
    ]
    if users:
        id_, user = min(users)
        more = f" and {len(users) - 1} more" if len(users) > 1 else ""
        raise ForeignOwner(
            f"undoing: {id_}, which the run made, is used by {user}{more}; free it first, then undo again"
        )


@dataclass(frozen=True)
class _Back:
    before: Snapshot
    now: Snapshot
    own: Own
    made: Collection[str]

    def desired(self) -> Desired:
        again = self._made_again()
        touched = self.own.touched
        had, has = acl_of(self.before), acl_of(self.now)
        swapped = [
            subnet
            for subnet in sorted(self.own.acls_of)
            if subnet in had and again.get(had[subnet], had[subnet]) != has.get(subnet)
        ]
        return Desired(
            groups=tuple(self._group(g, again) for g in self.before.groups if g.group_id in touched),
            acls=tuple(
                replace(acl, network_acl_id=again.get(acl.network_acl_id, acl.network_acl_id))
                for acl in self.before.acls or ()
                if acl.network_acl_id in touched
            ),
            lists=tuple(
                self._list(i, again) for i in self.before.prefix_lists or () if i.prefix_list_id in touched
            ),
            associations=tuple(
                DesiredAssociation(Resource("subnet", subnet), again.get(had[subnet], had[subnet]), NO_SUBNET)
                for subnet in swapped
            ),
            delete_groups=tuple(sorted(id_ for id_ in self.made if id_.startswith("sg-"))),
            delete_acls=tuple(sorted(id_ for id_ in self.made if id_.startswith("acl-"))),
            delete_lists=tuple(sorted(id_ for id_ in self.made if id_.startswith("pl-"))),
            purpose="undone",
            drop_tags=self._tags_to_drop(),
        )

    def _made_again(self) -> dict[str, str]:
        """Old id → ref, of what the run deleted; or → the id under which an earlier undo has made it again."""
        held, twins = things_in(self.now), twins_of(self.own, self.before, self.now)
        gone = [id_ for id_ in sorted(self.own.deleted) if id_ not in held]
        return {id_: twins.get(id_) or new_id(_type(id_), self._name(id_)) for id_ in gone}

    def _name(self, id_: str) -> str:
        group = self.before.group_by_id.get(id_)
        return group.group_name if group else id_

    def _group(self, group: SecurityGroup, again: Mapping[str, str]) -> SecurityGroup:
        rules = tuple(
            replace(rule, peer=c.resolve_peer(rule.peer, again), rule_id="") for rule in group.rules
        )
        return replace(group, group_id=again.get(group.group_id, group.group_id), rules=rules)

    def _list(self, item: PrefixList, again: Mapping[str, str]) -> PrefixList:
        return replace(item, prefix_list_id=again.get(item.prefix_list_id, item.prefix_list_id))

    def _tags_to_drop(self) -> dict[str, tuple[str, ...]]:
        """Keys that the run put on and that were not there before."""
        things = things_in(self.before)
        found = {
            id_: tuple(sorted(keys - {key for key, _ in things[id_].tags}))
            for id_, keys in sorted(self.own.tagged.items())
            if id_ in things and id_ not in self.own.deleted
        }
        return {id_: keys for id_, keys in found.items() if keys}


def _type(id_: str) -> ResourceType:
    if id_.startswith("sg-"):
        return "security-group"
    return "network-acl" if id_.startswith("acl-") else "prefix-list"
