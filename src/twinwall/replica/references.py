"""What a rule's peer becomes in the target: other peers, or an outside reference with its reason."""

from dataclasses import dataclass, field

from twinwall.model.firewall import SecurityGroup
from twinwall.model.ownership import mark_of
from twinwall.model.rules import CidrPeer, GroupPeer, Peer, PrefixListPeer
from twinwall.replica.cidrs import CidrMapper
from twinwall.replica.lists import ListTranslator, Outside
from twinwall.replica.matching import Matcher
from twinwall.replica.naming import renamed
from twinwall.replica.scene import Scene
from twinwall.replica.settings import GroupMap

_LIVE_PEERINGS = frozenset({"", "active"})


@dataclass
class ReferenceTranslator:
    """``copies``: source group id → id or ref of its copy, for the groups that come along. ``counterparts``:
    id or ref in the target → ids of the source groups that it was found to stand for."""

    scene: Scene
    mapper: CidrMapper
    lists: ListTranslator
    matcher: Matcher[SecurityGroup]
    copies: dict[str, str] = field(default_factory=dict)
    counterparts: dict[str, set[str]] = field(default_factory=dict)

    def translate(self, peer: Peer) -> tuple[Peer, ...] | Outside:
        match peer:
            case CidrPeer(cidr=cidr):
                mapped = self.mapper.map(cidr)
                return (peer if mapped is cidr else CidrPeer(mapped),)
            case PrefixListPeer(prefix_list_id=list_id):
                found = self.lists.translate(list_id)
                return found if isinstance(found, Outside) else (PrefixListPeer(found),)
            case GroupPeer():
                return self.group(peer)

    def group(self, peer: GroupPeer) -> tuple[Peer, ...] | Outside:
        found = self._group(peer)
        for other in () if isinstance(found, Outside) else found:
            if isinstance(other, GroupPeer):
                self.counterparts.setdefault(other.group_id, set()).add(peer.group_id)
        return found

    def _group(self, peer: GroupPeer) -> tuple[Peer, ...] | Outside:
        source = self.scene.source.group_by_id.get(peer.group_id)
        mapped = self._map_of(peer, source)
        if mapped and mapped.cidrs:
            return tuple(CidrPeer(cidr) for cidr in mapped.cidrs)
        if mapped:
            return (self._target_peer(self._mapped_group(mapped)),)
        if peer.group_id in self.copies:
            return (self._target_peer(self.copies[peer.group_id]),)
        if source is not None:
            return self._known(peer, source)
        return self._foreign(peer)

    def _map_of(self, peer: GroupPeer, source: SecurityGroup | None) -> GroupMap | None:
        names = {peer.group_id} | ({source.group_name} if source else set())
        return next((m for m in self.scene.settings.translation.map_group if m.source in names), None)

    def _mapped_group(self, mapped: GroupMap) -> str:
        option = f"--map-group {mapped.source}={mapped.target}"
        return self.matcher.named(mapped.target, option).group_id

    def _target_peer(self, group_id: str) -> GroupPeer:
        at = self.scene.target_at
        return GroupPeer(group_id, user_id=at.account, vpc_id=at.vpc_id)

    def _known(self, peer: GroupPeer, source: SecurityGroup) -> tuple[Peer, ...] | Outside:
        """A group of the source VPC that does not come along."""
        if source.is_default:
            if source is not self.scene.source_default:
                return Outside(f"{source.resource} is a second group named default", "second-default")
            default = self.scene.target_default
            if default is None or self.scene.target_shared:
                return Outside("the target's default group cannot be resolved", "shared-vpc")
            return (self._target_peer(default.group_id),)
        wanted = renamed(source.group_name, source.group_id, self.scene.settings.translation.rename)
        if (match := self.matcher.match(source, wanted)) is not None:
            return (self._target_peer(match.thing.group_id),)
        return self._kept(peer) or Outside(
            f"{source.resource} does not come along and has no counterpart in the target{self._why_not_kept(peer)}",
            "unselected",
        )

    def _foreign(self, peer: GroupPeer) -> tuple[Peer, ...] | Outside:
        """A group that the source VPC does not hold: stale, of another VPC or account, or AWS's own."""
        if not _is_account(peer.user_id):
            return Outside(
                f"{peer.group_id} belongs to {peer.user_id}, which no other VPC can name", "aws-owned"
            )
        if self._is_stale(peer):
            return Outside(f"{peer.group_id} is stale: nothing is behind it any more", "stale")
        if (found := self._copy_of(peer)) is not None:
            return (found,)
        if self._of_source_vpc(peer) and not self.scene.complete:
            return Outside(
                f"{peer.group_id} does not stand in the source, which was not read whole", "unread"
            )
        where = f" of {peer.user_id}" if peer.user_id != self.scene.source_at.account else ""
        vpc = f" in {peer.vpc_id}" if peer.vpc_id else ""
        return self._kept(peer) or Outside(
            f"{peer.group_id}{where}{vpc} is not of the source VPC{self._why_not_kept(peer)}", "other-vpc"
        )

    def _is_stale(self, peer: GroupPeer) -> bool:
        """EC2 says so, or a complete read of the VPC that it would be in does not show it."""
        if peer.group_id in self.scene.stale or peer.peering_status not in _LIVE_PEERINGS:
            return True
        return self.scene.complete and self._of_source_vpc(peer)

    def _of_source_vpc(self, peer: GroupPeer) -> bool:
        at = self.scene.source_at
        own = peer.user_id in ("", at.account) and peer.vpc_id in ("", at.vpc_id)
        associated = {id_ for _, id_ in self.scene.associated}
        return own and not peer.peering_connection_id and peer.group_id not in associated

    def _copy_of(self, peer: GroupPeer) -> GroupPeer | None:
        """A copy of this very group: in the target VPC, or, with ``--map-account``, in the target's account."""
        accounts = dict(self.scene.settings.translation.map_account)
        mapped_here = accounts.get(peer.user_id) == self.scene.target_at.account
        for group in (*self.scene.target.groups, *(self.scene.elsewhere if mapped_here else ())):
            mark = mark_of(group.tags)
            if (
                mark
                and mark.id == peer.group_id
                and mark.account == (peer.user_id or self.scene.source_at.account)
            ):
                return GroupPeer(group.group_id, user_id=group.owner_id, vpc_id=group.vpc_id)
        return None

    def _kept(self, peer: GroupPeer) -> tuple[Peer, ...] | None:
        """``--outside keep``: the id as it is, where the target VPC has an active peering to that VPC."""
        scene = self.scene
        vpc_id = peer.vpc_id or scene.source_at.vpc_id
        if (
            scene.settings.translation.outside != "keep"
            or not scene.same_region
            or vpc_id not in scene.peered
        ):
            return None
        return (GroupPeer(peer.group_id, user_id=peer.user_id or scene.source_at.account, vpc_id=vpc_id),)

    def _why_not_kept(self, peer: GroupPeer) -> str:
        scene = self.scene
        if scene.settings.translation.outside != "keep":
            return ""
        if not scene.same_region:
            return f", and cannot be kept: {scene.target_at.region or 'the target'} is another Region"
        vpc_id = peer.vpc_id or scene.source_at.vpc_id
        return f", and cannot be kept: the target VPC has no active peering to {vpc_id}"


def _is_account(user_id: str) -> bool:
    return user_id == "" or user_id.isdigit()
