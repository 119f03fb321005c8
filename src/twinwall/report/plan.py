"""A plan as text: both sides, what changes thing by thing, the calls, what to know."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from twinwall.model.firewall import Resource, ref_name
from twinwall.model.rules import SecurityGroupRule
from twinwall.planning import changes as c
from twinwall.planning.plan import Plan
from twinwall.report.blocks import (
    STYLES,
    TYPE_WORDS,
    Hung,
    about,
    block,
    columns,
    counted,
    heading,
    hung,
    place_words,
    thing_words,
    without_refs,
)
from twinwall.report.findings import findings_text, not_compared_text
from twinwall.report.flows import flows_text

MOST_THINGS = 200
MOST_ROWS = 30
"""Rules or entries shown of one call; the plan file has them all."""


def plan_text(plan: Plan) -> RenderableType:
    return Group(
        _ends(plan),
        _summary(plan),
        flows_text(plan),
        *_changes(plan),
        _calls(plan),
        findings_text(plan.findings),
        not_compared_text(plan.not_compared),
    )


NOTHING_CHOSEN = "of what was chosen the source has nothing to copy"


def _ends(plan: Plan) -> RenderableType:
    return Group(
        heading("Plan"),
        columns([("  source", place_words(plan.source)), ("  target", place_words(plan.target))]),
    )


def _summary(plan: Plan) -> RenderableType:
    if plan.empty:
        return Group(Text(), Text(f"Nothing to change: {_unchanged(plan)}."))
    words = (
        (plan.summary.create, "create"),
        (plan.summary.update, "update"),
        (plan.summary.delete, "delete"),
    )
    parts: list[Any] = []
    for number, verb in words:
        parts += [(f"{number} to {verb}", STYLES[verb] if number else ""), ", "]
    return Group(Text(), Text.assemble(*parts, f"{plan.summary.unchanged} unchanged."))


def _unchanged(plan: Plan) -> str:
    number = plan.summary.unchanged
    if not number:
        return NOTHING_CHOSEN
    return f"{counted(number, 'thing')} {'is as it' if number == 1 else 'are as they'} should be"


# --- thing by thing


def _changes(plan: Plan) -> Iterator[RenderableType]:
    """What happens to each thing, in the order of its first call. (The order of all calls is the file's.)"""
    things: dict[Resource, list[c.Change]] = {}
    for change in plan.changes:
        things.setdefault(change.resource, []).append(change)
    for resource, changes in islice(things.items(), MOST_THINGS):
        yield Group(Text(), *_thing(resource, changes))
    if len(things) > MOST_THINGS:
        yield Group(Text(), Text(f"… and {len(things) - MOST_THINGS} more things; --output json has all"))


def _thing(resource: Resource, changes: Sequence[c.Change]) -> Iterator[RenderableType]:
    yield heading(f"{TYPE_WORDS[resource.type]} {thing_words(resource)}")
    told = {""}
    action = ""
    for change in changes:
        why = "" if change.reason in told else f"  ({change.reason})"
        if why or change.action != action:
            line = Text.assemble((change.action, STYLES[verb_of(change)]), without_refs(why), overflow="fold")
            yield Padding(Hung(line), (0, 0, 0, 2))
        told.add(change.reason)
        action = change.action
        for row in _rows(change):
            yield Padding(hung(row, _SIGNS.get(row[0], "")), (0, 0, 0, 4))


_SIGNS = {"+": "green", "-": "red", "~": "yellow"}


def verb_of(change: c.Change) -> str:
    """create, update or delete, as the change is to whoever reads it."""
    match change:
        case c.CreateSecurityGroup() | c.CreateNetworkAcl() | c.CreateManagedPrefixList():
            return "create"
        case c.AuthorizeRules() | c.CreateNetworkAclEntry():
            return "create"
        case c.RevokeRules(missing_ok=True):
            return "update"
        case c.DeleteSecurityGroup() | c.DeleteNetworkAcl() | c.DeleteManagedPrefixList():
            return "delete"
        case c.RevokeRules() | c.DeleteNetworkAclEntry():
            return "delete"
        case _:
            return "update"


def _rows(change: c.Change) -> list[str]:
    rows = _all_rows(change)
    if len(rows) <= MOST_ROWS:
        return rows
    return [*rows[:MOST_ROWS], f"… and {len(rows) - MOST_ROWS} more"]


_ENTRY_SIGNS = {"CreateNetworkAclEntry": "+", "ReplaceNetworkAclEntry": "~", "DeleteNetworkAclEntry": "-"}


def _all_rows(change: c.Change) -> list[str]:
    match change:
        case c.AuthorizeRules() | c.RevokeRules() | c.UpdateRuleDescriptions():
            sign = "-" if isinstance(change, c.RevokeRules) else "~" if _describes(change) else "+"
            return [f"{sign} {_rule(rule)}" for rule in change.rules]
        case c.ModifySecurityGroupRules(rule=rule, into=into):
            return [f"~ {_rule(rule)} becomes {_rule(into)}"]
        case c.CreateNetworkAclEntry() | c.ReplaceNetworkAclEntry() | c.DeleteNetworkAclEntry():
            return [f"{_ENTRY_SIGNS[change.action]} {change.entry}"]
        case c.ReplaceNetworkAclAssociation(network_acl_id=acl):
            return [f"~ gets the ACL {ref_name(acl) or acl}"]
        case c.CreateTags() | c.DeleteTags():
            return _tag_rows(change)
        case c.CreateManagedPrefixList(entries=entries):
            return [f"+ {entry.cidr}" for entry in entries]
        case c.ModifyManagedPrefixList():
            return _list_rows(change)
        case _:
            return []


def _tag_rows(change: c.CreateTags | c.DeleteTags) -> list[str]:
    if isinstance(change, c.DeleteTags):
        return [f"- tag {key}" for key in change.keys]
    return [f"+ {key}={value}" for key, value in change.tags]


def _describes(change: c.Change) -> bool:
    return isinstance(change, c.UpdateRuleDescriptions)


def _rule(rule: SecurityGroupRule) -> str:
    words = without_refs(str(rule))
    return f"{words}  “{rule.description}”" if rule.description else words


def _list_rows(change: c.ModifyManagedPrefixList) -> list[str]:
    size = [f"~ at most {change.max_entries} entries"] if change.max_entries is not None else []
    return size + [f"+ {entry.cidr}" for entry in change.add] + [f"- {entry.cidr}" for entry in change.remove]


# --- the cost


def _calls(plan: Plan) -> RenderableType:
    if plan.empty:
        return Group()
    total = sum(plan.api_calls.values())
    title = f"{counted(total, 'call')}, {about(plan.estimated_seconds)} under EC2's throttle"
    rows = [(name, f"{number:,}") for name, number in plan.api_calls.items()]
    return block(title, [columns(rows)])
