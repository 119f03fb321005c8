"""What a journal's answered calls left, and what of it a reading does not show: it may lag behind.

What a call without an answer concerns may be one or the other, so nothing is known of it.
"""

from collections.abc import Iterator, Mapping

from twinwall.model.firewall import Snapshot
from twinwall.planning import changes as c
from twinwall.planning.found import unseen
from twinwall.planning.history import History, Sent, acl_of, rules_by

Key = tuple[object, ...]
"""Of what a fact is: the id of a thing, and what of it: a rule, the place of an entry, a block, or its ACL."""
_ACL = "the ACL"
Facts = Mapping[Key, object]


def last_unshown(history: History, now: Snapshot) -> Sent | None:
    """Of what was answered and is not in it, the last. Then it is old, or somebody else has been there since."""
    held = _held(now)
    missing = (
        sent
        for key, (value, sent) in _left(history).items()
        if key[0] in held and held[key[0]].get(key) != value
    )
    return max(missing, key=lambda sent: sent.at, default=None)


def last_unseen(history: History, now: Snapshot) -> Sent | None:
    """Of what was made, by an answer, and is not in it, the last."""
    lost = unseen(history, now)
    makers = (sent for sent in history.sent if history.ids.get(sent.change.resource.id) in lost)
    return max(makers, key=lambda sent: sent.at, default=None)


def _left(history: History) -> dict[Key, tuple[object, Sent]]:
    known: dict[Key, tuple[object, Sent]] = {}
    for sent in history.sent:
        for key, value in _facts(c.resolve(sent.change, history.ids)):
            known[key] = value, sent
            if not sent.answered:
                known.pop(key)
    return known


def _facts(change: c.Change) -> Iterator[tuple[Key, object]]:
    """What stands where it was carried out. None: nothing."""
    id_ = change.resource.id
    come, gone = rules_by(change)
    yield from (((id_, rule), None) for rule in gone)
    yield from (((id_, rule), rule) for rule in come)
    match change:
        case c.CreateNetworkAclEntry(entry=entry) | c.ReplaceNetworkAclEntry(entry=entry):
            yield (id_, entry.key), entry
        case c.DeleteNetworkAclEntry(entry=entry):
            yield (id_, entry.key), None
        case c.ReplaceNetworkAclAssociation(network_acl_id=acl_id):
            yield (id_, _ACL), acl_id
        case c.ModifyManagedPrefixList(add=add, remove=remove):
            yield from (((id_, entry.cidr), None) for entry in remove)
            yield from (((id_, entry.cidr), entry.cidr) for entry in add)
        case _:
            pass


def _held(now: Snapshot) -> dict[object, Facts]:
    """By thing; things that are not there are not in it."""
    held: dict[object, Facts] = {
        group.group_id: {(group.group_id, rule): rule for rule in group.rules} for group in now.groups
    }
    for acl in now.acls or ():
        held[acl.network_acl_id] = {(acl.network_acl_id, entry.key): entry for entry in acl.entries}
    for item in now.prefix_lists or ():
        if item.entries is not None:
            held[item.prefix_list_id] = {
                (item.prefix_list_id, entry.cidr): entry.cidr for entry in item.entries
            }
    held |= {subnet: {(subnet, _ACL): acl_id} for subnet, acl_id in acl_of(now).items()}
    return held
