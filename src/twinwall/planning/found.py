"""What a journal's creations became: found by what they made, or sent again as the same call."""

from collections.abc import Collection
from dataclasses import replace

from twinwall.model.firewall import Snapshot, ref_name
from twinwall.planning import changes as c
from twinwall.planning.history import History, Sent, own_work, things_in
from twinwall.planning.order import Barrier, Step
from twinwall.planning.plan import Plan
from twinwall.planning.requests import request_of


def with_found(history: History, now: Snapshot) -> History:
    """The history with the ids of what was made although nobody answered: by name and mark, never what was there
    before. Without those of what is gone again: that is to be made anew."""
    lost = unseen(history, now)
    ids = {ref: id_ for ref, id_ in history.ids.items() if id_ not in lost}
    for sent in history.sent:
        ref = sent.change.resource.id
        if (
            ref_name(ref) is not None
            and ref not in ids
            and (found := _made(sent, history, now, set(ids.values())))
        ):
            ids[ref] = found
    return replace(history, ids=ids)


def _made(sent: Sent, history: History, now: Snapshot, known: set[str]) -> str | None:
    """A tag set that is ours names one thing; without tags nobody can tell."""
    change, before = sent.change, history.before
    match change:
        case c.CreateSecurityGroup(group_name=name, tags=tags):
            found = [
                g.group_id
                for g in now.groups
                if g.group_name.casefold() == name.casefold() and set(tags) <= set(g.tags)
            ]
            old: Collection[str] = before.group_by_id
        case c.CreateNetworkAcl(tags=tags):
            found = [acl.network_acl_id for acl in now.acls or () if tags and set(tags) <= set(acl.tags)]
            old = {acl.network_acl_id for acl in before.acls or ()}
        case c.CreateManagedPrefixList(tags=tags):
            found = [i.prefix_list_id for i in now.prefix_lists or () if tags and set(tags) <= set(i.tags)]
            old = before.list_by_id
        case _:
            return None
    fresh = sorted(id_ for id_ in found if id_ not in old and id_ not in known)
    return fresh[0] if fresh else None


def with_tokens(plan: Plan, history: History) -> Plan:
    """Creations that the journal has sent already go out under their old tokens: where a reading does not show yet what
    came of one that nobody answered, EC2 answers with that, and makes no second one (aws-facts 3.3)."""
    sent = [one.change for one in history.sent if not one.answered]
    old = [ch for ch in sent if isinstance(ch, _BY_TOKEN) and ch.resource.id not in history.ids]

    def same(item: Step | Barrier) -> Step | Barrier:
        if not isinstance(item, Step) or not isinstance(item.change, _BY_TOKEN):
            return item
        asked = request_of(item.change)
        twin = next((ch for ch in old if request_of(replace(ch, client_token="")) == asked), None)
        if twin is None:
            return item
        old.remove(twin)
        return replace(item, change=replace(item.change, client_token=twin.client_token))

    return replace(plan, route=tuple(map(same, plan.route)))


_BY_TOKEN = c.CreateNetworkAcl | c.CreateManagedPrefixList


def unseen(history: History, now: Snapshot) -> frozenset[str]:
    """Ids of what the run made, and did not delete, and that a reading of its kind does not show."""
    own = own_work(history)
    read = {"sg": True, "acl": now.acls is not None, "pl": now.prefix_lists is not None}
    there = things_in(now)
    return frozenset(id_ for id_ in own.created - own.deleted if id_ not in there and read[id_.split("-")[0]])
