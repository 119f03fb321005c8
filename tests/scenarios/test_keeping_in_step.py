"""What happens to a copy afterwards: the source moves on, people change things by hand, sources are replaced,
copies lose their source; and what never changes: what does not carry our mark.
"""

from typing import Any

import pytest
from firewalls import DEFAULT_EGRESS, SOURCE_VPC, acl, group, prefix_list, source, subnet
from worlds import HERE, THERE, A, B, Stage, flat_acl, flat_rules, source_of, tags_of

Json = dict[str, Any]
OPTIONS = ("--map-vpc-cidr",)


def estate(**more: Any) -> Json:
    return source(
        group(
            "sg-web",
            "web",
            "in tcp 443 0.0.0.0/0 public",
            "in tcp 80 10.0.1.0/24",
            "out tcp 5432 sg-db",
            tags={"team": "a"},
        ),
        group("sg-db", "db", "in tcp 5432 sg-web from web", "in tcp 22 pl-0aaaaaaaaaaaaaaaa", DEFAULT_EGRESS),
        acls=[
            acl(
                "acl-dmz",
                "in 100 allow tcp 443 0.0.0.0/0",
                "in 110 deny -1 - 0.0.0.0/0",
                "out 100 allow -1 - 0.0.0.0/0",
                tags={"Name": "dmz"},
            )
        ],
        lists=[prefix_list("pl-0aaaaaaaaaaaaaaaa", "office", "203.0.113.0/24", "10.0.9.0/24")],
        region=HERE,
        **more,
    )


def carried(world: Stage, document: Json | None = None, *options: str) -> str:
    world.load(document or estate())
    target = world.empty()
    world.migrate(SOURCE_VPC, target, options=(*OPTIONS, *options)).ended(0)
    return target


def here(world: Stage) -> Any:
    return world.client(A, HERE)


def allow(port: int, cidr: str, description: str = "") -> list[Json]:
    item = {"CidrIp": cidr} | ({"Description": description} if description else {})
    return [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [item]}]


def ports(item: Json, way: str = "in") -> set[tuple[Any, ...]]:
    return {(rule[2], rule[4][1]) for rule, _ in flat_rules(item) if rule[0] == way}


def copy_of(world: Stage, id_: str, target: str) -> Json:
    (found,) = [item for item in world.groups(target) if source_of(item) == id_]
    return found


def others(everything: Json, *ids: str) -> Json:
    """The whole describe without what is ours to change."""
    return {
        "groups": [item for item in everything["groups"] if item["GroupId"] not in ids],
        "acls": [item for item in everything["acls"] if item["NetworkAclId"] not in ids],
        "rules": [item for item in everything["rules"] if item["GroupId"] not in ids],
        "lists": [item for item in everything["lists"] if item["PrefixListId"] not in ids],
    }


# --- the source moves on


def test_rules_added_at_the_source_are_followed(world: Stage) -> None:
    """*Rules added to or removed from the source are followed.*"""
    target = carried(world)
    here(world).authorize_security_group_ingress(
        GroupId="sg-web", IpPermissions=allow(8443, "10.0.7.0/24", "new")
    )
    here(world).revoke_security_group_ingress(GroupId="sg-web", IpPermissions=allow(80, "10.0.1.0/24"))
    run = world.migrate(SOURCE_VPC, target, options=OPTIONS).ended(0)
    assert run.written == {"AuthorizeSecurityGroupIngress": 1, "RevokeSecurityGroupIngress": 1}
    assert run.actions() == [
        "AuthorizeSecurityGroupIngress",
        "RevokeSecurityGroupIngress",
    ]  # add before remove
    assert ports(copy_of(world, "sg-web", target)) == {(443, "0.0.0.0/0"), (8443, "10.20.7.0/24")}
    assert run.json["summary"] == {"create": 0, "update": 1, "delete": 0, "unchanged": 3}


