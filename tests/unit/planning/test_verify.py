"""What ``verify`` says of a desired firewall and a target, case by case."""

from dataclasses import replace
from typing import Any

import pytest

from twinwall.model.firewall import (
    NetworkAcl,
    NetworkAclAssociation,
    PrefixList,
    PrefixListEntry,
    Resource,
    SecurityGroup,
    Snapshot,
    Subnet,
    Vpc,
    new_id,
)
from twinwall.model.net import parse_cidr
from twinwall.model.rules import (
    CidrPeer,
    Direction,
    GroupPeer,
    NetworkAclEntry,
    Peer,
    PrefixListPeer,
    RuleAction,
    SecurityGroupRule,
    Traffic,
    make_traffic,
)
from twinwall.planning.desired import Desired, DesiredAssociation
from twinwall.planning.differences import MAX_WITNESSES
from twinwall.planning.findings import NotCompared
from twinwall.planning.proof import VerifyReport, verify_document
from twinwall.planning.verify import verify

IN, OUT = Direction.INGRESS, Direction.EGRESS
TCP80, SSH, ALL = make_traffic(6, 80, 80), make_traffic(6, 22, 22), Traffic(-1)
APP = GroupPeer("sg-app")


def rule(traffic: Traffic, peer: Peer | str, direction: Direction = IN) -> SecurityGroupRule:
    return SecurityGroupRule(
        direction, traffic, CidrPeer(parse_cidr(peer)) if isinstance(peer, str) else peer
    )


def group(*rules: SecurityGroupRule, id_: str = "sg-web", name: str = "web") -> SecurityGroup:
    return SecurityGroup(id_, name, "", "1", "vpc-1", rules)


def entry(number: int, traffic: Traffic, cidr: str, action: str = "allow") -> NetworkAclEntry:
    return NetworkAclEntry(IN, number, RuleAction(action), traffic, parse_cidr(cidr))


def acl(*entries: NetworkAclEntry, id_: str = "acl-1", subnets: tuple[str, ...] = ()) -> NetworkAcl:
    associations = tuple(NetworkAclAssociation(subnet, f"as-{subnet}") for subnet in subnets)
    return NetworkAcl(id_, "vpc-1", "1", False, entries, associations, (("Name", f"name of {id_}"),))


def prefix_list(*cidrs: str, id_: str = "pl-1", name: str = "offices", family: Any = 4) -> PrefixList:
    entries = tuple(PrefixListEntry(parse_cidr(cidr)) for cidr in cidrs)
    return PrefixList(id_, name, family, "1", 10, 1, "", entries)


APP_GROUP = group(id_="sg-app", name="app")


def target(*groups: SecurityGroup, acls: Any = (), lists: Any = ()) -> Snapshot:
    return Snapshot(
        "eu-west-1",
        "1",
        groups=(*groups, APP_GROUP),
        acls=acls,
        vpcs=(Vpc("vpc-1", "1", (parse_cidr("10.2.0.0/16"),)),),
        subnets=(
            Subnet("subnet-1", "vpc-1", "1", "a", parse_cidr("10.2.1.0/24"), tags=(("Name", "front"),)),
        ),
        prefix_lists=lists,
    )


def compare_rules(
    wanted: tuple[SecurityGroupRule, ...], found: tuple[SecurityGroupRule, ...]
) -> VerifyReport:
    return verify(Desired(groups=(group(*wanted),)), target(group(*found)))


# --- groups


def test_the_same_packets_in_other_words_are_equal() -> None:
    wanted = (rule(make_traffic(6, 80, 81), "10.0.0.0/8"), rule(ALL, "0.0.0.0/0", OUT))
    found = (
        *(
            rule(make_traffic(6, port, port), cidr)
            for port in (80, 81)
            for cidr in ("10.0.0.0/9", "10.128.0.0/9")
        ),
        rule(ALL, "0.0.0.0/0", OUT),
        rule(TCP80, "0.0.0.0/0", OUT),
    )
    report = compare_rules(wanted, found)
    assert (report.verdict, report.equal, report.complete) == ("equal", True, True)
    assert report.compared.groups == 1


