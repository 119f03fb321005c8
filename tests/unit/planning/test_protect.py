"""What ``--protect`` refuses, and what it says."""

from typing import Any

import firewalls as fw
import pytest

from twinwall.errors import AmbiguousName, UnsafePlan, WouldClose
from twinwall.planning.flow_grammar import parse_flow
from twinwall.planning.plan import Plan

KEEP = "keep what admits it in the source, or take the protection away"


def planned(
    flow: str, wanted: list[str], found: list[str], app: tuple[list[str], list[str]] = ([], []), **more: Any
) -> Plan:
    """A group ``db`` that is to have these rules and has those, and a group ``app`` likewise."""
    source = fw.source(
        fw.group("sg-db", "db", *wanted),
        fw.group("sg-app", "app", *app[0]),
        lists=more.pop("lists", ()),
        acls=more.pop("acls", ()),
        subnets=[fw.subnet("subnet-1", "10.0.1.0/24", name="front")],
    )
    target = fw.target(
        fw.there("sg-copy-db", "db", *found, marked="sg-db"),
        fw.there("sg-copy-app", "app", *app[1], marked="sg-app"),
        lists=more.pop("target_lists", ()),
        subnets=[fw.subnet("subnet-t", "10.20.1.0/24", name="front", vpc=fw.TARGET_VPC)],
        default_subnets=["subnet-t"],
        **({"NetworkInterfaces": more.pop("interfaces")} if "interfaces" in more else {}),
    )
    return fw.planned(source, target, force=True, protect=(parse_flow(flow),), **more)


def refusal(*arguments: Any, **more: Any) -> str:
    with pytest.raises(WouldClose) as caught:
        planned(*arguments, **more)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- rules


@pytest.mark.parametrize(
    ("flow", "wanted", "found"),
    [
        ("tcp/22 from 10.2.0.0/16 to db", ["in tcp 22 10.0.0.0/8"], ["in tcp 22 10.2.0.0/16"]),
        ("tcp/22 from 10.2.0.0/16 to db", ["in tcp 22 10.2.0.0/16"], ["in tcp 22 10.0.0.0/8"]),
        ("tcp/22 from 10.2.0.0/16 to db", ["in tcp 22 10.2.0.0/17", "in tcp 22 10.2.128.0/17"],
         ["in tcp 22 10.2.0.0/16"]),
        ("tcp/22 from 10.2.0.0/16 to sg-copy-db", [], ["in tcp 23 10.2.0.0/16", "out tcp 22 10.2.0.0/16"]),
        ("tcp/22 from app to db", ["in tcp 22 10.20.0.0/16"], ["in tcp 22 sg-copy-app"]),
        ("tcp/22 from app to db", ["in tcp 22 sg-app"], ["in tcp 22 10.20.0.0/16"]),
        ("icmp/8:0 from 0.0.0.0/0 to db", ["in icmp 8:0 0.0.0.0/0"], ["in icmp -1 0.0.0.0/0"]),
    ],
)  # fmt: skip
def test_a_plan_that_keeps_the_flow_passes(flow: str, wanted: list[str], found: list[str]) -> None:
    assert planned(flow, wanted, found).changes


def test_the_change_that_would_close_it_is_named_with_a_packet_and_the_rules() -> None:
    assert refusal("tcp/22 from 10.0.0.0/8 to db", ["in tcp 22 10.2.0.0/16"], ["in tcp 22 10.0.0.0/8"]) == (
        "planning db (sg-copy-db): RevokeSecurityGroupIngress of ingress tcp/22 from 10.0.0.0/8 would close "
        "tcp/22 from 10.0.0.1 to db (sg-copy-db), which --protect 'tcp/22 from 10.0.0.0/8 to db' keeps open "
        f"(now: ingress tcp/22 from 10.0.0.0/8; then: no rule admits it); {KEEP}"
    )


def test_egress_is_protected_too() -> None:
    text = refusal("tcp/443 to 0.0.0.0/0 from db", ["out tcp 443 10.0.0.0/8"], [fw.DEFAULT_EGRESS])
    assert (
        "RevokeSecurityGroupEgress of egress all to 0.0.0.0/0 would close tcp/443 to 1.0.0.1 from db" in text
    )


