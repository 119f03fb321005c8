"""A VPC's firewall as values: groups, ACLs, prefix lists, and the network they stand in.

Collections are tuples, sorted where they are born. ``None`` for a section of a ``Snapshot`` means
*unknown*, never *empty*.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Literal

from twinwall.model.net import Cidr, Family
from twinwall.model.rules import CidrPeer, Direction, NetworkAclEntry, SecurityGroupRule, Tags

NEW = "new:"
"""How the id of a thing begins that a plan will create (``new_id``); no EC2 id does."""

ResourceType = Literal["security-group", "network-acl", "prefix-list", "subnet", "vpc"]


@dataclass(frozen=True, slots=True, order=True)
class Resource:
    """What a change or a finding speaks of."""

    type: ResourceType
    id: str
    name: str = ""

    def __str__(self) -> str:
        if self.id.startswith(NEW):
            return self.name or self.id.split(":", 2)[2]
        return self.id if self.name in ("", self.id) else f"{self.name} ({self.id})"


def new_id(type_: ResourceType, name: str) -> str:
    """The ref of a thing that does not exist yet; ``name`` is unique among its type in the plan."""
    return f"{NEW}{type_}:{name}"


def ref_name(id_: str) -> str | None:
    """The name in a ref, None for a real id."""
    return id_.split(":", 2)[2] if id_.startswith(NEW) else None


def tag(tags: Tags, key: str) -> str | None:
    return next((value for name, value in tags if name == key), None)


def make_tags(pairs: Iterable[tuple[str, str]]) -> Tags:
    return tuple(sorted(dict(pairs).items()))


@dataclass(frozen=True, slots=True)
class Location:
    """Where a firewall is. ``account`` is 12 digits, as EC2's OwnerId."""

    account: str
    region: str
    vpc_id: str

    def __str__(self) -> str:
        return f"{self.vpc_id} in {self.account}/{self.region}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One side as the plan saw it. ``label`` is what the user called it; account, Region or VPC may be
    empty for a snapshot that does not say."""

    label: str
    account: str = ""
    region: str = ""
    vpc_id: str = ""

    def __str__(self) -> str:
        place = "/".join(part for part in (self.account, self.region, self.vpc_id) if part)
        return self.label if not place or self.label == place else f"{self.label} ({place})"


_peer, _BLOCKS = attrgetter("peer"), frozenset((CidrPeer,))


@dataclass(frozen=True)
class SecurityGroup:
    group_id: str
    group_name: str
    description: str
    owner_id: str
    vpc_id: str
    rules: tuple[SecurityGroupRule, ...] = ()
    tags: Tags = ()

    @property
    def is_default(self) -> bool:
        """The one that EC2 makes with the VPC; the name is reserved (API: CreateSecurityGroup)."""
        return self.group_name == "default"

    @property
    def resource(self) -> Resource:
        return Resource("security-group", self.group_id, self.group_name)

    def rules_of(self, direction: Direction) -> tuple[SecurityGroupRule, ...]:
        return tuple([rule for rule in self.rules if rule.direction is direction])

    @cached_property
    def referring_rules(self) -> tuple[SecurityGroupRule, ...]:
        """Those that name a group or a list. Most groups of a large estate have none, and that is seen at once."""
        if set(map(type, map(_peer, self.rules))) <= _BLOCKS:
            return ()
        return tuple([rule for rule in self.rules if type(rule.peer) is not CidrPeer])


@dataclass(frozen=True, slots=True, order=True)
class NetworkAclAssociation:
    subnet_id: str
    association_id: str


@dataclass(frozen=True)
class NetworkAcl:
    """``entries`` without EC2's own final denies (32767, 32768): they are in every ACL and nobody's."""

    network_acl_id: str
    vpc_id: str
    owner_id: str
    is_default: bool
    entries: tuple[NetworkAclEntry, ...] = ()
    associations: tuple[NetworkAclAssociation, ...] = ()
    tags: Tags = ()

    @property
    def name(self) -> str:
        return tag(self.tags, "Name") or ("default" if self.is_default else "")

    @property
    def resource(self) -> Resource:
        return Resource("network-acl", self.network_acl_id, self.name)

    def entries_of(self, direction: Direction) -> tuple[NetworkAclEntry, ...]:
        return tuple(entry for entry in self.entries if entry.direction is direction)


@dataclass(frozen=True, slots=True, order=True)
class PrefixListEntry:
    cidr: Cidr
    description: str = field(default="", compare=False)

    def __str__(self) -> str:
        return str(self.cidr)


@dataclass(frozen=True)
class PrefixList:
    """``entries`` is None where they could not be read; ``max_entries`` is None for AWS-managed lists. ``users``: the
    ids of what names the list, anywhere; None where nobody asked, or may."""

    prefix_list_id: str
    name: str
    family: Family
    owner_id: str
    max_entries: int | None = None
    version: int | None = None
    state: str = ""
    entries: tuple[PrefixListEntry, ...] | None = None
    tags: Tags = ()
    ipam_managed: bool = False
    users: tuple[str, ...] | None = field(default=None, compare=False)

    @property
    def aws_managed(self) -> bool:
        return self.owner_id.upper() == "AWS" or self.name.startswith("com.amazonaws.")

    @property
    def resource(self) -> Resource:
        return Resource("prefix-list", self.prefix_list_id, self.name)


@dataclass(frozen=True)
class Subnet:
    subnet_id: str
    vpc_id: str
    owner_id: str
    availability_zone: str
    cidr: Cidr | None
    ipv6_cidrs: tuple[Cidr, ...] = ()
    tags: Tags = ()

    @property
    def name(self) -> str:
        return tag(self.tags, "Name") or ""

    @property
    def resource(self) -> Resource:
        return Resource("subnet", self.subnet_id, self.name)


@dataclass(frozen=True)
class Vpc:
    """``cidrs``: the primary block first, then the secondary ones."""

    vpc_id: str
    owner_id: str
    cidrs: tuple[Cidr, ...] = ()
    ipv6_cidrs: tuple[Cidr, ...] = ()
    is_default: bool = False
    tags: Tags = ()

    @property
    def primary(self) -> Cidr | None:
        return self.cidrs[0] if self.cidrs else None


@dataclass(frozen=True)
class NetworkInterface:
    interface_id: str
    vpc_id: str
    subnet_id: str
    group_ids: tuple[str, ...]
    addresses: tuple[Cidr, ...] = ()
    instance_id: str = ""
    owner_id: str = ""


@dataclass(frozen=True)
class Snapshot:
    """A firewall as it was read: one account and Region, usually one VPC, sometimes all of them."""

    region: str
    owner_id: str
    groups: tuple[SecurityGroup, ...] = ()
    acls: tuple[NetworkAcl, ...] | None = None
    vpcs: tuple[Vpc, ...] | None = None
    subnets: tuple[Subnet, ...] | None = None
    prefix_lists: tuple[PrefixList, ...] | None = None
    interfaces: tuple[NetworkInterface, ...] | None = None
    groups_known: bool = True

    @cached_property
    def group_by_id(self) -> dict[str, SecurityGroup]:
        return {group.group_id: group for group in self.groups}

    @cached_property
    def list_by_id(self) -> dict[str, PrefixList]:
        return {item.prefix_list_id: item for item in self.prefix_lists or ()}

    @cached_property
    def vpc_by_id(self) -> dict[str, Vpc]:
        return {vpc.vpc_id: vpc for vpc in self.vpcs or ()}

    def vpc_ids(self) -> tuple[str, ...]:
        """Every VPC this snapshot speaks of, in order of first mention."""
        mentioned = [vpc.vpc_id for vpc in self.vpcs or ()]
        mentioned += [group.vpc_id for group in self.groups]
        mentioned += [acl.vpc_id for acl in self.acls or ()]
        return tuple(dict.fromkeys(vpc_id for vpc_id in mentioned if vpc_id))
