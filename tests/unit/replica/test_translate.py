"""Every sentence of the contract's chapter 2 on translation and ownership, offline."""

import firewalls as fw
import pytest

from twinwall import errors
from twinwall.model.net import parse_cidr
from twinwall.planning import changes as c
from twinwall.replica.settings import CidrMap, GroupMap, Rename


def desired(plan, name):
    return next(group for group in plan.desired.groups if group.group_name == name)


def rules_of(plan, name):
    return {str(rule) for rule in desired(plan, name).rules}


def cidr_map(one, other):
    return CidrMap(parse_cidr(one), parse_cidr(other))


# --- rules that become themselves


def test_a_rule_that_stands_twice_comes_once_and_that_is_told():
    """Other tools' dumps spell one block in two ways; EC2 would refuse the second."""
    plan = fw.planned(
        fw.source(fw.group("sg-a", "a", "in tcp 80 10.1.2.3/8", "in tcp 80 10.0.0.0/8")), fw.target()
    )
    assert [str(rule) for rule in desired(plan, "a").rules] == ["ingress tcp/80 from 10.0.0.0/8"]
    assert "merged-rules" in fw.finding_ids(plan)


def test_a_description_that_ec2_would_refuse_is_changed_and_told_of_addresses_alone_too():
    group = fw.group("sg-a", "a", "in tcp 80 10.0.0.0/8")
    group["IpPermissions"][0]["IpRanges"][0]["Description"] = "für alle"
    plan = fw.planned(fw.source(group), fw.target())
    (rule,) = desired(plan, "a").rules
    assert rule.description.isascii()
    assert "description-changed" in fw.finding_ids(plan)


# --- references


def test_groups_may_name_each_other_in_any_circle():
    ring = [
        fw.group(
            f"sg-{i}",
            f"g{i}",
            f"in tcp 80 sg-{(i + 1) % 5}",
            f"out tcp 90 sg-{(i + 3) % 5}",
            f"in -1 - sg-{i}",
        )
        for i in range(5)
    ]
    plan = fw.planned(fw.source(*ring), fw.target())
    made: set[str] = set()
    for change in plan.changes:
        if change.action == "CreateSecurityGroup":
            made.add(change.resource.id)
        elif change.action.startswith("Authorize"):
            assert {change.resource.id, *(str(rule.peer) for rule in change.rules)} <= made
    assert len(made) == 5
    assert rules_of(plan, "g0") == {
        "ingress tcp/80 from new:security-group:g1",
        "ingress all from new:security-group:g0",
        "egress tcp/90 to new:security-group:g3",
    }


def test_a_reference_to_default_goes_to_the_targets_default():
    plan = fw.planned(fw.source(fw.group("sg-a", "a", "in -1 - sg-default")), fw.target())
    assert rules_of(plan, "a") == {"ingress all from sg-target"}


def test_map_group_wins_over_everything_and_takes_names_ids_and_cidrs():
    before = fw.source(fw.group("sg-a", "a", "in tcp 80 sg-b", "in tcp 90 sg-default"), fw.group("sg-b", "b"))
    after = fw.target(fw.there("sg-x", "x"), fw.there("sg-copy", "b", marked="sg-b"))
    plan = fw.planned(
        before,
        after,
        map_group=(
            GroupMap("b", "X"),
            GroupMap("sg-default", "", (parse_cidr("10.1.0.0/24"), parse_cidr("10.2.0.0/24"))),
        ),
    )
    assert rules_of(plan, "a") == {
        "ingress tcp/80 from sg-x",
        "ingress tcp/90 from 10.1.0.0/24",
        "ingress tcp/90 from 10.2.0.0/24",
    }
    assert "mapped" in fw.finding_ids(plan)  # b itself is represented by x, which is not ours


def test_map_group_onto_a_group_that_is_not_there_is_an_error():
    with pytest.raises(errors.ConfigError, match="the target has no group nowhere"):
        fw.planned(fw.source(fw.group("sg-a", "a")), fw.target(), map_group=(GroupMap("a", "nowhere"),))


