"""Policy documents, and what they say of a request (IAM user guide: reference_policies_evaluation-logic).

any statement that denies ─ yes: denied
a resource's own policy allows the caller ─ yes: allowed (within the account)
the boundary, the session's policy, the identity's policies: one of each kind there is must allow
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from twinwall.emulator.iam.conditions import (
    Context,
    UnknownOperator,
    arn_like,
    as_texts,
    holds,
    like,
    substitute,
)


@dataclass(frozen=True)
class Right:
    """What a request needs: an action (``ec2:CreateTags``) on a resource (``*`` where it takes none).
    ``keys``: the condition keys that hold for this resource alone."""

    action: str
    arn: str = "*"
    keys: Context = field(default_factory=dict)


@dataclass(frozen=True)
class Statement:
    """Principals are ARNs, accounts, ``*`` or services; none in a policy of an identity."""

    allows: bool
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, Any]]
    principals: tuple[str, ...] = ()

    def speaks_of(self, right: Right, context: Context) -> bool:
        """Is the request one that this statement is about? A condition that cannot be read is met for a Deny."""
        if not self.names(right, context):
            return False
        try:
            return holds(self.conditions, context)
        except UnknownOperator:
            return not self.allows

    def names(self, right: Right, context: Context) -> bool:
        """Its action and its resource, whatever the conditions say."""
        return self._names_action(right.action) and self._names_resource(right.arn, context)

    def _names_action(self, action: str) -> bool:
        """Without regard to case (reference_policies_elements_action)."""
        named = any(like(action.lower(), pattern.lower()) for pattern in self.actions or self.not_actions)
        return named if self.actions else not named

    def _names_resource(self, arn: str, context: Context) -> bool:
        """A trust policy names none: it speaks of its role."""
        if not self.resources and not self.not_resources:
            return True
        patterns = self.resources or self.not_resources
        named = any(arn_like(arn, substitute(pattern, context)) for pattern in patterns)
        return named != bool(self.not_resources)


Policy = tuple[Statement, ...]
EVERYTHING = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)


@lru_cache(maxsize=1024)
def read_policy(text: str) -> Policy:
    """A policy document. Raises ``ValueError`` for what is none."""
    document = json.loads(text)
    statements = document.get("Statement") if isinstance(document, dict) else None
    if not isinstance(statements, list | dict):
        raise ValueError("a policy document has a Statement")
    return tuple(map(_read_statement, [statements] if isinstance(statements, dict) else statements))


def _read_statement(item: Mapping[str, Any]) -> Statement:
    if item.get("Effect") not in ("Allow", "Deny"):
        raise ValueError("the Effect of a statement is Allow or Deny")
    if ("Action" in item) == ("NotAction" in item):
        raise ValueError("a statement has one of Action and NotAction")
    return Statement(
        allows=item["Effect"] == "Allow",
        actions=as_texts(item.get("Action", ())),
        not_actions=as_texts(item.get("NotAction", ())),
        resources=as_texts(item.get("Resource", ())),
        not_resources=as_texts(item.get("NotResource", ())),
        conditions=item.get("Condition") or {},
        principals=tuple(_principals(item.get("Principal"))),
    )


def _principals(given: Any) -> Iterable[str]:
    if isinstance(given, Mapping):
        return [text for value in given.values() for text in as_texts(value)]
    return as_texts(given) if given else ()


@dataclass(frozen=True)
class Policies:
    """Everything that speaks of one caller. None: there is no such thing, so that it does not limit."""

    identity: tuple[Policy, ...]
    boundary: Policy | None = None
    session: tuple[Policy, ...] | None = None

    def kinds(self) -> Iterable[tuple[str, Sequence[Policy]]]:
        """AWS's words for each kind, in the order in which it names them."""
        yield "identity-based policy", self.identity
        if self.boundary is not None:
            yield "permissions boundary", (self.boundary,)
        if self.session is not None:
            yield "session policy", self.session


def refusal_of(
    policies: Policies,
    right: Right,
    context: Context,
    resource_policy: Policy = (),
    *,
    names: Sequence[str] = (),
) -> str | None:
    """Why the right is not given, in AWS's words (IAM user guide: troubleshoot_access-denied); None if it is.
    ``names``: what a resource's policy may call the caller by."""
    context = {**context, **right.keys}
    for kind, held in policies.kinds():
        if _speaks(held, right, context, allows=False):
            return f"with an explicit deny in {_article(kind)} {kind}"
    match verdict(resource_policy, right, context, names):
        case True:
            return None
        case False:
            return "with an explicit deny in a resource-based policy"
        case None:
            pass
    for kind, held in policies.kinds():
        if not _speaks(held, right, context, allows=True):
            return f"because no {kind} allows the {right.action} action"
    return None


def verdict(policy: Policy, right: Right, context: Context, names: Sequence[str]) -> bool | None:
    """What a resource's own policy says of a caller with these names: let in, kept out, or nothing."""
    own = (tuple(statement for statement in policy if _is_meant(statement, names)),)
    if _speaks(own, right, context, allows=False):
        return False
    return True if _speaks(own, right, context, allows=True) else None


def _article(kind: str) -> str:
    return "an" if kind[0] in "aeiou" else "a"


def _is_meant(statement: Statement, names: Sequence[str]) -> bool:
    return any(like(name, principal) for name in names for principal in statement.principals)


def _speaks(policies: Iterable[Policy], right: Right, context: Context, *, allows: bool) -> bool:
    return any(
        statement.allows is allows and statement.speaks_of(right, context)
        for policy in policies
        for statement in policy
    )
