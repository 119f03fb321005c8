"""What the user said of a mesh. Seconds, if nothing else is said."""

from dataclasses import dataclass
from typing import Literal

from twinwall.model.members import Node, Site, SiteKey
from twinwall.model.rules import Traffic

Addresses = Literal["public", "private", "ipv6"]


@dataclass(frozen=True)
class Mesh:
    """``expiry`` is the protocol's T. ``ports`` empty: those of each group's placeholder rules (its references to
    itself). ``interfaces``: of which interfaces addresses count."""

    name: str
    nodes: tuple[Node, ...]
    sites: tuple[Site, ...]
    ports: tuple[Traffic, ...] = ()
    addresses: frozenset[Addresses] = frozenset({"public"})
    interfaces: Literal["primary", "all"] = "primary"
    hook: str = "twinwall"
    expiry: float = 3600.0
    policy: Literal["drop", "keep"] = "drop"
    true_up_every: float = 300.0
    heartbeat: float = 300.0
    on_refusal: Literal["ABANDON", "CONTINUE"] = "ABANDON"
    remove: Literal["before", "after"] = "before"
    max_members: int = 1000
    rules_per_group: int = 60
    """The account's quota (L-0EA8095F), by which room is told."""
    remote_deadline: float = 3.0
    deadline: float = 15.0
    """Of one handler, all in all."""
    skew: float = 5.0
    """By how much the clocks of two functions may differ."""
    call_timeout: float = 5.0

    @property
    def launch_hook(self) -> str:
        """Two names: a late answer by instance id, meant for a launch, must never end a termination."""
        return f"{self.hook}-launch"

    @property
    def terminate_hook(self) -> str:
        return f"{self.hook}-terminate"

    @property
    def lease(self) -> float:
        """At least twice the total deadline, and the allowed skew."""
        return 2 * self.deadline + self.skew

    def site(self, key: SiteKey) -> Site | None:
        return next((site for site in self.sites if site.key == key), None)

    def sites_of(self, node: str) -> tuple[Site, ...]:
        return tuple(site for site in self.sites if site.node == node)

    def node(self, name: str) -> Node:
        return next(node for node in self.nodes if node.name == name)

    def others(self, name: str) -> tuple[Node, ...]:
        """The other nodes that own a site: to them rows are pushed."""
        owners = {site.node for site in self.sites}
        return tuple(node for node in self.nodes if node.name != name and node.name in owners)