def test_the_mark_finds_the_copy_whatever_its_name():
    before = fw.source(fw.group("sg-a", "a", "in tcp 80 sg-a"))
    plan = fw.planned(before, fw.target(fw.there("sg-1", "other", marked="sg-a")))
    assert [change.action for change in plan.changes] == ["AuthorizeSecurityGroupIngress"]
    assert plan.changes[0].resource.id == "sg-1"
    assert "name-differs" in fw.finding_ids(plan)


def test_one_mark_on_two_groups_is_refused_both_named():
    after = fw.target(fw.there("sg-1", "one", marked="sg-a"), fw.there("sg-2", "two", marked="sg-a"))
    with pytest.raises(errors.AmbiguousName, match=r"one \(sg-1\) and two \(sg-2\)"):
        fw.planned(fw.source(fw.group("sg-a", "a")), after)


def test_a_replaced_source_group_finds_its_copy_again():
    before = fw.source(fw.group("sg-new", "Web "))
    plan = fw.planned(before, fw.target(fw.there("sg-1", "web", marked="sg-gone")))
    assert [change.action for change in plan.changes] == ["CreateTags"]
    assert dict(plan.changes[0].tags)["twinwall:source"] == fw.mark("sg-new")


def test_a_copy_of_another_living_source_never_matches():
    before = fw.source(fw.group("sg-a", "web"), fw.group("sg-b", "other"))
    after = fw.target(fw.there("sg-1", "web", marked="sg-b"))
    with pytest.raises(errors.ForeignOwner, match="marked as a copy of"):
        fw.planned(before, after, adopt=("*",))
    elsewhere = fw.target(
        fw.there("sg-1", "web", tags={"twinwall:source": fw.mark("sg-a", vpc="vpc-of-somebody")})
    )
    with pytest.raises(errors.ForeignOwner, match="marked as a copy of"):
        fw.planned(before, elsewhere, adopt=("*",))


def test_a_taken_name_is_refused_unless_adopted():
    before = fw.source(fw.group("sg-a", "web", "in tcp 443 0.0.0.0/0"))
    after = fw.target(fw.there("sg-1", "WEB", "in tcp 22 0.0.0.0/0"))
    with pytest.raises(errors.ForeignOwner, match="--adopt 'WEB'"):
        fw.planned(before, after)
    plan = fw.planned(before, after, adopt=("w*",))
    assert [change.action for change in plan.changes] == [
        "CreateTags",
        "AuthorizeSecurityGroupIngress",
        "RevokeSecurityGroupIngress",
    ]
    assert plan.desired.adopted == {"sg-1"}


def test_match_by_name_resolves_a_reference_without_changing_the_group():
    before = fw.source(fw.group("sg-a", "a", "in tcp 80 sg-b"), fw.group("sg-b", "b", "in tcp 1 10.0.0.0/8"))
    after = fw.target(fw.there("sg-1", "b"))
    plan = fw.planned(before, after, groups=("a",), match_by_name=True)
    assert rules_of(plan, "a") == {"ingress tcp/80 from sg-1"}
    assert {change.resource.name for change in plan.changes} == {"a"}
    with pytest.raises(errors.UnmappedGroup):
        fw.planned(before, after, groups=("a",))


def test_star_does_not_mean_default():
    before = fw.source()
    before["SecurityGroups"][0]["IpPermissions"] = []
    plan = fw.planned(before, fw.target(), adopt=("*",))
    assert plan.empty
    assert [item.resource.id for item in plan.not_compared] == ["sg-target"]
    adopted = fw.planned(before, fw.target(), adopt=("default",))
    assert "RevokeSecurityGroupIngress" in adopted.api_calls


@pytest.mark.parametrize(
    "tags",
    [
        {"aws:cloudformation:stack-name": "net"},
        {"kubernetes.io/cluster/prod": "owned"},
        {"FMManaged": "true"},
        {"elbv2.k8s.aws/cluster": "prod"},
        {"ManagedBy": "terraform"},
    ],
)
def test_other_managers_groups_also_need_adopt_managed(tags):
    before = fw.source(fw.group("sg-a", "web"))
    after = fw.target(fw.there("sg-1", "web", tags=tags))
    with pytest.raises(errors.ForeignOwner, match="--adopt-managed"):
        fw.planned(before, after, adopt=("web",))
    assert fw.planned(before, after, adopt=("web",), adopt_managed=True).api_calls == {"CreateTags": 1}


