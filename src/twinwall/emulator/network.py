"""What the rulebook must know of the network around the firewall."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from twinwall.model.rules import Tags


@dataclass(frozen=True)
class VpcFacts:
    vpc_id: str
    owner_id: str
    has_ipv6: bool
    is_default: bool


@dataclass(frozen=True)
class Peering:
    """``sides``: (account, Region, VPC) of requester and accepter."""

    id: str
    status: str
    sides: tuple[tuple[str, str, str], tuple[str, str, str]]

    def joins(self, vpc_id: str, other: str) -> bool:
        return {self.sides[0][2], self.sides[1][2]} == {vpc_id, other}


class Network(Protocol):
    """The facts about the network around, as moto holds them."""

    def vpc(self, account: str, region: str, vpc_id: str) -> VpcFacts | None: ...

    def default_vpc(self, account: str, region: str) -> VpcFacts | None: ...

    def subnet_vpc(self, account: str, region: str, subnet_id: str) -> str | None: ...

    def interfaces_with(self, account: str, region: str, group_id: str) -> list[tuple[str, str]]:
        """(interface id, VPC id) of those, in any account, that carry this group of ``account``."""
        ...

    def peerings(self, account: str, region: str) -> list[Peering]: ...

    def tags(self, account: str, region: str) -> Mapping[str, Mapping[str, str]]:
        """Tags of everything that is not ours, by resource id."""
        ...

    def check_exists(self, account: str, region: str, resource_id: str) -> None:
        """Raises ``Refusal`` if there is nothing of this id, of what is not ours."""
        ...

    def retag(self, account: str, region: str, resource_id: str, tags: Tags) -> None: ...
