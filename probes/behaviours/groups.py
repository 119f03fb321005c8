"""Security groups: made, named, tagged, described, deleted (aws-facts 1.1 to 1.3)."""

from probes.registry import probe
from probes.trial import HOME, NOBODY, Trial, pairs, tags, tcp

GROUP = "B SecurityGroup"
NAME = "B CreateSecurityGroupRequest.GroupName"
DESCRIPTION = "B CreateSecurityGroupRequest.Description"
EVERYWHERE = {"0.0.0.0/0", "::/0"}


# --- made


@probe("1.1", "CreateSecurityGroup answers the id, the ARN and the tags", "B CreateSecurityGroupResult")
def create_answers_arn_and_tags(t: Trial) -> None:
    made = t.ec2.create_security_group(
        GroupName=t.name(), Description="d", VpcId=t.vpc(), TagSpecifications=tags("security-group", team="a")
    )
    t.same(made["SecurityGroupArn"], f"arn:aws:ec2:{HOME}:{t.account}:security-group/{made['GroupId']}")
    t.same(pairs(made["Tags"]), {"team": "a"})


@probe("1.1", "a described group has all of its fields, its ARN too", GROUP)
def group_shape(t: Trial) -> None:
    vpc = t.vpc()
    group = t.group(vpc)
    found = t.described(group)
    wanted = {"GroupId": group, "VpcId": vpc, "OwnerId": t.account, "Description": "a probe"}
    t.same({key: found[key] for key in wanted}, wanted)
    t.same(found["SecurityGroupArn"], f"arn:aws:ec2:{HOME}:{t.account}:security-group/{group}")
    t.same(found["IpPermissions"], [])


@probe(
    "1.1", "tags given at creation stand in the description", "B CreateSecurityGroupRequest.TagSpecifications"
)
def tags_at_creation(t: Trial) -> None:
    group = t.group(TagSpecifications=tags("security-group", Name="n", team="a"))
    t.same(pairs(t.described(group)["Tags"]), {"Name": "n", "team": "a"})


@probe("1.1", "tags for another type of resource are refused at creation", "B TagSpecification.ResourceType")
def tags_of_another_type(t: Trial) -> None:
    call = t.ec2.create_security_group
    t.refused(
        "InvalidParameterValue",
        call,
        GroupName=t.name(),
        Description="d",
        VpcId=t.vpc(),
        TagSpecifications=tags("vpc", a="b"),
    )


@probe("1.3", "a new group lets nothing in and everything out", "VPC security-group-rules")
def new_group_rules(t: Trial) -> None:
    found = t.described(t.group())
    t.same(found["IpPermissions"], [])
    (out,) = found["IpPermissionsEgress"]
    t.same((out["IpProtocol"], [r["CidrIp"] for r in out["IpRanges"]]), ("-1", ["0.0.0.0/0"]))


@probe("1.3", "where the VPC has IPv6, a new group lets ::/0 out as well", "TF vpc_security_group")
def new_group_ipv6(t: Trial) -> None:
    found = t.rules(t.group(t.vpc(ipv6=True)))
    t.same({rule.get("CidrIpv4") or rule.get("CidrIpv6") for rule in found}, EVERYWHERE)


