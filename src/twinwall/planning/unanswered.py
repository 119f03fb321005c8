"""Creations that nobody answered, that no reading shows, and that are not wanted: asked about by being sent once more.

    an ACL, a list    under its old token, which EC2 answers with what that made, and makes no second one
    a group           under its name, which EC2 refuses where it is taken: then it is read until it shows

What EC2 says to a write does not lag (aws-facts 3.2, 3.3). What comes of it goes again; it guards nothing meanwhile.
"""

from collections.abc import Iterator
from dataclasses import replace

from twinwall.model.firewall import Snapshot
from twinwall.planning import changes as c
from twinwall.planning.findings import Finding
from twinwall.planning.history import History, Sent
from twinwall.planning.order import Barrier, Route, Step
from twinwall.planning.plan import Plan

UNANSWERED = "unanswered-creation"
"""The id of what is told of them."""

_Creation = c.CreateSecurityGroup | c.CreateNetworkAcl | c.CreateManagedPrefixList
_Deletion = c.DeleteSecurityGroup | c.DeleteNetworkAcl | c.DeleteManagedPrefixList


def with_asked(plan: Plan, history: History, now: Snapshot) -> Plan:
    """``history`` with the ids of what was found. The plan with two calls more for each creation that is unclear, and
    what of it can be known."""
    route, findings = list(plan.route), list(plan.findings)
    for change in _unclear(plan, history, now):
        again = replace(change, reason="asked once more: it had no answer")
        route.append(Step(again))
        route.append(Step(_deletion(change), (len(route) - 1,)))
        findings.append(_finding(change))
    return replace(plan, route=tuple(route), findings=tuple(findings))


def with_unasked(history: History) -> History:
    """With the questions of its plan that it did not come to ask: they are as open as calls without an answer."""
    asked = asked_about(history.plan.route) - {sent.change.resource.id for sent in history.sent}
    open_ = [ch for ch in history.plan.changes if isinstance(ch, _Creation) and ch.resource.id in asked]
    if not open_:
        return history
    sent = (*history.sent, *(Sent(change, answered=False) for change in open_))
    return replace(history, sent=sent, unanswered_at=history.unanswered_at or history.last_at)


def asked_about(route: Route) -> frozenset[str]:
    """Refs that a route makes, deletes, and does nothing else with."""
    made, gone, used = set(), set(), set()
    for item in route:
        match item:
            case Step(change=c.CreateSecurityGroup() | c.CreateNetworkAcl() | c.CreateManagedPrefixList()):
                made.add(item.change.resource.id)
            case Step(change=c.DeleteSecurityGroup() | c.DeleteNetworkAcl() | c.DeleteManagedPrefixList()):
                gone.add(item.change.resource.id)
            case Step():
                used |= c.ids_in(item.change)
            case Barrier():
                pass
    return frozenset((made & gone) - used)


def _unclear(plan: Plan, history: History, now: Snapshot) -> Iterator[_Creation]:
    """A group whose name somebody has by now was not made, and will not be."""
    coming = [change for change in plan.changes if isinstance(change, _Creation)]
    refs = {change.resource.id for change in coming} | history.ids.keys()
    names = {change.group_name for change in coming if isinstance(change, c.CreateSecurityGroup)}
    taken = {name.casefold() for name in names | {group.group_name for group in now.groups}}
    for sent in history.sent:
        change = sent.change
        if sent.answered or not isinstance(change, _Creation) or change.resource.id in refs:
            continue
        if isinstance(change, c.CreateSecurityGroup) and change.group_name.casefold() in taken:
            continue
        refs.add(change.resource.id)
        yield change


def _deletion(change: _Creation) -> _Deletion:
    match change:
        case c.CreateSecurityGroup(resource=resource):
            return c.DeleteSecurityGroup(resource=resource)
        case c.CreateNetworkAcl(resource=resource):
            return c.DeleteNetworkAcl(resource=resource)
        case c.CreateManagedPrefixList(resource=resource):
            return c.DeleteManagedPrefixList(resource=resource)


def _finding(change: _Creation) -> Finding:
    said = f"that run's {change.action} had no answer, and no reading shows what it made: "
    if isinstance(change, c.CreateSecurityGroup):
        told = (
            "it is sent once more, and what is there then is deleted; a group has no client token, so should the first "
            "call arrive later still, an empty group stays"
        )
        way_out = f"look for a group named {change.group_name} later, and undo again if there is one"
        return Finding(UNANSWERED, "warning", change.resource, said + told, way_out)
    told = "it is sent once more under its client token, so that EC2 names that and makes no second one, and deleted"
    return Finding(UNANSWERED, "note", change.resource, said + told)