def test_descriptions_are_no_packets() -> None:
    described = replace(rule(TCP80, "10.0.0.0/8"), description="from the office")
    assert compare_rules((rule(TCP80, "10.0.0.0/8"),), (described,)).verdict == "equal"


def test_a_rule_too_many_is_a_difference_with_one_packet_and_both_reasons() -> None:
    wanted = (rule(TCP80, "10.0.0.0/8"),)
    report = compare_rules(wanted, (*wanted, rule(make_traffic(6, 79, 80), "0.0.0.0/0")))
    assert verify_document(report) == {
        "equal": False,
        "complete": True,
        "verdict": "different",
        "symbols": [],
        "compared": {"groups": 1, "acls": 0, "subnets": 0},
        "not_compared": [],
        "undecided": [],
        "differences": [
            {
                "resource": {"type": "security-group", "id": "sg-web", "name": "web"},
                "direction": "ingress",
                "only_in": "target",
                "flow": {
                    "direction": "ingress",
                    "protocol": "tcp",
                    "ports": [80, 80],
                    "peer": "1.0.0.1",
                    "group": "web (sg-web)",
                },
                "decided_by": {"source": "no rule admits it", "target": "ingress tcp/79-80 from 0.0.0.0/0"},
            }
        ],
        "truncated": [],
    }


def test_each_rule_that_admits_too_much_has_one_witness() -> None:
    found = (rule(TCP80, "10.0.0.0/8"), rule(TCP80, "10.0.0.0/9"), rule(SSH, "::/0", OUT))
    report = compare_rules((), found)
    assert [str(item.flow) for item in report.differences] == [
        "tcp/80 from 10.0.0.1 to web (sg-web)",
        "tcp/22 to 2000::1 from web (sg-web)",
    ]


def test_a_group_with_very_many_differences_is_named_as_cut_short() -> None:
    many = tuple(rule(make_traffic(6, port, port), "10.0.0.0/8") for port in range(MAX_WITNESSES + 1))
    report = compare_rules((), many)
    assert len(report.differences) == MAX_WITNESSES
    assert report.truncated == (Resource("security-group", "sg-web", "web"),)
    assert not compare_rules((), many[1:]).truncated


def test_a_group_that_is_not_there_differs_by_all_it_admits() -> None:
    id_ = new_id("security-group", "web")
    wanted = group(rule(TCP80, GroupPeer(new_id("security-group", "db"))), rule(ALL, "::/0", OUT), id_=id_)
    report = verify(Desired(groups=(wanted,)), target())
    document = verify_document(report)
    assert report.verdict == "different"
    assert [item["flow"]["peer"] for item in document["differences"]] == [
        "db (does not exist yet)",
        "2000::1",
    ]
    assert document["differences"][0]["resource"]["id"] == {"ref": "web"}
    assert document["differences"][0]["decided_by"]["target"] == "there is no such security group"


def test_a_group_that_is_not_there_and_admits_nothing_differs_without_a_flow() -> None:
    (difference,) = verify(Desired(groups=(group(),)), target()).differences
    assert (difference.direction, difference.flow, difference.only_in) == (None, None, "source")


def test_what_should_be_gone_is_a_difference() -> None:
    desired = Desired(delete_groups=("sg-web", "sg-gone"), delete_acls=("acl-1",), delete_lists=("pl-1",))
    old = target(group(rule(SSH, "0.0.0.0/0")), acls=(acl(),), lists=(prefix_list("10.0.0.0/8"),))
    report = verify(desired, old)
    assert [(item.resource.id, item.only_in) for item in report.differences] == [
        ("sg-web", "target"),
        ("acl-1", "target"),
        ("pl-1", "target"),
    ]
    assert verify(desired, target()).verdict == "equal"


# --- symbols


