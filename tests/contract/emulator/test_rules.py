"""Probes of a group's rules: what is taken, in which form it comes back, what is refused."""

from typing import Any

import pytest

from twinwall.emulator.seed import empty_vpc
from twinwall.emulator.server import EmbeddedAws
from twinwall.emulator.switches import RULES_PER_GROUP, Switches

ONE, REGION = "210000000001", "eu-west-1"
Permission = dict[str, Any]


def tcp(first: int = 22, last: int | None = None, *cidrs: str) -> Permission:
    ranges = [{"CidrIp": cidr} for cidr in cidrs or ("10.0.0.0/8",)]
    return {"IpProtocol": "tcp", "FromPort": first, "ToPort": last or first, "IpRanges": ranges}


def permission(protocol: str, first: int | None, last: int | None, cidr: str = "10.0.0.0/8") -> Permission:
    key, section = ("CidrIpv6", "Ipv6Ranges") if ":" in cidr else ("CidrIp", "IpRanges")
    ports = {"FromPort": first, "ToPort": last}
    given = {name: port for name, port in ports.items() if port is not None}
    return {"IpProtocol": protocol, **given, section: [{key: cidr}]}


def ingress(ec2: Any, group: str) -> list[Permission]:
    found: list[Permission] = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0][
        "IpPermissions"
    ]
    return found


def flat(ec2: Any, group: str, egress: bool = False) -> list[dict[str, Any]]:
    filters = [{"Name": "group-id", "Values": [group]}]
    rules = ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
    return [rule for rule in rules if rule["IsEgress"] is egress]


@pytest.mark.parametrize(
    ("given", "shown", "source"),
    [
        (("6", 22, 22), ("tcp", 22, 22), "aws-facts 1.4: numbers come back as names"),
        (("TCP", 22, 22), ("tcp", 22, 22), "aws-facts 1.4"),
        (("17", 53, 53), ("udp", 53, 53), "aws-facts 1.4"),
        (("1", 8, -1), ("icmp", 8, -1), "aws-facts 1.4: type and code"),
        (("icmp", -1, -1), ("icmp", -1, -1), "aws-facts 1.4: all types"),
        (("58", None, None), ("icmpv6", -1, -1), "aws-facts 1.4: icmpv6 may omit them"),
        (("50", 1, 2), ("50", None, None), "aws-facts 1.4: ports of others are ignored"),
        (("-1", 0, 0), ("-1", None, None), "aws-facts 1.4: absent for -1"),
        (("tcp", 0, 65535), ("tcp", 0, 65535), "aws-facts 1.4"),
    ],
)
def test_protocols_and_ports(ec2: Any, group: str, given: Any, shown: Any, source: str) -> None:
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission(*given)])
    (found,) = ingress(ec2, group)
    assert (found["IpProtocol"], found.get("FromPort"), found.get("ToPort")) == shown
    (rule,) = flat(ec2, group)
    expected = (shown[0], -1 if shown[1] is None else shown[1], -1 if shown[2] is None else shown[2])
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == expected, "aws-facts trap 4"