def test_a_new_group_at_the_source_comes_along(world: Stage) -> None:
    target = carried(world)
    made = here(world).create_security_group(GroupName="cache", Description="c", VpcId=SOURCE_VPC)["GroupId"]
    pair = [
        {"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379, "UserIdGroupPairs": [{"GroupId": "sg-web"}]}
    ]
    here(world).authorize_security_group_ingress(GroupId=made, IpPermissions=pair)
    world.migrate(SOURCE_VPC, target, options=OPTIONS).ended(0)
    (rule,) = [rule for rule, _ in flat_rules(copy_of(world, made, target)) if rule[0] == "in"]
    assert rule[4] == ("group", copy_of(world, "sg-web", target)["GroupId"])


def test_a_changed_description_is_changed_in_place(world: Stage) -> None:
    """*Rule identity is direction + protocol + ports + one peer, never the description; a changed description is
    changed in place.*"""
    target = carried(world)
    here(world).update_security_group_rule_descriptions_ingress(
        GroupId="sg-web", IpPermissions=allow(443, "0.0.0.0/0", "opened")
    )
    here(world).update_security_group_rule_descriptions_ingress(
        GroupId="sg-db",
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 5432,
                "ToPort": 5432,
                "UserIdGroupPairs": [{"GroupId": "sg-web"}],
            }
        ],
    )
    run = world.migrate(SOURCE_VPC, target, options=OPTIONS).ended(0)
    assert run.written == {"UpdateSecurityGroupRuleDescriptionsIngress": 2}
    described = {
        rule[2]: item.get("Description") for rule, item in flat_rules(copy_of(world, "sg-web", target))
    }
    assert described[443] == "opened"
    assert all(
        "Description" not in item
        for rule, item in flat_rules(copy_of(world, "sg-db", target))
        if rule[2] == 5432
    )
    assert not world.migrate(SOURCE_VPC, target, options=OPTIONS).ended(0).written


def test_entries_of_acls_are_followed(world: Stage) -> None:
    target = carried(world)
    entry = {
        "NetworkAclId": "acl-dmz",
        "Egress": False,
        "Protocol": "6",
        "RuleAction": "allow",
        "PortRange": {"From": 1, "To": 9},
    }
    here(world).create_network_acl_entry(**entry, RuleNumber=105, CidrBlock="10.0.3.0/24")
    here(world).replace_network_acl_entry(**entry, RuleNumber=100, CidrBlock="0.0.0.0/0")
    here(world).delete_network_acl_entry(NetworkAclId="acl-dmz", Egress=True, RuleNumber=100)
    run = world.migrate(SOURCE_VPC, target, options=OPTIONS).ended(0)
    assert run.written == {
        "CreateNetworkAclEntry": 1,
        "ReplaceNetworkAclEntry": 1,
        "DeleteNetworkAclEntry": 1,
    }
    (theirs,) = [item for item in world.acls(SOURCE_VPC, A, HERE) if item["NetworkAclId"] == "acl-dmz"]
    (ours,) = [item for item in world.acls(target) if source_of(item) == "acl-dmz"]
    assert flat_acl(ours) == flat_acl(theirs, {"10.0.0.0/16": "10.20.0.0/16"})


def test_prefix_lists_are_kept_in_step(world: Stage) -> None:
    """*Customer-managed ones … entries CIDR-mapped, kept in step.*"""
    target = carried(world)
    here(world).modify_managed_prefix_list(
        PrefixListId="pl-0aaaaaaaaaaaaaaaa",
        CurrentVersion=1,
        AddEntries=[{"Cidr": "10.0.10.0/24", "Description": "annex"}],
        RemoveEntries=[{"Cidr": "203.0.113.0/24"}],
    )
    run = world.migrate(SOURCE_VPC, target, options=OPTIONS).ended(0)
    assert set(run.written) == {"ModifyManagedPrefixList"}
    (held,) = world.lists()
    assert sorted((e["Cidr"], e.get("Description", "")) for e in held["Entries"]) == [
        ("10.20.10.0/24", "annex"),
        ("10.20.9.0/24", ""),
    ]
    assert not world.migrate(SOURCE_VPC, target, options=OPTIONS).ended(0).written


def test_tags_are_followed_and_the_targets_own_stay(world: Stage) -> None:
    """*Tags come along …; the target's own tags stay.*"""
    target = carried(world)
    copy = copy_of(world, "sg-web", target)["GroupId"]
    world.client().create_tags(
        Resources=[copy], Tags=[{"Key": "own", "Value": "1"}, {"Key": "team", "Value": "changed"}]
    )
    here(world).create_tags(Resources=["sg-web"], Tags=[{"Key": "stage", "Value": "prod"}])
    run = world.migrate(SOURCE_VPC, target, options=OPTIONS).ended(0)
    assert run.written == {"CreateTags": 1}
    held = tags_of(copy_of(world, "sg-web", target))
    assert {key: held[key] for key in ("own", "team", "stage")} == {"own": "1", "team": "a", "stage": "prod"}


