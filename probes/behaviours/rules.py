"""Rules of groups as they are written, answered and read (aws-facts 1.1)."""

from probes.registry import probe
from probes.trial import HOME, NOBODY, Json, Trial, pairs, peers_of, tags, tcp

AUTHORIZE = "B AuthorizeSecurityGroupIngress"
PROTOCOL = "B IpPermission.IpProtocol"
FLAT = "B SecurityGroupRule"
SELF = "10.0.0.0/8"
ALL: Json = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


# --- shapes


@probe("1.1", "a described permission has its peers by kind, each with its description", "B IpPermission")
def permission_shape(t: Trial) -> None:
    vpc = t.vpc()
    group, listed = t.group(vpc), t.prefix_list("10.9.0.0/16")
    t.allow(group, tcp(22, SELF, "2001:db8::/32", group, listed, description="d"))
    (found,) = t.described(group)["IpPermissions"]
    t.same((found["IpProtocol"], found["FromPort"], found["ToPort"]), ("tcp", 22, 22))
    t.same(found["IpRanges"], [{"CidrIp": SELF, "Description": "d"}])
    t.same(found["Ipv6Ranges"], [{"CidrIpv6": "2001:db8::/32", "Description": "d"}])
    t.same(found["PrefixListIds"], [{"PrefixListId": listed, "Description": "d"}])
    (pair,) = found["UserIdGroupPairs"]
    t.same((pair["GroupId"], pair["UserId"], pair["Description"]), (group, t.account, "d"))


@probe("1.1", "one flat rule has exactly one peer, an id and an ARN", FLAT)
def flat_shape(t: Trial) -> None:
    group = t.group()
    t.allow(group, tcp(22, SELF, description="d"))
    (rule,) = t.rules(group, egress=False)
    id_ = rule["SecurityGroupRuleId"]
    t.true(id_.startswith("sgr-"), id_)
    wanted = {
        "GroupId": group,
        "GroupOwnerId": t.account,
        "IsEgress": False,
        "IpProtocol": "tcp",
        "FromPort": 22,
        "ToPort": 22,
        "CidrIpv4": SELF,
        "Description": "d",
        "SecurityGroupRuleArn": f"arn:aws:ec2:{HOME}:{t.account}:security-group-rule/{id_}",
    }
    t.same({key: rule.get(key) for key in wanted}, wanted)
    t.same([key for key in ("CidrIpv6", "PrefixListId", "ReferencedGroupInfo") if key in rule], [])


@probe("1.1", "a rule's group is told as ReferencedGroupInfo", "B ReferencedSecurityGroup")
def flat_reference(t: Trial) -> None:
    group = t.group()
    t.allow(group, tcp(22, group))
    (rule,) = t.rules(group, egress=False)
    info = rule["ReferencedGroupInfo"]
    t.same((info["GroupId"], info["UserId"]), (group, t.account))


@probe("1.1", "Authorize…Ingress answers one rule for each peer", "CLI authorize-security-group-ingress; B")
def ingress_answers_rules(t: Trial) -> None:
    vpc = t.vpc()
    group, other = t.group(vpc), t.group(vpc)
    answer = t.allow(
        group,
        tcp(22, SELF, description="v4"),
        tcp(23, "2001:db8::/32", description="v6"),
        tcp(24, other, description="group"),
        {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, **peers_of([SELF], "ping")},
        {"IpProtocol": "-1", **peers_of(["10.1.0.0/16"], "all")},
    )
    found = answer["SecurityGroupRules"]
    t.same(answer["Return"], True)
    t.same(sorted(r.get("Description", "") for r in found), ["all", "group", "ping", "v4", "v6"])
    t.same(len({rule["SecurityGroupRuleId"] for rule in found}), 5)


@probe("1.1", "Authorize…Egress answers its rules, IsEgress", "CLI authorize-security-group-egress")
def egress_answers_rules(t: Trial) -> None:
    group = t.group()
    permissions = [tcp(22, SELF), tcp(23, "2001:db8::/32"), tcp(24, group), tcp(25, "10.1.0.0/16")]
    answer = t.ec2.authorize_security_group_egress(GroupId=group, IpPermissions=permissions)
    t.same([rule["IsEgress"] for rule in answer["SecurityGroupRules"]], [True] * 4)


@probe("1.1", "rules are found by group, id and tag", "B DescribeSecurityGroupRules")
def flat_filters(t: Trial) -> None:
    group = t.group()
    t.allow(group, tcp(22, SELF), TagSpecifications=tags("security-group-rule", team=t.name()))
    (rule,) = t.rules(group, egress=False)
    team = pairs(rule["Tags"])["team"]
    for name, value in (
        ("security-group-rule-id", rule["SecurityGroupRuleId"]),
        ("tag:team", team),
    ):
        found = t.ec2.describe_security_group_rules(Filters=[{"Name": name, "Values": [value]}])
        t.same(
            [each["SecurityGroupRuleId"] for each in found["SecurityGroupRules"]],
            [rule["SecurityGroupRuleId"]],
        )


