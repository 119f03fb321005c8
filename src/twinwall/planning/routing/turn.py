"""One step of a full group's way."""

from typing import NamedTuple

from twinwall.model.rules import SecurityGroupRule
from twinwall.planning.routing.standing import Rules


class Turn(NamedTuple):
    """``gone`` goes, ``come`` comes; both: in place."""

    gone: SecurityGroupRule | None
    come: SecurityGroupRule | None

    def of(self, rules: Rules) -> Rules:
        return (rules - {self.gone} if self.gone else rules) | ({self.come} if self.come else frozenset())