def test_a_list_that_loses_an_entry() -> None:
    mark = {"twinwall:source": fw.mark("pl-1", vpc="-")}
    there = fw.prefix_list(
        "pl-copy", "offices", "192.0.2.0/24", "198.51.100.0/24", owner=fw.TARGET, tags=mark
    )
    lists: Any = {
        "lists": [fw.prefix_list("pl-1", "offices", "192.0.2.0/24")],
        "target_lists": [there],
    }
    rules = ["in tcp 22 pl-1"], ["in tcp 22 pl-copy"]
    text = refusal("tcp/22 from offices to db", *rules, **lists)
    assert "ModifyManagedPrefixList of offices (pl-copy) without 198.51.100.0/24 would close tcp/22" in text
    assert planned("tcp/22 from 192.0.2.7 to db", *rules, **lists).changes


def test_what_the_policy_does_not_remove_is_not_closed() -> None:
    assert planned("tcp/22 from 10.0.0.0/8 to db", ["in tcp 1 ::/0"], ["in tcp 22 10.0.0.0/8"],
                   policy="upsert-only").changes  # fmt: skip


def test_a_flow_that_is_not_open_is_told() -> None:
    plan = planned("tcp/22 from 10.0.0.0/8 to db", [], ["in tcp 23 10.0.0.0/8"])
    (finding,) = [finding for finding in plan.findings if finding.id == "protected-not-open"]
    assert (finding.severity, finding.resource.name) == ("warning", "db")


# --- members


@pytest.mark.parametrize(
    ("flow", "wanted", "found", "unless"),
    [
        ("tcp/22 from 10.20.4.0/24 to db", ["in tcp 22 sg-app"], ["in tcp 22 10.20.4.0/24"],
         "unless every address of 10.20.4.0/24 is a member of app (sg-copy-app)"),
        ("tcp/22 from 10.20.4.0/24 to db", [], ["in tcp 22 sg-copy-app"],
         "unless app (sg-copy-app) has no member in 10.20.4.0/24"),
        ("tcp/22 from app to db", ["in tcp 22 10.20.4.0/24"], ["in tcp 22 sg-copy-app"],
         "unless each member of app (sg-copy-app) is admitted by another rule"),
        ("tcp/22 from app to db", [], ["in tcp 22 10.20.4.0/24"],
         "unless no member of app (sg-copy-app) needs it"),
    ],
)  # fmt: skip
def test_what_depends_on_members_counts_as_closed(
    flow: str, wanted: list[str], found: list[str], unless: str
) -> None:
    assert f"{unless}, which --protect" in refusal(flow, wanted, found)


def test_members_that_cannot_be_there_are_no_doubt() -> None:
    assert planned("tcp/22 from 192.0.2.0/24 to db", [], ["in tcp 22 sg-copy-app"]).changes
    text = refusal("tcp/22 from 192.0.2.0/24 to db", ["in tcp 22 sg-app"], ["in tcp 22 192.0.2.0/24"])
    assert "unless" not in text


def test_the_peers_own_rules_count_where_the_peer_is_a_group() -> None:
    rules = ["in tcp 22 sg-app"], ["in tcp 22 sg-copy-app"]
    text = refusal("tcp/22 from app to db", *rules, app=([], ["out tcp 22 sg-copy-db"]))
    assert text.startswith(
        "planning app (sg-copy-app): RevokeSecurityGroupEgress of egress tcp/22 to sg-copy-db"
    )
    assert planned("tcp/22 from app to db", *rules, app=(["out tcp 22 sg-db"], [fw.DEFAULT_EGRESS])).changes


# --- ACLs

RULES = ["in tcp 22 10.2.0.0/16"], ["in tcp 22 10.2.0.0/16"]
NO_SSH = "in 1 deny tcp 22 10.2.0.0/16"
REST = ("in 2 allow -1 - 0.0.0.0/0", "out 2 allow -1 - 0.0.0.0/0")


def acl(*entries: str) -> Any:
    return {"acls": [fw.acl("acl-x", *entries, subnets=["subnet-1"])], "associate": "auto"}


