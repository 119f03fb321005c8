"""What IAM says a user or a role may do, without doing it (API: SimulatePrincipalPolicy).

One result for each action; its decision is the strictest of those on the resources, which stand beside it one by one.
The simulated request has the context keys that it is given, and the principal's own. Session policies are unknown
here, as they are to AWS. Where nothing is enforced, everything is allowed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from moto.iam.models import iam_backends

from twinwall.emulator.credentials import AccessKey, Principal
from twinwall.emulator.faults import Trouble
from twinwall.emulator.iam.conditions import Context
from twinwall.emulator.iam.enforcer import Enforcer
from twinwall.emulator.iam.holders import policies_of
from twinwall.emulator.iam.policies import Policies, Right, Statement, read_policy
from twinwall.emulator.refusal import Refusal

Params = Mapping[str, Any]
Answer = dict[str, Any]
ORDER = ("allowed", "implicitDeny", "explicitDeny")
"""From the mildest to the strictest."""


class Simulator:
    def __init__(self, enforcer: Enforcer, trouble: Trouble) -> None:
        self._enforcer, self._trouble = enforcer, trouble

    def answer(self, account: str, params: Params) -> Answer:
        """Raises ``Refusal``."""
        principal = self._principal(account, str(params["PolicySourceArn"]))
        made_by_hand = self._enforcer.made_by_hand(principal)
        policies = _narrowed(policies_of(principal, made_by_hand), params)
        context = {**_own_context(principal), **_context(params)}
        results = [
            self._result(principal, policies, action, params.get("ResourceArns") or ["*"], context)
            for action in params["ActionNames"]
        ]
        return _page(results, params)

    def _principal(self, account: str, arn: str) -> Principal:
        parts = arn.split(":")
        kind, _, path = parts[5].partition("/") if len(parts) > 5 else ("", "", "")
        if len(parts) < 6 or parts[2] != "iam" or kind not in ("user", "role"):
            raise Refusal(
                "InvalidInput", f"Invalid Entity Arn: {arn} does not clearly define entity type and name."
            )
        backend = iam_backends[account]["aws"]
        name = path.rpartition("/")[2]
        if kind == "user":
            known = parts[4] == account and name in backend.users and backend.users[name].arn == arn
        else:
            known = self._enforcer.knows_role(arn)
        if not known:
            raise Refusal("NoSuchEntity", f"The {kind} with name {name} cannot be found.", 404)
        return Principal(AccessKey("", ""), parts[4], arn, "", role_arn=arn if kind == "role" else "")

    def _result(
        self,
        principal: Principal,
        policies: Policies,
        action: str,
        resources: Sequence[str],
        context: Context,
    ) -> Answer:
        each = [self._on(principal, policies, Right(action, arn), context) for arn in resources]
        strictest = max(each, key=lambda one: ORDER.index(one["EvalResourceDecision"]))
        missing = sorted({key for one in each for key in one["MissingContextValues"]})
        return {
            "EvalActionName": action,
            "EvalResourceName": resources[0],
            "EvalDecision": strictest["EvalResourceDecision"],
            "MatchedStatements": strictest["MatchedStatements"],
            "MissingContextValues": missing,
            **({"ResourceSpecificResults": each} if list(resources) != ["*"] else {}),
        }

    def _on(self, principal: Principal, policies: Policies, right: Right, context: Context) -> Answer:
        decision, matched = self._decided(principal, policies, right, context)
        held = [policy for _, kind in policies.kinds() for policy in kind]
        found: Answer = {
            "EvalResourceName": right.arn,
            "EvalResourceDecision": decision,
            "MatchedStatements": [{"SourcePolicyType": "IAM Policy"} for _ in matched],
            "MissingContextValues": sorted(_missing(held, right, context)),
        }
        if policies.boundary is not None:
            allowed = any(one.allows and one.speaks_of(right, context) for one in policies.boundary)
            found["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": allowed}
        return found

    def _decided(
        self, principal: Principal, policies: Policies, right: Right, context: Context
    ) -> tuple[str, list[Statement]]:
        service, _, operation = right.action.partition(":")
        if self._trouble.denied(principal.names, service, operation):
            return "explicitDeny", []
        return decided(policies, right, context) if self._enforcer.on else ("allowed", [])


def decided(policies: Policies, right: Right, context: Context) -> tuple[str, list[Statement]]:
    """The decision, and the statements that made it (reference_policies_evaluation-logic)."""
    kinds = [
        [one for policy in held for one in policy if one.speaks_of(right, context)]
        for _, held in policies.kinds()
    ]
    denying = [one for speaking in kinds for one in speaking if not one.allows]
    if denying:
        return "explicitDeny", denying
    if not all(kinds):
        return "implicitDeny", []
    return "allowed", [one for speaking in kinds for one in speaking]


def _narrowed(policies: Policies, params: Params) -> Policies:
    """With the policies that the call itself brings along."""
    more = tuple(map(read_policy, params.get("PolicyInputList") or ()))
    bounds = [read_policy(text) for text in params.get("PermissionsBoundaryPolicyInputList") or ()]
    boundary = bounds[0] if bounds else policies.boundary
    return Policies((*policies.identity, *more), boundary, policies.session)


def _own_context(principal: Principal) -> Context:
    found = {"aws:principalarn": (principal.arn,), "aws:principalaccount": (principal.account,)}
    if not principal.role_arn:
        found["aws:username"] = (principal.arn.rpartition("/")[2],)
    return found


def _context(params: Params) -> Context:
    return {
        str(entry["ContextKeyName"]).lower(): tuple(map(str, entry.get("ContextKeyValues") or ()))
        for entry in params.get("ContextEntries") or ()
    }


def _missing(held: Iterable[Sequence[Statement]], right: Right, context: Context) -> Iterator[str]:
    """Keys that statements about this right ask for and the simulated request has not."""
    for policy in held:
        for statement in policy:
            if statement.names(right, context):
                for terms in statement.conditions.values():
                    yield from (key for key in terms if key.lower() not in context)


def _page(results: list[Answer], params: Params) -> Answer:
    """Marker: where the next page begins."""
    start, size = int(params.get("Marker") or 0), int(params.get("MaxItems") or 1000)
    more = start + size < len(results)
    page: Answer = {"EvaluationResults": results[start : start + size], "IsTruncated": more}
    return page | ({"Marker": str(start + size)} if more else {})
