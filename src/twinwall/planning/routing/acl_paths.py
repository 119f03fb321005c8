"""From one ordered list of ACL entries to another, entry by entry, without a gap.

    search     the fewest calls: each key once if there is such an order, else with entries on the way
    in front   N top first below all, O away bottom up, N at its own numbers, the front copy away bottom up
    behind     the mirror, where there is no room in front: a copy of O behind all, O away bottom up, N top first
               at its own numbers, the copy away bottom up

Entries that both lists begin or end with stay where they are. ``in front`` needs |O| + 3·|N| calls and
max(|O| + |N|, 2·|N|) entries at one moment. N bottom first would be wrong: an early deny would be live before the
allow that shadows it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import chain, combinations, count, islice

from twinwall.model.rules import MAX_RULE_NUMBER, NetworkAclEntry
from twinwall.packets.packetset import PacketSet
from twinwall.planning.acl_entries import Entries, packets_of
from twinwall.planning.routing.in_place import block_of_both, hull_of

Path = tuple[Entries, ...]
"""What stands after each call, the last being the goal; neighbours differ in one number."""

MOST_LOOKS = 600
"""States that a search looks at before it gives up."""
MOST_MOVED = 400
"""Entries that are tried in other places, at one state: all of them where there are few."""
MOST_HELPERS = 2
"""Entries that may stand on the way and neither before nor after."""


def keeps_promise(now: PacketSet, goal: PacketSet, later: PacketSet) -> bool:
    """now ∩ goal ⊆ later ⊆ now ∪ goal"""
    return now == later or (not (now - later) & goal and later - now <= goal)


def best_path(old: Entries, new: Entries, room: int) -> Path | None:
    """The shortest that is found; ``room``: how many entries there may be at one moment. None if none is found
    (a full list may have none)."""
    if old == new:
        return ()
    built = [path for path in (in_front(old, new, room), behind(old, new, room)) if path is not None]
    shortest = min(built, key=len, default=None)
    most = len(old) + 2 * len(new) + MOST_HELPERS
    found = search(old, new, room, len(shortest) - 1 if shortest else most)
    return found or shortest or search(old, new, room, most, anywhere=True)


# --- built


@dataclass(frozen=True)
class _Window:
    """What two lists have between what they begin and what they end with in common. ``low``, ``high``: the
    numbers around it, not in it."""

    head: Entries
    old: Entries
    new: Entries
    tail: Entries
    low: int
    high: int

    @staticmethod
    def of(old: Entries, new: Entries) -> "_Window":
        head = 0
        while head < min(len(old), len(new)) and old[head] == new[head]:
            head += 1
        tail = 0
        while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
            tail += 1
        return _Window(
            old[:head],
            old[head : len(old) - tail],
            new[head : len(new) - tail],
            old[len(old) - tail :],
            old[head - 1].rule_number if head else 0,
            old[-tail].rule_number if tail else MAX_RULE_NUMBER + 1,
        )

    @property
    def numbers(self) -> list[int]:
        return sorted(entry.rule_number for entry in (*self.old, *self.new))

    def with_(self, middle: Sequence[NetworkAclEntry]) -> Entries:
        return (*self.head, *sorted(middle), *self.tail)

    def fits(self, peak: int, room: int) -> bool:
        return len(self.head) + len(self.tail) + peak <= room


def in_front(old: Entries, new: Entries, room: int) -> Path | None:
    window = _Window.of(old, new)
    size, first = len(window.new), min(window.numbers)
    if first - window.low - 1 < size or not window.fits(max(len(window.old) + size, 2 * size), room):
        return None
    copy = [replace(entry, rule_number=first - size + index) for index, entry in enumerate(window.new)]
    states: list[Sequence[NetworkAclEntry]] = [[*copy[: n + 1], *window.old] for n in range(size)]
    states += [[*copy, *window.old[:n]] for n in reversed(range(len(window.old)))]
    states += [[*copy, *window.new[: n + 1]] for n in range(size)]
    states += [[*copy[:n], *window.new] for n in reversed(range(size))]
    return tuple(map(window.with_, states))


def behind(old: Entries, new: Entries, room: int) -> Path | None:
    window = _Window.of(old, new)
    size, last = len(window.old), max(window.numbers)
    if window.high - last - 1 < size or not window.fits(max(size + len(window.new), 2 * size), room):
        return None
    copy = [replace(entry, rule_number=last + 1 + index) for index, entry in enumerate(window.old)]
    states: list[Sequence[NetworkAclEntry]] = [[*window.old, *copy[: n + 1]] for n in range(size)]
    states += [[*window.old[:n], *copy] for n in reversed(range(size))]
    states += [[*window.new[: n + 1], *copy] for n in range(len(window.new))]
    states += [[*window.new, *copy[:n]] for n in reversed(range(size))]
    return tuple(map(window.with_, states))


# --- searched

_State = Mapping[int, NetworkAclEntry]


def search(old: Entries, new: Entries, room: int, most: int, *, anywhere: bool = False) -> Path | None:
    """A shortest path of at most ``most`` calls among those that it looks at (A*; what is left to set right is
    the estimate). ``anywhere``: entries may stand at any number for a while, also in the place of others."""
    start = {entry.rule_number: entry for entry in old}
    goal = {entry.rule_number: entry for entry in new}
    end, serial = packets_of(new), count()
    queue: list[tuple[int, int, int, Entries, tuple[Entries, ...]]] = []
    heappush(queue, (_left(start, goal), _left(start, goal), next(serial), old, ()))
    seen: set[Entries] = set()
    for _ in range(MOST_LOOKS * (1 + anywhere)):
        if not queue:
            return None
        _, left, _, entries, path = heappop(queue)
        if entries in seen:
            continue
        before = path[-1] if path else old
        if path or entries != old:
            if not keeps_promise(packets_of(before), end, packets_of(entries)):
                continue
            path = (*path, entries)
        seen.add(entries)
        if not left:
            return path
        state = {entry.rule_number: entry for entry in entries}
        moved = islice(_moved(state, goal), MOST_MOVED) if anywhere else ()
        for later in chain(_neighbours(state, goal, start), moved):
            steps, todo = len(path) + 1, _left(later, goal)
            if len(later) <= room and steps + todo <= most:
                found = tuple(sorted(later.values()))
                if found not in seen:
                    heappush(queue, (steps + todo, todo, next(serial), found, path))
    return None


def _left(state: _State, goal: _State) -> int:
    """Numbers that do not hold yet what they are to hold."""
    return sum(1 for number in state.keys() | goal.keys() if state.get(number) != goal.get(number))


def _neighbours(state: _State, goal: _State, start: _State) -> Iterator[dict[int, NetworkAclEntry]]:
    wrong = [n for n in sorted(state.keys() | goal.keys()) if state.get(n) != goal.get(n)]
    for number in wrong:
        rest = {n: entry for n, entry in state.items() if n != number}
        if number in goal:
            yield {**rest, number: goal[number]}
            if number in state:
                yield rest
        else:
            yield rest
    helpers = [number for number in state if number not in start and number not in goal]
    if len(helpers) < MOST_HELPERS:
        yield from _helped(state, goal, wrong)


def _helped(state: _State, goal: _State, wrong: Sequence[int]) -> Iterator[dict[int, NetworkAclEntry]]:
    """An entry of the goal that is not in its place yet, put in front or just before a number that is wrong."""
    taken = state.keys() | goal.keys()
    slots = {number - 1 for number in (min(taken), *wrong)} - taken - {0}
    for slot in sorted(slots):
        for number in wrong:
            if number in goal:
                yield {**state, slot: replace(goal[number], rule_number=slot)}


def _moved(state: _State, goal: _State) -> Iterator[dict[int, NetworkAclEntry]]:
    """An entry that stands or is wanted, or one that holds two of those, at a number that is taken or free beside
    one."""
    numbers = sorted(state.keys() | goal.keys())
    free = {number + 1 for number in numbers} | {number - 1 for number in numbers}
    places = [number for number in sorted({*numbers, *free}) if 0 < number <= MAX_RULE_NUMBER]
    known = list(dict.fromkeys((*goal.values(), *state.values())))
    for entry in dict.fromkeys((*known, *_joined(known))):
        for number in places:
            moved = replace(entry, rule_number=number)
            if state.get(number) != moved:
                yield {**state, number: moved}


def _joined(entries: Sequence[NetworkAclEntry]) -> Iterator[NetworkAclEntry]:
    for one, other in combinations(entries, 2):
        traffic, cidr = hull_of(one.traffic, other.traffic), block_of_both(one.cidr, other.cidr)
        if one.key[0] is other.key[0] and one.action is other.action and traffic and cidr:
            yield replace(one, traffic=traffic, cidr=cidr)


def edits(path: Path, old: Entries) -> Iterator[tuple[NetworkAclEntry | None, NetworkAclEntry | None]]:
    """For each call: what stood at the number, and what stands there then."""
    before = old
    for after in path:
        was = next((entry for entry in before if entry not in after), None)
        now = next((entry for entry in after if entry not in before), None)
        yield was, now
        before = after