# --- changes by hand


def test_changes_by_hand_in_a_marked_group_are_put_right(world: Stage) -> None:
    """*What was changed by hand in a marked group is put right under ``sync``.*"""
    target = carried(world)
    copy = copy_of(world, "sg-web", target)["GroupId"]
    there = world.client()
    there.authorize_security_group_ingress(
        GroupId=copy, IpPermissions=allow(22, "0.0.0.0/0", "just for today")
    )
    there.revoke_security_group_ingress(GroupId=copy, IpPermissions=allow(443, "0.0.0.0/0"))
    there.authorize_security_group_egress(GroupId=copy, IpPermissions=allow(25, "0.0.0.0/0"))
    told = world.verify(SOURCE_VPC, target, options=OPTIONS).ended(2)
    sides = {(d["direction"], d["only_in"]) for d in told.json["differences"]}
    assert sides == {("ingress", "source"), ("ingress", "target"), ("egress", "target")}
    assert all(d["flow"] and d["decided_by"] for d in told.json["differences"])
    run = world.migrate(SOURCE_VPC, target, options=OPTIONS).ended(0)
    assert ports(copy_of(world, "sg-web", target)) == {(443, "0.0.0.0/0"), (80, "10.20.1.0/24")}
    assert len(ports(copy_of(world, "sg-web", target), "out")) == 1
    assert run.json["verify"]["equal"] is True


def test_upsert_only_never_removes(world: Stage) -> None:
    """*``upsert-only`` never removes; a changed ACL entry is rewritten, an extra one stays and is a finding.*"""
    target = carried(world)
    copy = copy_of(world, "sg-web", target)["GroupId"]
    (dmz,) = [item["NetworkAclId"] for item in world.acls(target) if source_of(item) == "acl-dmz"]
    there = world.client()
    there.authorize_security_group_ingress(GroupId=copy, IpPermissions=allow(22, "0.0.0.0/0"))
    there.revoke_security_group_ingress(GroupId=copy, IpPermissions=allow(443, "0.0.0.0/0"))
    there.create_network_acl_entry(
        NetworkAclId=dmz,
        RuleNumber=50,
        Egress=False,
        Protocol="-1",
        RuleAction="allow",
        CidrBlock="192.0.2.0/24",
    )
    there.replace_network_acl_entry(
        NetworkAclId=dmz,
        RuleNumber=110,
        Egress=False,
        Protocol="-1",
        RuleAction="allow",
        CidrBlock="0.0.0.0/0",
    )
    run = world.migrate(SOURCE_VPC, target, options=(*OPTIONS, "--policy", "upsert-only")).ended(2)
    assert run.written == {"AuthorizeSecurityGroupIngress": 1, "ReplaceNetworkAclEntry": 1}
    assert [f["id"] for f in run.findings].count("extra-stays") == 2
    assert (22, "0.0.0.0/0") in ports(copy_of(world, "sg-web", target))
    assert run.json["verify"]["equal"] is False


def test_create_only_leaves_what_exists(world: Stage) -> None:
    """*``create-only`` makes what is missing and leaves what exists.*"""
    target = carried(world)
    copy = copy_of(world, "sg-web", target)["GroupId"]
    world.client().revoke_security_group_ingress(GroupId=copy, IpPermissions=allow(443, "0.0.0.0/0"))
    made = here(world).create_security_group(GroupName="cache", Description="c", VpcId=SOURCE_VPC)["GroupId"]
    run = world.migrate(SOURCE_VPC, target, options=(*OPTIONS, "--policy", "create-only")).ended(2)
    assert run.written == {"CreateSecurityGroup": 1}
    assert copy_of(world, made, target)
    assert (443, "0.0.0.0/0") not in ports(copy_of(world, "sg-web", target))


