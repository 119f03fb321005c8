"""An explanation as text: the verdict, the way step by step, and the smallest change that would help."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from twinwall.model.net import PORT_PROTOCOLS, Cidr
from twinwall.model.rules import Direction
from twinwall.packets.traffic import locate
from twinwall.planning.answer import Answer
from twinwall.planning.steps import Part, Step, Verdict, addresses_of
from twinwall.planning.ways import Way
from twinwall.report.blocks import Hung, block, columns, folded, heading, hung, thing_words
from twinwall.report.findings import first_of

SHOWN_WAYS = 10
SHOWN_PARTS = 4
SHOWN = 3

_STYLES: dict[Verdict, str] = {"passes": "green", "partly": "yellow", "refused": "red", "unknown": "yellow"}
WORDS: dict[Verdict, str] = {
    "passes": "passes",
    "partly": "passes in part",
    "refused": "does not pass",
    "unknown": "unknown",
}
PLACES = {
    ("groups", Direction.EGRESS): "groups out",
    ("acl", Direction.EGRESS): "ACL out",
    ("acl", Direction.INGRESS): "ACL in",
    ("groups", Direction.INGRESS): "groups in",
}


def explain_text(answer: Answer) -> RenderableType:
    ways = alike(answer.ways)
    shown = [_way(own, len(ways)) for own in ways[:SHOWN_WAYS]]
    more = len(ways) - len(shown)
    return Group(
        heading("Explain"),
        columns(
            [("  from", answer.peer.text), ("  to", answer.target.text), ("  asked", asked_words(answer))]
        ),
        Text(),
        Text.assemble("  ", (WORDS[answer.verdict], _STYLES[answer.verdict])),
        *shown,
        *([Text(), folded(f"… and {more} more ways; --output json has all")] if more else []),
        block("Not known", first_of(list(map(_hung, answer.unknown)))),
        block(
            "Smallest change", first_of([_hung(f"{one.action}: {one.message}") for one in answer.remedies])
        ),
        block("Know", map(_hung, answer.notes)),
    )


def asked_words(answer: Answer) -> str:
    ask = answer.ask
    if ask.request.protocol in PORT_PROTOCOLS:
        first, last = ask.client_ports
        return f"{ask.request}, and replies to the client's ports {first}-{last}"
    return f"{ask.request}, and its reply" if ask.answered else str(ask.request)


# --- ways


def alike(ways: Iterable[Way]) -> list[list[Way]]:
    """Ways with the same story are told once; the worst first."""
    order: list[Verdict] = ["refused", "partly", "unknown", "passes"]
    classes: dict[object, list[Way]] = {}
    for way in ways:
        story = tuple((step.leg, step.resources, step.verdict, tuple(_rows(way, step))) for step in way.steps)
        classes.setdefault((way.family, way.verdict, story), []).append(way)
    return sorted(classes.values(), key=lambda own: order.index(own[0].verdict))


def _way(own: Sequence[Way], ways: int) -> RenderableType:
    way = own[0]
    title = f"From {way.peer.label} to {way.target.label}"
    title += f" and {len(own) - 1} more alike" if len(own) > 1 else ""
    title += f" (IPv{way.family}): {WORDS[way.verdict]}" if ways > 1 else f" (IPv{way.family})"
    return Group(Text(), folded(title, "bold"), *(Padding(row, (0, 0, 0, 2)) for row in _steps(way)))


def _steps(way: Way) -> Iterator[RenderableType]:
    """What nothing is asked of is told once for each reason."""
    free: dict[str, list[str]] = {}
    for step in way.steps:
        if not step.parts and step.verdict == "passes":
            free.setdefault(step.why, []).append(_place(step))
    told: set[str] = set()
    for step in way.steps:
        if step.parts or step.verdict != "passes":
            yield _step(way, step)
        elif step.why not in told:
            told.add(step.why)
            yield _hung(f"{', '.join(free[step.why])}: {step.why}")


def _place(step: Step) -> str:
    return f"{'reply ' if step.leg == 'reply' else ''}{PLACES[step.at, step.direction]}"


def _step(way: Way, step: Step) -> RenderableType:
    end = way.peer if step.place is way.peer else way.target
    of = "" if not step.resources else f" {', '.join(map(thing_words, step.resources))}"
    where = f" of {end.subnet}" if step.at == "acl" and end.subnet else ""
    head = Text.assemble(
        f"{_place(step)}{of}{where}: ", (WORDS[step.verdict], _STYLES[step.verdict]), overflow="fold"
    )
    if step.why:
        head.append(f", {step.why}")
    return Group(Hung(head, 2), *(Padding(hung(row), (0, 0, 0, 4)) for row in _rows(way, step)))


def _hung(text: str) -> RenderableType:
    return hung(text, indent=2)


# --- rules


def _rows(way: Way, step: Step) -> list[str]:
    """Which packets of the step a rule decides is said where rules differ in it."""
    addresses = [_blocks(addresses_of(part.packets, way.family)) for part in step.parts]
    ports = [_ports(part) for part in step.parts]
    rows = []
    for part, blocks, numbers in zip(step.parts, addresses, ports, strict=True):
        told = [numbers] if numbers and len(set(ports)) > 1 else []
        told += [blocks] if len(set(addresses)) > 1 else []
        rows.append(_rule(step, part) + (f" (for {', '.join(told)})" if told else ""))
    more = len(rows) - SHOWN_PARTS
    return [*rows[:SHOWN_PARTS], f"… and {more} more rules"] if more > 0 else rows


def _rule(step: Step, part: Part) -> str:
    """With its group, where there are several."""
    several = step.at == "groups" and len(step.resources) > 1
    return f"{part.resource}: {part.rule}" if several and part.resource else part.rule


def _ports(part: Part) -> str:
    """The ports that a rule decides."""
    spans = part.packets.traffic
    if locate(spans[0])[0] not in PORT_PROTOCOLS:
        return ""
    pairs = zip(spans[::2], spans[1::2], strict=True)
    ranges = [(locate(start)[1], locate(end - 1)[1]) for start, end in pairs]
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in ranges]
    return f"ports {_some(texts)}"


def _blocks(blocks: Sequence[Cidr]) -> str:
    return _some(list(map(str, blocks)))


def _some(texts: Sequence[str]) -> str:
    more = len(texts) - SHOWN
    return f"{', '.join(texts[:SHOWN])} and {more} more" if more > 0 else ", ".join(texts)
