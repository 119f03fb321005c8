"""Does a resource's own policy let a caller in? (IAM user guide: "Policy evaluation logic", resource policies)"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True)
class Caller:
    """``service`` (``events.amazonaws.com``) or ``account``; ``context``: condition keys in lower case."""

    account: str = ""
    service: str = ""
    context: Mapping[str, str] = field(default_factory=dict)


def service_caller(service: str, source_arn: str) -> Caller:
    """An AWS service on behalf of one of its resources."""
    account = source_arn.split(":")[4] if source_arn.count(":") >= 5 else ""
    return Caller("", service, {"aws:sourcearn": source_arn, "aws:sourceaccount": account})


def admits(policy: str | None, caller: Caller, action: str, resource: str) -> bool:
    """A Deny that fits wins; without an Allow that fits nobody comes in. What a condition says that is not
    understood here is not met."""
    statements = json.loads(policy or "{}").get("Statement") or []
    fitting = [s for s in _listed(statements) if _fits(s, caller, action, resource)]
    return bool(fitting) and all(s.get("Effect") == "Allow" for s in fitting)


def _fits(statement: Mapping[str, Any], caller: Caller, action: str, resource: str) -> bool:
    actions = [str(a).lower() for a in _listed(statement.get("Action") or [])]
    resources = _listed(statement.get("Resource") or [])
    return (
        any(fnmatchcase(action.lower(), a) for a in actions)
        and (not resources or any(fnmatchcase(resource, str(r)) for r in resources))
        and _is_named(statement.get("Principal"), caller)
        and all(
            _meets(test, key, values, caller.context)
            for test, terms in (statement.get("Condition") or {}).items()
            for key, values in terms.items()
        )
    )


def _is_named(principal: Any, caller: Caller) -> bool:
    if principal == "*":
        return True
    named = principal if isinstance(principal, Mapping) else {}
    if caller.service:
        return any(name in ("*", caller.service) for name in _listed(named.get("Service") or []))
    whole = (caller.account, f"arn:aws:iam::{caller.account}:root")
    return any(fnmatchcase(name, str(who)) for who in _listed(named.get("AWS") or []) for name in whole)


def _meets(test: str, key: str, values: Any, context: Mapping[str, str]) -> bool:
    compare, found = _COMPARE.get(test.lower()), context.get(key.lower())
    return compare is not None and found is not None and any(compare(found, str(v)) for v in _listed(values))


_COMPARE: Mapping[str, Callable[[str, str], bool]] = {
    "stringequals": lambda found, value: found == value,
    "stringlike": fnmatchcase,
    "arnequals": fnmatchcase,
    "arnlike": fnmatchcase,
}


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value]
