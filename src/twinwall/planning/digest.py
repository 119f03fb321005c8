"""What a plan touches, and a digest of it: does the target still look as it did when the plan was made?

Covered are the things the plan changes or names, and what it relies on being absent (a name, a mark). Other
changes in the target do not make a plan stale.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from twinwall.model.firewall import Snapshot, ref_name, tag
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
    real = {id_ for id_ in ids if ref_name(id_) is None}
    made = [change for change in changes if ref_name(change.resource.id) is not None]
    return Touched(
        groups=_sorted(id_ for id_ in real if id_.startswith("sg-")),
        referenced=_sorted(id_ for id_ in named - ids if ref_name(id_) is None),
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
    """The same, part by part, so that what moved can be named down to the rule: part → a short digest of what it says
    besides. What is relied on being absent has a part only where it is there."""
    state = _state(existing, touched)
    found = {f"the subnet {subnet}": _short(rest) for subnet, *rest in state["subnets"]}
    found |= {f"the referenced {id_}": "" for id_ in state["referenced"]}
    found |= {f"a group named {name}": "" for name in state["names"]}
    found |= {f"a copy of {mark} ({id_})": "" for id_, mark in state["marks"]}
    found |= dict(_inner_parts(existing, touched))
    return dict(sorted(found.items()))


def _inner_parts(existing: Snapshot, touched: Touched) -> Iterator[tuple[str, str]]:
    """Groups by their rules, ACLs and lists by their entries; each thing's own part holds the rest of it."""
    groups, acls, lists = set(touched.groups), set(touched.acls), set(touched.lists)
    for group in existing.groups:
        if group.group_id in groups:
            yield f"security group {group.resource}", _short(group_document(replace(group, rules=())))
            for rule in group.rules:
                yield f"{rule} of security group {group.resource}", _short(rule.description)
    for acl in existing.acls or ():
        if acl.network_acl_id in acls:
            yield f"network ACL {acl.resource}", _short([acl.tags, acl.is_default])
            yield from ((f"{entry} of network ACL {acl.resource}", "") for entry in acl.entries)
    for item in existing.prefix_lists or ():
        if item.prefix_list_id in lists:
            yield f"prefix list {item.resource}", _short(prefix_list_document(replace(item, entries=None)))
            for listed in item.entries or ():
                yield f"{listed.cidr} of prefix list {item.resource}", _short(listed.description)


def _short(value: Any) -> str:
    return _hashed(value)[:12] if value else ""


def moved(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What is otherwise than it was, in words. What goes or comes as a whole is named as a whole."""
    gone = [part for part in then if part not in now]
    come = [part for part in now if part not in then]
    words = [f"{part} is gone" for part in _wholes(gone)] + [
        f"{part} is there by now" for part in _wholes(come)
    ]
    return words + [f"{part} has changed" for part in then if now.get(part, then[part]) != then[part]]


def _wholes(told: list[str]) -> list[str]:
    within = tuple(f" of {part}" for part in told)
    return [part for part in told if not part.endswith(within)]


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
