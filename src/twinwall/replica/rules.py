"""The rules of a group in the target's terms; those that cannot be said there are left out or refused."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from operator import attrgetter

from twinwall.errors import UnmappedGroup, UnmappedPrefixList
from twinwall.model.firewall import SecurityGroup
from twinwall.model.rules import CidrPeer, Peer, SecurityGroupRule, Tags
from twinwall.planning.findings import NotCompared
from twinwall.replica.cidrs import CidrMapper
from twinwall.replica.lists import Outside
from twinwall.replica.naming import accepted
from twinwall.replica.notes import Notes
from twinwall.replica.references import ReferenceTranslator
from twinwall.replica.scene import Scene
from twinwall.replica.tags import copied_tags


@dataclass
class RuleTranslator:
    scene: Scene
    mapper: CidrMapper
    references: ReferenceTranslator
    notes: Notes
    refused: list[tuple[SecurityGroup, SecurityGroupRule, Outside]] = field(default_factory=list)

    def translate(self, group: SecurityGroup, *, quiet: bool = False) -> Iterable[SecurityGroupRule]:
        if not self.mapper.maps and _become_themselves(group):
            return group.rules
        merged: dict[SecurityGroupRule, SecurityGroupRule] = {}
        for rule in group.rules:
            peers = self.references.translate(rule.peer)
            if isinstance(peers, Outside):
                if not quiet:
                    self._outside(group, rule, peers)
                continue
            if not quiet:
                self._tell(group, rule)
            for peer in peers:
                self._merge(group, rule, peer, merged, quiet)
        return merged.values()

    def _tell(self, group: SecurityGroup, rule: SecurityGroupRule) -> None:
        """What a reader should know of a rule that comes along."""
        if isinstance(rule.peer, CidrPeer) and (item := self.mapper.split_by(rule.peer.cidr)):
            cidr = rule.peer.cidr
            self.notes.supernet(group.resource, rule, cidr, item.source, self.mapper.map(cidr))
        if rule.description and (description := accepted(rule.description)) != rule.description:
            message = f"EC2 would refuse its description; the copy has {description!r}"
            self.notes.note("description-changed", group.resource, message, rule=str(rule))

    def _merge(
        self,
        group: SecurityGroup,
        rule: SecurityGroupRule,
        peer: Peer,
        merged: dict[SecurityGroupRule, SecurityGroupRule],
        quiet: bool,
    ) -> None:
        translated = self._translated(rule, peer)
        kept = merged.setdefault(translated, translated)
        if kept is translated:
            return
        if not kept.description and translated.description:
            merged[translated] = replace(kept, description=translated.description)
        if not quiet:
            message = f"becomes the same as another rule, {kept}"
            self.notes.note("merged-rules", group.resource, message, rule=str(rule))

    def _translated(self, rule: SecurityGroupRule, peer: Peer) -> SecurityGroupRule:
        """Most rules become themselves."""
        if peer is rule.peer and not (rule.description or rule.tags or rule.rule_id):
            return rule
        description, tags = accepted(rule.description), self._tags(rule)
        return replace(rule, peer=peer, description=description, rule_id="", tags=tags)

    def _tags(self, rule: SecurityGroupRule) -> Tags:
        translation = self.scene.settings.translation
        return copied_tags(rule.tags, translation.copy_tag) if translation.rule_tags else ()

    def _outside(self, group: SecurityGroup, rule: SecurityGroupRule, outside: Outside) -> None:
        policy = self.scene.settings.translation.outside
        if policy != "skip":
            self.refused.append((group, rule, outside))
            return
        self.notes.not_compared.append(NotCompared(group.resource, outside.why, str(rule)))
        self.notes.note(
            "dropped-allow",
            group.resource,
            f"left out: {outside.why}",
            rule=str(rule),
            severity="warning",
            way_out="--map-group or --map-prefix-list names what stands for it",
        )

    def fail_outside(self) -> None:
        """Raises ``UnmappedGroup`` or ``UnmappedPrefixList`` for all that was refused, the first named."""
        if not self.refused:
            return
        group, rule, outside = self.refused[0]
        more = f" ({len(self.refused) - 1} more like it)" if len(self.refused) > 1 else ""
        ways = "--outside skip leaves it out, --map-group or --map-prefix-list names what stands for it"
        if outside.kind == "unselected":
            ways += ", --outside follow brings it along"
        error = UnmappedPrefixList if outside.kind == "list" else UnmappedGroup
        raise error(f"translating {group.resource}: {rule}: {outside.why}{more}; {ways}")


_said = tuple(map(attrgetter, ("description", "tags", "rule_id")))
_identity = attrgetter("direction", "traffic", "peer")


def _become_themselves(group: SecurityGroup) -> bool:
    """Where no block is moved: rules of addresses alone, of which there is nothing to tell, no two of them the same."""
    rules = group.rules
    return (
        not group.referring_rules
        and not any(any(map(said, rules)) for said in _said)
        and len(set(map(_identity, rules))) == len(rules)
    )