def test_a_mesh_group_is_refused_whatever_is_asked():
    after = fw.target(fw.there("sg-1", "web", tags={"twinwall:mesh": "prod"}))
    with pytest.raises(errors.ForeignOwner, match="mesh prod"):
        fw.planned(fw.source(fw.group("sg-a", "web")), after, adopt=("web",), adopt_managed=True)


def test_match_cloudformation_pairs_by_logical_id():
    before = fw.source(
        fw.group(
            "sg-a", "net-WebSg-1ABC", "in tcp 443 0.0.0.0/0", tags={"aws:cloudformation:logical-id": "WebSg"}
        )
    )
    after = fw.target(fw.there("sg-1", "net2-WebSg-9XYZ", tags={"aws:cloudformation:logical-id": "WebSg"}))
    options = {"match_cloudformation": True, "adopt": ("net2-*",), "adopt_managed": True}
    plan = fw.planned(before, after, **options)
    assert {change.resource.id for change in plan.changes} == {"sg-1"}
    with pytest.raises(errors.ForeignOwner):
        fw.planned(before, after, match_cloudformation=True)


# --- outside


OUTSIDE = {
    "stale": "sg-gone",
    "stale, its peering deleted": f"{fw.SOURCE}/sg-peer@vpc-peer@deleted",
    "of a peered VPC": f"{fw.SOURCE}/sg-peer@vpc-peer@active",
    "of another account": "333333333333/sg-peer@vpc-peer@active",
    "AWS's own": "amazon-elb/sg-843f59ed",
    "an unknown list": "pl-unknown",
}


@pytest.mark.parametrize("peer", OUTSIDE.values(), ids=OUTSIDE)
def test_outside_fail_names_it_and_skip_leaves_it_out_with_a_finding(peer):
    before = fw.source(fw.group("sg-a", "a", f"in tcp 80 {peer}", "in tcp 81 10.0.0.0/8"))
    with pytest.raises(errors.TranslationError, match="--outside skip"):
        fw.planned(before, fw.target())
    plan = fw.planned(before, fw.target(), outside="skip")
    assert rules_of(plan, "a") == {"ingress tcp/81 from 10.0.0.0/8"}
    assert [item.rule for item in plan.not_compared] == [
        f"ingress tcp/80 from {peer.split('/')[-1].split('@')[0]}"
    ]
    assert [(f.id, f.severity) for f in plan.findings] == [("dropped-allow", "warning")]


@pytest.mark.parametrize("peer", ["sg-gone", "amazon-elb/sg-843f59ed"])
@pytest.mark.parametrize("outside", ["follow", "keep"])
def test_stale_and_awss_own_cannot_be_carried_over(peer, outside):
    with pytest.raises(errors.UnmappedGroup):
        fw.planned(fw.source(fw.group("sg-a", "a", f"in tcp 80 {peer}")), fw.target(), outside=outside)


def test_follow_brings_along_what_is_named_and_what_that_names():
    before = fw.source(
        fw.group("sg-a", "a", "in tcp 80 sg-b"),
        fw.group("sg-b", "b", "out tcp 80 sg-c"),
        fw.group("sg-c", "c", "in -1 - sg-a"),
        fw.group("sg-d", "d"),
    )
    plan = fw.planned(before, fw.target(), groups=("a",), outside="follow")
    assert {group.group_name for group in plan.desired.groups} == {"a", "b", "c"}


def test_keep_needs_the_same_region_and_an_active_peering():
    before = fw.source(fw.group("sg-a", "a", "in tcp 80 333333333333/sg-peer@vpc-peer@active"))
    peering = {
        "Status": {"Code": "active"},
        "RequesterVpcInfo": {"VpcId": fw.TARGET_VPC},
        "AccepterVpcInfo": {"VpcId": "vpc-peer"},
    }
    near = fw.target(region=fw.SOURCE_REGION, VpcPeeringConnections=[peering])
    plan = fw.planned(before, near, outside="keep")
    assert rules_of(plan, "a") == {"ingress tcp/80 from sg-peer"}
    pending = fw.target(
        region=fw.SOURCE_REGION, VpcPeeringConnections=[peering | {"Status": {"Code": "pending"}}]
    )
    for after in (pending, fw.target(VpcPeeringConnections=[peering])):
        with pytest.raises(errors.UnmappedGroup):
            fw.planned(before, after, outside="keep")


