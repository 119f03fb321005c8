"""Reading two firewalls for a translation, each thing at most once a side.

Group and ACL reads are the four that every run makes. Everything else is read only where a rule, an option
or a refusal needs it, and is counted in ``Reads`` so that the plan can name it.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from twinwall.boundary import Document, Section
from twinwall.engine.sides import FileSide, LiveSide, Side
from twinwall.errors import AccessDenied, ConfigError, Unavailable
from twinwall.model import wire
from twinwall.model.firewall import Endpoint, Location, SecurityGroup, Snapshot
from twinwall.model.ownership import SOURCE_TAG, Mark, mark_of
from twinwall.model.rules import GroupPeer, PrefixListPeer, SecurityGroupRule
from twinwall.planning.quotas import Quotas
from twinwall.replica.lists import counterpart_name
from twinwall.replica.scene import Scene, one_vpc
from twinwall.replica.selection import select_groups
from twinwall.replica.settings import Settings

OPERATIONS: Mapping[Section, str] = {
    "SecurityGroups": "DescribeSecurityGroups",
    "NetworkAcls": "DescribeNetworkAcls",
    "Vpcs": "DescribeVpcs",
    "Subnets": "DescribeSubnets",
    "NetworkInterfaces": "DescribeNetworkInterfaces",
    "SecurityGroupRules": "DescribeSecurityGroupRules",
    "StaleSecurityGroups": "DescribeStaleSecurityGroups",
    "SecurityGroupVpcAssociations": "DescribeSecurityGroupVpcAssociations",
    "VpcPeeringConnections": "DescribeVpcPeeringConnections",
}
_COUNTED_APART = frozenset({"DescribeSecurityGroups", "DescribeNetworkAcls"})


@dataclass
class SideReader:
    """One side, what was read of it so far, and which calls that took."""

    side: Side
    name: str
    document: Document = field(default_factory=dict)
    reads: Counter[str] = field(default_factory=Counter)
    at: Location = field(init=False)
    _parsed: tuple[frozenset[str], Snapshot] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.side, LiveSide):
            identity = self.side.account.identity()
            self.reads["GetCallerIdentity"] += 1
            self.at = Location(identity.account, identity.region, self.side.vpc_id)
            self.document = {"Region": identity.region, "OwnerId": identity.account}
        else:
            self.document = dict(self.side.document)
            self.at = self._location(self.side, self._whole)

    def _location(self, side: FileSide, snapshot: Snapshot) -> Location:
        known = snapshot.vpc_ids()
        vpc_id = side.vpc_id or (known[0] if len(known) == 1 else "")
        if vpc_id not in known:
            listed = ", ".join(known) or "none"
            asked = f"has no VPC {side.vpc_id}" if side.vpc_id else f"holds {len(known)} VPCs"
            raise ConfigError(
                f"{self.name} {side.label} {asked}; name one of {listed} with --{self.name}-vpc"
            )
        group = next((g for g in snapshot.groups if g.vpc_id == vpc_id), None)
        owner = snapshot.owner_id or (group.owner_id if group else "")
        return Location(owner, snapshot.region, vpc_id)

    @cached_property
    def _whole(self) -> Snapshot:
        """All that a file says; it never says more."""
        return wire.parse_snapshot(self.document)

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(self.side.label, self.at.account, self.at.region, self.at.vpc_id)

    @property
    def live(self) -> bool:
        return isinstance(self.side, LiveSide)

    def read(self, *sections: Section) -> None:
        """Reads what is missing; a snapshot has what it has."""
        missing = [section for section in sections if section not in self.document]
        if not missing or not isinstance(self.side, LiveSide):
            return
        self.document |= self.side.reader.read(self.at.vpc_id, missing)
        self.reads.update(OPERATIONS[section] for section in missing)

    def read_if_allowed(self, *sections: Section) -> None:
        """For what only makes a finding better: a denial, or an endpoint that does not know the call and fails over it,
        leaves the section unknown."""
        try:
            self.read(*sections)
        except (AccessDenied, Unavailable):
            self.document |= {section: [] for section in sections}

    def read_if_known(self, *sections: Section) -> None:
        """What may not be read stays unknown."""
        for section in sections:
            with suppress(AccessDenied):
                self.read(section)

    def read_lists(self, ids: Collection[str]) -> None:
        """The lists with these ids; without any, all of the account's own."""
        if "PrefixLists" not in self.document and isinstance(self.side, LiveSide):
            self._add_lists(self.side, ids)

    def read_own_lists(self, ids: Collection[str], names: Collection[str] = ()) -> None:
        """Of the account's own those with these ids or names; a name is not theirs alone."""
        if "PrefixLists" in self.document or not isinstance(self.side, LiveSide):
            return
        if ids or names:
            self._add_lists(self.side, sorted(ids), sorted(names))
        read = self.document.get("PrefixLists", ())
        self.document["PrefixLists"] = [item for item in read if item.get("OwnerId") == self.at.account]

    def read_more_lists(self, ids: Collection[str], names: Collection[str] = ()) -> None:
        """Besides those that were read: lists of AWS or of others, by id or name."""
        known = self.document.get("PrefixLists") or ()
        ids = set(ids) - {item.get("PrefixListId") for item in known}
        names = set(names) - {item.get("PrefixListName") for item in known}
        if (ids or names) and isinstance(self.side, LiveSide):
            self._add_lists(self.side, sorted(ids), sorted(names))

    def _add_lists(self, side: LiveSide, ids: Collection[str], names: Collection[str] = ()) -> None:
        found = side.reader.read_prefix_lists(ids, names)["PrefixLists"]
        self.document["PrefixLists"] = [*self.document.get("PrefixLists", ()), *found]
        self._parsed = None
        self.reads["DescribeManagedPrefixLists"] += max(1, bool(ids) + bool(names))
        self.reads["GetManagedPrefixListEntries"] += sum("Entries" in item for item in found)

    def read_list_users(self, ids: Collection[str]) -> None:
        """Who names these lists, which were read; where that may not be asked, it stays unknown."""
        if not ids or not isinstance(self.side, LiveSide):
            return
        found = {}
        for list_id in sorted(
            {item["PrefixListId"] for item in self.document.get("PrefixLists") or ()} & set(ids)
        ):
            with suppress(AccessDenied, Unavailable):
                found[list_id] = self.side.reader.read_list_users(list_id)
            self.reads["GetManagedPrefixListAssociations"] += 1
        read = self.document.get("PrefixLists") or ()
        self.document["PrefixLists"] = [item | found.get(item["PrefixListId"], {}) for item in read]
        self._parsed = None

    def find_marked(self, mark: Mark) -> tuple[SecurityGroup, ...]:
        if not isinstance(self.side, LiveSide):
            return ()
        found = self.side.reader.find_groups(SOURCE_TAG, str(mark))
        return tuple(map(wire.parse_group, found["SecurityGroups"]))

    def snapshot(self) -> Snapshot:
        """What was read so far, narrowed to the one VPC; parsed once for each reading."""
        sections = frozenset(self.document)
        if self._parsed is None or self._parsed[0] != sections:
            self._parsed = (sections, self._parse())
        return self._parsed[1]

    def _parse(self) -> Snapshot:
        whole = self._whole if isinstance(self.side, FileSide) else wire.parse_snapshot(self.document)
        whole = replace(whole, region=self.at.region, owner_id=self.at.account)
        narrowed = one_vpc(whole, self.at.vpc_id)
        rules = self.document.get("SecurityGroupRules")
        return replace(narrowed, groups=_with_rule_ids(narrowed.groups, rules)) if rules else narrowed

    def besides(self) -> Counter[str]:
        """The calls besides group and ACL reads."""
        return Counter(
            {name: count for name, count in self.reads.items() if name not in _COUNTED_APART and count}
        )