@pytest.mark.parametrize(
    ("given", "code", "source"),
    [
        (permission("tcpp", 1, 1), "InvalidParameterValue", "B IpPermission.IpProtocol"),
        (permission("256", 1, 1), "InvalidParameterValue", "B IpPermission.IpProtocol"),
        (permission("all", 1, 1), "InvalidParameterValue", "the CLI's word, not the API's"),
        (permission("tcp", None, None), "InvalidParameterValue", "aws-facts 1.4: tcp needs ports"),
        (permission("tcp", 22, None), "InvalidParameterValue", "aws-facts 1.4"),
        (permission("tcp", 23, 22), "InvalidParameterValue", "the lower first"),
        (permission("tcp", -1, -1), "InvalidParameterValue", "0 to 65535"),
        (permission("udp", 0, 65536), "InvalidParameterValue", "0 to 65535"),
        (permission("icmp", None, None), "InvalidParameterValue", "aws-facts 1.4: icmp needs type and code"),
        (permission("icmp", -1, 0), "InvalidParameterValue", "aws-facts 1.4: type -1 requires code -1"),
        (permission("icmp", 256, 0), "InvalidParameterValue", "a byte"),
        (permission("tcp", 1, 1, "10.0.0.0/33"), "InvalidParameterValue", "aws-facts 1.5"),
        (permission("tcp", 1, 1, "10.0.0.1"), "InvalidParameterValue", "aws-facts 1.5: lone address"),
        (permission("tcp", 1, 1, "2001:db8::1"), "InvalidParameterValue", "aws-facts 1.5: lone address"),
        ({"IpProtocol": "-1"}, "MissingParameter", "B IpPermission: a rule has a peer"),
        ({"IpRanges": [{"CidrIp": "10.0.0.0/8"}]}, "MissingParameter", "B IpPermission.IpProtocol"),
        (
            {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "a<b"}]},
            "InvalidParameterValue",
            "aws-facts 1.2: rule description",
        ),
        (
            {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "x" * 256}]},
            "InvalidParameterValue",
            "aws-facts 1.2: up to 255",
        ),
    ],
)
def test_rules_that_are_refused(
    ec2: Any, group: str, refuses: Any, given: Permission, code: str, source: str
) -> None:
    """All or nothing: the good permission beside it is not taken either (aws-facts 1.6)."""
    with refuses(code):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(443), given])
    assert ingress(ec2, group) == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("100.68.0.18/18", "100.68.0.0/18"),
        ("10.0.0.5/8", "10.0.0.0/8"),
        ("2001:DB8:0:0::5/32", "2001:db8::/32"),
        ("0:0::/0", "::/0"),
    ],
)
def test_cidrs_come_back_canonical(ec2: Any, group: str, refuses: Any, given: str, kept: str) -> None:
    """aws-facts 1.5; the twin that is not canonical is a duplicate."""
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission("-1", None, None, given)])
    (rule,) = flat(ec2, group)
    assert rule.get("CidrIpv4", rule.get("CidrIpv6")) == kept
    with refuses("InvalidPermission.Duplicate"):
        ec2.authorize_security_group_ingress(
            GroupId=group, IpPermissions=[permission("-1", None, None, kept)]
        )


def test_one_rule_per_peer_with_ids_and_descriptions(ec2: Any, group: str) -> None:
    """emulators.md: SecurityGroupRules has all of the batch, with its descriptions."""
    given = [
        {
            "IpProtocol": "tcp",
            "FromPort": 443,
            "ToPort": 443,
            "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "v4"}],
            "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32", "Description": "v6"}],
            "UserIdGroupPairs": [{"GroupId": group, "Description": "self"}],
        },
        {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.1.0.0/16"}]},
    ]
    answer = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=given)
    rules = answer["SecurityGroupRules"]
    assert answer["Return"] is True
    assert [rule.get("Description") for rule in rules] == ["v4", "v6", "self", None]
    assert rules[2]["ReferencedGroupInfo"] == {"GroupId": group, "UserId": ONE}
    assert {rule["GroupOwnerId"] for rule in rules} == {ONE}
    assert all(rule["SecurityGroupRuleId"].startswith("sgr-") for rule in rules)
    assert flat(ec2, group) == rules
    (first, _) = ingress(ec2, group)
    assert first["UserIdGroupPairs"] == [{"GroupId": group, "UserId": ONE, "Description": "self"}]


def test_egress_rules(ec2: Any, group: str) -> None:
    """emulators.md: IsEgress; the flat parameters are not supported (aws-facts 1.1)."""
    answer = ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[tcp(25)])
    assert answer["SecurityGroupRules"][0]["IsEgress"] is True
    assert len(flat(ec2, group, egress=True)) == 2


def test_the_flat_parameters(ec2: Any, group: str, refuses: Any) -> None:
    """B AuthorizeSecurityGroupIngressRequest; aws-facts 1.1 for egress."""
    old = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "10.0.0.0/8"}
    ec2.authorize_security_group_ingress(GroupId=group, **old)
    assert len(ingress(ec2, group)) == 1
    with refuses("InvalidParameterValue"):
        ec2.authorize_security_group_egress(GroupId=group, **old)


@pytest.mark.parametrize("description", ["", "another"])
def test_duplicates_against_the_group(ec2: Any, group: str, refuses: Any, description: str) -> None:
    """aws-facts 1.5: the description is no part of a rule; 1.6: nothing of the batch is added."""
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(22)])
    twin = tcp(22)
    twin["IpRanges"][0]["Description"] = description
    with refuses("InvalidPermission.Duplicate"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(80), twin])
    assert len(flat(ec2, group)) == 1


