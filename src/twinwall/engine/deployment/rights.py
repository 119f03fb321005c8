"""May whoever deploys make what a new stack needs, and change what a living one is to change? IAM is asked before
anything is made or changed, at every node.

caller ─▶ user or role ─▶ each sure line of the deployer's policy ─┬─ allowed                ─ go on
                                                                  ├─ denied                 ─ one line, with what to add
                                                                  ├─ hangs on keys unknown  ─ told, go on
                                                                  └─ may not be asked       ─ told, go on

Of a new stack the sure lines are known at once, of a living one when its change set says what changes.

What a session policy or a service control policy forbids, IAM may not know here; the stack's own failure tells it then.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from twinwall.documents.deployer_changes import duties_of_changes
from twinwall.documents.deployer_permissions import TABLE, Duty, duties_of
from twinwall.engine.deployment.ground import Document, Ground, Land, is_alive, status_of
from twinwall.engine.deployment.inspect import Looked
from twinwall.errors import AccessDenied, AwsError
from twinwall.model.members import Node

_FREE = ":root"
"""An account's root user may do everything, and cannot be asked about."""


@dataclass(frozen=True)
class _Verdict:
    duty: Duty
    action: str
    resource: str
    decision: str
    missing: tuple[str, ...]


def check_rights(land: Land, looked: Looked) -> None:
    """Raises ``AccessDenied`` for the first node at which something of a new stack is surely not allowed."""
    for one in looked.nodes:
        if not is_alive(status_of(one.stack)):
            duties = duties_of(land.configured, one.node)
            asked = [duty for duty in duties if not (one.stream and duty.line.sid == TABLE)]
            _check(land, one.node, asked, looked)


def check_changes(land: Land, looked: Looked, changes: Mapping[Node, Sequence[Document]]) -> None:
    """``changes``: CloudFormation's ResourceChanges of living stacks. Raises ``AccessDenied`` for the first node at
    which one is surely not allowed. A stack that somebody gave a role (API: Stack.RoleARN) is changed by that one."""
    for one in looked.nodes:
        if one.node in changes and not (one.stack or {}).get("RoleARN"):
            duties = duties_of_changes(duties_of(land.configured, one.node), changes[one.node])
            _check(land, one.node, duties, looked)


def _check(land: Land, node: Node, duties: Sequence[Duty], looked: Looked) -> None:
    ground = land.of(node)
    if not any(duty.sure for duty in duties):
        return
    caller = ground.caller()
    if caller.endswith(_FREE):
        return
    try:
        principal = _principal(ground, caller)
        verdicts = [verdict for duty in duties for verdict in _asked(land, node, principal, duty, looked)]
    except AwsError as failed:
        land.tell(f"{node.name}: whether {caller} may do all of it is not known beforehand: {failed}")
        return
    denied = [one for one in verdicts if one.decision != "allowed"]
    sure = [one for one in denied if not one.missing]
    if sure:
        raise AccessDenied(_line(node, principal, sure), code="AccessDenied")
    for one in denied:
        land.tell(
            f"{node.name}: whether {principal} may {one.action} on {one.resource} hangs on {', '.join(one.missing)}, "
            "which is not known beforehand"
        )


def _principal(ground: Ground, caller: str) -> str:
    """Of a session its role's ARN, which has the path that the session's has not (IAM user guide, "IAM ARNs")."""
    if ":assumed-role/" not in caller:
        return caller
    return ground.role_arn(caller.split("/")[1])


def _asked(land: Land, node: Node, principal: str, duty: Duty, looked: Looked) -> Iterator[_Verdict]:
    if not duty.sure:
        return
    resources = [_example(looked, node, one) for one in duty.line.resources]
    region = "us-east-1" if duty.sure[0].startswith("iam:") else node.place.region
    keys = {**duty.keys, "aws:RequestedRegion": (region,)}
    for result in land.of(node).simulate(principal, duty.sure, resources, keys):
        found = list(_decisions(result))
        if duty.one_of and any(decision == "allowed" for _, decision, _ in found):
            continue
        for resource, decision, missing in found:
            yield _Verdict(duty, str(result["EvalActionName"]), resource, decision, missing)


def _decisions(result: Document) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(resource, decision, missing keys): of each resource, or of the one that stands for all."""
    each = result.get("ResourceSpecificResults")
    if not each:
        yield _read(result, "EvalDecision", result)
    for one in each or ():
        yield _read(one, "EvalResourceDecision", result)


def _read(one: Document, key: str, result: Document) -> tuple[str, str, tuple[str, ...]]:
    missing = {*(one.get("MissingContextValues") or ()), *(result.get("MissingContextValues") or ())}
    return str(one.get("EvalResourceName") or "*"), str(one[key]), tuple(sorted(missing))


def _example(looked: Looked, node: Node, resource: str) -> str:
    """One thing that a pattern means: IAM is asked about things."""
    group = resource.partition("autoScalingGroup:*:autoScalingGroupName/")[2]
    for site, found in looked.scaling.items():
        if group == site.key.asg and site.place == node.place:
            return str(found.get("AutoScalingGroupARN") or resource)
    return resource if resource == "*" else resource.replace("*", "twinwall")


# --- told


def _line(node: Node, principal: str, denied: Sequence[_Verdict]) -> str:
    first = denied[0]
    actions = sorted({one.action for one in denied if one.duty is first.duty})
    others = len({(one.duty.line.sid, one.action) for one in denied}) - len(actions)
    more = f" (nor {others} other calls)" if others else ""
    why = "a statement denies it" if first.decision == "explicitDeny" else "no policy allows it"
    return (
        f"deploying {node.name}: {principal} may not {', '.join(actions)} on {first.resource}: {why}{more}; nothing "
        f"was made; way out: {_way_out(first, actions)}; twinwall mesh permissions --deployer prints all that is needed"
    )


def _way_out(first: _Verdict, actions: Iterable[str]) -> str:
    if first.decision == "explicitDeny":
        return "lift the Deny of its policies, its boundary or the organization, or use another role"
    statement = {**first.duty.line.statement, "Action": list(actions)}
    return f"add {json.dumps(statement)} to its policies"
