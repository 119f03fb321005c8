"""A proof as a part of a page: the verdict, each difference with a packet, and both firewalls side by side."""

from dataclasses import dataclass, replace

from twinwall.model.firewall import Endpoint
from twinwall.planning.flows import Flow
from twinwall.planning.proof import Difference, Undecided, VerifyReport
from twinwall.report.blocks import counted, without_refs
from twinwall.report.html.blocks import Thing, not_compared_section, place_facts, scene_sections, thing
from twinwall.report.html.page import Figure, Part, Section, Tone, Verdict, sections
from twinwall.report.html.scene import Scene
from twinwall.report.verify import VERDICTS, WHEN


@dataclass(frozen=True)
class Told:
    """A difference (``only_in`` says which side admits the flow), or what is undecided (``condition``)."""

    thing: Thing
    flow: str
    only_in: str = ""
    source: str = ""
    target: str = ""
    condition: str = ""


def verify_part(
    id_: str, report: VerifyReport, source: Endpoint, target: Endpoint, scene: Scene | None
) -> Part:
    """``scene``: None where only the verdict is to be told."""
    return Part(
        id_,
        target.label,
        verdict_of_proof(report),
        [*place_facts("Source", source), *place_facts("Target", target)],
        _figures(report),
        sections(
            differences_section(id_, report),
            *(scene_sections(id_, scene) if scene else ()),
            not_compared_section(id_, report.not_compared),
        ),
    )


def verdict_of_proof(report: VerifyReport) -> Verdict:
    compared = report.compared
    scope = [
        counted(number, what)
        for number, what in ((compared.groups, "group"), (compared.acls, "ACL"), (compared.subnets, "subnet"))
        if number
    ]
    told = VERDICTS[report.verdict] + WHEN.get(report.verdict, "")
    if report.differences or report.undecided:
        parts = ((len(report.differences), "difference"), (len(report.undecided), "undecided flow"))
        told = ", ".join(counted(number, what) for number, what in parts if number)
    left_out = f"; {len(report.not_compared)} not compared" if report.not_compared else ""
    tone: Tone = (
        "bad" if report.verdict == "different" else "warn" if report.verdict == "undecided" else "good"
    )
    words = f"{', '.join(scope) or 'nothing'} compared, packet by packet: {told}{left_out}."
    return Verdict(tone, {"bad": "Different", "warn": "Undecided"}.get(tone, "Equal"), words)


def _figures(report: VerifyReport) -> list[Figure]:
    return [
        Figure(f"{len(report.differences):,}", "differences", "bad" if report.differences else None),
        Figure(f"{len(report.undecided):,}", "undecided", "warn" if report.undecided else None),
        Figure(f"{len(report.not_compared):,}", "not compared", "warn" if report.not_compared else None),
        Figure(f"{report.compared.groups:,}", "groups compared"),
        Figure(f"{report.compared.acls:,}", "ACLs compared"),
        Figure(f"{report.compared.subnets:,}", "subnets compared"),
    ]


def differences_section(part: str, report: VerifyReport) -> Section | None:
    told = [*map(_difference, report.differences), *map(_undecided, report.undecided)]
    if not told:
        return None
    intro = "Each with one packet that shows it, and the rule that decides on either side."
    if report.truncated:
        intro += f" In {counted(len(report.truncated), 'thing')} there are more than are told."
    return Section("differences", f"{part}-differences", "Differences", told, len(told), intro)


def _difference(item: Difference) -> Told:
    return Told(
        thing(item.resource),
        _flow(item.flow) if item.flow else "the thing itself",
        item.only_in,
        without_refs(item.decided_by.source),
        without_refs(item.decided_by.target),
    )


def _undecided(item: Undecided) -> Told:
    return Told(thing(item.resource), _flow(item.flow), condition=without_refs(item.condition))


def _flow(flow: Flow) -> str:
    return without_refs(str(replace(flow, guarded=None)))