def _default(t: Trial, vpc: str) -> str:
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    return str(t.ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"])


@probe("1.3", "a VPC's default group lets itself in and everything out", "OLDVPC default-security-group")
def default_group(t: Trial) -> None:
    group = _default(t, t.vpc())
    inbound = t.rules(group, egress=False)
    t.same([(r["IpProtocol"], r["ReferencedGroupInfo"]["GroupId"]) for r in inbound], [("-1", group)])
    t.same([r.get("CidrIpv4") for r in t.rules(group, egress=True)], ["0.0.0.0/0"])


@probe("1.3", "with IPv6 in the VPC the default group lets ::/0 out", "OLDVPC default-security-group")
def default_group_ipv6(t: Trial) -> None:
    found = t.rules(_default(t, t.vpc(ipv6=True)), egress=True)
    t.same({rule.get("CidrIpv4") or rule.get("CidrIpv6") for rule in found}, EVERYWHERE)


@probe("1.3", "the default group's rules can be edited", "OLDVPC default-security-group")
def default_group_edited(t: Trial) -> None:
    group = _default(t, t.vpc())
    t.ec2.revoke_security_group_ingress(
        GroupId=group, SecurityGroupRuleIds=[r["SecurityGroupRuleId"] for r in t.rules(group, egress=False)]
    )
    t.allow(group, tcp(22, "10.0.0.0/8"))
    t.same([rule["CidrIpv4"] for rule in t.rules(group, egress=False)], ["10.0.0.0/8"])


@probe("1.3", "the default group cannot be deleted: CannotDelete", "ERR CannotDelete")
def default_group_stays(t: Trial) -> None:
    t.refused("CannotDelete", t.ec2.delete_security_group, GroupId=_default(t, t.vpc()))


# --- names and descriptions


@probe("1.2", "a name is taken once in a VPC: InvalidGroup.Duplicate", "ERR InvalidGroup.Duplicate")
def duplicate_name(t: Trial) -> None:
    vpc, name = t.vpc(), t.name()
    t.group(vpc, name)
    t.refused("InvalidGroup.Duplicate", t.group, vpc, name)
    t.group(t.vpc(), name)


@probe("1.2", "names are compared without regard to case", NAME)
def names_without_case(t: Trial) -> None:
    vpc = t.vpc()
    t.group(vpc, "Web")
    t.refused("InvalidGroup.Duplicate", t.group, vpc, "wEB")


@probe("1.2", "trailing spaces of a name are cut", "OLDVPC security-groups")
def trailing_spaces(t: Trial) -> None:
    vpc = t.vpc()
    t.same(t.described(t.group(vpc, "web  "))["GroupName"], "web")
    t.refused("InvalidGroup.Duplicate", t.group, vpc, "web ")


@probe("1.2", "a name has up to 255 characters", NAME)
def name_length(t: Trial) -> None:
    vpc = t.vpc()
    t.group(vpc, "n" * 255)
    t.refused("InvalidParameterValue", t.group, vpc, "m" * 256)


@probe("1.2", "a name holds letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*", NAME)
def name_characters(t: Trial) -> None:
    vpc, all_of_them = t.vpc(), "aZ0 ._-:/()#,@[]+=&;{}!$*"
    t.same(t.described(t.group(vpc, all_of_them))["GroupName"], all_of_them)
    for wrong in ("ü", "a|b", "a'b", "a<b", "a\tb"):
        t.refused("InvalidParameterValue", t.group, vpc, wrong)


@probe("1.2", "a name that begins with sg- is refused", NAME)
def name_like_an_id(t: Trial) -> None:
    t.refused("InvalidParameterValue", t.group, t.vpc(), "sg-web")


@probe("1.2", "the name default is reserved: InvalidGroup.Reserved", "ERR InvalidGroup.Reserved")
def reserved_name(t: Trial) -> None:
    t.refused("InvalidGroup.Reserved", t.group, t.vpc(), "default")


@probe("1.2", "a description has up to 255 characters of the names' set", DESCRIPTION)
def group_description(t: Trial) -> None:
    vpc, call = t.vpc(), t.ec2.create_security_group
    call(GroupName=t.name(), Description="d" * 255, VpcId=vpc)
    for wrong in ("d" * 256, "ü", "a\nb", "<b>"):
        t.refused("InvalidParameterValue", call, GroupName=t.name(), Description=wrong, VpcId=vpc)


@probe("1.2", "a group needs a name and a description", "B CreateSecurityGroupRequest")
def name_and_description(t: Trial) -> None:
    vpc, call = t.vpc(), t.ec2.create_security_group
    t.refused("MissingParameter", call, GroupName=t.name(), VpcId=vpc)
    t.refused("MissingParameter", call, Description="d", VpcId=vpc)


@probe("1.2", "an unknown VPC is InvalidVpcID.NotFound", "ERR InvalidVpcID.NotFound")
def group_in_no_vpc(t: Trial) -> None:
    t.refused("InvalidVpcID.NotFound", t.group, f"vpc-{NOBODY}")


# --- tags


@probe("1.2", "a tag's value has up to 256 characters", "B Tag.Value")
def tag_value_length(t: Trial) -> None:
    group, call = t.group(), t.ec2.create_tags
    call(Resources=[group], Tags=[{"Key": "k", "Value": "v" * 256}])
    t.refused("InvalidParameterValue", call, Resources=[group], Tags=[{"Key": "k", "Value": "v" * 257}])


@probe("1.2", "a tag's key has up to 127 characters", "B Tag.Key")
def tag_key_length(t: Trial) -> None:
    group, call = t.group(), t.ec2.create_tags
    call(Resources=[group], Tags=[{"Key": "k" * 127, "Value": ""}])
    t.refused("InvalidParameterValue", call, Resources=[group], Tags=[{"Key": "k" * 129, "Value": ""}])


@probe("1.2", "a tag's key does not begin with aws:", "B Tag.Key")
def tag_of_aws(t: Trial) -> None:
    call = t.ec2.create_tags
    t.refused("InvalidParameterValue", call, Resources=[t.group()], Tags=[{"Key": "aws:x", "Value": ""}])


@probe("1.2", "a resource has 50 tags: TagLimitExceeded", "ERR TagLimitExceeded")
def fifty_tags(t: Trial) -> None:
    group, call = t.group(), t.ec2.create_tags
    call(Resources=[group], Tags=[{"Key": f"k{n}", "Value": ""} for n in range(50)])
    call(Resources=[group], Tags=[{"Key": "k0", "Value": "another"}])
    t.refused("TagLimitExceeded", call, Resources=[group], Tags=[{"Key": "one more", "Value": ""}])


@probe("1.2", "CreateTags takes up to 1,000 ids", "B CreateTagsRequest.Resources")
def tags_of_a_thousand(t: Trial) -> None:
    ids = [f"sg-{number:017x}" for number in range(1001)]
    t.refused("InvalidParameterValue", t.ec2.create_tags, Resources=ids, Tags=[{"Key": "k", "Value": ""}])


@probe("1.2", "DeleteTags takes a tag by its key, or by key and value", "B DeleteTagsRequest.Tags")
def tags_deleted(t: Trial) -> None:
    group = t.group(TagSpecifications=tags("security-group", a="1", b="2", c="3"))
    t.ec2.delete_tags(Resources=[group], Tags=[{"Key": "a"}, {"Key": "b", "Value": "x"}])
    t.same(pairs(t.described(group)["Tags"]), {"b": "2", "c": "3"})
    t.ec2.delete_tags(Resources=[group])
    t.same(t.described(group).get("Tags", []), [])


# --- described


@probe("1.1", "groups are found by name, tag, rule's block and rule's group", "B DescribeSecurityGroups")
def group_filters(t: Trial) -> None:
    vpc = t.vpc()
    one = t.group(vpc, "one", TagSpecifications=tags("security-group", team="a"))
    two = t.group(vpc, "two")
    t.allow(one, tcp(22, "192.0.2.0/24"), tcp(80, two))
    of_vpc = {"Name": "vpc-id", "Values": [vpc]}
    for name, value in (
        ("group-name", "one"),
        ("tag:team", "a"),
        ("tag-key", "team"),
        ("ip-permission.cidr", "192.0.2.0/24"),
        ("ip-permission.group-id", two),
        ("ip-permission.from-port", "22"),
    ):
        found = t.ec2.describe_security_groups(Filters=[of_vpc, {"Name": name, "Values": [value]}])
        t.same([group["GroupId"] for group in found["SecurityGroups"]], [one], name)


@probe("1.1", "groups are found by every field of their rules, each way", "B DescribeSecurityGroups")
def rule_filters(t: Trial) -> None:
    vpc = t.vpc()
    one, listed = t.group(vpc, "one"), t.prefix_list("10.9.0.0/16")
    t.group(vpc, "other")
    permission = tcp(8443, "2001:db8::/32", listed, one)
    t.allow(one, permission)
    t.ec2.authorize_security_group_egress(GroupId=one, IpPermissions=[permission])
    of_vpc = {"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["one", "other"]}
    for way in ("", "egress."):
        for name, value in (
            ("ipv6-cidr", "2001:db8::/32"),
            ("prefix-list-id", listed),
            ("group-id", one),
            ("user-id", t.account),
            ("protocol", "tcp"),
            ("from-port", "8443"),
            ("to-port", "8443"),
        ):
            filters = [*of_vpc, {"Name": f"{way}ip-permission.{name}", "Values": [value]}]
            found = t.ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
            t.same([group["GroupName"] for group in found], ["one"], f"{way}ip-permission.{name}")


@probe("1.1", "several filters on rules may be met by different rules", "B DescribeSecurityGroups")
def filters_met_apart(t: Trial) -> None:
    vpc = t.vpc()
    group = t.group(vpc)
    t.allow(group, tcp(22, "10.1.0.0/16"), tcp(443, "10.2.0.0/16"))
    filters = [
        {"Name": "vpc-id", "Values": [vpc]},
        {"Name": "ip-permission.from-port", "Values": ["22"]},
        {"Name": "ip-permission.cidr", "Values": ["10.2.0.0/16"]},
    ]
    found = t.ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    t.same([each["GroupId"] for each in found], [group])


@probe("1.1", "filters hold wildcards", "EC2UG Using_Filtering")
def wildcards(t: Trial) -> None:
    vpc = t.vpc()
    for name in ("web-1", "web-2", "db"):
        t.group(vpc, name)
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["web-?", "d*x"]}]
    found = t.ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    t.same(sorted(group["GroupName"] for group in found), ["web-1", "web-2"])


