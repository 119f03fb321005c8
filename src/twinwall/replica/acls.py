"""Network ACLs in the target's terms: same numbers, same order, mapped blocks."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from twinwall.errors import AmbiguousName
from twinwall.model.firewall import NetworkAcl, Resource, new_id
from twinwall.model.rules import NetworkAclEntry, RuleAction
from twinwall.planning.findings import NotCompared
from twinwall.replica.cidrs import CidrMapper
from twinwall.replica.matching import Match, Matcher, check_ownership
from twinwall.replica.notes import Notes
from twinwall.replica.scene import Scene
from twinwall.replica.selection import asks_for_acls, select_acls
from twinwall.replica.tags import desired_tags


@dataclass
class AclTranslator:
    """``equal_defaults``: the source's default ACL → the target's, where nobody adopts it and both say the
    same."""

    scene: Scene
    mapper: CidrMapper
    matcher: Matcher[NetworkAcl]
    notes: Notes
    equal_defaults: dict[str, str] = field(default_factory=dict)

    def translate(self) -> list[NetworkAcl]:
        """Raises ``ForeignOwner``, and ``AmbiguousName`` where one ACL would be the copy of two."""
        selected = select_acls(self.scene.source, self.scene.settings.selection)
        if self.scene.source.acls is None and asks_for_acls(self.scene.settings.selection):
            resource = Resource("vpc", self.scene.source_at.vpc_id)
            self.notes.leave_out(resource, "the source says nothing of network ACLs", "acls-unknown")
        if self.scene.target_shared:
            why = "the target VPC is shared with us: its ACLs are its owner's"
            return self._leave_out(selected, why, "shared-vpc")
        if self.scene.target.acls is None:
            return self._leave_out(selected, "the target says nothing of network ACLs", "acls-unknown")
        taken: set[str] = set()
        return [copy for acl in selected if (copy := self._acl(acl, taken)) is not None]

    def _leave_out(self, acls: Iterable[NetworkAcl], why: str, id_: str) -> list[NetworkAcl]:
        """A dropped allow breaks something, a dropped deny opens something: that is worse."""
        for acl in acls:
            self.notes.leave_out(acl.resource, why, id_)
            for entry in acl.entries:
                if entry.action is RuleAction.DENY:
                    message = "a deny is left out: what it keeps out at the source may pass at the target"
                    self.notes.note("dropped-deny", acl.resource, message, rule=str(entry), severity="error")
        return []

    def _acl(self, acl: NetworkAcl, taken: set[str]) -> NetworkAcl | None:
        if acl.is_default and not self.scene.adopts_default:
            self._unadopted_default(acl)
            return None
        match = self._acl_match(acl)
        if match:
            check_ownership(self.scene, match, acl.resource)
            if match.how not in ("mark", "replaced"):
                self.notes.adopted.add(match.thing.network_acl_id)
        existing = match.thing if match else None
        id_ = existing.network_acl_id if existing else self._new_acl_id(acl, taken)
        if (twin := self.notes.sources.get(id_)) is not None:
            raise AmbiguousName(
                f"matching network ACLs: {twin} and {acl.resource} both find {match and match.thing.resource}; "
                "give them different Name tags, or --exclude one"
            )
        self.notes.sources[id_] = acl.resource
        return NetworkAcl(
            network_acl_id=id_,
            vpc_id=self.scene.target_at.vpc_id,
            owner_id=self.scene.target_at.account,
            is_default=bool(existing and existing.is_default),
            entries=tuple(self._entry(acl, entry) for entry in acl.entries),
            associations=existing.associations if existing else (),
            tags=desired_tags(
                acl.resource,
                acl.tags,
                existing.tags if existing else (),
                self.scene.mark(acl.network_acl_id),
                self.scene.settings.translation.copy_tag,
            ),
        )

    def _acl_match(self, acl: NetworkAcl) -> Match[NetworkAcl] | None:
        if not acl.is_default:
            return self.matcher.match(acl, acl.name)
        default = self.scene.target_default_acl
        found = self.matcher.match(acl, "")
        if found and found.thing is default:
            return found
        return Match(default, "default") if default else None

    def _new_acl_id(self, acl: NetworkAcl, taken: set[str]) -> str:
        name = acl.name if acl.name and acl.name not in taken else acl.network_acl_id
        taken.add(name)
        return new_id("network-acl", name)

    def _unadopted_default(self, acl: NetworkAcl) -> None:
        default = self.scene.target_default_acl
        if default is None:
            self._leave_out([acl], "the target's default ACL is not known", "default-unresolved")
            return
        if {self._entry(acl, entry, quiet=True) for entry in acl.entries} != set(default.entries):
            why = "the target's default ACL differs and is not adopted; --adopt default"
            self.notes.not_compared.append(NotCompared(default.resource, why))
        else:
            self.equal_defaults[acl.network_acl_id] = default.network_acl_id

    def _entry(self, acl: NetworkAcl, entry: NetworkAclEntry, *, quiet: bool = False) -> NetworkAclEntry:
        moved = replace(entry, cidr=self.mapper.map(entry.cidr))
        if quiet:
            return moved
        if moved.cidr != entry.cidr and entry.action is RuleAction.DENY:
            self.notes.note(
                "mapped-deny",
                acl.resource,
                f"a deny moves from {entry.cidr} to {moved.cidr}: what it kept out is no longer kept out",
                rule=str(entry),
                severity="warning",
                way_out="a deny of the old block in an ACL that is not copied, where it must stay out",
            )
        if item := self.mapper.split_by(entry.cidr):
            self.notes.supernet(acl.resource, entry, entry.cidr, item.source, moved.cidr)
        return moved
