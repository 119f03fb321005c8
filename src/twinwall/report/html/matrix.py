"""Who may reach whom on what: a matrix of tiers and of what lies outside, each cell with the rules that say so.

A cell from A to B holds what the rules of B let in from A. Where A and B are groups, what A's own rules do not let
out is told apart. From outside to a tier only the tier's rules count, and from a tier to outside likewise. ACLs
and routes are not looked at.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from twinwall.model.net import ANY_IPV4, ANY_IPV6, Cidr, parse_cidr
from twinwall.model.rules import CidrPeer, Direction, GroupPeer, Peer, SecurityGroupRule
from twinwall.packets import traffic
from twinwall.packets.traffic import ALL_TRAFFIC, NO_TRAFFIC, Spans
from twinwall.planning.phrases import traffics
from twinwall.planning.replay import Replay
from twinwall.planning.semantics import span_of
from twinwall.report.html.rules import RuleRow, Sign, rule_row
from twinwall.report.html.scene import Scene
from twinwall.report.html.tiers import Tiers, tiers_of

ANYWHERE, PUBLIC, PRIVATE = "Anywhere", "Public addresses", "Private addresses"
LISTS, OTHERS = "Prefix lists", "Groups of elsewhere"
OUTSIDE = (ANYWHERE, PUBLIC, PRIVATE, LISTS, OTHERS)
_PRIVATE = tuple(
    map(parse_cidr, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
)
"""RFC 1918, RFC 6598, RFC 4193."""
SHOWN = 3
MOST_RULES = 200
"""Of one cell; what changes comes first."""

Ends = tuple[str, str]


@dataclass
class _Side:
    """What the rules of one state let through between two ends."""

    let_in: Spans = NO_TRAFFIC
    let_out: Spans = NO_TRAFFIC
    rules: dict[tuple[str, SecurityGroupRule], None] = field(default_factory=dict)

    @property
    def through(self) -> Spans:
        return traffic.intersection(self.let_in, self.let_out)


@dataclass(frozen=True)
class Cell:
    """``words``: what passes, the first few; ``sign``: + more than before, - less, ~ both. ``kept``: what would be
    let in but is not let out. ``rules``: (the group's name, the rule), ``left_out`` of them for want of room."""

    id: str
    source: str
    target: str
    words: Sequence[str]
    sign: Sign
    opened: Sequence[str]
    closed: Sequence[str]
    kept: Sequence[str]
    rules: Sequence[tuple[str, RuleRow]]
    left_out: int = 0

    @property
    def shown(self) -> Sequence[str]:
        return self.words[:SHOWN]

    @property
    def more(self) -> int:
        return len(self.words) - len(self.shown)


@dataclass(frozen=True)
class Row:
    name: str
    is_outside: bool
    cells: Sequence[Cell | None]


@dataclass(frozen=True)
class Matrix:
    """``columns``: (name, is it outside). ``rows`` are who sends, columns who receives."""

    how: str
    columns: Sequence[tuple[str, bool]]
    rows: Sequence[Row]

    @property
    def cells(self) -> list[Cell]:
        return [cell for row in self.rows for cell in row.cells if cell]


def matrix_of(scene: Scene, prefix: str) -> Matrix | None:
    """``prefix`` begins the ids of its cells. None where no rule says anything."""
    maker = _Maker(scene, tiers_of(scene))
    ends = {end for pair in (*maker.before, *maker.after) for end in pair}
    shown = [name for name in (*OUTSIDE, *maker.tiers.names) if name in ends]
    if not shown:
        return None
    rows = [
        Row(
            source,
            source in OUTSIDE,
            [maker.cell(f"{prefix}-{i}-{j}", (source, target)) for j, target in enumerate(shown)],
        )
        for i, source in enumerate(shown)
    ]
    return Matrix(maker.tiers.how, [(name, name in OUTSIDE) for name in shown], rows)


@dataclass(frozen=True)
class _Maker:
    scene: Scene
    tiers: Tiers

    @cached_property
    def before(self) -> dict[Ends, _Side]:
        return self._sides(self.scene.before)

    @cached_property
    def after(self) -> dict[Ends, _Side]:
        return self._sides(self.scene.after)

    def _sides(self, state: Replay) -> dict[Ends, _Side]:
        found: dict[Ends, _Side] = {}
        for id_, tier in self.tiers.of.items():
            group = state.groups.get(id_)
            for rule in group.rules if group else ():
                end, span = self._end(rule.peer), span_of(rule.traffic)
                ingress = rule.direction is Direction.INGRESS
                side = found.setdefault((end, tier) if ingress else (tier, end), _Side())
                if ingress:
                    side.let_in = traffic.union(side.let_in, span)
                else:
                    side.let_out = traffic.union(side.let_out, span)
                side.rules[id_, rule] = None
        return {pair: self._whole(pair, side, found) for pair, side in found.items()}

    def _whole(self, pair: Ends, side: _Side, found: dict[Ends, _Side]) -> _Side:
        """Only one end has rules where the other lies outside. A tier that may send to addresses may send to the
        members of another tier there, as far as the rules can tell."""
        source, target = pair
        if source in OUTSIDE:
            return _Side(side.let_in, side.let_in, side.rules)
        if target in OUTSIDE:
            return _Side(side.let_out, side.let_out, side.rules)
        ways = [
            found[source, end].let_out for end in (ANYWHERE, PRIVATE, PUBLIC, LISTS) if (source, end) in found
        ]
        return _Side(side.let_in, traffic.union_of([side.let_out, *ways]), side.rules)

    def _end(self, peer: Peer) -> str:
        if isinstance(peer, GroupPeer):
            return self.tiers.of.get(peer.group_id, OTHERS)
        return _class(peer.cidr) if isinstance(peer, CidrPeer) else LISTS

    def cell(self, id_: str, pair: Ends) -> Cell | None:
        held, wanted = self.before.get(pair, _Side()), self.after.get(pair, _Side())
        rules = sorted(self._rules(held, wanted), key=lambda one: not one[1].sign)
        if not rules:
            return None
        opened = traffic.difference(wanted.through, held.through)
        closed = traffic.difference(held.through, wanted.through)
        sign: Sign = "~" if opened and closed else "+" if opened else "-" if closed else ""
        kept = traffic.difference(wanted.let_in, wanted.let_out)
        words = (_words(spans) for spans in (wanted.through, opened, closed, kept))
        through, more, less, not_out = words
        left_out = max(0, len(rules) - MOST_RULES)
        return Cell(id_, *pair, through, sign, more, less, not_out, rules[:MOST_RULES], left_out)

    def _rules(self, held: _Side, wanted: _Side) -> Iterator[tuple[str, RuleRow]]:
        for id_, rule in sorted(
            {**held.rules, **wanted.rules}, key=lambda one: (self.scene.name(one[0]), one[1])
        ):
            key = id_, rule
            sign: Sign = "+" if key not in held.rules else "-" if key not in wanted.rules else ""
            yield self.scene.name(id_), rule_row(self.scene, rule, sign)


def _class(cidr: Cidr) -> str:
    if cidr in (ANY_IPV4, ANY_IPV6):
        return ANYWHERE
    return PRIVATE if any(block.contains(cidr) for block in _PRIVATE) else PUBLIC


def _words(spans: Spans) -> list[str]:
    if spans == ALL_TRAFFIC:
        return ["all traffic"]
    return [str(one) for span in _pairs(spans) for one in traffics(span)]


def _pairs(spans: Spans) -> Iterable[tuple[int, int]]:
    return zip(spans[::2], spans[1::2], strict=True)