def interface(group: str, address: str) -> dict[str, Any]:
    return {
        "NetworkInterfaceId": f"eni-{address}",
        "VpcId": fw.TARGET_VPC,
        "SubnetId": "subnet-t",
        "Groups": [{"GroupId": group}],
        "PrivateIpAddresses": [{"PrivateIpAddress": address}],
    }


def test_an_acl_may_close_the_flow_where_the_group_has_an_interface() -> None:
    flow = "tcp/22 from 10.2.0.0/16 to db"
    unknown = refusal(flow, *RULES, **acl(NO_SSH, *REST))
    assert unknown.startswith(
        "planning front (subnet-t): ReplaceNetworkAclAssociation with acl-x would close"
    )
    assert "unless db (sg-copy-db) has no interface in front (subnet-t)" in unknown
    there = refusal(flow, *RULES, interfaces=[interface("sg-copy-db", "10.20.1.9")], **acl(NO_SSH, *REST))
    assert "unless" not in there
    assert "then: ingress 1 deny tcp/22 from 10.2.0.0/16" in there
    assert planned(flow, *RULES, interfaces=[], **acl(NO_SSH, *REST)).changes


def test_a_subnet_is_protected_by_id_and_by_name() -> None:
    for thing in ("front", "subnet-t", "front (subnet-t)"):
        assert "would close" in refusal(f"tcp/22 from 10.2.0.9 to {thing}", *RULES, **acl(NO_SSH, *REST))


def test_replies_must_reach_every_ephemeral_port() -> None:
    entries = ("out 1 deny tcp 3389-3389 10.0.0.0/8", *REST)
    text = refusal("tcp/22 from 10.2.0.9 to front", *RULES, **acl(*entries))
    assert "would close the reply tcp/3389 to 10.2.0.9 from front (subnet-t)" in text
    linux = planned("tcp/22 from 10.2.0.9 to front", *RULES, client_ports=(32768, 60999), **acl(*entries))
    assert linux.changes
    low = ("out 1 deny tcp 22-1023 10.0.0.0/8", *REST)
    assert planned("tcp/22 from 10.2.0.9 to front", *RULES, **acl(*low)).changes


def test_the_acl_at_the_peer_counts_too() -> None:
    """The peer's subnet is ``front``; the group's interface is elsewhere."""
    elsewhere = [interface("sg-copy-db", "10.20.7.7") | {"SubnetId": "subnet-far"}]
    rules = ["in tcp 22 10.20.1.0/24"], ["in tcp 22 10.20.1.0/24"]
    entries = ("out 1 deny tcp 22-22 10.20.7.0/24", *REST)
    flow = "tcp/22 from 10.20.1.0/24 to db"
    text = refusal(flow, *rules, interfaces=elsewhere, **acl(*entries))
    assert "would close tcp/22 to 10.20.7.7 from front (subnet-t)" in text


def test_what_stays_within_the_subnet_meets_no_acl() -> None:
    rules = ["in tcp 22 10.20.1.0/24"], ["in tcp 22 10.20.1.0/24"]
    inside = [interface("sg-copy-db", "10.20.1.9")]
    closed = acl("in 1 deny -1 - 0.0.0.0/0")
    assert planned("tcp/22 from 10.20.1.0/24 to db", *rules, interfaces=inside, **closed).changes


# --- names


def test_a_name_that_nothing_has_is_refused() -> None:
    with pytest.raises(UnsafePlan, match="the target has no group or subnet nowhere"):
        planned("tcp/22 from 10.0.0.0/8 to nowhere", *RULES)
    with pytest.raises(UnsafePlan, match="the target has no group or prefix list nobody"):
        planned("tcp/22 from nobody to db", *RULES)


def test_a_name_that_a_group_and_a_subnet_share_is_refused() -> None:
    source = fw.source(fw.group("sg-1", "front"))
    target = fw.target(subnets=[fw.subnet("subnet-t", "10.20.1.0/24", name="front", vpc=fw.TARGET_VPC)])
    with pytest.raises(AmbiguousName, match="front is the name of"):
        fw.planned(source, target, protect=(parse_flow("tcp/22 from 10.0.0.0/8 to front"),))