# --- addresses


def test_cidr_maps_most_specific_first_supernets_stay_and_are_told():
    before = fw.source(
        fw.group(
            "sg-a",
            "a",
            "in tcp 1 10.0.1.5/32",
            "in tcp 2 10.0.0.0/8",
            "in tcp 3 10.9.0.0/24",
            "in tcp 4 0.0.0.0/0",
        )
    )
    maps = (cidr_map("10.0.0.0/16", "172.16.0.0/16"), cidr_map("10.0.1.0/24", "192.168.7.0/24"))
    plan = fw.planned(before, fw.target(), map_cidr=maps)
    assert rules_of(plan, "a") == {
        "ingress tcp/1 from 192.168.7.5/32",
        "ingress tcp/2 from 10.0.0.0/8",
        "ingress tcp/3 from 10.9.0.0/24",
        "ingress tcp/4 from 0.0.0.0/0",
    }
    assert [(f.id, f.rule) for f in plan.findings] == [
        ("supernet-not-mapped", "ingress tcp/2 from 10.0.0.0/8")
    ]


def test_map_vpc_cidr_maps_primary_block_to_primary_block():
    plan = fw.planned(
        fw.source(fw.group("sg-a", "a", "in tcp 1 10.0.3.0/24")), fw.target(), map_vpc_cidr=True
    )
    assert rules_of(plan, "a") == {"ingress tcp/1 from 10.20.3.0/24"}
    with pytest.raises(errors.ConfigError, match="a /16 onto a /20"):
        fw.planned(fw.source(), fw.target(cidr="10.20.0.0/20"), map_vpc_cidr=True)


@pytest.mark.parametrize(
    ("maps", "why"),
    [
        ((("10.0.0.0/16", "10.1.0.0/17"),), "must be equal"),
        ((("10.0.0.0/16", "10.1.0.0/16"), ("10.0.0.0/16", "10.2.0.0/16")), "is mapped twice"),
        ((("10.0.0.0/16", "10.1.0.0/16"), ("10.9.0.0/24", "10.1.5.0/24")), "overlapping"),
        ((("10.0.0.0/16", "2001:db8::/16"),), "one family"),
    ],
)
def test_maps_that_contradict_are_refused(maps, why):
    with pytest.raises(errors.ConfigError, match=why):
        fw.planned(fw.source(), fw.target(), map_cidr=tuple(cidr_map(*pair) for pair in maps))


def test_rules_that_become_one_are_merged_and_told():
    before = fw.source(fw.group("sg-a", "a", "in tcp 1 10.0.1.0/24", "in tcp 1 172.16.1.0/24 office"))
    plan = fw.planned(before, fw.target(), map_cidr=(cidr_map("10.0.0.0/16", "172.16.0.0/16"),))
    (kept,) = desired(plan, "a").rules
    assert kept.description == "office"
    assert "merged-rules" in fw.finding_ids(plan)


def test_a_mapped_deny_is_a_finding():
    before = fw.source(
        acls=[fw.acl("acl-1", "in 10 deny tcp 22 10.0.0.0/24", "in 20 allow tcp 22 10.0.0.0/24")]
    )
    plan = fw.planned(before, fw.target(), map_vpc_cidr=True)
    assert [(f.id, f.severity) for f in plan.findings] == [("mapped-deny", "warning")]


# --- lists


def test_an_aws_managed_list_is_found_by_name_with_the_region_replaced():
    before = fw.source(
        fw.group("sg-a", "a", "out tcp 443 pl-s3"),
        lists=[fw.prefix_list("pl-s3", "com.amazonaws.eu-west-1.s3", owner="AWS", size=None)],
    )
    after = fw.target(lists=[fw.prefix_list("pl-us", "com.amazonaws.us-east-1.s3", owner="AWS", size=None)])
    assert rules_of(fw.planned(before, after), "a") == {"egress tcp/443 to pl-us"}
    with pytest.raises(errors.UnmappedPrefixList, match=r"us-east-1.s3"):
        fw.planned(before, fw.target())