@probe("1.1", "an unknown filter is refused", "B DescribeSecurityGroups")
def unknown_filter(t: Trial) -> None:
    call = t.ec2.describe_security_groups
    t.refused("InvalidParameterValue", call, Filters=[{"Name": "colour", "Values": ["green"]}])


@probe(
    "1.1", "groups come in pages of MaxResults with a NextToken", "B DescribeSecurityGroups; BR paginators-1"
)
def groups_in_pages(t: Trial) -> None:
    vpc = t.vpc()
    made = [t.group(vpc) for _ in range(6)]
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    pages = t.pages("describe_security_groups", "SecurityGroups", 5, Filters=filters)
    t.same([len(page) for page in pages], [5, 2])
    t.true(set(made) <= {g["GroupId"] for page in pages for g in page}, "a group stands on no page")


@probe("1.1", "DescribeSecurityGroups takes MaxResults from 5 to 1,000", "B DescribeSecurityGroups")
def group_page_size(t: Trial) -> None:
    for size in (4, 1001):
        t.refused("InvalidParameterValue", t.ec2.describe_security_groups, MaxResults=size)


@probe("1.1", "without MaxResults everything comes at once", "EC2DG ec2-api-pagination")
def groups_at_once(t: Trial) -> None:
    vpc = t.vpc()
    for _ in range(12):
        t.group(vpc)
    found = t.ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    t.same((len(found["SecurityGroups"]), "NextToken" in found), (13, False))