def test_the_same_reference_on_both_sides_is_equal_for_every_membership() -> None:
    report = compare_rules((rule(TCP80, APP),), (rule(TCP80, APP),))
    assert (report.verdict, report.equal) == ("equal-every-membership", True)
    assert verify_document(report)["symbols"] == [{"type": "security-group", "id": "sg-app", "name": "app"}]


@pytest.mark.parametrize(
    ("there", "condition"),
    [
        ((), "differs unless app (sg-app) has no member"),
        ((rule(TCP80, "10.2.4.0/22"),), "differs unless app (sg-app) has no member outside 10.2.4.0/22"),
        (
            (rule(TCP80, "10.2.4.0/22"), rule(TCP80, GroupPeer("sg-x"))),
            "differs unless app (sg-app) has no member outside 10.2.4.0/22 or sg-x",
        ),
    ],
)
def test_a_reference_on_one_side_is_undecided(there: tuple[SecurityGroupRule, ...], condition: str) -> None:
    report = compare_rules((rule(TCP80, APP), *there), there)
    assert (report.verdict, report.equal) == ("undecided", False)
    assert [item.condition for item in report.undecided] == [condition]
    assert report.undecided[0].flow.peer == "app (sg-app)"


def test_a_reference_is_dropped_where_addresses_cover_all_its_members_can_have() -> None:
    whole = rule(TCP80, "10.2.0.0/16")
    assert compare_rules((rule(TCP80, APP), whole), (whole,)).verdict == "equal-every-membership"
    report = verify(
        Desired(groups=(group(rule(TCP80, APP), whole),)),
        target(group(whole)),
        lambda _: (parse_cidr("10.0.0.0/8"),),
    )
    assert report.undecided[0].condition == "differs unless app (sg-app) has no member outside 10.2.0.0/16"


def test_an_address_that_may_be_a_member_is_undecided() -> None:
    report = compare_rules((rule(TCP80, "10.2.4.0/22"),), (rule(TCP80, APP),))
    assert report.verdict == "undecided"
    assert {item.condition for item in report.undecided} == {
        "differs unless every address of 10.2.4.0/22 is a member of app (sg-app)",
        "differs unless app (sg-app) has no member outside 10.2.4.0/22",
    }


def test_all_a_reference_can_mean_on_one_side_and_its_addresses_on_the_other_is_one_question() -> None:
    report = compare_rules((rule(TCP80, APP),), (rule(TCP80, "10.2.0.0/16"),))
    assert [item.condition for item in report.undecided] == [
        "differs unless every address of 10.2.0.0/16 is a member of app (sg-app)"
    ]


def test_a_condition_names_only_symbols_that_may_hold_the_address() -> None:
    universes = {"sg-app": "10.2.0.0/16", "sg-far": "10.9.0.0/16"}
    report = verify(
        Desired(groups=(group(rule(TCP80, "10.2.4.0/22")),)),
        target(group(rule(TCP80, APP), rule(TCP80, GroupPeer("sg-far")))),
        lambda symbol: (parse_cidr(universes[symbol]),),
    )
    assert report.undecided[0].condition == (
        "differs unless every address of 10.2.4.0/22 is a member of app (sg-app)"
    )


def test_an_address_that_cannot_be_a_member_is_a_difference() -> None:
    own = rule(ALL, GroupPeer("sg-web"))
    report = compare_rules((own,), (own, rule(SSH, "0.0.0.0/0")))
    assert report.verdict == "different"
    assert report.differences[0].flow is not None
    assert report.differences[0].flow.peer == "1.0.0.1"
    assert report.undecided == ()


# --- prefix lists


def test_a_customers_list_is_its_addresses_where_both_sides_are_known() -> None:
    lists = (prefix_list("10.0.0.0/9", "10.128.0.0/9"),)
    named, spelled = group(rule(TCP80, PrefixListPeer("pl-1"))), group(rule(TCP80, "10.0.0.0/8"))
    for wanted, found in ((named, spelled), (named, named), (spelled, named)):
        report = verify(Desired(groups=(wanted,), lists=lists), target(found, lists=lists))
        assert (report.verdict, report.symbols) == ("equal", ())


