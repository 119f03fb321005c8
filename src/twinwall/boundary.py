"""The doors between the workflows and the world, as Protocols. They belong to ``engine``.

A reader's answers are *documents*: sections in EC2's own shapes, keyed as ``aws ec2 describe-*`` keys them
(``{"SecurityGroups": [...], "NetworkAcls": [...]}``), so that a live VPC and a snapshot file are the same
thing one step further in. ``model.wire.parse_snapshot`` turns them into values.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

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
