"""Which group or ACL of the target stands for one of the source (contract, chapter 2, *Translation*).

looked for by           finds                                      on what condition
--map-group             the group named                            it exists
id                      itself                                     a proof of one VPC at two moments
mark                    the copy of exactly this source            one only
CloudFormation id       same logical id                            --match-cloudformation
name                    a copy whose source is gone                a complete read of the source
                        an unmarked one                            --match-by-name, or it is adopted
                        a copy of another living source            never
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Generic, Literal, TypeVar

from twinwall.errors import AmbiguousName, ConfigError, ForeignOwner
from twinwall.model.firewall import NetworkAcl, Resource, SecurityGroup, tag
from twinwall.model.ownership import LOGICAL_ID_TAG, MESH_TAG, SOURCE_TAG, manager_of, mark_of
from twinwall.model.rules import Tags
from twinwall.replica.scene import Scene, name_key

How = Literal["map", "itself", "mark", "logical-id", "replaced", "name", "default"]
STACK_NAME_TAG = "aws:cloudformation:stack-name"

Thing = TypeVar("Thing", SecurityGroup, NetworkAcl)


def id_of(thing: SecurityGroup | NetworkAcl) -> str:
    return thing.group_id if isinstance(thing, SecurityGroup) else thing.network_acl_id


def name_of(thing: SecurityGroup | NetworkAcl) -> str:
    return thing.group_name if isinstance(thing, SecurityGroup) else thing.name


@dataclass(frozen=True)
class Match(Generic[Thing]):
    thing: Thing
    how: How


@dataclass(frozen=True)
class Matcher(Generic[Thing]):
    """Finds counterparts among ``targets``, for ``sources``, both of one kind."""

    scene: Scene
    sources: tuple[Thing, ...]
    targets: tuple[Thing, ...]

    def match(self, source: Thing, wanted_name: str) -> Match[Thing] | None:
        """``wanted_name``: the source's name after ``--rename``."""
        steps: tuple[tuple[How, Callable[[], Thing | None]], ...] = (
            ("map", lambda: self._mapped(source)),
            ("itself", lambda: self._itself(source)),
            ("mark", lambda: self._by_mark.get(str(self.scene.mark(id_of(source))))),
            ("logical-id", lambda: self._by_logical_id(source)),
            ("replaced", lambda: self._by_name(wanted_name, self._source_is_gone)),
            ("name", lambda: self._by_name(wanted_name, self._may_pair)),
        )
        for how, find in steps:
            if (found := find()) is not None:
                return Match(found, how)
        return None

    def _mapped(self, source: Thing) -> Thing | None:
        if not isinstance(source, SecurityGroup):
            return None
        for item in self.scene.settings.translation.map_group:
            if item.target and item.source in (source.group_id, source.group_name):
                return self.named(item.target, f"--map-group {item.source}={item.target}")
        return None

    def _itself(self, source: Thing) -> Thing | None:
        scene = self.scene
        same = not scene.writing and scene.source_at == scene.target_at
        return self._by_id.get(id_of(source)) if same else None

    @cached_property
    def _by_id(self) -> dict[str, Thing]:
        return {id_of(thing): thing for thing in self.targets}

    def named(self, wanted: str, option: str) -> Thing:
        """The target's thing of this id or name. Raises ``ConfigError``."""
        for thing in self.targets:
            if wanted == id_of(thing) or name_key(wanted) == name_key(name_of(thing)):
                return thing
        raise ConfigError(
            f"{option}: the target has no group {wanted} ({len(self.targets)} were read); name one that it has"
        )

    @cached_property
    def _by_mark(self) -> dict[str, Thing]:
        found: dict[str, Thing] = {}
        for thing in self.targets:
            mark = tag(thing.tags, SOURCE_TAG)
            if mark and (twin := found.setdefault(mark, thing)) is not thing:
                raise AmbiguousName(
                    f"matching by mark: {twin.resource} and {thing.resource} both carry {SOURCE_TAG}={mark}; "
                    "remove the tag from the one that is not the copy"
                )
        return found

    def _by_logical_id(self, source: Thing) -> Thing | None:
        wanted = tag(source.tags, LOGICAL_ID_TAG)
        if not self.scene.settings.translation.match_cloudformation or not wanted:
            return None
        found = [t for t in self.targets if tag(t.tags, LOGICAL_ID_TAG) == wanted and self._not_anothers(t)]
        if len(found) > 1:
            stack = tag(source.tags, STACK_NAME_TAG)
            found = [t for t in found if tag(t.tags, STACK_NAME_TAG) == stack] or found
        if len(found) > 1:
            names = ", ".join(str(thing.resource) for thing in found)
            raise AmbiguousName(
                f"matching {source.resource} by its logical id {wanted}: {len(found)} candidates, {names}; "
                "name one with --map-group"
            )
        return found[0] if found else None

    def _not_anothers(self, thing: Thing) -> bool:
        """Not a copy of another source."""
        return mark_of(thing.tags) is None or self._source_is_gone(thing)

    def _by_name(self, wanted: str, allowed: Callable[[Thing], bool]) -> Thing | None:
        if not wanted:
            return None
        found = [t for t in self.targets if self._same_name(t, wanted) and allowed(t)]
        if len(found) > 1:
            names = ", ".join(str(thing.resource) for thing in found)
            raise AmbiguousName(
                f"matching {wanted!r} by name: {len(found)} candidates, {names}; mark the right one"
            )
        return found[0] if found else None

    @staticmethod
    def _same_name(thing: Thing, wanted: str) -> bool:
        if isinstance(thing, NetworkAcl):
            return thing.name == wanted and not thing.is_default
        return name_key(thing.group_name) == name_key(wanted) and not thing.is_default

    def _source_is_gone(self, thing: Thing) -> bool:
        mark = mark_of(thing.tags)
        if mark is None or not self.scene.complete:
            return False
        here = self.scene.mark(mark.id)
        return mark == here and mark.id not in self._source_ids

    @cached_property
    def _source_ids(self) -> frozenset[str]:
        return frozenset(map(id_of, self.sources))

    def _may_pair(self, thing: Thing) -> bool:
        unmarked = mark_of(thing.tags) is None
        return unmarked and (self.scene.settings.translation.match_by_name or adopts(self.scene, thing))

    def copies_without_source(self) -> list[Thing]:
        """Copies of this source VPC whose source a complete read no longer shows."""
        return [thing for thing in self.targets if self._source_is_gone(thing)]