@pytest.mark.parametrize(
    "item",
    [replace(prefix_list("10.0.0.0/8"), owner_id="AWS"), replace(prefix_list(), entries=None)],
    ids=["kept by AWS", "not readable"],
)
def test_any_other_list_is_a_symbol(item: PrefixList) -> None:
    named = group(rule(TCP80, PrefixListPeer("pl-1")))
    report = verify(Desired(groups=(named,)), target(named, lists=(item,)))
    assert (report.verdict, report.symbols) == ("equal-every-membership", (item.resource,))


def test_a_list_that_was_not_read_is_a_symbol() -> None:
    named = group(rule(TCP80, PrefixListPeer("pl-1")))
    report = verify(Desired(groups=(named,), lists=(prefix_list("10.0.0.0/8"),)), target(named, lists=None))
    assert (report.verdict, report.complete) == ("equal-every-membership", False)


def test_what_a_list_of_awss_own_holds_today_is_known_enough_to_differ() -> None:
    item = replace(prefix_list("3.5.0.0/16"), owner_id="AWS")
    named = rule(TCP80, PrefixListPeer("pl-1"), OUT)
    wanted, found = group(named), group(named, rule(TCP80, "0.0.0.0/0", OUT))
    assert verify(Desired(groups=(wanted,)), target(found, lists=(item,))).verdict == "different"


def test_lists_are_compared_by_the_addresses_they_hold() -> None:
    desired = Desired(lists=(prefix_list("10.0.0.0/8"),))
    assert verify(desired, target(lists=(prefix_list("10.0.0.0/9", "10.128.0.0/9"),))).verdict == "equal"
    (difference,) = verify(desired, target(lists=(prefix_list("10.0.0.0/9"),))).differences
    assert verify_document(verify(desired, target(lists=())))["differences"][0]["direction"] is None
    assert difference.flow is not None
    assert (difference.flow.peer, difference.only_in) == ("10.128.0.1", "source")
    assert (difference.decided_by.source, difference.decided_by.target) == (
        "entry 10.0.0.0/8",
        "no entry holds it",
    )


def test_empty_lists_of_two_families_differ() -> None:
    report = verify(Desired(lists=(prefix_list(),)), target(lists=(prefix_list(family=6),)))
    assert report.differences[0].decided_by.target == "an IPv6 list"


def test_a_list_whose_entries_are_unknown_is_not_compared() -> None:
    unknown = replace(prefix_list(), entries=None)
    for wanted, found in ((unknown, prefix_list()), (prefix_list(), unknown)):
        report = verify(Desired(lists=(wanted,)), target(lists=(found,)))
        assert (report.verdict, report.complete) == ("equal", False)


# --- network ACLs and subnets


def test_numbers_that_change_nothing_are_equal() -> None:
    wanted = acl(entry(100, SSH, "10.0.0.0/8", "deny"), entry(200, ALL, "0.0.0.0/0"))
    found = acl(entry(1, SSH, "10.0.0.0/8", "deny"), entry(2, ALL, "0.0.0.0/1"), entry(3, ALL, "128.0.0.0/1"))
    report = verify(Desired(acls=(wanted,)), target(acls=(found,)))
    assert (report.verdict, report.compared.acls) == ("equal", 1)


def test_an_order_that_changes_something_is_a_difference() -> None:
    deny, allow = entry(100, SSH, "10.0.0.0/8", "deny"), entry(200, ALL, "0.0.0.0/0")
    swapped = acl(replace(allow, rule_number=100), replace(deny, rule_number=200), subnets=("subnet-1",))
    (difference,) = verify(Desired(acls=(acl(deny, allow),)), target(acls=(swapped,))).differences
    assert difference.only_in == "target"
    assert str(difference.flow) == "tcp/22 from 10.0.0.1 to front (subnet-1)"
    assert difference.decided_by.source == "ingress 100 deny tcp/22 from 10.0.0.0/8"
    assert difference.decided_by.target == "ingress 100 allow all from 0.0.0.0/0"