def test_what_does_not_carry_our_mark_never_changes(world: Stage) -> None:
    """*Groups and ACLs without our mark never change*, in no run of any policy, with pruning and adopting others."""
    world.load(estate())
    target = world.empty()
    there = world.client()
    mine = there.create_security_group(GroupName="theirs", Description="d", VpcId=target)["GroupId"]
    there.authorize_security_group_ingress(GroupId=mine, IpPermissions=allow(22, "0.0.0.0/0"))
    there.create_network_acl(VpcId=target)
    there.create_managed_prefix_list(
        PrefixListName="office", MaxEntries=3, AddressFamily="IPv4", Entries=[{"Cidr": "192.0.2.0/24"}]
    )
    before = world.everything()
    for options in (
        (),
        ("--policy", "upsert-only"),
        ("--prune",),
        ("--adopt", "nothing-*"),
        ("--match-by-name",),
    ):
        world.migrate(SOURCE_VPC, target, options=(*OPTIONS, *options)).ended(0)
    after = world.everything()
    ours = [i["GroupId"] for i in after["groups"] if source_of(i)] + [
        i["NetworkAclId"] for i in after["acls"] if source_of(i)
    ]
    ours += [i["PrefixListId"] for i in after["lists"] if source_of(i)]
    assert others(after, *ours) == before
    assert len(ours) == 4


# --- the default group and ACL


def test_defaults_stay_as_they_are_without_adopt(world: Stage) -> None:
    """*Without ``--adopt default`` they stay as they are and, where they differ, stand in not_compared.*"""
    document = estate()
    document["SecurityGroups"][0]["IpPermissions"][0] |= {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2}
    document["NetworkAcls"][0]["Entries"][0]["RuleNumber"] = 90
    document["SecurityGroups"][1]["IpPermissions"][0]["UserIdGroupPairs"] = [{"GroupId": "sg-default"}]
    world.load(document)
    target = world.empty()
    before = [world.group("default", target), next(i for i in world.acls(target) if i["IsDefault"])]
    run = world.migrate(SOURCE_VPC, target, options=OPTIONS).ended(0)
    assert [world.group("default", target), next(i for i in world.acls(target) if i["IsDefault"])] == before
    kinds = {
        item["resource"]["type"]
        for item in run.json["verify"]["not_compared"]
        if "--adopt default" in item["why"]
    }
    assert kinds == {"security-group", "network-acl"}
    assert run.json["verify"]["complete"] is False
    pairs = {
        rule[4][1]
        for rule, _ in flat_rules(copy_of(world, "sg-web", target))
        if rule[0] == "in" and rule[4][0] == "group"
    }
    assert pairs == {before[0]["GroupId"]}  # references to default go to the target's default
    assert world.verify(SOURCE_VPC, target, options=(*OPTIONS, "--complete")).code == 2


def test_adopt_default_brings_both_in_line(world: Stage) -> None:
    document = estate()
    document["SecurityGroups"][0]["IpPermissions"] = []
    document["NetworkAcls"][0]["Entries"][0]["RuleNumber"] = 90
    world.load(document)
    target = world.empty()
    run = world.migrate(SOURCE_VPC, target, options=(*OPTIONS, "--adopt", "default")).ended(0)
    assert source_of(world.group("default", target)) == "sg-default"
    assert ports(world.group("default", target)) == set()
    assert {source_of(i) for i in world.acls(target)} == {"acl-dmz", "acl-default"}
    assert run.json["verify"]["complete"] is True


def test_a_star_does_not_mean_default(world: Stage) -> None:
    """*``*`` does not mean ``default``.*"""
    target = carried(world, None, "--adopt", "*")
    assert source_of(world.group("default", target)) == ""


# --- adopting


def taken(world: Stage, **tags: str) -> tuple[str, str]:
    """A target VPC in which ``web`` exists already, with a rule of its own."""
    world.load(estate())
    target = world.empty()
    there = world.client()
    mine = there.create_security_group(GroupName="WEB", Description="theirs", VpcId=target)["GroupId"]
    there.authorize_security_group_ingress(GroupId=mine, IpPermissions=allow(22, "192.0.2.0/24"))
    if tags:
        there.create_tags(
            Resources=[mine],
            Tags=[{"Key": key.replace("__", ":"), "Value": value} for key, value in tags.items()],
        )
    return target, mine


def test_a_name_that_is_taken_is_refused(world: Stage) -> None:
    """*Where a copy needs its name, that is refused, unless ``--adopt GLOB`` takes it over*; compared as EC2 does."""
    target, _ = taken(world)
    before = world.everything()
    world.migrate(SOURCE_VPC, target, options=OPTIONS).refused(3, "web", "WEB", "--adopt", "--rename")
    assert world.everything() == before