def test_duplicates_inside_one_request(ec2: Any, group: str, refuses: Any) -> None:
    """aws-facts 1.5: InvalidParameterValue, "The same permission must not appear multiple times"."""
    with refuses("InvalidParameterValue"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(22), tcp(22)])
    with refuses("InvalidParameterValue"):
        ec2.authorize_security_group_ingress(
            GroupId=group, IpPermissions=[tcp(22, 22, "10.0.0.5/8", "10.0.0.9/8")]
        )


# --- quotas


def blocks(count: int, family: int = 4) -> Permission:
    if family == 4:
        return {"IpProtocol": "-1", "IpRanges": [{"CidrIp": f"10.{n}.0.0/16"} for n in range(count)]}
    return {"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": f"2001:db8:{n:x}::/48"} for n in range(count)]}


def test_sixty_of_each_family_and_direction(ec2: Any, group: str, refuses: Any) -> None:
    """aws-facts 1.7: inbound and outbound apart, IPv4 and IPv6 apart."""
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[blocks(60), blocks(60, 6)])
    with refuses("RulesPerSecurityGroupLimitExceeded"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(1, 1, "192.0.2.0/24")])
    with refuses("RulesPerSecurityGroupLimitExceeded"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission("6", 1, 1, "::/0")])
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[blocks(59)])


def test_sixty_one_at_once(ec2: Any, group: str, refuses: Any) -> None:
    """emulators.md."""
    with refuses("RulesPerSecurityGroupLimitExceeded"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[blocks(61)])
    assert ingress(ec2, group) == []


def test_a_group_reference_counts_in_both_families(
    aws: EmbeddedAws, ec2: Any, group: str, refuses: Any
) -> None:
    """aws-facts 1.7 (older quotas text); a switch says otherwise."""
    pair = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[blocks(60, 6)])
    with refuses("RulesPerSecurityGroupLimitExceeded"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[pair])
    aws.set_switches(Switches(group_reference_counts_in_both_families=False))
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[pair])


def test_the_quota_can_be_set(aws: EmbeddedAws, ec2: Any, group: str, refuses: Any) -> None:
    """aws-facts 1.7: adjustable, for one Region of one account."""
    aws.set_quota(RULES_PER_GROUP, 1, ONE, REGION)
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(22)])
    with refuses("RulesPerSecurityGroupLimitExceeded"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(23)])


def make_list(ec2: Any, most: int, family: str = "IPv4") -> str:
    made = ec2.create_managed_prefix_list(PrefixListName="l", MaxEntries=most, AddressFamily=family)
    return str(made["PrefixList"]["PrefixListId"])


@pytest.mark.parametrize(("most", "fits"), [(60, True), (61, False)])
def test_a_list_counts_its_max_entries(ec2: Any, group: str, refuses: Any, most: int, fits: bool) -> None:
    """aws-facts trap 8, 1.7."""
    given = {
        "IpProtocol": "-1",
        "PrefixListIds": [{"PrefixListId": make_list(ec2, most), "Description": "x"}],
    }
    if fits:
        answer = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[given])
        assert answer["SecurityGroupRules"][0]["Description"] == "x"
        assert ingress(ec2, group)[0]["PrefixListIds"] == given["PrefixListIds"]
    else:
        with refuses("RulesPerSecurityGroupLimitExceeded"):
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[given])


def test_an_aws_managed_list_counts_its_weight(ec2: Any, group: str, refuses: Any) -> None:
    """aws-facts 1.7: CloudFront's weighs 55."""
    filters = [
        {"Name": "prefix-list-name", "Values": ["com.amazonaws.global.cloudfront.origin-facing"]},
    ]
    (found,) = ec2.describe_managed_prefix_lists(Filters=filters)["PrefixLists"]
    given = {"IpProtocol": "6", "FromPort": 443, "ToPort": 443}
    given["PrefixListIds"] = [{"PrefixListId": found["PrefixListId"]}]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[given, blocks(5)])
    with refuses("RulesPerSecurityGroupLimitExceeded"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(1, 1, "192.0.2.0/24")])


def test_an_unknown_list(ec2: Any, group: str, refuses: Any) -> None:
    """emulators.md."""
    given = {"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": "pl-0aaaaaaaaaaaaaaaa"}]}
    with refuses("InvalidPrefixListId.NotFound"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[given])


