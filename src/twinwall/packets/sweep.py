"""Rules → a profile, in one pass over the address axis.

CIDR blocks are nested or apart, never crossing. So a stack of the blocks around the current address is all
there is to know there: sorted by (first address, length), every block is entered with its surroundings on
the stack, and left before its right neighbour. Traffic is a bitmask over the elementary spans that this
set's own borders cut the line into; the masks are private to one build.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from twinwall.packets.boxes import BITS, Box, Family, Masks
from twinwall.packets.profiles import Profile
from twinwall.packets.traffic import NO_TRAFFIC

_Frame = TypeVar("_Frame")
_Rule = TypeVar("_Rule")
_Net = tuple[int, int]


def union_profile(boxes: Iterable[Box], family: Family) -> Profile:
    """What any of the boxes of this family admits."""
    own = [box for box in boxes if box[0][0] == family]
    alphabet = Masks(span for _, span in own)
    rules: dict[_Net, int] = {}
    for (_, first, length), span in own:
        place = first, length
        rules[place] = rules.get(place, 0) | alphabet[span]
    return _profile(_sweep(rules, family, 0, int.__or__), family, alphabet)


_Live = tuple[int, bool, int]
"""(place in the order, allow, mask of what it decides)."""


def first_match_profile(entries: Iterable[tuple[bool, Box]], family: Family) -> Profile:
    """What an ordered list of (allow, box) admits, the first box that holds a packet deciding it."""
    own = [(order, allow, box) for order, (allow, box) in enumerate(entries) if box[0][0] == family]
    alphabet = Masks(box[1] for _, _, box in own)
    rules: dict[_Net, list[_Live]] = {}
    for order, allow, ((_, first, length), span) in own:
        rules.setdefault((first, length), []).append((order, allow, alphabet[span]))
    frames = _sweep(rules, family, list[_Live](), _decide)
    return _profile(((address, _allowed(frame)) for address, frame in frames), family, alphabet)


def _decide(around: list[_Live], own: list[_Live]) -> list[_Live]:
    """The entries of a block and of all around it, in order, each cut down to what it still decides."""
    decided = 0
    frame: list[_Live] = []
    for order, allow, mask in sorted(around + own):
        live = mask & ~decided
        if live:
            frame.append((order, allow, live))
            decided |= live
    return frame


def _allowed(frame: list[_Live]) -> int:
    mask = 0
    for _, allow, live in frame:
        if allow:
            mask |= live
    return mask


def _sweep(
    rules: Mapping[_Net, _Rule], family: Family, ground: _Frame, enter: Callable[[_Frame, _Rule], _Frame]
) -> Iterator[tuple[int, _Frame]]:
    """(address, frame from there on), addresses not decreasing; the last one of equal addresses counts."""
    bits = BITS[family]
    stack = [(1 << bits, ground)]
    for first, length in sorted(rules):
        while stack[-1][0] <= first:
            end, _ = stack.pop()
            yield end, stack[-1][1]
        frame = enter(stack[-1][1], rules[first, length])
        stack.append((first + (1 << (bits - length)), frame))
        yield first, frame
    while len(stack) > 1:
        end, _ = stack.pop()
        yield end, stack[-1][1]


def _profile(points: Iterable[tuple[int, int]], family: Family, alphabet: Masks) -> Profile:
    changes = _changes(points)
    if changes and changes[-1][0] >> BITS[family]:
        changes.pop()
    spans = {mask: alphabet.spans(mask) for mask in {mask for _, mask in changes if mask}}
    return tuple((address, spans.get(mask, NO_TRAFFIC)) for address, mask in changes)


def _changes(points: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The points at which the mask really changes."""
    changes: list[tuple[int, int]] = []
    for address, mask in points:
        if changes and changes[-1][0] == address:
            changes.pop()
        if mask != (changes[-1][1] if changes else 0):
            changes.append((address, mask))
    return changes