def test_adopted_it_is_marked_and_brought_in_line(world: Stage) -> None:
    """*It is marked and brought in line, and the plan shows what it loses*; *descriptions of groups cannot
    change: a difference there is a finding.*"""
    target, mine = taken(world)
    run = world.migrate(SOURCE_VPC, target, options=(*OPTIONS, "--adopt", "w*")).ended(0)
    copy = copy_of(world, "sg-web", target)
    assert copy["GroupId"] == mine
    assert ports(copy) == {(443, "0.0.0.0/0"), (80, "10.20.1.0/24")}
    assert any(c["action"] == "RevokeSecurityGroupIngress" for c in run.json["changes"])
    assert "description-differs" in run.finding_ids()
    assert not world.migrate(SOURCE_VPC, target, options=OPTIONS).ended(0).written


def test_renamed_it_needs_nobody_elses_name(world: Stage) -> None:
    target, mine = taken(world)
    world.migrate(SOURCE_VPC, target, options=(*OPTIONS, "--rename", "web=web-copy")).ended(0)
    assert copy_of(world, "sg-web", target)["GroupName"] == "web-copy"
    assert ports(next(i for i in world.groups(target) if i["GroupId"] == mine)) == {(22, "192.0.2.0/24")}


@pytest.mark.parametrize("tags", [{"kubernetes.io/cluster/prod": "owned"}, {"eks__cluster-name": "prod"}])
def test_other_managers_need_a_word_more(world: Stage, tags: dict[str, str]) -> None:
    """*Groups with marks of other managers … also need ``--adopt-managed``.*"""
    target, _ = taken(world, **tags)
    world.migrate(SOURCE_VPC, target, options=(*OPTIONS, "--adopt", "web")).refused(3, "--adopt-managed")
    world.migrate(SOURCE_VPC, target, options=(*OPTIONS, "--adopt", "web", "--adopt-managed")).ended(0)


def test_a_group_of_the_mesh_is_refused(world: Stage) -> None:
    target, _ = taken(world, twinwall__mesh="prod")
    world.migrate(SOURCE_VPC, target, options=(*OPTIONS, "--adopt", "web", "--adopt-managed")).refused(
        3, "mesh"
    )


def test_verify_pairs_by_name_with_adopt(world: Stage) -> None:
    """*``verify`` writes nothing: there ``--adopt GLOB`` pairs groups by name, ACLs by Name tag.*"""
    target, _ = taken(world)
    alone = world.verify(
        SOURCE_VPC, target, options=(*OPTIONS, "--group", "web", "--adopt", "*", "--outside", "skip")
    ).ended(2)
    assert {d["resource"]["name"] for d in alone.json["differences"]} == {"WEB"}
    assert not alone.written


# --- replaced sources, CloudFormation


def test_a_replaced_source_group_finds_its_copy(world: Stage) -> None:
    """*A source group that was replaced (same name, new id) finds its copy again*: re-marked and kept."""
    target = carried(world)
    copy = copy_of(world, "sg-db", target)["GroupId"]
    client = here(world)
    client.revoke_security_group_egress(
        GroupId="sg-web",
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 5432,
                "ToPort": 5432,
                "UserIdGroupPairs": [{"GroupId": "sg-db"}],
            }
        ],
    )
    client.delete_security_group(GroupId="sg-db")
    new = client.create_security_group(GroupName="db", Description="about db", VpcId=SOURCE_VPC)["GroupId"]
    client.authorize_security_group_ingress(
        GroupId=new,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 5432,
                "ToPort": 5432,
                "UserIdGroupPairs": [{"GroupId": "sg-web", "Description": "from web"}],
            }
        ],
    )
    client.authorize_security_group_egress(
        GroupId="sg-web",
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": new}]}
        ],
    )
    run = world.migrate(SOURCE_VPC, target, options=OPTIONS).ended(0)
    assert copy_of(world, new, target)["GroupId"] == copy
    assert run.written == {"CreateTags": 1, "RevokeSecurityGroupIngress": 1}
    assert not world.migrate(SOURCE_VPC, target, options=(*OPTIONS, "--prune")).ended(0).written


LOGICAL = "aws:cloudformation:logical-id"


def of_stack(stack: str, logical: str) -> dict[str, str]:
    return {LOGICAL: logical, "aws:cloudformation:stack-name": stack}


