"""The mesh's table: defaults, sites and owners, ports as rules, and one clear line for what is wrong."""

from typing import Any

import pytest

from twinwall.errors import ConfigError
from twinwall.mesh.configure import configure


def site(**fields: Any) -> dict[str, Any]:
    return {
        "region": "eu-west-1",
        "asg": "web",
        "account": "111122223333",
        "group": "sg-0123456789abcdef0",
        **fields,
    }


OTHER = {"region": "us-east-1", "group": "sg-0fedcba9876543210"}


def table(*sites: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"sites": list(sites) or [site(), site(**OTHER)], **fields}


def test_defaults() -> None:
    found = configure("web", table())
    mesh = found.mesh
    assert (mesh.expiry, mesh.true_up_every, mesh.policy, mesh.remote_deadline) == (3600, 300, "drop", 3)
    assert (mesh.heartbeat, mesh.on_refusal, mesh.remove) == (300, "ABANDON", "before")
    assert mesh.lease >= 2 * mesh.deadline + mesh.skew
    assert [node.name for node in mesh.nodes] == ["111122223333/eu-west-1", "111122223333/us-east-1"]
    assert {way.table for way in found.ways.values()} == {"twinwall-web"}


def test_a_neighbour_acts_for_a_site_and_then_its_place_is_no_node() -> None:
    mesh = configure("web", table(site(acts_for=["us-east-1/web"]), site(**OTHER))).mesh
    assert [node.name for node in mesh.nodes] == ["111122223333/eu-west-1"]
    assert len(mesh.sites_of("111122223333/eu-west-1")) == 2


def test_further_groups_come_after_the_first() -> None:
    groups = ["sg-0123456789abcdef2", "sg-0123456789abcdef1"]
    (found,) = configure("web", table(site(further_groups=groups))).mesh.sites
    assert found.groups == ("sg-0123456789abcdef0", *groups)


def test_ports_are_merged_into_ranges() -> None:
    texts = ["tcp/443", "tcp/444-450", "tcp/448-460", "udp/53", "icmp", "icmp/8", "icmpv6"]
    ports = configure("web", table(ports=texts)).mesh.ports
    assert list(map(str, ports)) == ["icmp", "icmp/8:*", "tcp/443-460", "udp/53", "icmpv6"]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (table(colour="red"), "colour is no key"),
        (table(policy="maybe"), "allowed are drop, keep"),
        (table(expiry=60), "allowed is 3600 at least"),
        (table(expiry="1h"), "wrong type"),
        (table(heartbeat=9000), "30 to 7200"),
        (table(true_up_every=2000), "at most a third"),
        (table(ports=["http"]), "protocol 'http'"),
        (table(ports=["tcp/x"]), "write tcp/443"),
        (table(addresses=["ipv5"]), "allowed are public, private, ipv6"),
        (table(addresses=["private"]), "ranges of eu-west-1/web"),
        ({}, "sites is missing"),
        (table(site(), site(account="999988887777", group="sg-0fedcba9876543210")), "two sites have the key"),
        (table(site(), site(asg="api")), "two sites have the group"),
        (
            table(site(further_groups=["sg-0fedcba9876543210"]), site(**OTHER)),
            "two sites have the group sg-0fedcba9876543210",
        ),
        (table(site(further_groups=["sg-0123456789abcdef0"])), "two sites have the group"),
        (table(site(further_groups=["web"])), "further_groups of the site eu-west-1/web has 'web'"),
        (table(site(further_groups=[7])), "further_groups holds 7; it is a list of texts"),
        (table(site(ranges=[None])), "ranges holds None; it is a list of texts"),
        (table(expiry=float("nan")), "expiry is nan; allowed is 3600 at least"),
        (table(expiry=float("inf")), "expiry is inf; allowed is 3600 at least"),
        ({"sites": [None]}, "sites holds None; it is a list of tables"),
        (
            table(site(further_groups=["sg-0123456789abcdef1"]), rules_per_group=600),
            "1200 rules an interface; EC2 allows 1000: name fewer further_groups",
        ),
        (table(site(account="12")), "account of the site"),
        (table(site(group="web")), "group of the site"),
        (table(site(colour=1)), "colour is no key of a site"),
        (table(hook="our hook"), "hook of the mesh is 'our hook'; allowed is letters"),
        (table(table="x"), "table of the mesh is 'x'"),
        (table(site(table="my table")), "table of the site eu-west-1/web"),
        (table(site(role_arn="twinwall")), "allowed is arn:aws:iam::ACCOUNT:role/NAME"),
        (table(site(acts_for=["us-east-1/web"])), "which is no site"),
        (table(site(acts_for=True)), "acts_for is of the wrong type: True"),
        (table(site(acts_for=[["us-east-1/web"]])), "acts_for holds"),
        (
            table(site(), site(table="rows", **{**OTHER, "region": "eu-west-1", "asg": "api"})),
            "different tables",
        ),
    ],
)
def test_what_is_wrong_is_one_clear_line(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        configure("web", wrong)
    assert "\n" not in str(caught.value)