# --- revoked


def test_revoke_by_properties(ec2: Any, group: str) -> None:
    """aws-facts 1.1: the description is not needed; RevokedSecurityGroupRules."""
    given = tcp(22)
    given["IpRanges"][0]["Description"] = "ssh"
    made = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[given])["SecurityGroupRules"]
    answer = ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[tcp(22)])
    assert answer["Return"] is True
    (gone,) = answer["RevokedSecurityGroupRules"]
    assert gone["SecurityGroupRuleId"] == made[0]["SecurityGroupRuleId"]
    assert (gone["CidrIpv4"], gone["Description"], gone["IsEgress"]) == ("10.0.0.0/8", "ssh", False)
    assert ingress(ec2, group) == []


def test_revoke_all_traffic_with_ports(ec2: Any, group: str) -> None:
    """aws-facts 1.4: -1 with ports 0/0 is accepted (TF)."""
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[permission("-1", 0, 0, "0.0.0.0/0")])
    assert flat(ec2, group, egress=True) == []


def test_revoke_what_is_not_there(ec2: Any, group: str, refuses: Any) -> None:
    """aws-facts trap 3: in a VPC that is not the default one nothing is revoked."""
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(22)])
    with refuses("InvalidPermission.NotFound"):
        ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[tcp(22), tcp(23)])
    assert len(ingress(ec2, group)) == 1
    with refuses("InvalidPermission.NotFound"):
        ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[permission("-1", None, None, "::/0")])


def test_revoke_what_is_not_there_in_the_default_vpc(ec2: Any) -> None:
    """aws-facts trap 3: success, with UnknownIpPermissions; what is there goes."""
    group = ec2.create_security_group(GroupName="web", Description="d")["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(22)])
    answer = ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[tcp(22), tcp(23)])
    (unknown,) = answer["UnknownIpPermissions"]
    assert (unknown["FromPort"], unknown["ToPort"]) == (23, 23)
    assert ingress(ec2, group) == []


@pytest.mark.parametrize("egress", [False, True])
def test_revoke_by_rule_ids(ec2: Any, group: str, refuses: Any, egress: bool) -> None:
    """B RevokeSecurityGroupIngressRequest.SecurityGroupRuleIds; an id of the other direction is unknown."""
    call = ec2.revoke_security_group_egress if egress else ec2.revoke_security_group_ingress
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(22)])
    mine = flat(ec2, group, egress)[0]["SecurityGroupRuleId"]
    other = flat(ec2, group, not egress)[0]["SecurityGroupRuleId"]
    with refuses("InvalidSecurityGroupRuleId.NotFound"):
        call(GroupId=group, SecurityGroupRuleIds=[mine, other])
    call(GroupId=group, SecurityGroupRuleIds=[mine])
    assert flat(ec2, group, egress) == []


# --- modified, described anew


def body(cidr: str, port: int = 22, **more: Any) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIpv4": cidr, **more}


def test_modify_in_place(ec2: Any, group: str) -> None:
    """aws-facts 1.1: the body replaces the rule whole, its description too; id and tags stay."""
    given = tcp(22)
    given["IpRanges"][0]["Description"] = "ssh"
    (made,) = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[given])["SecurityGroupRules"]
    update = {"SecurityGroupRuleId": made["SecurityGroupRuleId"], "SecurityGroupRule": body("10.9.0.5/16")}
    ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[update])
    (rule,) = flat(ec2, group)
    assert rule["SecurityGroupRuleId"] == made["SecurityGroupRuleId"]
    assert rule["CidrIpv4"] == "10.9.0.0/16"
    assert "Description" not in rule


