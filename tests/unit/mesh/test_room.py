"""How many rules a site's group needs, told by hand beside the program."""

import pytest

from twinwall.mesh.configure import configure
from twinwall.mesh.room import needed, ports_of, room_left
from twinwall.mesh.roster import mark
from twinwall.model.net import parse_cidr
from twinwall.model.rules import CidrPeer, Direction, GroupPeer, SecurityGroupRule, make_traffic

GROUP = "sg-0123456789abcdef0"
SITE = {"region": "eu-west-1", "asg": "web", "account": "111122223333", "group": GROUP}
TCP = make_traffic(6, 7000, 7001)


def rule(block: str, traffic=TCP, *, ours: bool = False, direction=Direction.INGRESS):
    mesh = configure("web", {"sites": [SITE]}).mesh
    tags = mark("web", mesh.sites[0], 1) if ours else ()
    return SecurityGroupRule(direction, traffic, CidrPeer(parse_cidr(block)), tags=tags)


PLACEHOLDER = SecurityGroupRule(Direction.INGRESS, TCP, GroupPeer(GROUP))


@pytest.mark.parametrize(
    ("settings", "rules", "members", "rules_needed"),
    [
        ({"ports": ["tcp/7000-7001"]}, [], 0, 0),
        ({"ports": ["tcp/7000-7001"]}, [], 5, 5),
        ({"ports": ["tcp/80", "tcp/443", "icmp"]}, [], 5, 15),
        ({"ports": ["tcp/80", "icmpv6"]}, [], 5, 5),
        ({"ports": ["tcp/80"], "addresses": ["public", "ipv6"]}, [], 5, 5),
        ({}, [PLACEHOLDER], 5, 6),
        ({}, [], 5, 0),
        ({}, [PLACEHOLDER, rule("10.0.0.0/8")], 5, 7),
        ({}, [PLACEHOLDER, rule("10.0.0.0/8", direction=Direction.EGRESS)], 5, 6),
        ({}, [PLACEHOLDER, *(rule(f"198.51.100.{n}/32", ours=True) for n in range(9))], 5, 6),
        ({}, [PLACEHOLDER, *(rule(f"198.51.100.{n}/32") for n in range(4))], 5, 6),
        ({}, [PLACEHOLDER, *(rule(f"198.51.100.{n}/32") for n in range(9))], 5, 10),
        ({}, [PLACEHOLDER, rule("198.51.100.1/32", make_traffic(6, 22, 22))], 5, 7),
    ],
)
def test_rules_needed(settings, rules, members: int, rules_needed: int) -> None:
    mesh = configure("web", {**settings, "sites": [SITE]}).mesh
    assert needed(mesh, mesh.sites[0], rules, members) == rules_needed


def test_ports_are_the_file_s_or_the_placeholder_s() -> None:
    mesh = configure("web", {"sites": [SITE]}).mesh
    assert ports_of(mesh, mesh.sites[0], [PLACEHOLDER]) == (TCP,)
    assert ports_of(mesh, mesh.sites[0], []) == ()
    assert room_left([[PLACEHOLDER, rule("10.0.0.0/8")]], 60) == 58
