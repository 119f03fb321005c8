"""The doors between the workflows and the world, as Protocols. They belong to ``engine``.

A reader's answers are *documents*: sections in EC2's own shapes, keyed as ``aws ec2 describe-*`` keys them
(``{"SecurityGroups": [...], "NetworkAcls": [...]}``), so that a live VPC and a snapshot file are the same
thing one step further in. ``model.wire.parse_snapshot`` turns them into values.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:  # the functions of a mesh know these doors too, and plans are a sixth of their imports
    from twinwall.model.members import Place
    from twinwall.model.rules import SecurityGroupRule, Tags
    from twinwall.model.throttle import Bucket
    from twinwall.planning.changes import Change
    from twinwall.planning.quotas import Quotas

Document = dict[str, Any]

CONNECT_SECONDS, ANSWER_SECONDS = 5, 30
"""How long a client of ours waits for a connection, and for an answer."""

LATE_SECONDS = float(CONNECT_SECONDS + ANSWER_SECONDS)
"""A call whose answer never came may still be carried out for so long after it was sent."""

Section = Literal[
    "SecurityGroups",  # DescribeSecurityGroups, vpc-id filter, MaxResults 1000
    "NetworkAcls",  # DescribeNetworkAcls, vpc-id filter, MaxResults 1000
    "Vpcs",  # DescribeVpcs by id
    "Subnets",  # DescribeSubnets, vpc-id filter
    "NetworkInterfaces",  # DescribeNetworkInterfaces, vpc-id filter
    "SecurityGroupRules",  # DescribeSecurityGroupRules (rule ids and tags)
    "StaleSecurityGroups",  # DescribeStaleSecurityGroups
    "SecurityGroupVpcAssociations",  # DescribeSecurityGroupVpcAssociations, vpc-id filter
    "VpcPeeringConnections",  # DescribeVpcPeeringConnections that touch the VPC
]


class FirewallReader(Protocol):
    """Reads one account's Region. Every method raises ``AwsError``'s children, nothing else."""

    def read(self, vpc_id: str, sections: Collection[Section]) -> Document:
        """The named sections of one VPC, whole (all pages). Raises ``NotFound`` if there is no such VPC
        (only where "Vpcs" is asked for)."""
        ...

    def read_prefix_lists(self, ids: Collection[str], names: Collection[str] = ()) -> Document:
        """``{"PrefixLists": [...]}``: the lists with these ids or names, and *all* of the account's own when
        both are empty; each with ``Entries``, or without that key where its entries may not be read. Unknown
        ids are left out. AWS-managed lists too."""
        ...

    def read_list_users(self, list_id: str) -> Document:
        """``{"PrefixListAssociations": [...]}``: what names the list, in other VPCs and accounts too."""
        ...

    def read_rules(self, group_ids: Collection[str]) -> Document:
        """``{"SecurityGroupRules": [...]}`` of these groups, with rule ids. Groups that are not there have none."""
        ...

    def find_groups(self, tag_key: str, tag_value: str) -> Document:
        """``{"SecurityGroups": [...]}`` with this tag, in all VPCs of the Region."""
        ...


@dataclass(frozen=True)
class Written:
    """What a call answered: the id it made (group, ACL, list, new association), the list's version."""

    id: str = ""
    version: int | None = None


class FirewallWriter(Protocol):
    def carry_out(self, change: Change) -> Written:
        """Sends exactly one call (state polls of a prefix list apart); every ref in the change must have
        been resolved. Raises ``AwsError``'s children."""
        ...


@dataclass(frozen=True)
class Identity:
    """Who the credentials are (STS GetCallerIdentity), and where calls go."""

    account: str
    arn: str
    region: str
    endpoint: str = ""


class Account(Protocol):
    """One side's account and Region."""

    def identity(self) -> Identity: ...

    def quotas(self) -> Quotas:
        """Live where Service Quotas may be read, else the documented defaults. Never raises for a denial."""
        ...

    def buckets(self, actions: Collection[str]) -> Mapping[str, Bucket]:
        """EC2's request buckets of these actions where Service Quotas tells the account's own; the others are left
        out. Many calls. Never raises for a denial."""
        ...

    def expires_at(self) -> datetime | None:
        """When the credentials end; None if they do not, or refresh themselves without asking anybody."""
        ...


