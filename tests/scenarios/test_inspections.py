"""explain and lint on a live VPC say what they say of its snapshot, and ask for no more than their policy."""

import json
from typing import Any

import pytest
from firewalls import DEFAULT_EGRESS, SOURCE_VPC, acl, group, prefix_list, source, subnet
from worlds import HERE, PROFILES, A, Run, Stage

from twinwall.documents.permissions import permissions

OPEN = ("in 100 allow -1 - 0.0.0.0/0", "out 100 allow -1 - 0.0.0.0/0")
WAY = ("--at-profile", PROFILES[A], "--at-region", HERE)
QUESTIONS = (
    ("198.51.100.7", "web", "443", "unknown"),
    ("203.0.113.9", "db", "22", "refused"),
    ("web", "db", "5432", "unknown"),
)


@pytest.fixture
def vpc(world: Stage) -> str:
    document = source(
        group("sg-web", "web", "in tcp 443 pl-0aaaaaaaaaaaaaaaa", "in tcp 22 0.0.0.0/0", DEFAULT_EGRESS),
        group("sg-db", "db", "in tcp 5432 sg-web"),
        lists=[prefix_list("pl-0aaaaaaaaaaaaaaaa", "office", "198.51.100.0/24")],
        acls=[
            acl("acl-a", *OPEN, subnets=["subnet-a"]),
            acl("acl-b", "in 10 deny -1 - 0.0.0.0/0", "in 20 allow tcp 443 10.0.0.0/8", subnets=["subnet-b"]),
        ],
        subnets=[subnet("subnet-a", "10.0.0.0/24"), subnet("subnet-b", "10.0.1.0/24")],
        region=HERE,
    )
    world.load(document)
    return SOURCE_VPC


def policy(command: str) -> set[str]:
    found: list[dict[str, Any]] = permissions(command)["at"]["Statement"]
    return {action.partition(":")[2] for statement in found for action in statement["Action"]}


def check_calls(run: Run, command: str) -> None:
    assert set(run.calls) <= policy(command) | {"GetCallerIdentity"}
    assert not run.written


def test_explain_says_live_what_it_says_of_the_snapshot(world: Stage, vpc: str) -> None:
    saved = world.folder / "saved.json"
    world.run("snapshot", "--source", vpc, *world.ways((A, HERE), None), "-o", saved).ended(0)
    for from_, to, port, verdict in QUESTIONS:
        asked = ("--from", from_, "--to", to, "--protocol", "tcp", "--port", port, "--output", "json")
        live = world.run("explain", "--at", vpc, *WAY, *asked).ended(2)
        check_calls(live, "explain")
        offline = world.run("explain", "--at", saved, *asked).ended(2)
        assert not offline.calls
        assert live.json["verdict"] == offline.json["verdict"] == verdict
        assert live.json["ways"] == offline.json["ways"]


def test_lint_says_live_what_it_says_of_the_snapshot(world: Stage, vpc: str) -> None:
    saved = world.folder / "saved.json"
    world.run("snapshot", "--source", vpc, *world.ways((A, HERE), None), "-o", saved).ended(0)
    live = world.run("lint", "--at", vpc, *WAY, "--output", "json", "--fail-on", "error").ended(2)
    check_calls(live, "lint")
    assert live.calls["GetServiceQuota"]
    offline = world.run("lint", "--at", saved, "--output", "json").ended(0)
    assert live.json["findings"] == offline.json["findings"]
    ids = {finding["id"] for finding in live.json["findings"]}
    assert {"admin-port-open", "acl-entry-shadowed", "group-unused"} <= ids
    assert json.loads(world.run("lint", "--at", vpc, *WAY, "--output", "sarif").stdout)["version"] == "2.1.0"


def test_a_policy_holds_nothing_that_is_never_asked_for(world: Stage, vpc: str) -> None:
    """Three calls are for what this VPC does not have: references out of it, and quotas without a value."""
    run = world.run("lint", "--at", vpc, *WAY).ended(0)
    unasked = policy("lint") - set(run.calls)
    assert unasked <= {
        "DescribeStaleSecurityGroups",
        "DescribeVpcPeeringConnections",
        "GetAWSDefaultServiceQuota",
    }
