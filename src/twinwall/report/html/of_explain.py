"""An explanation as a part of a page: the way of the packet, gate by gate, and the groups and ACLs that decide."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from twinwall.model.firewall import Snapshot
from twinwall.planning.answer import Answer
from twinwall.planning.inspected import Firewall
from twinwall.planning.steps import Part as Decided
from twinwall.planning.steps import Step, Verdict, addresses_of
from twinwall.planning.ways import Way
from twinwall.report.explain import PLACES, WORDS, alike, asked_words
from twinwall.report.html.blocks import Thing, scene_sections, thing
from twinwall.report.html.page import Part, Section, Tone, sections
from twinwall.report.html.page import Verdict as Headline
from twinwall.report.html.scene import scene_of_one

_TONES: dict[Verdict, Tone] = {"passes": "good", "partly": "warn", "refused": "bad", "unknown": "warn"}
MOST_WAYS = 40
MOST_BLOCKS = 6


@dataclass(frozen=True)
class Gate:
    """One step: ``rules`` are (admitted or None, the rule's words, what of the packets it decides)."""

    place: str
    reply: bool
    things: Sequence[Thing]
    tone: Tone
    word: str
    why: str
    rules: Sequence[tuple[bool | None, str, str]]


@dataclass(frozen=True)
class WayBlock:
    source: str
    target: str
    family: int
    more: int
    tone: Tone
    word: str
    gates: Sequence[Gate]


def explain_part(id_: str, answer: Answer, firewall: Firewall) -> Part:
    return Part(
        id_,
        f"{answer.peer.text} to {answer.target.text}",
        Headline(_TONES[answer.verdict], WORDS[answer.verdict].capitalize(), _sentence(answer)),
        [("From", answer.peer.text), ("To", answer.target.text), ("In", firewall.label)],
        (),
        sections(
            _ways(id_, answer),
            _notes(
                id_, "changes", "Smallest change", [f"{one.action}: {one.message}" for one in answer.remedies]
            ),
            _notes(id_, "unknown", "Not known", answer.unknown),
            _notes(id_, "notes", "Good to know", answer.notes),
            *scene_sections(id_, scene_of_one(_concerned(answer, firewall))),
        ),
    )


def _sentence(answer: Answer) -> str:
    return f"{asked_words(answer)}, from {answer.peer.text} to {answer.target.text}."


def _notes(part: str, name: str, title: str, rows: Sequence[str]) -> Section | None:
    return Section("notes", f"{part}-{name}", title, rows, len(rows)) if rows else None


def _ways(part: str, answer: Answer) -> Section:
    classes = alike(answer.ways)
    blocks = [_way(own) for own in classes[:MOST_WAYS]]
    more = len(classes) - len(blocks)
    intro = f"{more} more ways are left out." if more else ""
    return Section("ways", f"{part}-ways", "The way, gate by gate", blocks, len(classes), intro)


def _way(own: Sequence[Way]) -> WayBlock:
    way = own[0]
    return WayBlock(
        way.peer.label,
        way.target.label,
        way.family,
        len(own) - 1,
        _TONES[way.verdict],
        WORDS[way.verdict],
        [_gate(way, step) for step in way.steps],
    )


def _gate(way: Way, step: Step) -> Gate:
    return Gate(
        PLACES[step.at, step.direction],
        step.leg == "reply",
        list(map(thing, step.resources)),
        _TONES[step.verdict],
        WORDS[step.verdict],
        step.why,
        [(part.admitted, _rule(step, part), _for(way, part)) for part in step.parts],
    )


def _rule(step: Step, part: Decided) -> str:
    several = step.at == "groups" and len(step.resources) > 1
    return f"{part.resource}: {part.rule}" if several and part.resource else part.rule


def _for(way: Way, part: Decided) -> str:
    blocks = addresses_of(part.packets, way.family)
    more = f" and {len(blocks) - MOST_BLOCKS} more" if len(blocks) > MOST_BLOCKS else ""
    return ", ".join(map(str, blocks[:MOST_BLOCKS])) + more


def _concerned(answer: Answer, firewall: Firewall) -> Snapshot:
    """The groups and ACLs on the way, and the groups and lists that their rules name."""
    on_the_way = {resource.id for way in answer.ways for step in way.steps for resource in step.resources}
    snapshot = firewall.snapshot
    named = set(_named(snapshot, on_the_way))
    return replace(
        snapshot,
        groups=tuple(group for group in snapshot.groups if group.group_id in on_the_way | named),
        acls=tuple(acl for acl in snapshot.acls or () if acl.network_acl_id in on_the_way),
        prefix_lists=tuple(item for item in snapshot.prefix_lists or () if item.prefix_list_id in named),
    )


def _named(snapshot: Snapshot, ids: set[str]) -> Iterator[str]:
    for group in snapshot.groups:
        if group.group_id in ids:
            yield from (str(rule.peer) for rule in group.rules)
