"""Prefix lists in the target's terms.

list is…                         becomes
named by --map-prefix-list       the list named
AWS-managed                      the one of the same name, the Region in it replaced
customer-managed, same Region
  and account, no map in the way itself
customer-managed                 a marked copy, entries CIDR-mapped, one per account and Region
not readable, not found          an outside reference
"""

import re
from dataclasses import dataclass, field
from functools import cached_property

from twinwall.errors import AmbiguousName, ConfigError, ForeignOwner, UnsafePlan
from twinwall.model.firewall import PrefixList, PrefixListEntry, Resource, make_tags, new_id, tag
from twinwall.model.net import parse_cidr
from twinwall.model.ownership import SOURCE_TAG, TARGET_TAG, Mark
from twinwall.model.rules import Tags
from twinwall.planning.findings import Finding
from twinwall.replica.cidrs import CidrMapper
from twinwall.replica.notes import SPLIT, supernet_words
from twinwall.replica.scene import Scene
from twinwall.replica.settings import CidrMap
from twinwall.replica.tags import desired_tags

MAX_TAG_VALUE = 256
UNSAID = "?"


def made_for(tags: Tags) -> tuple[str, tuple[CidrMap, ...] | None]:
    """What ``TARGET_TAG`` says: the VPC, and the maps; None where they were too long, or are not readable."""
    vpc_id, *texts = (tag(tags, TARGET_TAG) or "").split() or [""]
    pairs = [text.partition("=") for text in texts]
    try:
        return vpc_id, tuple(CidrMap(parse_cidr(source), parse_cidr(target)) for source, _, target in pairs)
    except ConfigError:
        return vpc_id, None


_REGIONAL = re.compile(r"(?<=^com\.amazonaws\.)[a-z]{2}(-[a-z]+)+-[0-9](?=\.)")


def counterpart_name(name: str, region: str) -> str:
    """What an AWS-managed list is called in another Region; ``global`` lists keep their name."""
    return _REGIONAL.sub(region, name) if region else name


@dataclass(frozen=True)
class Outside:
    """A reference that was not found: why, in words that end a sentence."""

    why: str
    kind: str = "unknown"