def test_modify_keeps_the_description_where_the_switch_says_so(
    aws: EmbeddedAws, ec2: Any, group: str
) -> None:
    """aws-facts 11."""
    aws.set_switches(Switches(modify_keeps_description=True))
    given = tcp(22)
    given["IpRanges"][0]["Description"] = "ssh"
    (made,) = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[given])["SecurityGroupRules"]
    update = {"SecurityGroupRuleId": made["SecurityGroupRuleId"], "SecurityGroupRule": body("10.9.0.0/16")}
    ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[update])
    assert flat(ec2, group)[0]["Description"] == "ssh"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"IpProtocol": "-1", "CidrIpv6": "::/0"}, "InvalidParameterValue"),
        (body("10.2.0.0/16"), "InvalidPermission.Duplicate"),
        (body("10.0.0.0/8", CidrIpv6="::/0"), "InvalidParameterCombination"),
    ],
)
def test_modifications_that_are_refused(
    ec2: Any, group: str, refuses: Any, change: dict[str, Any], code: str
) -> None:
    """aws-facts 1.1: the kind of the peer stays; one peer; no duplicate."""
    ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[tcp(22, 22, "10.1.0.0/16", "10.2.0.0/16")]
    )
    rule_id = flat(ec2, group)[0]["SecurityGroupRuleId"]
    with refuses(code):
        ec2.modify_security_group_rules(
            GroupId=group,
            SecurityGroupRules=[{"SecurityGroupRuleId": rule_id, "SecurityGroupRule": change}],
        )


def test_modify_an_unknown_rule(ec2: Any, group: str, refuses: Any) -> None:
    """aws-facts 3.5 (TF)."""
    update = {"SecurityGroupRuleId": "sgr-0aaaaaaaaaaaaaaaa", "SecurityGroupRule": body("10.0.0.0/8")}
    with refuses("InvalidSecurityGroupRuleId.NotFound"):
        ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[update])


def test_descriptions_by_permission(ec2: Any, group: str, refuses: Any) -> None:
    """aws-facts 1.1: set, replaced, removed by leaving it out."""
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(22)])
    given = tcp(22)
    given["IpRanges"][0]["Description"] = "new"
    ec2.update_security_group_rule_descriptions_ingress(GroupId=group, IpPermissions=[given])
    assert flat(ec2, group)[0]["Description"] == "new"
    ec2.update_security_group_rule_descriptions_ingress(GroupId=group, IpPermissions=[tcp(22)])
    assert "Description" not in flat(ec2, group)[0]
    with refuses("InvalidPermission.NotFound"):
        ec2.update_security_group_rule_descriptions_ingress(GroupId=group, IpPermissions=[tcp(23)])


def test_descriptions_by_rule_id(ec2: Any, group: str, refuses: Any) -> None:
    """emulators.md: moto does nothing here."""
    (rule,) = flat(ec2, group, egress=True)
    text = {"SecurityGroupRuleId": rule["SecurityGroupRuleId"], "Description": "out"}
    ec2.update_security_group_rule_descriptions_egress(GroupId=group, SecurityGroupRuleDescriptions=[text])
    assert flat(ec2, group, egress=True)[0]["Description"] == "out"
    with refuses("MissingParameter"):
        ec2.update_security_group_rule_descriptions_egress(GroupId=group)


@pytest.mark.parametrize("allowed", [True, False])
def test_an_ampersand_in_a_pairs_description(
    aws: EmbeddedAws, ec2: Any, group: str, refuses: Any, allowed: bool
) -> None:
    """aws-facts 11: not settled, so a switch."""
    aws.set_switches(Switches(ampersand_in_peer_descriptions=allowed))
    pair = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group, "Description": "a&b"}]}
    if allowed:
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[pair])
    else:
        with refuses("InvalidParameterValue"):
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[pair])


def test_same_traffic_is_one_permission(ec2: Any, group: str) -> None:
    """emulators.md: rules of one protocol and ports are grouped as AWS groups them."""
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(22)])
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(22, 22, "192.0.2.0/24")])
    (found,) = ingress(ec2, group)
    assert len(found["IpRanges"]) == 2


def test_a_group_in_the_default_vpc_by_name(ec2: Any) -> None:
    """B AuthorizeSecurityGroupIngressRequest.GroupName: default VPC only."""
    group = ec2.create_security_group(GroupName="web", Description="d")["GroupId"]
    ec2.authorize_security_group_ingress(GroupName="web", SourceSecurityGroupName="web")
    assert ingress(ec2, group)[0]["UserIdGroupPairs"][0]["GroupId"] == group


def test_a_pair_by_name_outside_the_default_vpc(aws: EmbeddedAws, ec2: Any, group: str, refuses: Any) -> None:
    """B UserIdGroupPair.GroupName: [Default VPC]."""
    empty_vpc(aws, ONE, REGION)
    pair = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupName": "web"}]}
    with refuses("InvalidParameterValue"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[pair])
