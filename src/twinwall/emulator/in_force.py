"""What an interface of ``MemoryAws`` enforces, which is not yet what EC2 answers.

EC2 applies changes "as quickly as possible" (aws-facts 1.10) and promises no order.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinwall.emulator.past import Key
from twinwall.emulator.refusal import not_found
from twinwall.emulator.state import ListState, Value
from twinwall.model.firewall import NetworkAcl, PrefixList, SecurityGroup
from twinwall.model.rules import PrefixListPeer

if TYPE_CHECKING:
    from twinwall.emulator.memory import MemoryAws


@dataclass(frozen=True)
class InForce:
    """What an interface enforces: its groups, its subnet's ACL, and the lists that its groups name, by id."""

    groups: tuple[SecurityGroup, ...]
    acl: NetworkAcl | None
    lists: Mapping[str, PrefixList]


def in_force(aws: "MemoryAws", account: str, region: str, interface_id: str) -> InForce:
    """Each object in its newest version that has got here by now. A version takes a random part of
    ``effect_delay`` to get to an interface; no order between objects, or between interfaces, is kept."""
    interface = aws.network.at(account, region).interfaces.get(interface_id) or not_found("eni", interface_id)
    here = _Here(aws, account, region, interface_id)
    groups = [here.group(group["GroupId"]) for group in interface["Groups"]]
    found = tuple(group for group in groups if group is not None)
    named = {r.peer.prefix_list_id for g in found for r in g.rules if isinstance(r.peer, PrefixListPeer)}
    lists = {id_: here.list_of(id_) for id_ in sorted(named)}
    return InForce(
        found,
        here.acl_of(str(interface["SubnetId"])),
        {id_: value for id_, value in lists.items() if value is not None},
    )


class _Here:
    """One interface's view."""

    def __init__(self, aws: "MemoryAws", account: str, region: str, interface_id: str) -> None:
        self._aws = aws
        self._place = (account, region)
        self._interface = interface_id
        self._held = aws.world.at(account, region)
        self._now = aws.clock.monotonic()

    def group(self, group_id: str) -> SecurityGroup | None:
        found = self._newest(("sg", group_id), self._held.groups.get(group_id))
        return found if isinstance(found, SecurityGroup) else None

    def list_of(self, list_id: str) -> PrefixList | None:
        found = self._newest(("ListState", list_id), self._held.lists.get(list_id))
        return found.value if isinstance(found, ListState) else None

    def acl_of(self, subnet_id: str) -> NetworkAcl | None:
        """The ACL that the subnet's newest association to get here names, as far as that ACL has got."""
        claims = sorted(self._claims(subnet_id), reverse=True)
        for moment, acl_id in claims:
            if self._has_come(("association", subnet_id), moment):
                found = self._newest(("acl", acl_id), self._held.acls.get(acl_id))
                return found if isinstance(found, NetworkAcl) else None
        return None

    def _claims(self, subnet_id: str) -> Iterator[tuple[float, str]]:
        """(since when, ACL) of every version of an ACL that had the subnet of late."""
        for acl_id in {*self._held.acls, *self._aws.past.ids(*self._place, "acl")}:
            versions = self._versions(("acl", acl_id)) or [(float("-inf"), self._held.acls.get(acl_id))]
            for moment, value in versions:
                subnets = value.associations if isinstance(value, NetworkAcl) else ()
                if any(association.subnet_id == subnet_id for association in subnets):
                    yield moment, acl_id

    def _newest(self, what: tuple[str, str], current: Value | None) -> Value | None:
        for moment, value in reversed(self._versions(what)):
            if self._has_come(what, moment):
                return value
        return current

    def _versions(self, what: tuple[str, str]) -> list[tuple[float, Value | None]]:
        key: Key = (*self._place, *what)
        return self._aws.past.versions(key)

    def _has_come(self, what: tuple[str, str], moment: float) -> bool:
        delay = self._aws.effect_delay
        if not delay or moment == float("-inf"):
            return True
        fate = random.Random(f"{self._aws.seed}/{self._interface}/{what}/{moment}")
        return moment + fate.uniform(0.0, delay) <= self._now