@dataclass
class ListTranslator:
    """Translates lists on first mention; what it met stands in ``desired``, ``findings``, ``sources``."""

    scene: Scene
    mapper: CidrMapper
    desired: dict[str, PrefixList] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    sources: dict[str, Resource] = field(default_factory=dict)
    _seen: dict[str, str | Outside] = field(default_factory=dict)

    def translate(self, list_id: str) -> str | Outside:
        """The id (or ref) that stands for a source list in the target."""
        if list_id not in self._seen:
            self._seen[list_id] = self._find(list_id)
        return self._seen[list_id]

    def _find(self, list_id: str) -> str | Outside:
        scene, source = self.scene, self.scene.source.list_by_id.get(list_id)
        if (mapped := self._mapped(list_id, source)) is not None:
            return mapped
        if source is None:
            if scene.same_account_and_region and not self.mapper.maps:
                return list_id
            return Outside(f"the prefix list {list_id} cannot be read at the source", "list")
        if source.aws_managed:
            return self._aws_managed(source)
        if scene.same_account_and_region and self._unmoved(source):
            return list_id
        if source.entries is None:
            return Outside(
                f"the entries of the prefix list {source.resource} cannot be read at the source", "list"
            )
        return self._copy(source, source.entries)

    def _mapped(self, list_id: str, source: PrefixList | None) -> str | None:
        names = {list_id} | ({source.name} if source else set())
        for wanted, target in self.scene.settings.translation.map_prefix_list:
            if wanted in names:
                option = f"--map-prefix-list {wanted}={target}"
                found = self._target_list(target, option)
                if source and source.family != found.family:
                    raise ConfigError(
                        f"{option}: an IPv{source.family} list onto an IPv{found.family} one; "
                        "name one of the same version"
                    )
                return found.prefix_list_id
        return None

    def _target_list(self, wanted: str, option: str) -> PrefixList:
        found = [item for item in self._targets if wanted in (item.prefix_list_id, item.name)]
        if len(found) > 1:
            names = ", ".join(str(item.resource) for item in found)
            raise AmbiguousName(f"{option}: {len(found)} lists are called {wanted}, {names}; give one id")
        if not found:
            raise ConfigError(
                f"{option}: the target's account has no prefix list {wanted} in that Region; name one that it has"
            )
        return found[0]

    def copies_without_source(self) -> list[PrefixList]:
        """Our copies of lists that are gone, as far as they are ours to delete."""
        gone = {str(self.scene.list_mark(list_id)) for list_id in self.scene.lists_gone}
        return [
            item
            for mark, item in sorted(self._copies.items())
            if mark in gone and not item.ipam_managed and item.owner_id == self.scene.target_at.account
        ]

    @property
    def _targets(self) -> tuple[PrefixList, ...]:
        return self.scene.target.prefix_lists or ()

    def _aws_managed(self, source: PrefixList) -> str | Outside:
        if self.scene.same_region:
            return source.prefix_list_id
        wanted = counterpart_name(source.name, self.scene.target_at.region)
        for item in self._targets:
            if item.name == wanted and item.aws_managed:
                return item.prefix_list_id
        return Outside(
            f"{self.scene.target_at.region or 'the target'} has no AWS-managed list {wanted}", "list"
        )

    def _unmoved(self, source: PrefixList) -> bool:
        """No map is in the way; what entries cannot be read might be moved by any."""
        if source.entries is None:
            return not self.mapper.maps
        return all(self.mapper.map(entry.cidr) == entry.cidr for entry in source.entries)

    @cached_property
    def _copies(self) -> dict[str, PrefixList]:
        found: dict[str, PrefixList] = {}
        for item in self._targets:
            mark = tag(item.tags, SOURCE_TAG)
            if mark and (twin := found.setdefault(mark, item)) is not item:
                raise AmbiguousName(
                    f"matching prefix lists by mark: {twin.resource} and {item.resource} both carry "
                    f"{SOURCE_TAG}={mark}; remove the tag from the one that is not the copy"
                )
        return found

    def _copy(self, source: PrefixList, entries: tuple[PrefixListEntry, ...]) -> str:
        mark = self.scene.list_mark(source.prefix_list_id)
        existing = self._copies.get(str(mark))
        if existing and (
            existing.ipam_managed or existing.owner_id not in ("", self.scene.target_at.account)
        ):
            whose = "IPAM" if existing.ipam_managed else existing.owner_id
            raise ForeignOwner(
                f"keeping {existing.resource} in step with {source.resource}: it is managed by {whose} and never "
                "edited; name another list with --map-prefix-list"
            )
        list_id = existing.prefix_list_id if existing else self._new_id(source)
        merged = self._mapped_entries(source, entries)
        if existing:
            self._check_other_target(existing, source, merged)
        self.desired[list_id] = PrefixList(
            prefix_list_id=list_id,
            name=source.name,
            family=source.family,
            owner_id=self.scene.target_at.account,
            max_entries=max(source.max_entries or 0, len(merged), 1),
            entries=merged,
            tags=self._tags(source, existing, mark),
        )
        self.sources[list_id] = source.resource
        if existing:
            self._compare(existing, self.desired[list_id])
        return list_id

    def _tags(self, source: PrefixList, existing: PrefixList | None, mark: Mark) -> Tags:
        held = existing.tags if existing else ()
        tags = desired_tags(
            source.resource, source.tags, held, mark, self.scene.settings.translation.copy_tag
        )
        vpc_id, _ = made_for(held)
        if vpc_id not in ("", self.scene.target_at.vpc_id):
            return tags
        return make_tags((*tags, (TARGET_TAG, self._made_for(source))))

    def _made_for(self, source: PrefixList) -> str:
        """The target VPC, and the maps that moved an entry."""
        maps = [
            f"{item.source}={item.target}"
            for item in self.mapper.maps
            if any(item.source.contains(entry.cidr) for entry in source.entries or ())
        ]
        text = " ".join([self.scene.target_at.vpc_id, *maps])
        return text if len(text) <= MAX_TAG_VALUE else f"{self.scene.target_at.vpc_id} {UNSAID}"

    def _check_other_target(
        self, existing: PrefixList, source: PrefixList, merged: tuple[PrefixListEntry, ...]
    ) -> None:
        """One copy serves every target of the account and Region: a run for another target must not give it
        other entries."""
        vpc_id, maps = made_for(existing.tags)
        if vpc_id in ("", self.scene.target_at.vpc_id):
            return
        if maps is None:
            theirs = {entry.cidr for entry in existing.entries or ()}
        else:
            theirs = {CidrMapper.of(maps).map(entry.cidr) for entry in source.entries or ()}
        if theirs != {entry.cidr for entry in merged}:
            raise UnsafePlan(
                f"planning {existing.resource}, the one copy of {source.resource} in the account and Region: the maps "
                f"of the target {vpc_id} gave it other entries than those of {self.scene.target_at.vpc_id} would; give "
                "both the same maps, or name another list with --map-prefix-list"
            )

    def _new_id(self, source: PrefixList) -> str:
        plain = new_id("prefix-list", source.name)
        return (
            plain
            if plain not in self.desired
            else new_id("prefix-list", f"{source.name} {source.prefix_list_id}")
        )

    def _mapped_entries(
        self, source: PrefixList, entries: tuple[PrefixListEntry, ...]
    ) -> tuple[PrefixListEntry, ...]:
        merged: dict[str, PrefixListEntry] = {}
        for entry in sorted(entries):
            moved = PrefixListEntry(self.mapper.map(entry.cidr), entry.description)
            kept = merged.setdefault(str(moved.cidr), moved)
            if kept is not moved:
                self._note("merged-entries", source, f"two entries become {moved.cidr}; one is kept")
            if item := self.mapper.split_by(entry.cidr):
                words = supernet_words(entry.cidr, item.source, moved.cidr)
                self._note("supernet-not-mapped", source, f"the entry {words}", SPLIT)
        return tuple(sorted(merged.values()))

    def _compare(self, existing: PrefixList, desired: PrefixList) -> None:
        described = {entry.cidr: entry.description for entry in existing.entries or ()}
        limits = self.scene.settings.limits
        redescribed = self.scene.writing and limits.allow_gap and limits.policy == "sync"
        for entry in desired.entries or ():
            if not redescribed and described.get(entry.cidr, entry.description) != entry.description:
                self._note(
                    "entry-description",
                    existing,
                    f"the entry {entry.cidr} differs in its description only; EC2 can only remove and add it",
                    way_out="--allow-gap removes and adds it",
                )
        if existing.name != desired.name:
            self._note("name-differs", existing, f"its source is called {desired.name!r}")

    def _note(self, id_: str, item: PrefixList, message: str, way_out: str = "") -> None:
        self.findings.append(Finding(id_, "note", item.resource, message, way_out))
