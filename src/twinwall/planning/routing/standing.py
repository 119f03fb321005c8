"""How groups that share interfaces stand at one moment of their way, and whether a rule may go then.

A packet is closed by the loss of a rule exactly if the rule admits it, if it is to be admitted in the end, and if
nothing that is left admits it: in the group by itself, and on each interface by all of its groups together. So only
rules that touch the one that goes are looked at.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

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
class Views:
    """What lists hold: at this stage of the way (``now``), from it on (``kept``), and in the end (``meant``)."""

    now: Lists = field(default_factory=dict)
    kept: Lists = field(default_factory=dict)
    meant: Lists = field(default_factory=dict)

    @cached_property
    def moving(self) -> frozenset[str]:
        return frozenset(
            id_ for id_, held in self.now.items() if not held == self.kept.get(id_) == self.meant.get(id_)
        )


@dataclass(frozen=True)
class Ends:
    """One direction of a group, at one stage. ``fits``: whether there is room for these rules at one moment."""

    old: Rules
    new: Rules
    views: Views
    universe: Universe
    fits: Fits

    def admitted(self, rules: Iterable[SecurityGroupRule]) -> PacketSet:
        """Now."""
        return GroupRules(tuple(rules), self.views.now).packets

    def held(self, rules: Iterable[SecurityGroupRule]) -> PacketSet:
        """From now on."""
        return GroupRules(tuple(rules), self.views.kept).packets

    def wanted(self, rules: Iterable[SecurityGroupRule]) -> PacketSet:
        """In the end."""
        return GroupRules(tuple(rules), self.views.meant).packets

    def missed(self, rule: SecurityGroupRule, others: Iterable[SecurityGroupRule]) -> PacketSet:
        """What the rule admits, is to be admitted, and none of the others admits; by addresses and by symbols."""
        both = self.admitted((rule,)) & self.wanted(touching(rule, self.new))
        return both - self.held(touching(rule, others)) if both else both

    def may_come(self, rule: SecurityGroupRule, now: Rules) -> bool:
        """It admits nothing that neither ``now`` nor the end admits."""
        if rule in self.new and str(rule.peer) not in self.views.moving:
            return True
        bound = self.admitted(touching(rule, now)) | self.wanted(touching(rule, self.new))
        return self.admitted((rule,)) <= bound


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
        return all(ends.may_come(rule, now) for rule in later - now)

    def shut(self, id_: str, rule: SecurityGroupRule, later: Rules) -> bool:
        """Whether a flow that the rule of this group admits, and that is to be admitted, is not admitted any more where
        the group holds ``later``."""
        ends = self.crowd[id_]
        held = touching(rule, later)
        if str(rule.peer) not in ends.views.moving and any(covers(other, rule) for other in held):
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
    goal = ends.wanted(wanted)
    return bool(goal) and lost(ends.admitted((rule,)), goal, ends.held(held), ends.universe) is not None
