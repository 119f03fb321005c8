"""Losses that lists wait for: of rules that name a list, before it gains what they must not admit."""

from dataclasses import dataclass

from twinwall.planning import changes as c
from twinwall.planning.routing.calls import Calls, split_loss


@dataclass(frozen=True)
class Early:
    """``losses`` come before ``lists`` gain; ``rest`` are all other losses."""

    losses: tuple[c.RevokeRules, ...]
    lists: frozenset[str]
    rest: tuple[c.RevokeRules, ...]

    @staticmethod
    def of(calls: Calls) -> "Early":
        losses: list[c.RevokeRules] = []
        rest: list[c.RevokeRules] = []
        lists: frozenset[str] = frozenset()
        for change in calls.losses:
            held = calls.must_go_first(change)
            if not held:
                rest.append(change)
                continue
            first, other = split_loss(change, held)
            losses.append(first)
            lists |= held
            if other:
                rest.append(other)
        return Early(tuple(losses), lists, tuple(rest))
