"""How groups that share interfaces stand at one moment of their way, and whether a rule may go then.

A packet is closed by the loss of a rule exactly if the rule admits it, if it is to be admitted in the end, and if
nothing that is left admits it: in the group by itself, and on each interface by all of its groups together. So only
rules that touch the one that goes are looked at.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from twinwall.model.rules import SecurityGroupRule
from twinwall.packets.packetset import PacketSet
from twinwall.planning.compare import Universe
from twinwall.planning.promise.gapless import lost
from twinwall.planning.promise.touching import Touching, covers, touching
from twinwall.planning.semantics import GroupRules, Lists
from twinwall.planning.usage import Together

Rules = frozenset[SecurityGroupRule]
Fits = Callable[[Rules], bool]
Interfaces = Callable[[str, Collection[str]], Iterator[Together]]
"""``Usage.interfaces``."""


@dataclass(frozen=True)
class Ends:
    """One direction of a group. ``fits``: whether there is room for these rules at one moment."""

    old: Rules
    new: Rules
    lists: Lists
    universe: Universe
    fits: Fits

    def packets(self, rules: Iterable[SecurityGroupRule]) -> PacketSet:
        return GroupRules(tuple(rules), self.lists).packets

    def missed(self, rule: SecurityGroupRule, others: Iterable[SecurityGroupRule]) -> PacketSet:
        """What the rule admits, is to be admitted, and none of the others admits; by addresses and by symbols."""
        wanted = self.packets((rule,)) & self.packets(touching(rule, self.new))
        return wanted - self.packets(touching(rule, others)) if wanted else wanted

    def inside(self, rule: SecurityGroupRule, now: Rules) -> bool:
        """Nothing that neither ``now`` nor the end admits."""
        bound = (*touching(rule, now), *touching(rule, self.new))
        return self.packets((rule,)) <= self.packets(bound)


@dataclass
class Standing:
    """``rules``: what each group of a crowd holds for sure. ``still``: what groups beside it hold all the way."""

    crowd: Mapping[str, Ends]
    interfaces: Interfaces
    still: Mapping[str, Rules] = field(default_factory=dict)
    rules: dict[str, Rules] = field(init=False)
    _coming: Touching[tuple[str, SecurityGroupRule]] = field(init=False)
    _back: list[tuple[str, SecurityGroupRule]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rules = {id_: ends.old for id_, ends in self.crowd.items()}
        self._coming = Touching(
            (rule, (id_, rule)) for id_, ends in self.crowd.items() for rule in ends.new - ends.old
        )

    def now(self, id_: str, rules: Rules) -> None:
        """The group holds these."""
        self._back += [(id_, rule) for rule in (self.rules[id_] - rules) & self.crowd[id_].new]
        self.rules[id_] = rules

    def keeps(self, id_: str, now: Rules, later: Rules) -> bool:
        """The group may go from the one to the other."""
        ends = self.crowd[id_]
        if any(self.shut(id_, rule, later) for rule in now - later):
            return False
        return all(ends.inside(rule, now) for rule in later - now - ends.new)

    def shut(self, id_: str, rule: SecurityGroupRule, later: Rules) -> bool:
        """Whether a flow that the rule of this group admits, and that is to be admitted, is not admitted any more where
        the group holds ``later``."""
        ends = self.crowd[id_]
        held = touching(rule, later)
        if any(covers(other, rule) for other in held):
            return False
        wanted = touching(rule, ends.new)
        if _lost(ends, rule, wanted, held):
            return True
        for together in self.interfaces(id_, self._lacking(id_, rule)):
            others = sorted(together - {id_})
            more_wanted = [r for o in others if o in self.crowd for r in touching(rule, self.crowd[o].new)]
            more_held = [r for o in others for r in touching(rule, self._held(o))]
            if _lost(ends, rule, (*wanted, *more_wanted), (*held, *more_held)):
                return True
        return False

    def _held(self, id_: str) -> Iterable[SecurityGroupRule]:
        return self.rules[id_] if id_ in self.rules else self.still.get(id_, ())

    def _lacking(self, id_: str, rule: SecurityGroupRule) -> set[str]:
        """Groups that are to admit something of the rule by rules that they have not got yet."""
        coming = (*self._coming.of(rule), *self._back)
        return {other for other, wanted in coming if other != id_ and wanted not in self.rules[other]}


def _lost(
    ends: Ends,
    rule: SecurityGroupRule,
    wanted: Iterable[SecurityGroupRule],
    held: Iterable[SecurityGroupRule],
) -> bool:
    goal = ends.packets(wanted)
    return bool(goal) and lost(ends.packets((rule,)), goal, ends.packets(held), ends.universe) is not None
