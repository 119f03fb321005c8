"""Everything a translation looks at: both firewalls as they were read, and what the user asked."""

from dataclasses import dataclass
from functools import cached_property

from twinwall.model.firewall import Location, NetworkAcl, SecurityGroup, Snapshot, Vpc
from twinwall.model.ownership import LOCK_GROUP_NAME, Mark
from twinwall.replica.settings import Settings

DEFAULT_DESCRIPTION = "default VPC security group"
"""How EC2 describes the default group that it makes with a VPC (aws-facts 1.3)."""


def name_key(name: str) -> str:
    """Names as EC2 compares them: without case, trailing spaces cut (aws-facts 1.2)."""
    return name.rstrip(" ").casefold()


def one_vpc(snapshot: Snapshot, vpc_id: str) -> Snapshot:
    """The part of a snapshot that speaks of one VPC; lists and everything unknown stay as they are."""
    return Snapshot(
        region=snapshot.region,
        owner_id=snapshot.owner_id,
        groups=tuple(
            g for g in snapshot.groups if g.vpc_id == vpc_id and name_key(g.group_name) != LOCK_GROUP_NAME
        ),
        acls=None if snapshot.acls is None else tuple(a for a in snapshot.acls if a.vpc_id == vpc_id),
        vpcs=None if snapshot.vpcs is None else tuple(v for v in snapshot.vpcs if v.vpc_id == vpc_id),
        subnets=None
        if snapshot.subnets is None
        else tuple(s for s in snapshot.subnets if s.vpc_id == vpc_id),
        prefix_lists=snapshot.prefix_lists,
        interfaces=None
        if snapshot.interfaces is None
        else tuple(i for i in snapshot.interfaces if i.vpc_id == vpc_id),
        groups_known=snapshot.groups_known,
    )


@dataclass(frozen=True)
class Scene:
    """``source`` and ``target`` hold one VPC each. ``stale``: source group ids that rules still name
    although nothing is behind them any more. ``complete``: the source was read whole, so that what it does
    not show is gone. ``writing`` is False for a proof: then nothing is refused for whose it is. ``peered``:
    VPC ids with an active peering to the target. ``elsewhere``: groups of the target's account outside the
    target VPC that carry marks (``--map-account``). ``associated``: groups of other VPCs that are associated
    with the source or target VPC, as (side, group id). ``lists_gone``: prefix lists of the source that have a copy and
    that a complete read no longer shows."""

    source: Snapshot
    source_at: Location
    target: Snapshot
    target_at: Location
    settings: Settings
    writing: bool = True
    complete: bool = True
    stale: frozenset[str] = frozenset()
    peered: frozenset[str] = frozenset()
    elsewhere: tuple[SecurityGroup, ...] = ()
    associated: tuple[tuple[str, str], ...] = ()
    lists_gone: frozenset[str] = frozenset()

    @cached_property
    def source_vpc(self) -> Vpc | None:
        return self.source.vpc_by_id.get(self.source_at.vpc_id)

    @cached_property
    def target_vpc(self) -> Vpc | None:
        return self.target.vpc_by_id.get(self.target_at.vpc_id)

    @cached_property
    def source_default(self) -> SecurityGroup | None:
        """Of several groups named default (other tools' dumps have such) the one that EC2 describes so."""
        named = [group for group in self.source.groups if group.is_default]
        described = [group for group in named if group.description == DEFAULT_DESCRIPTION]
        return next(iter(described or named), None)

    @cached_property
    def target_default(self) -> SecurityGroup | None:
        return next((group for group in self.target.groups if group.is_default), None)

    @cached_property
    def target_default_acl(self) -> NetworkAcl | None:
        return next((acl for acl in self.target.acls or () if acl.is_default), None)

    @property
    def adopts_default(self) -> bool:
        return "default" in self.settings.limits.adopt

    @property
    def target_shared(self) -> bool:
        """The target VPC belongs to somebody else and is shared with us (RAM)."""
        vpc = self.target_vpc
        return bool(
            vpc and vpc.owner_id and self.target_at.account and vpc.owner_id != self.target_at.account
        )

    @property
    def same_region(self) -> bool:
        return self.source_at.region == self.target_at.region

    @property
    def same_account_and_region(self) -> bool:
        return self.same_region and self.source_at.account == self.target_at.account

    @property
    def source_shared(self) -> bool:
        """The source VPC belongs to somebody else and is shared with us (RAM)."""
        vpc = self.source_vpc
        return bool(
            vpc and vpc.owner_id and self.source_at.account and vpc.owner_id != self.source_at.account
        )

    def mark(self, source_id: str) -> Mark:
        """The mark of a copy of this group or ACL of the source VPC."""
        at = self.source_at
        return Mark(at.account or "unknown", at.region or "unknown", at.vpc_id, source_id)

    def list_mark(self, list_id: str) -> Mark:
        return Mark(self.source_at.account or "unknown", self.source_at.region or "unknown", "-", list_id)
