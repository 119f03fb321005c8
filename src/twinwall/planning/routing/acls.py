"""The calls on ACLs, as lanes: what is connected by subnets or by edits is one lane.

free         edits at once; nothing is behind it
in place     one edit after the other (``acl_paths``)
blue/green   a new ACL, filled; every subnet gets it; the old one goes
twin         the default ACL keeps its id: its subnets stand behind a twin while it is edited, then come back
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from twinwall.model.firewall import NetworkAcl, Resource, make_tags, new_id, ref_name
from twinwall.model.rules import NetworkAclEntry
from twinwall.planning import changes as c
from twinwall.planning.acl_entries import DIRECTIONS, of_direction
from twinwall.planning.desired import Desired
from twinwall.planning.routing.acl_goals import AclGoals, Way, in_order
from twinwall.planning.routing.acl_paths import edits
from twinwall.planning.routing.given import Given
from twinwall.planning.routing.lane import Lane, Leg

WHY_NEW = "no gap-free way in place takes fewer calls: it takes the place of {}"


@dataclass
class AclLanes:
    """``closing`` only close subnets, or touch none; ``opening`` also open some."""

    closing: list[Lane] = field(default_factory=list)
    opening: list[Lane] = field(default_factory=list)
    replaced: dict[str, str] = field(default_factory=dict)


def acl_lanes(given: Given) -> AclLanes:
    return _Lanes(AclGoals(given)).made()


def renamed(desired: Desired, replaced: dict[str, str]) -> Desired:
    """The same, with the refs of new ACLs in the place of those whose place they take."""
    if not replaced:
        return desired

    def name(id_: str) -> str:
        return replaced.get(id_, id_)

    return replace(
        desired,
        acls=tuple(replace(acl, network_acl_id=name(acl.network_acl_id)) for acl in desired.acls),
        associations=tuple(
            replace(wanted, network_acl_id=name(wanted.network_acl_id)) for wanted in desired.associations
        ),
        sources={name(id_): source for id_, source in desired.sources.items()},
        adopted=frozenset(map(name, desired.adopted)),
    )


@dataclass(frozen=True)
class _Lanes:
    goals: AclGoals

    @cached_property
    def given(self) -> Given:
        return self.goals.given

    def made(self) -> AclLanes:
        found = AclLanes(replaced=self.refs)
        for component in self._components():
            lane = _LaneOf(self, component).lane()
            opens = any(self.goals.opens_and_closes(subnet)[0] for subnet in self._subnets(component))
            (found.opening if opens else found.closing).append(lane)
        return found

    @cached_property
    def refs(self) -> dict[str, str]:
        """ACL → the ref of the one that takes its place."""
        taken = {change.resource.id for change in self.given.changes}
        found: dict[str, str] = {}
        for id_, way in self.goals.ways.items():
            if way == "blue/green":
                name = self.goals.acls[id_].name or id_
                ref = new_id("network-acl", name)
                ref = new_id("network-acl", f"{name} ({id_})") if ref in taken else ref
                taken.add(ref)
                found[id_] = ref
        return found

    def _subnets(self, component: frozenset[str]) -> Iterator[str]:
        for subnet, acl in self.given.before.acl_of_subnet.items():
            if acl in component or self.given.goal.acl_of_subnet[subnet] in component:
                yield subnet

    def _components(self) -> list[frozenset[str]]:
        """ACLs that are connected by subnets that move, each with those of its kind."""
        new = {ch.resource.id for ch in self.given.changes if isinstance(ch, c.CreateNetworkAcl)}
        groups = [{id_} for id_ in sorted(self.goals.ways.keys() | new)]
        doomed = {ch.resource.id for ch in self.given.changes if isinstance(ch, c.DeleteNetworkAcl)}
        for pair in (*self.goals.swaps.values(), *((id_,) for id_ in sorted(doomed))):
            touching = [group for group in groups if group & set(pair)]
            groups = [group for group in groups if not group & set(pair)]
            groups.append(set(pair).union(*touching))
        return [frozenset(group) for group in groups]


def _free(ends: tuple[NetworkAcl, NetworkAcl], room: int) -> list[Leg]:
    """All edits at once; what goes first where there is no room for both."""
    old, new = ends
    lane, kept = Lane(), {entry.key: entry for entry in old.entries}
    wanted = {entry.key: entry for entry in new.entries}
    gone = [entry for key, entry in kept.items() if key not in wanted]
    tight = any(
        len({e.key for e in (*of_direction(old.entries, way), *of_direction(new.entries, way))}) > room
        for way in DIRECTIONS
    )
    first = tuple(lane.add(edit(old.resource, entry, None)) for entry in gone)
    for key, entry in wanted.items():
        if kept.get(key) != entry:
            lane.add(edit(old.resource, kept.get(key), entry), first if tight else ())
    return lane.legs


_GONE = "not in the source"


def edit(acl: Resource, was: NetworkAclEntry | None, now: NetworkAclEntry | None) -> c.Change:
    """The call that makes ``now`` of what stood at the number."""
    if now is None:
        assert was is not None
        return c.DeleteNetworkAclEntry(resource=acl, reason=_GONE, entry=was)
    if was is None:
        return c.CreateNetworkAclEntry(resource=acl, reason="wanted", entry=now)
    return c.ReplaceNetworkAclEntry(resource=acl, reason=f"was {was}", entry=now)


@dataclass
class _LaneOf:
    """One component's lane. ``last``: what the next call on an ACL with subnets waits for."""

    whole: _Lanes
    component: frozenset[str]
    work: Lane = field(default_factory=Lane)
    filled: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def goals(self) -> AclGoals:
        return self.whole.goals

    @property
    def given(self) -> Given:
        return self.whole.given

    def lane(self) -> Lane:
        self._bodies()
        for id_ in sorted(self._by_way("blue/green")):
            self._body(id_, self.whole.refs[id_], self._tags(id_))
        for id_ in sorted(self._by_way("twin")):
            self._body(id_, _twin(id_), (("Name", f"stands in for {id_}"),))
        self._in_place()
        self._elsewhere()
        self._deletions()
        return self.work

    def _by_way(self, way: Way) -> list[str]:
        return [id_ for id_ in self.component if self.goals.ways.get(id_) == way]

    def _bodies(self) -> None:
        """The plan's own new ACLs, and edits of those that are behind no subnet."""
        for id_ in sorted(self.component):
            if ref_name(id_) is not None:
                made: list[int] = []
                for change in self.given.by_thing[id_]:
                    made.append(self.work.add(change, tuple(made[:1]), -1))
                self.filled[id_] = tuple(made)
        for id_ in sorted(self._by_way("free")):
            legs = _free(self.goals.edited[id_], self.given.quotas.entries_per_acl)
            self.filled[id_] = self.work.join(legs, (), -1)

    def _body(self, id_: str, ref: str, tags: tuple[tuple[str, str], ...]) -> None:
        """A new ACL with the entries that the old one is to have."""
        new = self.goals.edited[id_][1]
        resource = Resource("network-acl", ref, ref_name(ref) or "")
        why = WHY_NEW.format(new.resource)
        made = self.work.add(
            c.CreateNetworkAcl(resource=resource, reason=why, vpc_id=new.vpc_id, tags=tags), (), -1
        )
        calls = [c.CreateNetworkAclEntry(resource=resource, reason=why, entry=e) for e in sorted(new.entries)]
        self.filled[ref] = (made, *(self.work.add(call, (made,), -1) for call in calls))

    def _tags(self, id_: str) -> tuple[tuple[str, str], ...]:
        """The old one's, and those that it was to get."""
        wanted = next((a.tags for a in self.given.desired.acls if a.network_acl_id == id_), ())
        held = [tag for tag in self.goals.acls[id_].tags if not tag[0].startswith("aws:")]
        return make_tags((*held, *wanted))

    # --- swaps and edits

    def _in_place(self) -> None:
        """ACLs in the order in which they can be edited; a subnet leaves before its ACL is edited."""
        own = self._by_way("in place")
        order = in_order(own, self.goals.swaps.values()) or sorted(own)
        twins = self._by_way("twin")
        for subnet in self._moving():
            at, to = self.goals.swaps[subnet]
            if at not in own and to not in own and to not in twins:
                self._swap(subnet, to, ())
        chained = False
        for id_ in order:
            for subnet in [s for s in self._moving() if self.goals.swaps[s][0] == id_]:
                self._swap(subnet, self.goals.swaps[subnet][1], self._end(chained))
                chained = True
            for change in self._edits(id_):
                self.work.add(change, self._end(chained), 0)
                chained = True
            for subnet in [s for s in self.goals.coming(id_) if self.goals.swaps[s][0] not in own]:
                self._swap(subnet, id_, self._end(chained))
                chained = True

    def _end(self, chained: bool) -> tuple[int, ...]:
        return (len(self.work.legs) - 1,) if chained else ()

    def _moving(self) -> list[str]:
        return [subnet for subnet, (at, _) in self.goals.swaps.items() if at in self.component]

    def _edits(self, id_: str) -> Iterator[c.Change]:
        old, _ = self.goals.edited[id_]
        for direction in DIRECTIONS:
            path = self.goals.paths[id_][direction]
            if path is None:  # no way without a gap: as the numbers come, and the guard says what it would do
                yield from self._as_they_come(id_, direction)
                continue
            for was, now in edits(path, of_direction(old.entries, direction)):
                yield edit(old.resource, was, now)

    def _as_they_come(self, id_: str, direction: object) -> Iterator[c.Change]:
        old, new = self.goals.edited[id_]
        held = {entry.key: entry for entry in old.entries if entry.direction is direction}
        wanted = {entry.key: entry for entry in new.entries if entry.direction is direction}
        for key in sorted(held.keys() - wanted.keys()):
            yield edit(old.resource, held[key], None)
        for key, entry in sorted(wanted.items()):
            if held.get(key) != entry:
                yield edit(old.resource, held.get(key), entry)

    def _swap(
        self, subnet: str, acl_id: str, after: tuple[int, ...], *, round_: int = 0, again: bool = False
    ) -> int:
        association = c.association_ref(subnet) if again else self.goals.association_ids[subnet]
        to = self.whole.refs.get(acl_id, acl_id)
        change = next(
            (
                ch
                for ch in self.given.by_thing.get(subnet, ())
                if isinstance(ch, c.ReplaceNetworkAclAssociation) and not again
            ),
            None,
        )
        reason = change.reason if change else f"its ACL is {self._words(acl_id)}"
        resource = change.resource if change else self._subnet(subnet)
        return self.work.add(
            c.ReplaceNetworkAclAssociation(
                resource=resource, reason=reason, association_id=association, network_acl_id=to
            ),
            (*after, *self.filled.get(to, ())),
            round_,
        )

    def _subnet(self, subnet: str) -> Resource:
        known = (item.resource for item in self.given.existing.subnets or () if item.subnet_id == subnet)
        return next(known, Resource("subnet", subnet))

    def _words(self, acl_id: str) -> str:
        return f"replaced by a new one ({WHY_NEW.format(acl_id)})" if acl_id in self.whole.refs else "ready"

    def _elsewhere(self) -> None:
        """Every subnet that stays behind an ACL that is edited elsewhere."""
        for id_ in sorted(self._by_way("blue/green")):
            for subnet in self.goals.behind(id_):
                self._swap(subnet, id_, ())
        for id_ in sorted(self._by_way("twin")):
            for subnet in self.goals.behind(id_):
                self._swap(subnet, _twin(id_), ())
            gone = tuple(index for index, leg in enumerate(self.work.legs) if leg.round == 0)
            legs = _free(self.goals.edited[id_], self.given.quotas.entries_per_acl)
            edited = self.work.join(legs, gone, 1)
            for subnet in self.goals.behind(id_):
                self._swap(subnet, id_, edited, round_=1, again=True)
            for subnet in self.goals.coming(id_):
                self._swap(subnet, id_, edited, round_=1)

    def _deletions(self) -> None:
        done = tuple(index for index, leg in enumerate(self.work.legs) if leg.round >= 0)
        for id_ in sorted(self._by_way("blue/green")):
            acl = self.goals.acls[id_]
            why = "another has taken its place"
            self.work.add(c.DeleteNetworkAcl(resource=acl.resource, reason=why), done, 1)
        for id_ in sorted(self._by_way("twin")):
            ref = _twin(id_)
            resource = Resource("network-acl", ref, ref_name(ref) or "")
            self.work.add(c.DeleteNetworkAcl(resource=resource, reason="stood in for it"), done, 2)
        for change in self.given.changes:
            if isinstance(change, c.DeleteNetworkAcl) and change.resource.id in self.component:
                self.work.add(change, done, 1)


def _twin(id_: str) -> str:
    return new_id("network-acl", f"stands in for {id_}")
