"""What a plan touches, and a digest of it: does the target still look as it did when the plan was made?

Covered are the things the plan changes or names, and what it relies on being absent (a name, a mark). Other
changes in the target do not make a plan stale.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
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
    text = json.dumps(_state(existing, touched), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


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