def adopts(scene: Scene, thing: SecurityGroup | NetworkAcl) -> bool:
    """``--adopt GLOB`` on the target's names; ``*`` does not mean ``default``."""
    if thing.is_default:
        return scene.adopts_default
    return any(
        pattern != "default"
        and (pattern == id_of(thing) or fnmatchcase(name_key(name_of(thing)), name_key(pattern)))
        for pattern in scene.settings.limits.adopt
    )


def check_ownership(scene: Scene, match: Match[SecurityGroup] | Match[NetworkAcl], source: Resource) -> None:
    """Refuses to change what is not ours to change. Does nothing where nothing is written."""
    thing = match.thing
    doing = f"copying {source} onto {thing.resource}"
    if not scene.writing:
        return
    if tag(thing.tags, MESH_TAG) is not None:
        raise ForeignOwner(
            f"{doing}: it belongs to the mesh {tag(thing.tags, MESH_TAG)}; --exclude or --rename it"
        )
    if match.how in ("mark", "replaced"):
        return
    if mark_of(thing.tags) is not None:
        raise ForeignOwner(
            f"{doing}: it is marked as a copy of {mark_of(thing.tags)}; --rename or --exclude one"
        )
    if not adopts(scene, thing):
        way = (
            "--adopt default"
            if thing.is_default
            else f"--adopt '{name_of(thing) or id_of(thing)}' to take it over"
        )
        raise ForeignOwner(
            f"{doing}: it does not carry our mark, so it is not changed; {way}, or --rename the copy"
        )
    check_manager(scene, thing.tags, thing, doing)


def check_manager(scene: Scene, tags: Tags, thing: SecurityGroup | NetworkAcl, doing: str) -> None:
    description = thing.description if isinstance(thing, SecurityGroup) else ""
    manager = manager_of(tags, description)
    if manager and not scene.settings.limits.adopt_managed:
        raise ForeignOwner(
            f"{doing}: it looks like {manager}'s, which would put it back; --adopt-managed if both may keep it"
        )


def check_unique(names: Iterable[tuple[str, Resource]]) -> None:
    """Two copies of one name cannot be in one VPC."""
    seen: dict[str, list[Resource]] = defaultdict(list)
    for name, resource in names:
        seen[name_key(name)].append(resource)
    for name, resources in seen.items():
        if len(resources) > 1:
            both = " and ".join(map(str, resources[:2]))
            raise AmbiguousName(
                f"naming the copies: {both} would both be called {name!r}; --rename or --exclude one"
            )
