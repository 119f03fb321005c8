"""What plans say they open and close."""

from typing import Any

import firewalls as fw

from twinwall.documents.plans import plan_document
from twinwall.planning.flows import Flow, flow_document, flow_from_document
from twinwall.planning.plan import Plan


def told(plan: Plan) -> tuple[list[str], list[str]]:
    return list(map(str, plan.opens)), list(map(str, plan.closes))


def planned(wanted: list[str], found: list[str] | None, **more: Any) -> Plan:
    """A group ``web`` with these rules, beside a target that has it with those, or not at all."""
    lists = more.pop("lists", ())
    source = fw.source(fw.group("sg-web", "web", *wanted), fw.group("sg-app", "app"), lists=lists)
    there = [fw.there("sg-copy-app", "app", marked="sg-app")]
    if found is not None:
        there.append(fw.there("sg-copy-web", "web", *found, marked="sg-web"))
    target = fw.target(*there, lists=more.pop("target_lists", ()))
    return fw.planned(source, target, force=True, **more)


def test_a_new_group_opens_all_that_it_admits() -> None:
    plan = planned(["in tcp 5432 10.2.0.0/16", "in tcp 22 sg-app", "out tcp 443 0.0.0.0/0"], None)
    assert told(plan) == (
        [
            "tcp/22 from app (sg-copy-app) to web (new)",
            "tcp/5432 from 10.2.0.0/16 to web (new)",
            "tcp/443 to 0.0.0.0/0 from web (new)",
        ],
        [],
    )
    assert (plan.than_before, plan.than_source) == ("looser", "equal")


def test_a_plan_without_changes_opens_and_closes_nothing() -> None:
    plan = planned(["in tcp 22 10.0.0.0/8"], ["in tcp 22 10.0.0.0/8"])
    assert told(plan) == ([], [])
    assert (plan.than_before, plan.than_source) == ("equal", "equal")


def test_a_rule_that_goes_closes_and_other_words_for_the_same_packets_do_not() -> None:
    plan = planned(
        ["in tcp 80-81 10.0.0.0/8"], ["in tcp 80 10.0.0.0/8", "in tcp 81 10.0.0.0/8", "in tcp 22 0.0.0.0/0"]
    )
    assert told(plan) == ([], ["tcp/22 from 0.0.0.0/0 to web (sg-copy-web)"])
    assert plan.than_before == "stricter"


def test_a_reference_is_a_flow_from_that_groups_name() -> None:
    plan = planned(["in tcp 22 sg-app"], ["in tcp 22 192.0.2.0/24"])
    assert told(plan) == (
        ["tcp/22 from app (sg-copy-app) to web (sg-copy-web)"],
        ["tcp/22 from 192.0.2.0/24 to web (sg-copy-web)"],
    )
    assert plan.than_before == "looser and stricter"


def test_a_reference_says_nothing_where_addresses_admit_all_its_members() -> None:
    whole = "in tcp 22 10.20.0.0/16"
    assert told(planned([whole, "in tcp 22 sg-app"], [whole])) == ([], [])


def test_a_list_is_told_by_its_name_where_all_of_it_is_new() -> None:
    lists = [fw.prefix_list("pl-1", "offices", "192.0.2.0/24", "198.51.100.0/24")]
    new = planned(["in tcp 22 pl-1"], [], lists=lists)
    assert told(new)[0] == ["tcp/22 from offices (new) to web (sg-copy-web)"]
    half = planned(["in tcp 22 pl-1"], ["in tcp 22 192.0.2.0/24"], lists=lists)
    assert told(half) == (["tcp/22 from 198.51.100.0/24 to web (sg-copy-web)"], [])


def test_a_list_that_changes_opens_and_closes_in_the_groups_that_name_it() -> None:
    there = fw.prefix_list(
        "pl-copy", "offices", "192.0.2.0/24", "203.0.113.0/24", owner=fw.TARGET,
        tags={"twinwall:source": fw.mark("pl-1", vpc="-")},
    )  # fmt: skip
    lists = [fw.prefix_list("pl-1", "offices", "192.0.2.0/24", "198.51.100.0/24")]
    plan = planned(["in tcp 22 pl-1"], ["in tcp 22 pl-copy"], lists=lists, target_lists=[there])
    assert told(plan) == (
        ["tcp/22 from 198.51.100.0/24 to web (sg-copy-web)"],
        ["tcp/22 from 203.0.113.0/24 to web (sg-copy-web)"],
    )


def test_a_policy_that_removes_nothing_leaves_the_target_looser_than_the_source() -> None:
    plan = planned(
        ["in tcp 22 10.0.0.0/8"], ["in tcp 22 10.0.0.0/8", "in tcp 3389 0.0.0.0/0"], policy="upsert-only"
    )
    assert (told(plan), plan.than_before, plan.than_source) == (([], []), "equal", "looser")


def test_a_policy_that_only_makes_leaves_it_stricter() -> None:
    plan = planned(["in tcp 22 10.0.0.0/8"], [], policy="create-only")
    assert (plan.than_before, plan.than_source) == ("equal", "stricter")


def test_a_deleted_group_closes_what_it_admitted() -> None:
    source = fw.source()
    target = fw.target(fw.there("sg-copy-web", "web", "in tcp 22 0.0.0.0/0", marked="sg-gone"))
    plan = fw.planned(source, target | {"NetworkInterfaces": []}, prune=True, force=True)
    assert told(plan) == ([], ["tcp/22 from 0.0.0.0/0 to web (sg-copy-web)"])


SUBNETS = {"associate": "auto", "force": True}


def with_acl(*entries: str) -> Plan:
    acl = fw.acl("acl-x", *entries, subnets=["subnet-1"])
    source = fw.source(acls=[acl], subnets=[fw.subnet("subnet-1", "10.0.1.0/24", name="front")])
    target = fw.target(
        subnets=[fw.subnet("subnet-t", "10.20.1.0/24", name="front", vpc=fw.TARGET_VPC)],
        default_subnets=["subnet-t"],
    )
    return fw.planned(source, target, **SUBNETS)


def test_a_subnet_that_gets_another_acl_opens_and_closes() -> None:
    plan = with_acl("in 1 deny tcp 22 0.0.0.0/0", "in 2 allow -1 - 0.0.0.0/0", "in 3 allow -1 - ::/0")
    assert told(plan) == (
        ["all from ::/0 to front (subnet-t)"],
        ["tcp/22 from 0.0.0.0/0 to front (subnet-t)", "all to 0.0.0.0/0 from front (subnet-t)"],
    )


def test_an_acl_without_subnets_opens_nothing() -> None:
    acl = fw.acl("acl-x", "in 2 allow -1 - 0.0.0.0/0")
    assert told(fw.planned(fw.source(acls=[acl]), fw.target())) == ([], [])


def test_flows_come_back_from_json() -> None:
    plan = with_acl("in 1 deny tcp 22 10.1.2.3/32", "in 2 allow icmp 8:0 0.0.0.0/0", "out 1 allow 47 - ::/0")
    flows: tuple[Flow, ...] = (*plan.opens, *plan.closes)
    assert any(flow.in_part for flow in flows)
    assert tuple(flow_from_document(flow_document(flow)) for flow in flows) == flows
    document = plan_document(plan)
    assert [document[key] for key in ("than_before", "than_source")] == ["looser and stricter", "equal"]