def _with_rule_ids(
    groups: tuple[SecurityGroup, ...], raw: list[Mapping[str, Any]]
) -> tuple[SecurityGroup, ...]:
    """Rule ids and tags, which only DescribeSecurityGroupRules knows, put on the rules they belong to."""
    known: dict[tuple[str, SecurityGroupRule], SecurityGroupRule] = {}
    for item in raw:
        rule = wire.parse_rule(item)
        known[str(item["GroupId"]), rule] = rule
    return tuple(
        replace(group, rules=tuple(_identified(group.group_id, rule, known) for rule in group.rules))
        for group in groups
    )


def _identified(
    group_id: str, rule: SecurityGroupRule, known: Mapping[tuple[str, SecurityGroupRule], SecurityGroupRule]
) -> SecurityGroupRule:
    twin = known.get((group_id, rule))
    return replace(rule, rule_id=twin.rule_id, tags=twin.tags) if twin else rule


def read_scene(source: SideReader, target: SideReader, settings: Settings, *, writing: bool) -> Scene:
    """Everything that ``replica.translate`` looks at. Raises ``AwsError``'s children and ``ConfigError``."""
    sections: list[Section] = ["Vpcs", "SecurityGroups"]
    if settings.selection.only != "groups":
        sections.append("NetworkAcls")
    if settings.translation.associate != "none":
        sections.append("Subnets")
    if settings.translation.rule_tags:
        sections.append("SecurityGroupRules")
    for side in (source, target):
        side.read(*sections)
        side.read_if_allowed("SecurityGroupVpcAssociations")
    if not target.snapshot().groups_known and settings.selection.only != "nacls":
        raise ConfigError(
            f"the target {target.side.label} says nothing of security groups; take one that does, or --only nacls"
        )
    peers = _outside_peers(source)
    stale = _stale(source) if peers else frozenset()
    if settings.translation.outside == "keep":
        target.read("VpcPeeringConnections")
    _read_lists(source, target, settings)
    gone = _lists_gone(source, target) if settings.limits.prune else frozenset()
    return Scene(
        source=source.snapshot(),
        source_at=source.at,
        target=target.snapshot(),
        target_at=target.at,
        settings=settings,
        writing=writing,
        complete=_complete(source),
        stale=stale,
        peered=_peered(target),
        elsewhere=_elsewhere(target, peers, source.at, settings),
        lists_gone=gone,
        associated=tuple((side.name, id_) for side in (source, target) for id_ in _associated(side)),
    )


