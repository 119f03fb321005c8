"""What an export makes, what it looks up, and what its reader has to name.

thing                                     becomes
group, ACL selected                       made
its VPC's default group                   looked up where a rule names it; with ``defaults`` taken over
its VPC's default ACL                     left alone; with ``defaults`` taken over
customer-managed list, entries known      made
AWS-managed list                          looked up by name
group not selected, of another VPC, gone  named by the reader (``Outside``)
list of another account, or not read      named by the reader
VPC; subnet of an association             named by the reader
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from twinwall.documents.export.firewall import Exported
from twinwall.model.firewall import Location, NetworkAcl, PrefixList, Resource, SecurityGroup, ref_name
from twinwall.model.net import ANY_IPV4, ANY_IPV6
from twinwall.model.rules import CidrPeer, Direction, GroupPeer, Peer, PrefixListPeer, SecurityGroupRule, Tags
from twinwall.replica.naming import accepted
from twinwall.replica.scene import name_key
from twinwall.replica.tags import copied_tags


@dataclass(frozen=True, order=True)
class Outside:
    """A group or list that a rule names and the export does not make. ``owner``: its account, if another."""

    resource: Resource
    owner: str = ""

    @property
    def words(self) -> str:
        kind = {"security-group": "Security group", "prefix-list": "Prefix list"}[self.resource.type]
        return f"{kind} {self.resource}{f' of account {self.owner}' if self.owner else ''}"


@dataclass(frozen=True)
class Blueprint:
    """Sorted by name; tags as a copy would have them. ``default_group``, ``default_acl``: taken over.
    ``associations``: (subnet, ACL)."""

    at: Location
    groups: tuple[SecurityGroup, ...]
    acls: tuple[NetworkAcl, ...]
    lists: tuple[PrefixList, ...]
    aws_lists: tuple[PrefixList, ...]
    outside: tuple[Outside, ...]
    default_ids: frozenset[str]
    known: dict[str, str]
    default_group: SecurityGroup | None = None
    default_acl: NetworkAcl | None = None
    associations: tuple[tuple[Resource, NetworkAcl], ...] = ()

    @property
    def ruled(self) -> tuple[SecurityGroup, ...]:
        """Every group whose rules are written."""
        return (*self.groups, *([self.default_group] if self.default_group else []))

    @cached_property
    def needs_default_group(self) -> bool:
        """A rule names the default group, which is not taken over."""
        return self.default_group is None and any(str(p) in self.default_ids for p in _peers(self.ruled))

    def words(self, rule: SecurityGroupRule) -> str:
        """``ingress tcp/443 from web``: the rule, its peer by name."""
        way = "from" if rule.direction is Direction.INGRESS else "to"
        return f"{rule.direction.value} {rule.traffic} {way} {self._peer_words(rule.peer)}"

    def _peer_words(self, peer: Peer) -> str:
        if isinstance(peer, CidrPeer):
            anywhere = {ANY_IPV4: "anywhere", ANY_IPV6: "anywhere ipv6"}
            return anywhere.get(peer.cidr, str(peer))
        return self.known.get(str(peer)) or thing_name(Resource("security-group", str(peer)))


def thing_name(resource: Resource) -> str:
    """Its name, else its id; of what a plan will create, the name in its ref."""
    return resource.name or ref_name(resource.id) or resource.id


def blueprint(exported: Exported, *, defaults: bool = False) -> Blueprint:
    """``defaults``: the default group and the default ACL are taken over too, where they are selected."""
    chosen = [group for group in exported.groups if not group.is_default]
    default = next((group for group in exported.groups if group.is_default and defaults), None)
    ruled = [*chosen, *([default] if default else [])]
    named = {str(peer) for peer in _peers(ruled)}
    lists = [item for item in exported.lists if item.prefix_list_id in named]
    made = [item for item in lists if _is_ours(item, exported.at.account)]
    acls = [acl for acl in exported.acls if defaults or not acl.is_default]
    acl_by_id = {acl.network_acl_id: _acl(acl) for acl in acls}
    return Blueprint(
        at=exported.at,
        groups=tuple(_group(g) for g in sorted(chosen, key=lambda g: (name_key(g.group_name), g.group_id))),
        acls=tuple(
            sorted(
                (a for a in acl_by_id.values() if not a.is_default), key=lambda a: (a.name, a.network_acl_id)
            )
        ),
        lists=tuple(_list(i) for i in sorted(made, key=lambda i: (i.name, i.prefix_list_id))),
        aws_lists=tuple(sorted((i for i in lists if i.aws_managed), key=lambda i: i.name)),
        outside=tuple(sorted(_outside(exported, ruled, {i.prefix_list_id for i in made}))),
        default_ids=frozenset(id_ for id_, group in exported.known.items() if group.is_default),
        known={id_: group.group_name for id_, group in exported.known.items()}
        | {item.prefix_list_id: item.name for item in exported.lists},
        default_group=default and _group(default),
        default_acl=next((acl for acl in acl_by_id.values() if acl.is_default), None),
        associations=tuple(
            (subnet, acl_by_id[id_]) for subnet, id_ in sorted(exported.associations) if id_ in acl_by_id
        ),
    )


def _is_ours(item: PrefixList, account: str) -> bool:
    own = not item.owner_id or not account or item.owner_id == account
    return own and not item.aws_managed and item.entries is not None


def _peers(groups: list[SecurityGroup] | tuple[SecurityGroup, ...]) -> Iterator[GroupPeer | PrefixListPeer]:
    for group in groups:
        for rule in group.rules:
            if isinstance(rule.peer, GroupPeer | PrefixListPeer):
                yield rule.peer


def _outside(exported: Exported, ruled: list[SecurityGroup], made_lists: set[str]) -> set[Outside]:
    groups = {group.group_id for group in ruled}
    lists = {item.prefix_list_id: item for item in exported.lists}
    found = set()
    for peer in _peers(ruled):
        id_ = str(peer)
        if isinstance(peer, GroupPeer):
            known = exported.known.get(id_)
            if id_ not in groups and not (known and known.is_default):
                name = known.group_name if known else peer.group_name
                owner = "" if peer.user_id in ("", exported.at.account) else peer.user_id
                found.add(Outside(Resource("security-group", id_, name), owner))
        elif id_ not in made_lists and not (id_ in lists and lists[id_].aws_managed):
            found.add(Outside(Resource("prefix-list", id_, lists[id_].name if id_ in lists else "")))
    return found


def _group(group: SecurityGroup) -> SecurityGroup:
    """In words that EC2 takes, each rule once."""
    name = accepted(group.group_name, group.group_id.replace("sg-", "group-", 1)).rstrip(" ")
    return replace(
        group,
        group_name=name,
        description=accepted(group.description, name),
        tags=_tags(group.tags),
        rules=tuple(_rule(rule) for rule in dict.fromkeys(sorted(group.rules))),
    )


def _rule(rule: SecurityGroupRule) -> SecurityGroupRule:
    clean = accepted(rule.description)
    return rule if clean == rule.description else replace(rule, description=clean)


def _acl(acl: NetworkAcl) -> NetworkAcl:
    return replace(acl, tags=_tags(acl.tags))


def _list(item: PrefixList) -> PrefixList:
    """EC2 refuses a block given twice, which other tools' dumps may do."""
    entries = {entry.cidr: entry for entry in reversed(item.entries or ())}
    once = tuple(sorted(entries.values()))
    return replace(item, tags=_tags(item.tags), entries=once)


def _tags(tags: Tags) -> Tags:
    return copied_tags(tags, ())