def test_an_acl_that_is_not_there_differs_and_one_that_was_not_read_is_not_compared() -> None:
    desired = Desired(acls=(acl(entry(100, ALL, "0.0.0.0/0")),), delete_acls=("acl-2",))
    assert verify(desired, target()).differences[0].decided_by.target == "there is no such network ACL"
    report = verify(desired, target(acls=None))
    assert (report.verdict, report.complete, report.compared.acls) == ("equal", False, 0)
    assert [item.resource.id for item in report.not_compared] == ["acl-1", "acl-2"]


def association(acl_id: str) -> DesiredAssociation:
    return DesiredAssociation(Resource("subnet", "subnet-1", "front"), acl_id, Resource("subnet", "subnet-9"))


def test_a_subnet_is_to_have_the_desired_acl() -> None:
    open_, shut = acl(entry(100, ALL, "0.0.0.0/0")), acl(id_="acl-2", subnets=("subnet-1",))
    existing = target(acls=(open_, shut))
    assert verify(Desired(associations=(association("acl-2"),)), existing).verdict == "equal"
    report = verify(Desired(acls=(open_,), associations=(association("acl-1"),)), existing)
    (difference,) = report.differences
    assert (difference.resource.id, difference.only_in) == ("subnet-1", "source")
    assert str(difference.flow) == "tcp/443 from 1.0.0.1 to front (subnet-1)"
    assert (report.compared.acls, report.compared.subnets) == (1, 1)


def test_a_subnet_is_compared_by_what_its_acl_admits_not_by_which_acl_it_is() -> None:
    one = acl(entry(100, SSH, "10.0.0.0/8"))
    other = acl(
        entry(1, SSH, "10.0.0.0/9"), entry(2, SSH, "10.128.0.0/9"), id_="acl-2", subnets=("subnet-1",)
    )
    desired = Desired(associations=(association("acl-1"),))
    assert verify(desired, target(acls=(one, other))).verdict == "equal"
    stricter = replace(other, entries=other.entries[:1])
    (difference,) = verify(desired, target(acls=(one, stricter))).differences
    assert (difference.resource.id, str(difference.flow)) == (
        "subnet-1",
        "tcp/22 from 10.128.0.1 to front (subnet-1)",
    )


def test_the_right_acl_with_other_entries_is_a_difference_of_the_subnet_too() -> None:
    wanted, found = acl(entry(100, SSH, "10.0.0.0/8")), acl(subnets=("subnet-1",))
    report = verify(Desired(acls=(wanted,), associations=(association("acl-1"),)), target(acls=(found,)))
    assert [item.resource.id for item in report.differences] == ["acl-1", "subnet-1"]


def test_a_subnet_without_any_acl_and_acls_that_were_not_read() -> None:
    desired = Desired(associations=(association("acl-1"),))
    assert verify(desired, target()).differences[0].decided_by.target == "no network ACL is associated"
    assert verify(desired, target(acls=None)).not_compared[0].resource.id == "subnet-1"


# --- the whole


def test_what_translation_left_out_makes_the_proof_incomplete_not_unequal() -> None:
    left_out = NotCompared(Resource("security-group", "sg-web", "web"), "stale", "ingress all from sg-9")
    report = verify(Desired(not_compared=(left_out,)), target())
    assert (report.equal, report.complete) == (True, False)
    assert verify_document(report)["not_compared"][0]["rule"] == "ingress all from sg-9"


def test_the_verdict_is_the_worst() -> None:
    groups = (group(rule(TCP80, APP)), group(rule(TCP80, "10.0.0.0/8"), id_="sg-2", name="two"))
    found = (group(), group(id_="sg-2", name="two"))
    report = verify(Desired(groups=groups), target(*found))
    assert (report.verdict, len(report.differences), len(report.undecided)) == ("different", 1, 1)