def stacks(world: Stage) -> None:
    """Two stacks of one template: other physical names, the same logical ids."""
    document = source(
        group(
            "sg-web",
            "net-Web-AAAA",
            "in tcp 443 0.0.0.0/0",
            "out tcp 5432 sg-db",
            tags=of_stack("net", "Web"),
        ),
        group("sg-db", "net-Db-AAAA", "in tcp 5432 sg-web", DEFAULT_EGRESS, tags=of_stack("net", "Db")),
        acls=[acl("acl-1", "in 100 allow tcp 443 0.0.0.0/0", tags=of_stack("net", "Acl"))],
        region=HERE,
    )
    where: Any = {"vpc": "vpc-base", "owner": B}
    base = source(
        group("sg-1", "dr-Web-BBBB", DEFAULT_EGRESS, tags=of_stack("dr", "Web"), **where),
        group("sg-2", "dr-Db-BBBB", DEFAULT_EGRESS, tags=of_stack("dr", "Db"), **where),
        group("sg-3", "dr-Other-BBBB", "in tcp 1 0.0.0.0/0", tags=of_stack("dr", "Other"), **where),
        acls=[acl("acl-b", vpc="vpc-base", tags=of_stack("dr", "Acl"))],
        region=THERE,
        account=B,
    )
    base["Vpcs"] = [{"VpcId": "vpc-base", "CidrBlock": "10.20.0.0/16", "OwnerId": B}]
    base["SecurityGroups"] = base["SecurityGroups"][1:]
    base["NetworkAcls"] = base["NetworkAcls"][1:]
    world.load(document)
    world.load(base, B, THERE)


def test_into_a_base_that_cloudformation_made(world: Stage) -> None:
    """*Into a base that CloudFormation made (other physical names, same logical ids): ``--match-cloudformation
    --adopt GLOB --adopt-managed`` keeps its groups and ACLs in step.*"""
    stacks(world)
    asked = ("--match-cloudformation", "--adopt", "dr-*", "--adopt", "acl-b", "--outside", "fail")
    world.migrate(SOURCE_VPC, "vpc-base", options=asked).refused(3, "--adopt-managed")
    options = (*asked, "--adopt-managed")
    run = world.migrate(SOURCE_VPC, "vpc-base", options=options).ended(0)
    assert not run.written["CreateSecurityGroup"]
    assert not run.written["CreateNetworkAcl"]
    assert {source_of(i): i["GroupName"] for i in world.groups("vpc-base") if source_of(i)} == {
        "sg-web": "dr-Web-BBBB",
        "sg-db": "dr-Db-BBBB",
    }
    assert ports(world.group("dr-Other-BBBB", "vpc-base")) == {(1, "0.0.0.0/0")}
    here(world).authorize_security_group_ingress(GroupId="sg-web", IpPermissions=allow(8443, "0.0.0.0/0"))
    again = world.migrate(SOURCE_VPC, "vpc-base", options=options).ended(0)
    assert again.written == {"AuthorizeSecurityGroupIngress": 1}


# --- pruning, too much change


def gone(world: Stage) -> tuple[str, str]:
    """The source has lost its group db and its ACL."""
    target = carried(world)
    copy = copy_of(world, "sg-db", target)["GroupId"]
    here(world).revoke_security_group_egress(
        GroupId="sg-web",
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 5432,
                "ToPort": 5432,
                "UserIdGroupPairs": [{"GroupId": "sg-db"}],
            }
        ],
    )
    here(world).delete_security_group(GroupId="sg-db")
    here(world).delete_network_acl(NetworkAclId="acl-dmz")
    return target, copy


def test_copies_are_deleted_only_with_prune(world: Stage) -> None:
    """*Copies are deleted only with ``--prune``, only if a complete read no longer shows their source, and only if
    unused.*"""
    target, copy = gone(world)
    kept = world.migrate(SOURCE_VPC, target, options=OPTIONS).ended(0)
    assert not any(name.startswith("Delete") for name in kept.written)
    assert [f["id"] for f in kept.findings].count("copy-without-source") == 2
    run = world.migrate(SOURCE_VPC, target, options=(*OPTIONS, "--prune")).ended(0)
    assert run.written["DeleteSecurityGroup"] == 1
    assert run.written["DeleteNetworkAcl"] == 1
    assert copy not in {item["GroupId"] for item in world.groups(target)}
    assert run.json["verify"]["equal"] is True


