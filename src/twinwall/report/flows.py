"""Flows as lines that a person reads: what differs in one thing only stands on one line.

tcp/443 from 0.0.0.0/0, ::/0 to web
tcp/5432, udp/53 from app to db, cache
all except tcp/22 from 0.0.0.0/0 except 10.0.0.0/8 to front (subnet-1)
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rich.console import Group, RenderableType
from rich.text import Text

from twinwall.errors import ConfigError
from twinwall.model.firewall import Resource
from twinwall.model.net import Cidr, Family, parse_cidr
from twinwall.model.rules import Direction, Traffic
from twinwall.packets import traffic
from twinwall.packets.profiles import Range, blocks_of
from twinwall.packets.traffic import ALL_TRAFFIC, Spans, protocol_span
from twinwall.planning.flows import Flow, Protocols, flow_words
from twinwall.planning.phrases import traffics
from twinwall.planning.plan import Plan
from twinwall.planning.relation import Relation
from twinwall.planning.semantics import span_of
from twinwall.report.blocks import block, counted, folded, hung, without_refs

MOST_LINES = 40
MOST_NAMES = 6

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


def flows_text(plan: Plan) -> RenderableType:
    """How the target stands to before and to the source, and what opens and closes."""
    if plan.empty and plan.than_source == "equal":
        return Group()
    return Group(
        Text(),
        folded(f"The target will be {than_words(plan)}."),
        _lines("Opens", "+", plan.opens, "green"),
        _lines("Closes", "-", plan.closes, "red"),
        _lines("Briefly open on the way, at most", "~", plan.briefly_open, "yellow"),
        _lines("Live connections that may be cut, tracked from now on", "~", plan.may_cut_live, "yellow"),
        _lines("Live connections that outlive their closing", "~", plan.lingers, "yellow"),
    )


def than_words(plan: Plan) -> str:
    known = "" if not plan.not_compared else f" in what was compared, {len(plan.not_compared)} not compared"
    return f"{_beside(plan.than_before)} before and {_beside(plan.than_source)} the source{known}"


def _beside(relation: Relation) -> str:
    return "equal to" if relation == "equal" else f"{relation} than"


def _lines(title: str, sign: str, flows: Sequence[Flow], style: str) -> RenderableType:
    lines = flow_lines(flows)
    rows: list[RenderableType] = [hung(f"{sign} {line}", style) for line in lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        rows.append(folded(f"… and {len(lines) - MOST_LINES} more lines; --output json has all"))
    return block(f"{title} ({counted(len(flows), 'flow')})", rows)


@dataclass(frozen=True)
class FlowLine:
    """Flows that differ in one thing only. ``way`` None: both are meant."""

    way: Direction | None
    traffic: str
    peers: str
    things: str
    in_part: bool

    def __str__(self) -> str:
        return self._words + (", in part" if self.in_part else "")

    @property
    def _words(self) -> str:
        if self.way is None:
            return f"{self.traffic} with {self.peers}"
        return flow_words(self.way, self.traffic, self.peers, self.things)


def flow_lines(flows: Sequence[Flow]) -> list[FlowLine]:
    """In the order of the flows, merged."""
    peers = _gathered(((f.direction, f.guarded, f.in_part, f.traffic), f.peer) for f in flows)
    by_peers = _gathered(
        ((way, thing, part, _peers_words(those)), words) for (way, thing, part, words), those in peers.items()
    )
    lines = _gathered(
        ((way, part, _traffic_words(words), those), thing)
        for (way, thing, part, those), words in by_peers.items()
    )
    return [
        FlowLine(way, words, without_refs(those), without_refs(_things_words(things)), part)
        for (way, part, words, those), things in lines.items()
    ]


def _gathered(pairs: Iterable[tuple[Key, Value]]) -> dict[Key, list[Value]]:
    found: dict[Key, list[Value]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def _things_words(things: Sequence[Resource | None]) -> str:
    """Groups by their names, which are unique in a VPC; subnets by name and id."""
    names = [t.name or t.id if t.type == "security-group" else str(t) for t in things if t is not None]
    return _listed(names)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_NAMES])
    return shown if len(names) <= MOST_NAMES else f"{shown} and {len(names) - MOST_NAMES} more"


# --- traffic


def _traffic_words(found: Sequence[Traffic | Protocols]) -> str:
    """``all except tcp/22`` where that is shorter."""
    spans = traffic.union_of(_spans(item) for item in found)
    rest = traffic.difference(ALL_TRAFFIC, spans)
    missing = [words for span in zip(rest[::2], rest[1::2], strict=True) for words in traffics(span)]
    if missing and len(missing) + 1 < len(found):
        return f"all except {', '.join(map(str, missing))}"
    return ", ".join(dict.fromkeys(map(str, found)))


def _spans(item: Traffic | Protocols) -> Spans:
    if isinstance(item, Protocols):
        return protocol_span(item.first)[0], protocol_span(item.last)[1]
    return span_of(item)


# --- addresses


def _peers_words(peers: Sequence[str]) -> str:
    """Blocks of one family as one block with its holes, where that is shorter."""
    families: dict[Family, list[Cidr]] = {4: [], 6: []}
    names: list[str] = []
    for peer in dict.fromkeys(peers):
        cidr = _cidr(peer)
        if cidr is None:
            names.append(peer)
        else:
            families[cidr.family].append(cidr)
    blocks = [words for cidrs in families.values() for words in _block_words(cidrs)]
    return _listed([*blocks, *names])


def _cidr(text: str) -> Cidr | None:
    try:
        return parse_cidr(text)
    except ConfigError:
        return None


def _block_words(cidrs: Sequence[Cidr]) -> Iterator[str]:
    if len(cidrs) > 1:
        around = _around(cidrs)
        holes = list(_holes(around, cidrs))
        if len(holes) + 1 < len(cidrs):
            yield f"{around} except {', '.join(map(str, holes))}" if holes else str(around)
            return
    yield from map(str, cidrs)


def _around(cidrs: Sequence[Cidr]) -> Cidr:
    """The smallest block that holds all."""
    first, last = min(cidr.first for cidr in cidrs), max(cidr.last for cidr in cidrs)
    free = (first ^ last).bit_length()
    one = cidrs[0]
    return Cidr(one.family, first >> free << free, one.bits - free)


def _holes(around: Cidr, cidrs: Sequence[Cidr]) -> Iterator[Cidr]:
    edge = around.first
    ends: list[Range] = [(cidr.first, cidr.last) for cidr in sorted(cidrs)]
    for first, last in [*ends, (around.last + 1, around.last + 1)]:
        if first > edge:
            for address, length in blocks_of([(edge, first - 1)], around.family):
                yield Cidr(around.family, address, length)
        edge = max(edge, last + 1)
