"""Which groups come along, as which groups of the target, and how they are called there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from twinwall.errors import ForeignOwner
from twinwall.model.firewall import Resource, SecurityGroup, new_id
from twinwall.model.rules import GroupPeer, SecurityGroupRule
from twinwall.planning.findings import NotCompared
from twinwall.replica.lists import Outside
from twinwall.replica.matching import Match, Matcher, adopts, check_ownership, check_unique
from twinwall.replica.naming import accepted, renamed
from twinwall.replica.notes import Notes
from twinwall.replica.references import ReferenceTranslator
from twinwall.replica.rules import RuleTranslator
from twinwall.replica.scene import Scene, name_key
from twinwall.replica.selection import excluded, select_groups
from twinwall.replica.tags import desired_tags

Place = tuple[str, SecurityGroup | None]
"""The id or ref of a copy, and what exists of it."""
_ANEW = "once nothing uses the group, delete it and let it be made again; or leave it so"


@dataclass
class GroupTranslator:
    scene: Scene
    matcher: Matcher[SecurityGroup]
    references: ReferenceTranslator
    rules: RuleTranslator
    notes: Notes

    def translate(self) -> list[SecurityGroup]:
        if not self.scene.source.groups_known and self.scene.settings.selection.only != "nacls":
            resource = Resource("vpc", self.scene.source_at.vpc_id)
            self.notes.leave_out(resource, "the source says nothing of security groups", "groups-unknown")
        selected = self._group_selection()
        places = self._match_groups(selected)
        return [self._group(group, places[group.group_id]) for group in selected if group.group_id in places]

    # --- which groups

    def _group_selection(self) -> list[SecurityGroup]:
        selected = list(select_groups(self.scene.source, self.scene.settings.selection))
        if self.scene.settings.translation.outside == "follow":
            selected = self._followed(selected)
        return [group for group in selected if not self._second_default(group)]

    def _followed(self, selected: list[SecurityGroup]) -> list[SecurityGroup]:
        """The selection and every group of the source VPC that it leads to and that has no counterpart."""
        chosen = {group.group_id: group for group in selected}
        waiting = list(selected)
        while waiting:
            for peer in _group_peers(waiting.pop().rules):
                source = self.scene.source.group_by_id.get(peer.group_id)
                if (
                    source is None
                    or source.group_id in chosen
                    or excluded(self.scene.settings.selection, source.group_id, source.group_name)
                ):
                    continue
                if isinstance(self.references.group(peer), Outside):
                    chosen[source.group_id] = source
                    waiting.append(source)
        return sorted(chosen.values(), key=lambda group: group.group_id)

    def _second_default(self, group: SecurityGroup) -> bool:
        """Another tool's dump may hold two groups named default; only one can be EC2's."""
        if not group.is_default or group is self.scene.source_default:
            return False
        if any(item.glob == group.group_id for item in self.scene.settings.translation.rename):
            return False
        why = "a VPC has one default group, and EC2 describes another one as it; --rename this one by its id"
        self.notes.leave_out(group.resource, why, "second-default")
        return True

    # --- as which

    def _match_groups(self, selected: Sequence[SecurityGroup]) -> dict[str, Place]:
        """Source id → (id or ref of the copy, what exists of it), for the groups that come along."""
        found: dict[str, Place] = {}
        names: list[tuple[str, Resource]] = []
        for group in selected:
            name = self._name(group)
            if group is self.scene.source_default and not self._renamed_default(group):
                self._default_group(group, found)
                continue
            match = self.matcher.match(group, name)
            if match and match.how == "map" and not adopts(self.scene, match.thing):
                self.notes.leave_out(
                    group.resource, f"--map-group puts {match.thing.resource} in its place", "mapped"
                )
                continue
            self._claim(group, match, name)
            existing = match.thing if match else None
            found[group.group_id] = (
                existing.group_id if existing else new_id("security-group", name),
                existing,
            )
            names.append((name, group.resource) if not existing else (existing.group_name, group.resource))
        check_unique(names)
        self.references.copies.update({source: id_ for source, (id_, _) in found.items()})
        return found

    def _renamed_default(self, group: SecurityGroup) -> bool:
        return any(
            item.glob in (group.group_id, "default") for item in self.scene.settings.translation.rename
        )

    def _name(self, group: SecurityGroup) -> str:
        return accepted(self._wanted_name(group), group.group_id.replace("sg-", "group-", 1)).rstrip(" ")

    def _wanted_name(self, group: SecurityGroup) -> str:
        return renamed(group.group_name, group.group_id, self.scene.settings.translation.rename)

    def _claim(self, group: SecurityGroup, match: Match[SecurityGroup] | None, name: str) -> None:
        if match:
            check_ownership(self.scene, match, group.resource)
            if match.how not in ("mark", "replaced"):
                self.notes.adopted.add(match.thing.group_id)
            return
        holder = next((g for g in self.scene.target.groups if name_key(g.group_name) == name_key(name)), None)
        if holder is not None and self.scene.writing:
            check_ownership(self.scene, Match(holder, "name"), group.resource)
        if name.lower().startswith("sg-") or name_key(name) == "default":
            raise ForeignOwner(
                f"naming the copy of {group.resource} {name!r}: EC2 refuses that name (sg-… and default); --rename it"
            )

    def _default_group(self, group: SecurityGroup, found: dict[str, Place]) -> None:
        default = self.scene.target_default
        if default is None or self.scene.target_shared:
            self.notes.leave_out(
                group.resource, "the target's default group cannot be resolved", "default-unresolved"
            )
            return
        if self.scene.adopts_default:
            check_ownership(self.scene, self._default_match(group, default), group.resource)
            self.notes.adopted.add(default.group_id)
            found[group.group_id] = (default.group_id, default)
            return
        self.references.copies[group.group_id] = default.group_id
        left_out = any(isinstance(self.references.translate(rule.peer), Outside) for rule in group.rules)
        if left_out or set(self.rules.translate(group, quiet=True)) != set(default.rules):
            why = "the target's default group differs and is not adopted; --adopt default"
            self.notes.not_compared.append(NotCompared(default.resource, why))

    def _default_match(self, group: SecurityGroup, default: SecurityGroup) -> Match[SecurityGroup]:
        found = self.matcher.match(group, "")
        return found if found and found.thing is default else Match(default, "default")

    def _group(self, group: SecurityGroup, place: Place) -> SecurityGroup:
        id_, existing = place
        self.notes.sources[id_] = group.resource
        self._immutable(group, existing)
        return SecurityGroup(
            group_id=id_,
            group_name=existing.group_name if existing else self._name(group),
            description=existing.description if existing else self._description(group),
            owner_id=self.scene.target_at.account,
            vpc_id=self.scene.target_at.vpc_id,
            rules=self._rules(group),
            tags=desired_tags(
                group.resource,
                group.tags,
                existing.tags if existing else (),
                self.scene.mark(group.group_id),
                self.scene.settings.translation.copy_tag,
            ),
        )

    def _rules(self, group: SecurityGroup) -> tuple[SecurityGroupRule, ...]:
        rules = tuple(self.rules.translate(group))
        return rules if rules == group.rules else tuple(sorted(rules, key=attrgetter("sort_key")))

    def _description(self, group: SecurityGroup) -> str:
        return accepted(group.description, self._name(group))

    def _immutable(self, group: SecurityGroup, existing: SecurityGroup | None) -> None:
        """EC2 cannot change a group's name or description (aws-facts 1.2), so a difference is told."""
        name, description = self._name(group), self._description(group)
        if existing is None:
            if name_key(name) != name_key(self._wanted_name(group)):
                self.notes.note(
                    "name-changed", group.resource, f"EC2 would refuse the name; the copy is {name!r}"
                )
            if description != group.description:
                self.notes.note(
                    "description-changed",
                    group.resource,
                    f"EC2 would refuse it; the copy has {description!r}",
                )
            return
        if not existing.is_default and name_key(existing.group_name) != name_key(name):
            self.notes.note(
                "name-differs",
                existing.resource,
                f"its source is called {name!r}; EC2 cannot rename a group",
                way_out=_ANEW,
            )
        if not existing.is_default and existing.description != description:
            self.notes.note(
                "description-differs",
                existing.resource,
                f"its source says {description!r}; EC2 cannot change it",
                way_out=_ANEW,
            )


def _group_peers(rules: Iterable[SecurityGroupRule]) -> list[GroupPeer]:
    return [rule.peer for rule in rules if isinstance(rule.peer, GroupPeer)]