def test_a_copy_in_use_is_not_pruned(world: Stage) -> None:
    target, copy = gone(world)
    subnet_id = world.client().create_subnet(VpcId=target, CidrBlock="10.20.1.0/24")["Subnet"]["SubnetId"]
    world.client().create_network_interface(SubnetId=subnet_id, Groups=[copy])
    run = world.migrate(SOURCE_VPC, target, options=(*OPTIONS, "--prune"))
    assert not run.written["DeleteSecurityGroup"], run.stderr
    assert "prune-in-use" in run.finding_ids()
    assert copy in {item["GroupId"] for item in world.groups(target)}


def test_leaving_the_selection_never_deletes(world: Stage) -> None:
    """*Leaving the selection never deletes*, nor does a file that holds only part."""
    target = carried(world)
    run = world.migrate(
        SOURCE_VPC, target, options=(*OPTIONS, "--prune", "--group", "web", "--outside", "skip")
    )
    assert not any(name.startswith("Delete") for name in run.written)
    assert {source_of(item) for item in world.groups(target)} >= {"sg-web", "sg-db"}
    part = estate()
    part["SecurityGroups"] = [g for g in part["SecurityGroups"] if g["GroupName"] == "web"]
    run = world.migrate(world.save(part), target, options=(*OPTIONS, "--prune", "--outside", "skip"))
    assert not any(name.startswith("Delete") for name in run.written)


def test_too_much_change_is_refused(world: Stage) -> None:
    """*``--max-change PERCENT`` (default 30, from 10 rules up) …; ``--force`` overrides.*"""
    texts = [f"in tcp {n} 0.0.0.0/0" for n in range(1, 21)]
    target = carried(world, source(group("sg-web", "web", *texts, DEFAULT_EGRESS), region=HERE))
    for n in range(1, 11):
        here(world).revoke_security_group_ingress(GroupId="sg-web", IpPermissions=allow(n, "0.0.0.0/0"))
    world.migrate(SOURCE_VPC, target, options=OPTIONS).refused(3, "10 of 21", "30 %", "--force")
    world.migrate(SOURCE_VPC, target, options=(*OPTIONS, "--max-change", "45")).refused(3, "45 %")
    world.migrate(SOURCE_VPC, target, options=(*OPTIONS, "--max-change", "50")).ended(0)
    assert len(ports(copy_of(world, "sg-web", target))) == 10


def test_force_overrides(world: Stage) -> None:
    texts = [f"in tcp {n} 0.0.0.0/0" for n in range(1, 21)]
    target = carried(world, source(group("sg-web", "web", *texts, DEFAULT_EGRESS), region=HERE))
    for n in range(1, 16):
        here(world).revoke_security_group_ingress(GroupId="sg-web", IpPermissions=allow(n, "0.0.0.0/0"))
    world.migrate(SOURCE_VPC, target, options=(*OPTIONS, "--force")).ended(0)
    assert len(ports(copy_of(world, "sg-web", target))) == 5


# --- which


def test_a_selection_and_what_it_refers_to(world: Stage) -> None:
    """*``--group`` … narrow it*; ``--outside fail`` refuses what leads out of it, ``follow`` brings it along."""
    world.load(estate())
    target = world.empty()
    world.migrate(SOURCE_VPC, target, options=(*OPTIONS, "--group", "web")).refused(
        3, "web", "db", "--outside follow"
    )
    followed = world.migrate(
        SOURCE_VPC, target, options=(*OPTIONS, "--group", "web", "--outside", "follow")
    ).ended(0)
    assert {source_of(item) for item in world.groups(target)} == {"", "sg-web", "sg-db"}
    assert not any("Acl" in name for name in followed.written)


def test_only_and_exclude(world: Stage) -> None:
    world.load(estate())
    target = world.empty()
    acls_only = world.migrate(SOURCE_VPC, target, options=(*OPTIONS, "--only", "nacls")).ended(0)
    assert not any("SecurityGroup" in name for name in acls_only.written)
    groups_only = world.migrate(
        SOURCE_VPC, target, options=(*OPTIONS, "--only", "groups", "--exclude", "d*", "--outside", "skip")
    ).ended(0)
    assert {source_of(item) for item in world.groups(target)} == {"", "sg-web"}
    assert not groups_only.calls["DescribeNetworkAcls"]