@probe("3.5", "an unknown group is InvalidGroup.NotFound", "ERR InvalidGroup.NotFound")
def unknown_group(t: Trial) -> None:
    t.refused("InvalidGroup.NotFound", t.ec2.describe_security_groups, GroupIds=[f"sg-{NOBODY}"])
    t.refused("InvalidGroup.NotFound", t.ec2.delete_security_group, GroupId=f"sg-{NOBODY}")


@probe("3.5", "an id of no kind is InvalidGroupId.Malformed", "ERR InvalidGroupId.Malformed")
def malformed_group_id(t: Trial) -> None:
    t.refused("InvalidGroupId.Malformed", t.ec2.describe_security_groups, GroupIds=["sg-xyz"])


@probe("3.2", "the waiter for a group that exists is content", "BR waiters-2")
def group_waiter(t: Trial) -> None:
    t.ec2.get_waiter("security_group_exists").wait(GroupIds=[t.group()])


# --- deleted


@probe(
    "1.8", "a group that another names cannot be deleted", "B DeleteSecurityGroup; ERR DependencyViolation"
)
def delete_a_named_group(t: Trial) -> None:
    vpc = t.vpc()
    one, two = t.group(vpc), t.group(vpc)
    t.allow(one, tcp(22, two))
    t.refused("DependencyViolation", t.ec2.delete_security_group, GroupId=two)