class Journal(Protocol):
    """Append-only; what was recorded is on disk when the call returns. Raises ``ConfigError``."""

    def record(self, event: str, fields: Mapping[str, Any]) -> None: ...

    def record_all(self, events: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Several at once: the disk is waited for once."""
        ...

    @property
    def path(self) -> str: ...


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True)
class Ended:
    """A job's end: what it gave, or what it raised."""

    key: int
    value: object = None
    error: BaseException | None = None


class Crew(Protocol):
    """Threads as an argument: jobs that run beside each other, and whose ends are told one by one."""

    def start(self, key: int, job: Callable[[], object]) -> None: ...

    def next(self, timeout: float | None = None) -> Ended | None:
        """The next end that was not told yet; None if there was none within ``timeout`` seconds."""
        ...


Progress = Callable[[str, int, int], None]
"""(what, done, of): told after each call."""


# --- the mesh: every verb ends ``within`` so many seconds, once, and raises ``AwsError``'s children


Row = Mapping[str, Any]
"""A table's item, with Python's values (``mesh.rows``)."""


@dataclass(frozen=True)
class Table:
    """Everything in a node's table: ``unknown`` is what it keeps beside the rows (``mesh.rows.Roster.unknown``)."""

    rows: tuple[Row, ...]
    unknown: Mapping[str, float]


class MemberTable(Protocol):
    """One node's table."""

    def read(self, within: float) -> Table:
        """Consistent, and whole."""
        ...

    def take(self, token: str, now: float, until: float, within: float) -> float | None:
        """The lease, if nobody has it or it is over by ``now``: None, else until when another one has it."""
        ...

    def release(self, token: str, unknown: Mapping[str, float] | None, within: float) -> None:
        """Gives the lease back, if it is still this one's, and keeps ``unknown`` unless that is None."""
        ...

    def write(self, rows: Sequence[tuple[Row, int | None]], token: str, within: float) -> bool:
        """All of these rows or none: each if the row standing there still has the generation given (None: no row
        or a row without one), and if the lease is still this token's. False: something of it is not so."""
        ...

    def push(self, rows: Sequence[Row], within: float) -> Sequence[Row | None]:
        """Rows of another node, in one call if all are taken. Each is taken if its generation is newer, or equal
        with a newer ``observed_at``, and the row standing there is no tombstone; one that is not keeps no other
        back. For each None, else the row that stands there."""
        ...


class ScalingGroups(Protocol):
    """Auto Scaling of one account's Region."""

    def states(self, names: Sequence[str], within: float) -> Mapping[str, Mapping[str, str]]:
        """Group → instance → lifecycle state. A group that does not exist is left out."""
        ...

    def answer(
        self, asg: str, hook: str, result: str, *, token: str = "", instance: str = "", within: float
    ) -> bool:
        """CompleteLifecycleAction; False: there is no such action any more."""
        ...


class MeshEc2(Protocol):
    """What a mesh asks of one account's EC2."""

    def rules(self, group_ids: Sequence[str], within: float) -> Mapping[str, Sequence[SecurityGroupRule]]:
        """Every group's rules, with ids and tags. A group that does not exist has none."""
        ...

    def instances(
        self, within: float, *, groups: Sequence[str] = (), ids: Sequence[str] = ()
    ) -> Sequence[Document]:
        """``Instance``s of these Auto Scaling groups (by tag), or with these ids; unknown ids are left out."""
        ...

    def groups(self, group_ids: Sequence[str], within: float) -> Sequence[Document]:
        """``SecurityGroup``s without their rules' sake: their tags. One that does not exist is left out."""
        ...

    def tag(self, ids: Sequence[str], tags: Tags, within: float) -> None:
        """Of groups and rules."""
        ...

    def authorize(
        self, group_id: str, rules: Sequence[SecurityGroupRule], tags: Tags, within: float
    ) -> None: ...

    def revoke(self, group_id: str, rule_ids: Sequence[str], within: float) -> None: ...


class MeshDoors(Protocol):
    """The ways to every node's table and to every place's services."""

    def table(self, node: str) -> MemberTable: ...

    def scaling(self, place: Place) -> ScalingGroups: ...

    def ec2(self, place: Place) -> MeshEc2: ...

    def hide(self, receipts: Sequence[str], seconds: float, within: float) -> None:
        """Messages of this node's queue are not shown again for so long."""
        ...