@probe("1.1", "rules have no filter for the VPC", "B DescribeSecurityGroupRules")
def flat_filter_vpc(t: Trial) -> None:
    call = t.ec2.describe_security_group_rules
    t.refused("InvalidParameterValue", call, Filters=[{"Name": "vpc-id", "Values": [t.vpc()]}])


@probe("1.1", "rules come in pages of MaxResults with a NextToken", "B; BR paginators-1")
def rules_in_pages(t: Trial) -> None:
    group = t.group()
    t.allow(group, *(tcp(port, SELF) for port in range(1, 12)))
    filters = [{"Name": "group-id", "Values": [group]}]
    pages = t.pages("describe_security_group_rules", "SecurityGroupRules", 5, Filters=filters)
    t.same([len(page) for page in pages], [5, 5, 2])


@probe("1.1", "DescribeSecurityGroupRules takes MaxResults from 5 to 1,000", "B DescribeSecurityGroupRules")
def rule_page_size(t: Trial) -> None:
    for size in (4, 1001):
        t.refused("InvalidParameterValue", t.ec2.describe_security_group_rules, MaxResults=size)


@probe("1.1", "rules are described by their ids", "B DescribeSecurityGroupRules")
def rules_by_id(t: Trial) -> None:
    group = t.group()
    t.allow(group, tcp(22, SELF), tcp(23, SELF))
    ids = sorted(rule["SecurityGroupRuleId"] for rule in t.rules(group, egress=False))
    found = t.ec2.describe_security_group_rules(SecurityGroupRuleIds=ids)["SecurityGroupRules"]
    t.same(sorted(rule["SecurityGroupRuleId"] for rule in found), ids)


@probe("3.5", "an unknown rule id is InvalidSecurityGroupRuleId.NotFound", "TF errors.go")
def unknown_rule_id(t: Trial) -> None:
    call = t.ec2.describe_security_group_rules
    t.refused("InvalidSecurityGroupRuleId.NotFound", call, SecurityGroupRuleIds=[f"sgr-{NOBODY}"])


@probe("1.1", "rules of one protocol and port stand in one permission", "CLI describe-security-groups")
def rules_grouped(t: Trial) -> None:
    group = t.group()
    t.allow(group, tcp(22, SELF))
    t.allow(group, tcp(22, "10.1.0.0/16"))
    t.allow(group, tcp(22, group))
    (found,) = t.described(group)["IpPermissions"]
    t.same((len(found["IpRanges"]), len(found["UserIdGroupPairs"])), (2, 1))


@probe("1.1", "a rule is given tags when it is made, and later", "B Authorize… TagSpecifications; CreateTags")
def rule_tags(t: Trial) -> None:
    group = t.group()
    answer = t.allow(group, tcp(22, SELF), TagSpecifications=tags("security-group-rule", a="1"))
    (rule,) = answer["SecurityGroupRules"]
    t.same(pairs(rule["Tags"]), {"a": "1"})
    t.ec2.create_tags(Resources=[rule["SecurityGroupRuleId"]], Tags=[{"Key": "b", "Value": "2"}])
    t.same(pairs(t.rules(group, egress=False)[0]["Tags"]), {"a": "1", "b": "2"})


@probe("1.1", "ingress takes the flat parameters of old", AUTHORIZE)
def flat_parameters(t: Trial) -> None:
    group = t.group()
    flat = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": SELF}
    t.ec2.authorize_security_group_ingress(GroupId=group, **flat)
    t.same([rule["CidrIpv4"] for rule in t.rules(group, egress=False)], [SELF])


@probe("1.1", "egress takes IpPermissions only", "B AuthorizeSecurityGroupEgress")
def no_flat_parameters(t: Trial) -> None:
    call, flat = t.ec2.authorize_security_group_egress, {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
    t.refused("InvalidParameterValue", call, GroupId=t.group(), CidrIp=SELF, **flat)


@probe("1.1", "a call without permissions is MissingParameter", AUTHORIZE)
def no_permissions(t: Trial) -> None:
    group = t.group()
    t.refused("MissingParameter", t.ec2.authorize_security_group_ingress, GroupId=group)
    t.refused("MissingParameter", t.ec2.revoke_security_group_egress, GroupId=group)


@probe("1.1", "a permission without a peer is refused", "B IpPermission")
def no_peer(t: Trial) -> None:
    permission = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
    t.refused("MissingParameter", t.allow, t.group(), permission)