@probe("1.8", "groups that name each other go once the rules are revoked", "B DeleteSecurityGroup")
def delete_a_cycle(t: Trial) -> None:
    vpc = t.vpc()
    one, two = t.group(vpc), t.group(vpc)
    t.allow(one, tcp(22, two))
    t.allow(two, tcp(22, one))
    t.refused("DependencyViolation", t.ec2.delete_security_group, GroupId=one)
    t.ec2.revoke_security_group_ingress(GroupId=two, IpPermissions=[tcp(22, one)])
    t.ec2.delete_security_group(GroupId=one)
    t.ec2.delete_security_group(GroupId=two)


@probe("1.8", "a group that names itself can be deleted", "B DeleteSecurityGroup")
def delete_a_self_reference(t: Trial) -> None:
    group = t.group()
    t.allow(group, tcp(22, group))
    t.ec2.delete_security_group(GroupId=group)
    t.refused("InvalidGroup.NotFound", t.described, group)


@probe("1.11", "a group that an interface carries cannot be deleted", "ERR DependencyViolation")
def delete_a_used_group(t: Trial) -> None:
    vpc = t.vpc()
    group = t.group(vpc)
    t.interface(t.subnet(vpc), group)
    t.refused("DependencyViolation", t.ec2.delete_security_group, GroupId=group)


# --- on interfaces


@probe("1.11", "the groups of an interface are replaced as a set", "B ModifyNetworkInterfaceAttribute")
def interface_groups(t: Trial) -> None:
    vpc = t.vpc()
    one, two, three = (t.group(vpc) for _ in range(3))
    interface = t.interface(t.subnet(vpc), one, two)
    t.ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=[three])
    found = t.ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"][0]
    t.same([group["GroupId"] for group in found["Groups"]], [three])


@probe("1.11", "an unknown group on an interface is InvalidGroup.NotFound", "ERR InvalidGroup.NotFound")
def interface_of_no_group(t: Trial) -> None:
    t.refused("InvalidGroup.NotFound", t.interface, t.subnet(t.vpc()), f"sg-{NOBODY}")


@probe(
    "1.7",
    "an interface carries 5 groups",
    "VPC amazon-vpc-limits; ERR SecurityGroupsPerInterfaceLimitExceeded",
)
def groups_per_interface(t: Trial) -> None:
    vpc = t.vpc()
    groups, subnet = [t.group(vpc) for _ in range(6)], t.subnet(vpc)
    t.interface(subnet, *groups[:5])
    t.refused("SecurityGroupsPerInterfaceLimitExceeded", t.interface, subnet, *groups)


@probe("1.1", "DryRun changes nothing and answers DryRunOperation: groups", "B DryRun")
def dry_run_of_groups(t: Trial) -> None:
    vpc, group = t.vpc(), t.group()
    t.refused(
        "DryRunOperation",
        t.ec2.create_security_group,
        GroupName="dry",
        Description="d",
        VpcId=vpc,
        DryRun=True,
    )
    t.refused("DryRunOperation", t.ec2.delete_security_group, GroupId=group, DryRun=True)
    call = t.ec2.authorize_security_group_ingress
    t.refused("DryRunOperation", call, GroupId=group, IpPermissions=[tcp(22, "10.0.0.0/8")], DryRun=True)
    call = t.ec2.revoke_security_group_egress
    rule = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    t.refused("DryRunOperation", call, GroupId=group, IpPermissions=rule, DryRun=True)
    t.same((len(t.rules(group)), t.rules(group, egress=False)), (1, []))
    found = t.ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    t.same([each["GroupName"] for each in found["SecurityGroups"]], ["default"])


@probe("1.1", "DryRun of a read answers DryRunOperation", "B DryRun")
def dry_run_of_reads(t: Trial) -> None:
    for call in (
        t.ec2.describe_security_groups,
        t.ec2.describe_security_group_rules,
        t.ec2.describe_network_acls,
        t.ec2.describe_managed_prefix_lists,
    ):
        t.refused("DryRunOperation", call, DryRun=True)