def test_a_customer_managed_list_is_recreated_marked_mapped_and_kept_in_step():
    before = fw.source(
        fw.group("sg-a", "a", "in tcp 443 pl-1", "in tcp 444 pl-1"),
        lists=[fw.prefix_list("pl-1", "office", "10.0.1.0/24", "203.0.113.0/24")],
    )
    plan = fw.planned(before, fw.target(), map_vpc_cidr=True)
    (made,) = plan.desired.lists
    assert [str(entry.cidr) for entry in made.entries] == ["10.20.1.0/24", "203.0.113.0/24"]
    assert dict(made.tags)["twinwall:source"] == fw.mark("pl-1", vpc="-")
    assert plan.api_calls["CreateManagedPrefixList"] == 1
    copy = fw.prefix_list(
        "pl-9",
        "office",
        "10.20.1.0/24",
        "8.8.8.0/24",
        owner=fw.TARGET,
        tags={"twinwall:source": fw.mark("pl-1", vpc="-")},
    )
    again = fw.planned(before, fw.target(lists=[copy]), map_vpc_cidr=True)
    changes = [change for change in again.changes if isinstance(change, c.ModifyManagedPrefixList)]
    assert [(len(change.add), len(change.remove)) for change in changes] == [(1, 0), (0, 1)]


def test_a_list_of_the_same_region_and_account_is_used_as_it_is():
    before = fw.source(
        fw.group("sg-a", "a", "in tcp 443 pl-1"), lists=[fw.prefix_list("pl-1", "office", "203.0.113.0/24")]
    )
    near = fw.target(region=fw.SOURCE_REGION, account=fw.SOURCE)
    plan = fw.planned(before, near)
    assert rules_of(plan, "a") == {"ingress tcp/443 from pl-1"}
    assert "association-would-serve" in fw.finding_ids(plan)


def test_map_prefix_list_names_the_list():
    before = fw.source(fw.group("sg-a", "a", "in tcp 443 pl-1"))
    after = fw.target(lists=[fw.prefix_list("pl-9", "ours", "203.0.113.0/24", owner=fw.TARGET)])
    assert rules_of(fw.planned(before, after, map_prefix_list=(("pl-1", "ours"),)), "a") == {
        "ingress tcp/443 from pl-9"
    }


def test_an_ipam_managed_copy_is_never_edited():
    before = fw.source(
        fw.group("sg-a", "a", "in tcp 443 pl-1"), lists=[fw.prefix_list("pl-1", "office", "203.0.113.0/24")]
    )
    copy = fw.prefix_list(
        "pl-9", "office", owner=fw.TARGET, tags={"twinwall:source": fw.mark("pl-1", vpc="-")},
        IpamPrefixListResolverTargetId="ipam-1",
    )  # fmt: skip
    with pytest.raises(errors.ForeignOwner, match="IPAM"):
        fw.planned(before, fw.target(lists=[copy]))


# --- names, tags, defaults, subnets


def test_rename_and_names_ec2_refuses():
    before = fw.source(fw.group("sg-a", "web<1>", description="it's"), fw.group("sg-b", "db-prod"))
    plan = fw.planned(before, fw.target(), rename=(Rename("db-*", "copy-*"),))
    made = {change.group_name: change for change in plan.changes if isinstance(change, c.CreateSecurityGroup)}
    assert set(made) == {"web-1-", "copy-prod"}
    assert made["web-1-"].description == "it-s"
    assert {"name-changed", "description-changed"} <= set(fw.finding_ids(plan))


def test_two_groups_of_one_name_after_renaming_are_refused():
    before = fw.source(fw.group("sg-a", "a"), fw.group("sg-b", "b"))
    with pytest.raises(errors.AmbiguousName, match="would both be called"):
        fw.planned(before, fw.target(), rename=(Rename("b", "A"),))


def test_which_tags_come_along():
    tags = {
        "Name": "web",
        "aws:cloudformation:stack-name": "x",
        "twinwall:source": "1/2/3/4",
        "kubernetes.io/cluster/prod": "owned",
        "Équipe": "größe",
    }
    before = fw.source(fw.group("sg-a", "a", tags=tags))
    plan = fw.planned(before, fw.target())
    assert dict(desired(plan, "a").tags) == {
        "Name": "web",
        "Équipe": "größe",
        "twinwall:source": fw.mark("sg-a"),
    }
    copied = fw.planned(before, fw.target(), copy_tag=("kubernetes.io/cluster/*",))
    assert "kubernetes.io/cluster/prod" in dict(desired(copied, "a").tags)


