"""Adds and revokes in a site's groups. EC2 takes or refuses a call as a whole, so a refused one is halved.

already there        the group is read again, for other nodes add too; then it is halved, for Describe calls lag
no room, not allowed definite: told, the rest is not tried
no such rule         done
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from twinwall.errors import AccessDenied, AlreadyExists, AwsError, NotFound
from twinwall.mesh.room import fitting
from twinwall.model.rules import SecurityGroupRule

NO_ROOM = "RulesPerSecurityGroupLimitExceeded"

Authorize = Callable[[Sequence[SecurityGroupRule]], None]
AuthorizeIn = Callable[[str, Sequence[SecurityGroupRule]], None]
"""In the group of this id."""
Lacking = Callable[[Sequence[SecurityGroupRule]], Sequence[SecurityGroupRule]]
Revoke = Callable[[Sequence[str]], None]


@dataclass(frozen=True)
class Added:
    """``into``: which rules stand in which group; ``refused``: those that the last group definitely refused."""

    into: Mapping[str, Sequence[SecurityGroupRule]]
    refused: Sequence[SecurityGroupRule]


def is_definite(error: AwsError) -> bool:
    return error.code == NO_ROOM or isinstance(error, AccessDenied)


def add(
    rules: Sequence[SecurityGroupRule], authorize: Authorize, lacking: Lacking | None = None
) -> list[SecurityGroupRule]:
    """Adds in this order; answers those that were definitely refused. ``lacking``: what is not there when one looks
    again; where others add at the same time this saves calls."""
    if not rules:
        return []
    try:
        authorize(rules)
    except AlreadyExists:
        if len(rules) == 1:
            return []
        if lacking is not None:
            return add(lacking(rules), authorize)
    except AwsError as error:
        if not is_definite(error):
            raise
        if len(rules) == 1 or isinstance(error, AccessDenied):
            return list(rules)
    else:
        return []
    half = (len(rules) + 1) // 2
    refused = add(rules[:half], authorize, lacking)
    return [*refused, *rules[half:]] if refused else add(rules[half:], authorize, lacking)


@dataclass
class Filling:
    """A site's groups while rules come into them, in their order: what one has no room for goes to the next.
    ``read`` reads them again."""

    standing: dict[str, Sequence[SecurityGroupRule]]
    quota: int
    read: Callable[[], Mapping[str, Sequence[SecurityGroupRule]]]

    @property
    def rules(self) -> list[SecurityGroupRule]:
        return [rule for standing in self.standing.values() for rule in standing]

    def _lacking(self, rules: Sequence[SecurityGroupRule]) -> list[SecurityGroupRule]:
        self.standing.update(self.read())
        return self.without(rules)

    def without(self, rules: Sequence[SecurityGroupRule]) -> list[SecurityGroupRule]:
        """Those that do not stand there yet."""
        standing = set(self.rules)
        return [rule for rule in rules if rule not in standing]

    def add(self, rules: Sequence[SecurityGroupRule], authorize: AuthorizeIn) -> Added:
        added, left = {}, list(rules)
        for number, group_id in enumerate(self.standing, 1):
            is_last = number == len(self.standing)
            now, later = (left, []) if is_last else fitting(left, self.standing[group_id], self.quota)
            refused = add(now, partial(authorize, group_id), self._lacking)
            added[group_id] = [rule for rule in now if rule not in refused]
            self.standing[group_id] = [*self.standing[group_id], *added[group_id]]
            left = [*refused, *later]
        return Added(added, left)


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