def _outside_peers(source: SideReader) -> tuple[GroupPeer, ...]:
    """References to groups that the source VPC does not hold."""
    snapshot = source.snapshot()
    return tuple(
        rule.peer
        for group in snapshot.groups
        for rule in group.referring_rules
        if isinstance(rule.peer, GroupPeer) and rule.peer.group_id not in snapshot.group_by_id
    )


def _stale(source: SideReader) -> frozenset[str]:
    source.read_if_allowed("StaleSecurityGroups")
    return stale_groups(source.document)


def stale_groups(document: Document) -> frozenset[str]:
    """Groups that EC2 says nothing is behind any more, although rules name them."""
    return frozenset(
        str(pair["GroupId"])
        for group in document.get("StaleSecurityGroups") or ()
        for key in ("StaleIpPermissions", "StaleIpPermissionsEgress")
        for permission in group.get(key) or ()
        for pair in permission.get("UserIdGroupPairs") or ()
        if pair.get("GroupId")
    )


def _complete(source: SideReader) -> bool:
    """A live read is whole. A snapshot is if it holds the VPC's default group and says of no narrowing."""
    if source.live:
        return True
    return not source.document.get("Selection") and any(
        group.is_default for group in source.snapshot().groups
    )


def _peered(target: SideReader) -> frozenset[str]:
    found: set[str] = set()
    for item in target.document.get("VpcPeeringConnections") or ():
        ends = {str((item.get(key) or {}).get("VpcId")) for key in ("RequesterVpcInfo", "AccepterVpcInfo")}
        if (item.get("Status") or {}).get("Code") == "active" and target.at.vpc_id in ends:
            found |= ends
    return frozenset(found - {target.at.vpc_id})


def _associated(side: SideReader) -> list[str]:
    """Groups of other VPCs that are associated with this one."""
    own = {group.group_id for group in side.snapshot().groups}
    return sorted(
        str(item["GroupId"])
        for item in side.document.get("SecurityGroupVpcAssociations") or ()
        if item.get("VpcId") == side.at.vpc_id
        and item.get("State") == "associated"
        and item["GroupId"] not in own
    )


def _elsewhere(
    target: SideReader, peers: tuple[GroupPeer, ...], source_at: Location, settings: Settings
) -> tuple[SecurityGroup, ...]:
    """Copies of cross-account references, where ``--map-account`` says they are in the target's account."""
    here = {one for one, other in settings.translation.map_account if other == target.at.account}
    wanted = {
        Mark(peer.user_id, source_at.region, peer.vpc_id, peer.group_id)
        for peer in peers
        if peer.user_id in here and peer.vpc_id
    }
    found = [group for mark in sorted(wanted) for group in target.find_marked(mark)]
    return tuple(
        group for group in found if group.vpc_id != target.at.vpc_id and mark_of(group.tags) in wanted
    )


def _read_lists(source: SideReader, target: SideReader, settings: Settings) -> None:
    """The lists that selected rules name, and on the target side those that may stand for them."""
    snapshot = source.snapshot()
    groups = snapshot.groups
    if settings.translation.outside != "follow":
        groups = select_groups(snapshot, settings.selection)
    rules = [rule for group in groups for rule in group.referring_rules]
    named = {rule.peer.prefix_list_id for rule in rules if isinstance(rule.peer, PrefixListPeer)}
    if not named:
        return
    source.read_lists(sorted(named))
    target.read_lists(())
    target.read_more_lists(*_stand_ins(source, target, settings))


def _lists_gone(source: SideReader, target: SideReader) -> frozenset[str]:
    """Source lists of which the target's account holds a copy, and which a read of them by id does not show. What a
    snapshot does not show is not gone: it holds the lists that rules name."""
    if not source.live:
        return frozenset()
    target.read_lists(())
    marks = [mark_of(item.tags) for item in target.snapshot().prefix_lists or ()]
    here = (source.at.account, source.at.region, "-")
    copied = {mark.id for mark in marks if mark and (mark.account, mark.region, mark.vpc_id) == here}
    source.read_more_lists(copied)
    return frozenset(copied - source.snapshot().list_by_id.keys())


def _stand_ins(
    source: SideReader, target: SideReader, settings: Settings
) -> tuple[Collection[str], Collection[str]]:
    """Ids and names of the target's lists that are not its account's own: AWS's counterparts, and what
    ``--map-prefix-list`` names."""
    mapped = {wanted for _, wanted in settings.translation.map_prefix_list}
    ids = {wanted for wanted in mapped if wanted.startswith("pl-")}
    lists = source.snapshot().prefix_lists or ()
    names = {counterpart_name(item.name, target.at.region) for item in lists if item.aws_managed}
    return ids, names | (mapped - ids)


def quotas_of(side: SideReader) -> Quotas:
    """The target's quotas: live where readable, the documented defaults for a snapshot."""
    if not isinstance(side.side, LiveSide):
        return Quotas()
    quotas = side.side.account.quotas()
    side.reads["GetServiceQuota"] += max(1, len(quotas.live))
    return quotas