def test_more_than_49_tags_besides_the_mark_are_refused():
    before = fw.source(fw.group("sg-a", "a", tags={f"k{i}": "v" for i in range(50)}))
    with pytest.raises(errors.QuotaExceeded, match="50 tags besides the mark, EC2 allows 49"):
        fw.planned(before, fw.target())
    assert fw.planned(fw.source(fw.group("sg-a", "a", tags={f"k{i}": "v" for i in range(49)})), fw.target())


def test_a_second_group_named_default_is_left_out_unless_renamed_by_id():
    second = fw.group("sg-second", "default", "in tcp 1 10.0.0.0/8", description="made by hand")
    before = fw.source(second, fw.group("sg-a", "a", "in -1 - sg-second"))
    plan = fw.planned(before, fw.target(), outside="skip")
    assert {group.group_name for group in plan.desired.groups} == {"a"}
    assert {"second-default", "dropped-allow"} <= set(fw.finding_ids(plan))
    renamed = fw.planned(before, fw.target(), rename=(Rename("sg-second", "odd-default"),))
    assert {group.group_name for group in renamed.desired.groups} == {"a", "odd-default"}


SUBNETS = [fw.subnet("subnet-1", "10.0.1.0/24", "a", "app-a"), fw.subnet("subnet-2", "10.0.2.0/24", "b")]


def acl_case():
    acls = [fw.acl("acl-1", "in 10 allow tcp 443 0.0.0.0/0", subnets=["subnet-1", "subnet-2"])]
    return fw.source(acls=acls, subnets=SUBNETS)


def test_associate_auto_pairs_by_name_then_by_position():
    subnets = [
        fw.subnet("subnet-x", "10.20.9.0/24", "c", "app-a", vpc=fw.TARGET_VPC),
        fw.subnet("subnet-y", "10.20.2.0/24", "b", vpc=fw.TARGET_VPC),
    ]
    after = fw.target(subnets=subnets, default_subnets=["subnet-x", "subnet-y"])
    plan = fw.planned(acl_case(), after, associate="auto")
    assert [a.subnet.id for a in plan.desired.associations] == ["subnet-x", "subnet-y"]
    actions = [change.action for change in plan.changes]
    assert actions.index("CreateNetworkAclEntry") < actions.index("ReplaceNetworkAclAssociation")
    assert fw.planned(acl_case(), after).api_calls.get("ReplaceNetworkAclAssociation") is None


def test_associate_auto_that_is_ambiguous_is_refused_with_the_candidates():
    twins = [fw.subnet(f"subnet-{i}", f"10.20.{i}.0/24", "c", "app-a", vpc=fw.TARGET_VPC) for i in "34"]
    with pytest.raises(errors.AmbiguousName, match=r"subnet-3.*subnet-4"):
        fw.planned(acl_case(), fw.target(subnets=twins), associate="auto")


def test_associate_by_hand():
    after = fw.target(
        subnets=[fw.subnet("subnet-x", "10.20.9.0/24", vpc=fw.TARGET_VPC)], default_subnets=["subnet-x"]
    )
    plan = fw.planned(acl_case(), after, associate=(("subnet-1", "subnet-x"),))
    assert plan.api_calls["ReplaceNetworkAclAssociation"] == 1
    with pytest.raises(errors.ConfigError, match="0 subnets of the target"):
        fw.planned(acl_case(), after, associate=(("subnet-1", "subnet-nowhere"),))


def test_in_a_shared_target_vpc_only_groups_are_copied():
    after = fw.target()
    after["Vpcs"][0]["OwnerId"] = "999999999999"
    entries = ("in 9 deny tcp 443 10.0.0.0/8", "in 10 allow tcp 443 0.0.0.0/0")
    before = fw.source(fw.group("sg-a", "a"), acls=[fw.acl("acl-1", *entries)])
    plan = fw.planned(before, after)
    assert ("dropped-deny", "error") in {(finding.id, finding.severity) for finding in plan.findings}
    assert plan.api_calls.keys() <= {"CreateSecurityGroup", "RevokeSecurityGroupEgress"}
    assert {item.resource.type for item in plan.not_compared} == {"security-group", "network-acl"}
