"""Changes → a route.

    before anything     lists, groups and ACLs made and filled: nothing stands behind them yet
    closing ACLs        what only closes a subnet, if groups change too
    gains               rules added to groups that guard, entries added to their lists
    ═ barrier ═         one read, if anything is to be lost
    full groups         round by round (``full``), a barrier between two rounds; those whose rules name lists that
                        change, in three stages: before the lists gain, here, and when the lists have lost
    losses              rules revoked, list entries removed, lists shrunk
    other ACLs          what opens a subnet
    ═ barrier ═         if a subnet got another ACL: before its old one is touched
    deletions           what nobody names any more

Each call waits only for what it needs: the groups that it names, the calls on the same object that must be done,
the barrier. A plan that only adds has no barrier.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from twinwall.model.firewall import ref_name
from twinwall.planning import changes as c
from twinwall.planning.order import Route
from twinwall.planning.routing.calls import Calls, split
from twinwall.planning.routing.creation import creation_order
from twinwall.planning.routing.early import Early
from twinwall.planning.routing.full import FullLanes
from twinwall.planning.routing.given import Given
from twinwall.planning.routing.lane import Lane
from twinwall.planning.routing.weaver import Weaver, named_by


def assemble(given: Given, closing: Sequence[Lane], opening: Sequence[Lane], full: FullLanes) -> Route:
    """``closing``: ACL work that may go before the groups, ``opening``: what goes behind; ``full``: groups."""
    return _Assembly(given, closing, opening, full).route()


@dataclass
class _Assembly:
    given: Given
    closing: Sequence[Lane]
    opening: Sequence[Lane]
    full: FullLanes
    weaver: Weaver = field(default_factory=Weaver)
    gained: list[int] = field(default_factory=list)
    unlinked: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    list_ends: dict[str, int] = field(default_factory=dict)
    lanes: dict[int, dict[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.calls = Calls(self.given)

    def route(self) -> Route:
        self._new_lists()
        first = self.given.groups_move
        shut = self._closed() if first else []
        waits, early = self._gains(tuple(shut))
        shut = shut if first else self._closed()
        for lane in self.opening:
            self._round(lane, -1, ())
        self._early(early)
        gate = self._settled((*self.gained, *shut) if self._loses else shut if self._more_rounds else ())
        gate = self._full(self.full.middle, gate)
        gate = self._late(waits, gate)
        self._described()
        lost = self._losses(early, gate)
        opened = self._opened(lost or (*gate, *self.gained))
        self._later_rounds(gate, opened)
        self._deletions(gate)
        return self.weaver.route

    # --- what there is

    @property
    def _loses(self) -> bool:
        lists = any(calls.losses for calls in self.calls.lists.values())
        full = self.full.early or self.full.middle or self.full.late
        return bool(self.calls.losses or self.calls.deletions or lists or full)

    @property
    def _more_rounds(self) -> bool:
        return any(lane.rounds > 1 for lane in self.closing)

    def _settled(self, positions: Iterable[int]) -> tuple[int, ...]:
        gate = self.weaver.settle(positions)
        self.gained.clear()
        return gate

    # --- new things

    def _new_lists(self) -> None:
        for id_, calls in self.calls.lists.items():
            if ref_name(id_) is not None:
                self._list_chain(id_, calls.gains, ())

    def _list_chain(self, id_: str, changes: Iterable[c.Change], after: tuple[int, ...]) -> list[int]:
        """One call on a list at a time."""
        sent = []
        for change in changes:
            last = (self.list_ends[id_],) if id_ in self.list_ends else ()
            self.list_ends[id_] = self.weaver.send(change, (*after, *last))
            sent.append(self.list_ends[id_])
        return sent

    # --- gains

    def _gains(self, shut: tuple[int, ...]) -> tuple[list[tuple[c.AuthorizeRules, frozenset[str]]], Early]:
        """Sends what can be sent now. Returns the gains that lists hold up, and the losses that hold up lists."""
        early = Early.of(self.calls)
        waits: list[tuple[c.AuthorizeRules, frozenset[str]]] = []
        now: list[c.AuthorizeRules] = []
        for gain in self.calls.gains:
            ready: c.AuthorizeRules | None = gain
            if held := self.calls.must_wait(gain):
                ready, later = split(gain, held)
                waits.append((later, held))
            if ready:
                now.append(ready)
        for id_, calls in self.calls.lists.items():
            if ref_name(id_) is None and id_ not in early.lists | self._held_lists:
                self.gained += self._list_chain(id_, calls.gains, shut)
        self._remarks(new=False)
        self._groups(now, shut)
        self._remarks(new=True)
        return waits, early

    def _remarks(self, *, new: bool) -> None:
        for change in self.calls.remarks:
            if (change.resource.id in self.calls.creations) is new and not self._is_late(change):
                self.weaver.send(change)

    def _is_late(self, change: c.Change) -> bool:
        return isinstance(change, c.UpdateRuleDescriptions) and change.resource.id in self.calls.full

    def _described(self) -> None:
        """Rules of full groups, when each is itself again: one that is another for a while has no description yet."""
        for change in filter(self._is_late, self.calls.remarks):
            self.weaver.send(change, self.weaver.calls_on(change.resource.id))

    def _groups(self, gains: Sequence[c.AuthorizeRules], shut: tuple[int, ...]) -> None:
        """New groups, the fewest references waiting; each gain as soon as the groups that it names exist."""
        creations = self.calls.creations
        names: dict[str, set[str]] = {id_: set() for id_ in creations}
        lacking: dict[int, set[str]] = {}
        waiting: dict[str, list[int]] = defaultdict(list)
        for index, change in enumerate(gains):
            lacking[index] = named_by(change) & creations.keys()
            for one in lacking[index]:
                waiting[one].append(index)
            if change.resource.id in names:
                names[change.resource.id] |= lacking[index]
        born = {change.resource.id: change for change in self.calls.born}
        revoked: dict[str, int] = {}
        for index, change in enumerate(gains):
            if not lacking[index]:
                self._gain(change, shut, revoked)
        for id_ in creation_order(names):
            self.weaver.send(creations[id_])
            if id_ in born:
                revoked[id_] = self.weaver.send(born[id_])
            for index in waiting[id_]:
                lacking[index].discard(id_)
                if not lacking[index]:
                    self._gain(gains[index], shut, revoked)

    def _gain(self, change: c.AuthorizeRules, shut: tuple[int, ...], revoked: dict[str, int]) -> None:
        id_ = change.resource.id
        if id_ in self.calls.creations:
            self.weaver.send(change, self._room(change, revoked))
        else:
            guards = self.given.usage.guards(id_)
            position = self.weaver.send(change, shut if guards else ())
            self.gained.append(position)

    def _room(self, change: c.AuthorizeRules, revoked: dict[str, int]) -> tuple[int, ...]:
        """A new group waits for its default egress to go only where there is no room beside it."""
        id_ = change.resource.id
        final = self.given.goal.groups[id_].rules
        born = [rule for loss in self.calls.born if loss.resource.id == id_ for rule in loss.rules]
        return () if id_ not in revoked or self.given.fits({*final, *born}) else (revoked[id_],)

    def _early(self, early: Early) -> None:
        """Losses of rules that name a list before the list gains what they must not admit."""
        if not (early.losses or self.full.early):
            return
        gate = self._settled(self.gained)
        sent = [self._loss(change, gate) for change in early.losses]
        after = self._full(self.full.early, gate) if self.full.early else ()
        for id_ in sorted(early.lists | self._held_lists):
            self.gained += self._list_chain(id_, self.calls.lists[id_].gains, (*after, *sent))
        self.gained += (*after, *sent)

    # --- losses

    @property
    def _held_lists(self) -> frozenset[str]:
        """Lists that gain when full groups have done their first stage."""
        return self.full.lists if self.full.early else frozenset()

    def _full(self, lanes: Sequence[Lane], gate: tuple[int, ...]) -> tuple[int, ...]:
        """Full groups, all in step; what is lost afterwards waits for what they gained."""
        for round_ in range(max((lane.rounds for lane in lanes), default=0)):
            sent = [p for lane in lanes for p in self._round(lane, round_, gate)]
            gate = self._settled(sent)
        return gate

    def _late(
        self, waits: Sequence[tuple[c.AuthorizeRules, frozenset[str]]], gate: tuple[int, ...]
    ) -> tuple[int, ...]:
        """Gains that name a list which first loses what they must not admit, and the last stage of full groups."""
        if self.full.late:
            ends = [p for id_ in sorted(self.full.lists) for p in self._list_losses(id_, gate)]
            gate = self._full(self.full.late, self._settled(ends) or gate)
        if not waits:
            return gate
        sent: list[int] = []
        for change, lists in waits:
            ends = [p for id_ in sorted(lists) for p in self._list_losses(id_, gate)]
            ends += [self.list_ends[id_] for id_ in lists if id_ in self.list_ends]
            sent.append(self.weaver.send(change, (*gate, *ends)))
        return self._settled(sent)

    def _list_losses(self, id_: str, gate: tuple[int, ...]) -> list[int]:
        losses, self.calls.lists[id_].losses = self.calls.lists[id_].losses, []
        return self._list_chain(id_, losses, gate)

    def _losses(self, early: Early, gate: tuple[int, ...]) -> list[int]:
        sent = [self._loss(change, gate) for change in early.rest]
        for id_ in self.calls.lists:
            sent += self._list_losses(id_, gate)
        return sent

    def _loss(self, change: c.RevokeRules, gate: tuple[int, ...]) -> int:
        position = self.weaver.send(change, gate)
        self._unlink(change, position)
        return position

    def _unlink(self, change: c.Change, position: int) -> None:
        rules = change.rules if isinstance(change, c.RevokeRules) else ()
        if isinstance(change, c.ModifySecurityGroupRules):
            rules = (change.rule,)
        for rule in rules:
            self.unlinked[str(rule.peer)].append(position)

    # --- lanes

    def _round(self, lane: Lane, round_: int, entry: Sequence[int]) -> list[int]:
        """The calls of one round; those that wait for nothing in it wait for ``entry``."""
        known = self.lanes.setdefault(id(lane), {})
        sent: list[int] = []
        for index, leg in enumerate(lane.legs):
            if leg.round != round_:
                continue
            first = not any(lane.legs[other].round == round_ for other in leg.after)
            after = [known[other] for other in leg.after]
            known[index] = self.weaver.send(leg.change, (*after, *entry) if first else after)
            self._unlink(leg.change, known[index])
            sent.append(known[index])
        return sent

    def _closed(self) -> list[int]:
        for lane in self.closing:
            self._round(lane, -1, ())
        return [position for lane in self.closing for position in self._round(lane, 0, ())]

    def _opened(self, after: Sequence[int]) -> list[int]:
        entry = tuple(after) if self.given.groups_move else ()
        return [position for lane in self.opening for position in self._round(lane, 0, entry)]

    def _later_rounds(self, gate: tuple[int, ...], opened: Sequence[int]) -> None:
        """Between the last swap of a round and what is changed next all settles."""
        lanes = [(lane, gate) for lane in self.closing]
        late = [lane for lane in self.opening if lane.rounds > 1]
        if late:
            after = self._settled(opened)
            lanes += [(lane, after) for lane in late]
        for round_ in range(1, max((lane.rounds for lane, _ in lanes), default=0)):
            sent = [p for lane, entry in lanes for p in self._round(lane, round_, entry)]
            if any(lane.rounds > round_ + 1 for lane, _ in lanes):
                after = self._settled(sent)
                lanes = [(lane, after) for lane, _ in lanes]

    def _deletions(self, gate: tuple[int, ...]) -> None:
        gone: dict[str, int] = {}
        for change in self.calls.deletions:
            id_ = change.resource.id
            after = [*gate, *self.unlinked[id_], *self._namers(id_, gone), *self.weaver.calls_on(id_)]
            if id_ in self.list_ends:
                after.append(self.list_ends[id_])
            gone[id_] = self.weaver.send(change, after)

    def _namers(self, id_: str, gone: dict[str, int]) -> Iterator[int]:
        """Groups that name it and go too."""
        for group_id, position in gone.items():
            group = self.given.before.groups.get(group_id)
            if group and any(str(rule.peer) == id_ for rule in group.rules):
                yield position
