"""A proof as text: the verdict, then each difference with a packet that shows it."""

from collections.abc import Sequence
from dataclasses import replace

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from twinwall.model.firewall import Resource
from twinwall.planning.flows import Flow
from twinwall.planning.proof import Difference, Undecided, VerifyReport
from twinwall.report.blocks import (
    TYPE_WORDS,
    block,
    counted,
    folded,
    heading,
    hung,
    thing_words,
    without_refs,
)
from twinwall.report.findings import first_of, not_compared_text

VERDICTS = {
    "equal": "equal in what was compared",
    "equal-every-membership": "equal in what was compared",
    "equal-today": "equal in what was compared",
    "undecided": "undecided",
    "different": "different",
}


WHEN = {"equal-every-membership": ", whoever the members are", "equal-today": ", with today's members"}
_MEMBERS = {"equal-today": "With the members that they have now"}


def verify_text(report: VerifyReport) -> RenderableType:
    return Group(
        heading("Verify"),
        _verdict(report),
        block(
            f"Differences ({len(report.differences)})", first_of(list(map(_difference, report.differences)))
        ),
        block(f"Undecided ({len(report.undecided)})", first_of(list(map(_undecided, report.undecided)))),
        _names(_MEMBERS.get(report.verdict, "Whatever the members are of"), _by_name(report.symbols)),
        _names("More differences than are told, in", report.truncated),
        not_compared_text(report.not_compared),
    )


def _verdict(report: VerifyReport) -> RenderableType:
    words = (
        f"{VERDICTS[report.verdict]}; {len(report.not_compared)} not compared{WHEN.get(report.verdict, '')}"
    )
    compared = report.compared
    scope = (
        counted(compared.groups, "group"),
        counted(compared.acls, "ACL"),
        counted(compared.subnets, "subnet"),
    )
    told = Text(words, style="green" if report.equal else "red")
    return Padding(Group(told, Text(f"compared: {', '.join(scope)}")), (0, 0, 0, 2))


def _difference(item: Difference) -> RenderableType:
    where = _where(item.resource)
    if item.flow is None:
        head = f"{where}: only in the {item.only_in}"
    else:
        head = f"{where}: only the {item.only_in} admits {_flow(item.flow)}"
    sides = (("source", item.decided_by.source), ("target", item.decided_by.target))
    decided = [f"{side}: {without_refs(words)}" for side, words in sides if words]
    return Group(hung(head, indent=2), *(Padding(hung(line), (0, 0, 0, 4)) for line in decided))


def _undecided(item: Undecided) -> RenderableType:
    return hung(f"{_where(item.resource)}: {_flow(item.flow)}: {without_refs(item.condition)}", indent=2)


def _where(resource: Resource) -> str:
    return f"{TYPE_WORDS[resource.type]} {thing_words(resource)}"


def _flow(flow: Flow) -> str:
    """Without the thing itself, which stands before it."""
    return without_refs(str(replace(flow, guarded=None)))


def _by_name(resources: Sequence[Resource]) -> list[Resource]:
    return sorted(resources, key=lambda one: (thing_words(one).casefold(), one.id))


def _names(title: str, resources: Sequence[Resource]) -> RenderableType:
    if not resources:
        return Group()
    return block(f"{title} ({len(resources)})", [folded(", ".join(map(thing_words, resources)))])
