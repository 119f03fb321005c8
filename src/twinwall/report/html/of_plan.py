"""A plan as a part of a page, and what carrying it out came to."""

from collections.abc import Sequence
from dataclasses import dataclass

from twinwall.model.firewall import Snapshot
from twinwall.planning.findings import Finding
from twinwall.planning.plan import Plan
from twinwall.planning.proof import VerifyReport
from twinwall.report.blocks import about, counted, seconds_words
from twinwall.report.flows import than_words
from twinwall.report.html.blocks import (
    calls_section,
    findings_section,
    flow_block,
    flows_section,
    not_compared_section,
    place_facts,
    scene_sections,
)
from twinwall.report.html.of_verify import differences_section, verdict_of_proof
from twinwall.report.html.page import Figure, Part, Section, Tone, Verdict, sections
from twinwall.report.html.scene import scene_of_plan
from twinwall.report.html.timeline import Record, Timeline, timeline_of
from twinwall.report.plan import NOTHING_CHOSEN


@dataclass(frozen=True)
class Run:
    """What carrying a plan out came to. ``proof`` is None, and ``stopped`` says why, where it did not get to the
    end. ``calls``: as sent, by operation. ``findings``: what became known while it
    ran."""

    calls: dict[str, int]
    seconds: float
    throttled: int
    proof: VerifyReport | None
    journal: str
    records: Sequence[Record]
    stopped: str = ""
    findings: Sequence[Finding] = ()


def plan_part(id_: str, plan: Plan, existing: Snapshot, run: Run | None = None) -> Part:
    timeline = timeline_of(run.journal, run.records) if run else None
    return Part(
        id_,
        plan.target.label,
        _verdict(plan) if run is None else _verdict_of_run(plan, run),
        [*place_facts("Source", plan.source), *place_facts("Target", plan.target), *_facts(plan, run)],
        _figures(plan, run),
        sections(
            differences_section(id_, run.proof) if run and run.proof else None,
            _flows(id_, plan),
            findings_section(id_, (*plan.findings, *(run.findings if run else ()))),
            *scene_sections(id_, scene_of_plan(plan, existing)),
            _timeline(id_, timeline),
            _calls(id_, plan),
            not_compared_section(id_, plan.not_compared),
        ),
    )


def ended_part(id_: str, label: str, word: str, why: str) -> Part:
    """What did not get as far as a plan."""
    return Part(id_, label, Verdict("bad", word, why))


# --- the verdict


def _verdict(plan: Plan) -> Verdict:
    if plan.empty:
        already = f"{counted(plan.summary.unchanged, 'thing')} already as the source asks"
        sentence = (
            f"{already if plan.summary.unchanged else NOTHING_CHOSEN.capitalize()}. Nothing would be written."
        )
        return Verdict("good", "Nothing to change", sentence)
    tone: Tone = "warn" if plan.closes or plan.summary.delete else "calm"
    total = sum(plan.api_calls.values())
    sentence = (
        f"{counted(total, 'call')}, {about(plan.estimated_seconds)}. The target will be {than_words(plan)}."
    )
    return Verdict(tone, _words(plan), sentence)


def _words(plan: Plan) -> str:
    numbers = (plan.summary.create, plan.summary.update, plan.summary.delete)
    told = [
        f"{number} to {verb}"
        for number, verb in zip(numbers, ("create", "update", "delete"), strict=True)
        if number
    ]
    return ", ".join(told) or counted(len(plan.changes), "call")


def _verdict_of_run(plan: Plan, run: Run) -> Verdict:
    if run.stopped or run.proof is None:
        return Verdict("bad", "Stopped midway", run.stopped)
    proof = verdict_of_proof(run.proof)
    if plan.empty:
        return Verdict(proof.tone, proof.word, f"There was nothing to write. {proof.sentence}")
    done = f"{counted(sum(run.calls.values()), 'call')} in {seconds_words(run.seconds)}."
    return Verdict(proof.tone, proof.word, f"{done} {proof.sentence}")


def _facts(plan: Plan, run: Run | None) -> list[tuple[str, str]]:
    facts = []
    if run and run.journal:
        facts.append(("Journal", run.journal))
    if run and run.throttled:
        facts.append(("Throttle", f"EC2 asked for patience {counted(run.throttled, 'time')}"))
    if run is None and not plan.empty:
        facts.append(("Time", f"{about(plan.estimated_seconds).removeprefix('in ')} under EC2's throttle"))
    return facts


def _figures(plan: Plan, run: Run | None) -> list[Figure]:
    """What was done, where all of it was."""
    done = run is not None and not run.stopped
    create, update, delete = (
        ("created", "updated", "deleted") if done else ("to create", "to update", "to delete")
    )
    return [
        Figure(f"{plan.summary.create:,}", create, "good" if plan.summary.create else None),
        Figure(f"{plan.summary.update:,}", update, "warn" if plan.summary.update else None),
        Figure(f"{plan.summary.delete:,}", delete, "bad" if plan.summary.delete else None),
        Figure(f"{plan.summary.unchanged:,}", "unchanged"),
        Figure(f"{len(plan.opens):,}", "flows open", "good" if plan.opens else None),
        Figure(f"{len(plan.closes):,}", "flows close", "bad" if plan.closes else None),
    ]


# --- its sections


def _flows(part: str, plan: Plan) -> Section:
    return flows_section(
        part,
        [
            flow_block("Opens", "+", "good", plan.opens),
            flow_block("Closes", "-", "bad", plan.closes),
            flow_block("Briefly open on the way, at most", "~", "warn", plan.briefly_open),
            flow_block(
                "Live connections that may be cut, tracked from now on", "~", "warn", plan.may_cut_live
            ),
            flow_block("Live connections that outlive their closing", "~", "warn", plan.lingers),
        ],
    )


def _calls(part: str, plan: Plan) -> Section | None:
    intro = f"The API calls of the plan, {about(plan.estimated_seconds)} under EC2's throttle."
    return calls_section(part, plan.api_calls, "Calls", intro)


def _timeline(part: str, timeline: Timeline | None) -> Section | None:
    if timeline is None:
        return None
    return Section("timeline", f"{part}-timeline", "What was done, and when", timeline, len(timeline.calls))
