"""What a plan touches, and a digest of it: does the target still look as it did when the plan was made?

Covered are the things the plan changes or names, and what it relies on being absent (a name, a mark). Other
changes in the target do not make a plan stale.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from twinwall.model.firewall import Snapshot, tag
from twinwall.model.ownership import SOURCE_TAG
from twinwall.model.rules import GroupPeer, PrefixListPeer
from twinwall.model.wire import acl_document, group_document, prefix_list_document
from twinwall.planning import changes as c
from twinwall.planning.desired import Desired
from twinwall.planning.plan import Touched


def touched_by(changes: Sequence[c.Change], desired: Desired) -> Touched:
    """Sorted, real ids only."""
    ids = {change.resource.id for change in changes}
    ids |= {c_.network_acl_id for c_ in changes if isinstance(c_, c.ReplaceNetworkAclAssociation)}
    rules = [rule for group in desired.groups if group.group_id in ids for rule in group.rules]
    named = {str(rule.peer) for rule in rules if isinstance(rule.peer, GroupPeer | PrefixListPeer)}
    real = {id_ for id_ in ids if c.ref_name(id_) is None}
    made = [change for change in changes if c.ref_name(change.resource.id) is not None]
    return Touched(
        groups=_sorted(id_ for id_ in real if id_.startswith("sg-")),
        referenced=_sorted(id_ for id_ in named - ids if c.ref_name(id_) is None),
        acls=_sorted(id_ for id_ in real if id_.startswith("acl-")),
        lists=_sorted(id_ for id_ in real if id_.startswith("pl-")),
        subnets=_sorted(id_ for id_ in real if id_.startswith("subnet-")),
        absent_names=_sorted(
            change.group_name.casefold() for change in made if isinstance(change, c.CreateSecurityGroup)
        ),
        absent_marks=_sorted(
            mark
            for change in made
            if isinstance(change, c.CreateSecurityGroup | c.CreateNetworkAcl | c.CreateManagedPrefixList)
            and (mark := tag(change.tags, SOURCE_TAG))
        ),
    )


def _sorted(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(items)))


def digest(existing: Snapshot, touched: Touched) -> str:
    """SHA-256 over the touched things as they are; two reads of one state give one digest."""
    return f"sha256:{_hashed(_state(existing, touched))}"


def parts(existing: Snapshot, touched: Touched) -> dict[str, str]:
    """The same, thing by thing, so that what moved can be named: thing → a short digest of it. What is relied on
    being absent has a part only where it is there."""
    state = _state(existing, touched)
    found = {f"security group {group['GroupId']}": group for group in state["groups"]}
    found |= {f"network ACL {acl['NetworkAclId']}": acl for acl in state["acls"]}
    found |= {f"prefix list {item['PrefixListId']}": item for item in state["lists"]}
    found |= {f"subnet {subnet}": rest for subnet, *rest in state["subnets"]}
    found |= {f"the referenced {id_}": id_ for id_ in state["referenced"]}
    found |= {f"a group named {name}": name for name in state["names"]}
    found |= {f"a copy of {mark} ({id_})": mark for id_, mark in state["marks"]}
    return {thing: _hashed(value)[:12] for thing, value in sorted(found.items())}


def moved(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What is otherwise than it was, in words."""
    words = [f"{thing} is gone" for thing in then if thing not in now]
    words += [f"{thing} is there by now" for thing in now if thing not in then]
    return words + [f"{thing} has changed" for thing in then if now.get(thing, then[thing]) != then[thing]]


def _hashed(state: Any) -> str:
    text = json.dumps(state, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _state(existing: Snapshot, touched: Touched) -> dict[str, Any]:
    groups, acls, lists = set(touched.groups), set(touched.acls), set(touched.lists)
    subnets = set(touched.subnets)
    tagged = [(group.group_id, group.tags) for group in existing.groups]
    tagged += [(acl.network_acl_id, acl.tags) for acl in existing.acls or ()]
    tagged += [(item.prefix_list_id, item.tags) for item in existing.prefix_lists or ()]
    marked = [(id_, mark) for id_, tags in tagged if (mark := tag(tags, SOURCE_TAG)) in touched.absent_marks]
    return {
        "groups": [group_document(g) for g in existing.groups if g.group_id in groups],
        "acls": [
            {**acl_document(a), "Associations": []} for a in existing.acls or () if a.network_acl_id in acls
        ],
        "lists": [prefix_list_document(x) for x in existing.prefix_lists or () if x.prefix_list_id in lists],
        "subnets": [
            [a.subnet_id, acl.network_acl_id, a.association_id]
            for acl in existing.acls or ()
            for a in acl.associations
            if a.subnet_id in subnets
        ],
        "referenced": sorted(set(touched.referenced) & {*existing.group_by_id, *existing.list_by_id}),
        "names": sorted(
            g.group_name.casefold()
            for g in existing.groups
            if g.group_name.casefold() in touched.absent_names
        ),
        "marks": sorted(marked),
    }