def test_a_group_mapped_onto_addresses_or_another(world: Stage) -> None:
    """*``--map-group SRC=DST`` (DST a group of the target, or CIDRs).*"""
    world.load(estate())
    target = world.empty()
    own = world.client().create_security_group(GroupName="shared-db", Description="d", VpcId=target)[
        "GroupId"
    ]
    options = (*OPTIONS, "--group", "web", "--only", "groups")
    world.migrate(SOURCE_VPC, target, options=(*options, "--map-group", f"sg-db={own}")).ended(0)
    assert ports(copy_of(world, "sg-web", target), "out") == {(5432, own)}
    world.migrate(SOURCE_VPC, target, options=(*options, "--map-group", "db=10.1.0.0/24,10.2.0.0/24")).ended(
        0
    )
    assert ports(copy_of(world, "sg-web", target), "out") == {(5432, "10.1.0.0/24"), (5432, "10.2.0.0/24")}
    assert [i["GroupName"] for i in world.groups(target) if i["GroupId"] == own] == ["shared-db"]


# --- subnets


def with_subnets() -> Json:
    return source(
        acls=[
            acl(
                "acl-dmz",
                "in 100 allow tcp 443 0.0.0.0/0",
                subnets=["subnet-1", "subnet-2"],
                tags={"Name": "dmz"},
            ),
            acl("acl-app", "in 100 allow tcp 80 0.0.0.0/0", subnets=["subnet-3"], tags={"Name": "app"}),
        ],
        subnets=[
            subnet("subnet-1", "10.0.1.0/24", "a", "one"),
            subnet("subnet-2", "10.0.2.0/24", "b"),
            subnet("subnet-3", "10.0.3.0/24", "a", "three"),
        ],
        region=HERE,
    )


def associated(world: Stage, target: str) -> dict[str, str]:
    return {a["SubnetId"]: source_of(item) for item in world.acls(target) for a in item["Associations"]}


def test_a_copy_does_not_swap_a_live_subnets_acl_unasked(world: Stage) -> None:
    """*Default ``none``*; *``auto``: same Name tag, else same position of CIDR and zone*; *``SUBNET=SUBNET``*; *a
    new ACL is complete before any subnet is associated.*"""
    world.load(with_subnets())
    target = world.empty(
        subnets=[("10.20.77.0/24", "b", "one"), ("10.20.2.0/24", "b", ""), ("10.20.9.0/24", "a", "nine")]
    )
    one, two, nine = (
        s["SubnetId"]
        for s in sorted(
            world.client().describe_subnets(Filters=[{"Name": "vpc-id", "Values": [target]}])["Subnets"],
            key=lambda s: ["10.20.77.0/24", "10.20.2.0/24", "10.20.9.0/24"].index(s["CidrBlock"]),
        )
    )
    world.migrate(SOURCE_VPC, target).ended(0)
    assert set(associated(world, target).values()) == {""}
    run = world.migrate(SOURCE_VPC, target, options=("--associate", "auto")).ended(0)
    assert associated(world, target) == {one: "acl-dmz", two: "acl-dmz", nine: ""}
    assert "subnet-unmatched" in run.finding_ids()
    run = world.migrate(SOURCE_VPC, target, options=("--associate", f"subnet-3={nine}")).ended(0)
    assert run.written == {"ReplaceNetworkAclAssociation": 1}
    assert associated(world, target)[nine] == "acl-app"


def test_associations_come_after_every_entry(world: Stage) -> None:
    world.load(with_subnets())
    target = world.empty(subnets=[("10.20.1.0/24", "a", "one"), ("10.20.3.0/24", "a", "three")])
    actions = world.migrate(SOURCE_VPC, target, options=("--associate", "auto")).ended(0).actions()
    assert "ReplaceNetworkAclAssociation" not in actions[: actions.index("CreateNetworkAclEntry")]
    last_entry = max(n for n, name in enumerate(actions) if name == "CreateNetworkAclEntry")
    assert min(n for n, name in enumerate(actions) if name == "ReplaceNetworkAclAssociation") > last_entry


def test_ambiguous_subnets_are_refused_with_the_candidates(world: Stage) -> None:
    world.load(with_subnets())
    target = world.empty(subnets=[("10.20.1.0/24", "a", "one"), ("10.20.5.0/24", "b", "one")])
    run = world.migrate(SOURCE_VPC, target, options=("--associate", "auto")).refused(3, "2 subnets")
    assert run.line.count("subnet-") >= 3
