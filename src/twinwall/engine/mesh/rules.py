"""Adds and revokes in one group. EC2 takes or refuses a call as a whole, so a refused one is halved.

already there        done (Describe calls lag, and other nodes add too)
no room, not allowed definite: told, the rest is not tried
no such rule         done
"""

from collections.abc import Callable, Sequence

from twinwall.errors import AccessDenied, AlreadyExists, AwsError, NotFound
from twinwall.model.rules import SecurityGroupRule

NO_ROOM = "RulesPerSecurityGroupLimitExceeded"

Authorize = Callable[[Sequence[SecurityGroupRule]], None]
Revoke = Callable[[Sequence[str]], None]


def is_definite(error: AwsError) -> bool:
    return error.code == NO_ROOM or isinstance(error, AccessDenied)


def add(rules: Sequence[SecurityGroupRule], authorize: Authorize) -> list[SecurityGroupRule]:
    """Adds in this order; answers those that were definitely refused."""
    if not rules:
        return []
    try:
        authorize(rules)
    except AlreadyExists:
        if len(rules) == 1:
            return []
    except AwsError as error:
        if not is_definite(error):
            raise
        if len(rules) == 1 or isinstance(error, AccessDenied):
            return list(rules)
    else:
        return []
    half = (len(rules) + 1) // 2
    refused = add(rules[:half], authorize)
    return [*refused, *rules[half:]] if refused else add(rules[half:], authorize)


def revoke(rule_ids: Sequence[str], call: Revoke) -> None:
    if not rule_ids:
        return
    try:
        call(rule_ids)
    except NotFound:
        if len(rule_ids) == 1:
            return
        half = (len(rule_ids) + 1) // 2
        revoke(rule_ids[:half], call)
        revoke(rule_ids[half:], call)
