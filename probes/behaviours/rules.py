"""Rules of groups: written, canonical, duplicate, revoked, modified, described (aws-facts 1.1, 1.4 to 1.6)."""

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


# --- protocols, ports, ICMP


@probe("1.4", "numbers become names: 6 tcp, 17 udp, 1 icmp, 58 icmpv6", PROTOCOL)
def protocol_names(t: Trial) -> None:
    group = t.group()
    for number in ("6", "17", "1", "58"):
        t.allow(group, {"IpProtocol": number, "FromPort": 8, "ToPort": 8, **peers_of(["2001:db8::/32"])})
    found = sorted(rule["IpProtocol"] for rule in t.rules(group, egress=False))
    t.same(found, ["icmp", "icmpv6", "tcp", "udp"])


@probe("1.4", "an unknown protocol is refused", PROTOCOL)
def unknown_protocol(t: Trial) -> None:
    group = t.group()
    for wrong in ("tpc", "256", "-2"):
        permission = {"IpProtocol": wrong, "FromPort": 1, "ToPort": 1, **peers_of([SELF])}
        t.refused("InvalidParameterValue", t.allow, group, permission)


@probe("1.4", "ports of a protocol without any are ignored: all of it is allowed", PROTOCOL)
def ports_ignored(t: Trial) -> None:
    group = t.group()
    t.allow(group, {"IpProtocol": "50", "FromPort": 7, "ToPort": 9, **peers_of([SELF])})
    (found,) = t.described(group)["IpPermissions"]
    t.same((found["IpProtocol"], found.get("FromPort"), found.get("ToPort")), ("50", None, None))


@probe("1.4", "tcp and udp need a port range", PROTOCOL)
def ports_needed(t: Trial) -> None:
    group = t.group()
    for protocol in ("tcp", "udp"):
        t.refused("InvalidParameterValue", t.allow, group, {"IpProtocol": protocol, **peers_of([SELF])})


@probe("1.4", "ports go from 0 to 65535, the first not after the last", "B IpPermission.FromPort")
def port_bounds(t: Trial) -> None:
    group = t.group()
    t.allow(group, {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, **peers_of([SELF])})
    for first, last in ((-1, 5), (1, 65536), (9, 8)):
        permission = {"IpProtocol": "udp", "FromPort": first, "ToPort": last, **peers_of([SELF])}
        t.refused("InvalidParameterValue", t.allow, group, permission)


@probe("1.4", "icmp needs type and code, -1 for all", PROTOCOL)
def icmp_needs_both(t: Trial) -> None:
    group = t.group()
    t.allow(group, {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, **peers_of([SELF])})
    t.refused("InvalidParameterValue", t.allow, group, {"IpProtocol": "icmp", **peers_of(["10.1.0.0/16"])})


@probe("1.4", "icmpv6 may leave type and code out: all of them", PROTOCOL)
def icmpv6_may_leave_out(t: Trial) -> None:
    group = t.group()
    t.allow(group, {"IpProtocol": "icmpv6", **peers_of(["2001:db8::/32"])})
    (rule,) = t.rules(group, egress=False)
    t.same((rule["IpProtocol"], rule["FromPort"], rule["ToPort"]), ("icmpv6", -1, -1))


@probe("1.4", "all ICMP types come only with all codes", "B IpPermission.ToPort")
def icmp_all_types(t: Trial) -> None:
    permission = {"IpProtocol": "icmp", "FromPort": -1, "ToPort": 3, **peers_of([SELF])}
    t.refused("InvalidParameterValue", t.allow, t.group(), permission)


@probe(
    "1.4", "DescribeSecurityGroups leaves ports out where the protocol is -1", "CLI describe-security-groups"
)
def no_ports_in_groups(t: Trial) -> None:
    (out,) = t.described(t.group())["IpPermissionsEgress"]
    t.same([key for key in ("FromPort", "ToPort") if key in out], [])


@probe("1.4", "DescribeSecurityGroupRules gives -1 and -1 there", "CLI describe-security-group-rules")
def minus_one_in_rules(t: Trial) -> None:
    (rule,) = t.rules(t.group())
    t.same((rule["IpProtocol"], rule.get("FromPort"), rule.get("ToPort")), ("-1", -1, -1))


@probe("1.4", "a rule of all protocols is revoked with ports 0 and 0 as well", "TF vpc_security_group")
def revoke_all_with_zeros(t: Trial) -> None:
    group = t.group()
    permission = {**ALL, "FromPort": 0, "ToPort": 0}
    t.ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[permission])
    t.same(t.rules(group), [])


# --- addresses


@probe("1.5", "host bits of an IPv4 block are cut", "B IpRange.CidrIp")
def canonical_ipv4(t: Trial) -> None:
    group = t.group()
    t.allow(group, tcp(22, "100.68.0.18/18"))
    t.same([rule["CidrIpv4"] for rule in t.rules(group, egress=False)], ["100.68.0.0/18"])


@probe("1.5", "host bits of an IPv6 block are cut, its text is short and lower-case", "B Ipv6Range.CidrIpv6")
def canonical_ipv6(t: Trial) -> None:
    group = t.group()
    t.allow(group, tcp(22, "2001:DB8:0:0::00FF/64"))
    t.same([rule["CidrIpv6"] for rule in t.rules(group, egress=False)], ["2001:db8::/64"])


@probe("1.5", "a block in another spelling is a duplicate", "B IpRange.CidrIp")
def duplicate_spelling(t: Trial) -> None:
    group = t.group()
    t.allow(group, tcp(22, "10.0.0.0/8"), tcp(22, "2001:db8::/32"))
    for twin in ("10.1.2.3/8", "2001:0db8:0:0::1/32"):
        t.refused("InvalidPermission.Duplicate", t.allow, group, tcp(22, twin))


@probe("1.5", "a lone address needs its /32 or /128", "B IpRange, Ipv6Range")
def lone_address(t: Trial) -> None:
    group = t.group()
    for wrong in ("192.0.2.1", "2001:db8::1"):
        t.refused("InvalidParameterValue", t.allow, group, tcp(22, wrong))


@probe("1.5", "what is no block is refused", "ERR InvalidParameterValue")
def malformed_block(t: Trial) -> None:
    group = t.group()
    for section, key, wrong in (
        ("IpRanges", "CidrIp", "300.0.0.0/8"),
        ("IpRanges", "CidrIp", "10.0.0.0/33"),
        ("IpRanges", "CidrIp", "2001:db8::/32"),
        ("Ipv6Ranges", "CidrIpv6", "10.0.0.0/8"),
        ("Ipv6Ranges", "CidrIpv6", "2001:db8::/129"),
    ):
        permission = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, section: [{key: wrong}]}
        t.refused("InvalidParameterValue", t.allow, group, permission)


# --- duplicates and batches


@probe(
    "1.5",
    "a rule that stands is InvalidPermission.Duplicate, whatever its peer",
    "ERR InvalidPermission.Duplicate",
)
def duplicate_rule(t: Trial) -> None:
    vpc = t.vpc()
    group, listed = t.group(vpc), t.prefix_list("10.9.0.0/16")
    for peer in (SELF, "2001:db8::/32", group, listed):
        t.allow(group, tcp(22, peer))
        t.refused("InvalidPermission.Duplicate", t.allow, group, tcp(22, peer))
    call = t.ec2.authorize_security_group_egress
    t.refused("InvalidPermission.Duplicate", call, GroupId=group, IpPermissions=[ALL])


@probe("1.5", "another description does not make another rule", "B RevokeSecurityGroupIngress")
def description_is_no_identity(t: Trial) -> None:
    group = t.group()
    t.allow(group, tcp(22, SELF, description="one"))
    t.refused("InvalidPermission.Duplicate", t.allow, group, tcp(22, SELF, description="two"))


@probe(
    "1.5",
    "a rule twice in one call is InvalidParameterValue",
    "GH terraform-provider-aws 2587, aws-sdk-go 1340",
)
def twice_in_a_call(t: Trial) -> None:
    group = t.group()
    said = t.refused("InvalidParameterValue", t.allow, group, tcp(22, SELF), tcp(22, "10.1.0.0/8"))
    t.true("must not appear multiple times" in said, said)
    t.same(t.rules(group, egress=False), [])


@probe("1.6", "a call with one duplicate adds nothing", "from memory (aws-facts 1.6)")
def all_or_nothing(t: Trial) -> None:
    group = t.group()
    t.allow(group, tcp(22, SELF))
    call = t.allow
    t.refused("InvalidPermission.Duplicate", call, group, tcp(1, SELF), tcp(22, SELF), tcp(3, SELF))
    t.same([rule["FromPort"] for rule in t.rules(group, egress=False)], [22])


@probe("1.6", "60 rules go in one call", "B IpPermissionList")
def sixty_in_a_call(t: Trial) -> None:
    group = t.group()
    answer = t.allow(group, *(tcp(port, SELF) for port in range(1, 61)))
    t.same((len(answer["SecurityGroupRules"]), len(t.rules(group, egress=False))), (60, 60))


@probe("1.6", "blocks, groups and lists may stand in one permission", "from memory (aws-facts 1.6)")
def mixed_peers(t: Trial) -> None:
    group, listed = t.group(), t.prefix_list("10.9.0.0/16")
    t.allow(group, tcp(22, SELF, "2001:db8::/32", group, listed))
    t.same(len(t.rules(group, egress=False)), 4)


# --- revoked


@probe("1.1", "ingress rules are revoked by their ids", "B RevokeSecurityGroupIngress")
def revoke_ingress_by_id(t: Trial) -> None:
    group = t.group()
    t.allow(group, tcp(22, SELF), tcp(23, SELF))
    first = next(r for r in t.rules(group, egress=False) if r["FromPort"] == 22)
    call = t.ec2.revoke_security_group_ingress
    t.same(call(GroupId=group, SecurityGroupRuleIds=[first["SecurityGroupRuleId"]])["Return"], True)
    t.same([rule["FromPort"] for rule in t.rules(group, egress=False)], [23])


@probe("1.1", "egress rules are revoked by their ids", "B RevokeSecurityGroupEgress")
def revoke_egress_by_id(t: Trial) -> None:
    group = t.group()
    (rule,) = t.rules(group)
    t.ec2.revoke_security_group_egress(GroupId=group, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
    t.same(t.rules(group), [])


@probe("1.1", "what was revoked stands in RevokedSecurityGroupRules", "B RevokeSecurityGroupIngressResult")
def revoked_rules(t: Trial) -> None:
    group = t.group()
    t.allow(group, tcp(22, SELF), tcp(23, SELF))
    answer = t.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[tcp(22, SELF)])
    (gone,) = answer["RevokedSecurityGroupRules"]
    t.same((gone["GroupId"], gone["FromPort"], gone["CidrIpv4"]), (group, 22, SELF))


@probe("1.1", "a rule is revoked whatever description is given", "B RevokeSecurityGroupIngress")
def revoke_without_description(t: Trial) -> None:
    group = t.group()
    t.allow(group, tcp(22, SELF, description="one"))
    rule = tcp(22, SELF, description="another")
    t.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[rule])
    t.same(t.rules(group, egress=False), [])


@probe("1.6", "revoking what is not there is InvalidPermission.NotFound", "B RevokeSecurityGroupIngress; ERR")
def revoke_absent(t: Trial) -> None:
    call = t.ec2.revoke_security_group_ingress
    t.refused("InvalidPermission.NotFound", call, GroupId=t.group(), IpPermissions=[tcp(22, SELF)])


@probe("1.6", "… and then nothing is revoked", "B RevokeSecurityGroupIngress")
def revoke_all_or_nothing(t: Trial) -> None:
    group = t.group()
    t.allow(group, tcp(22, SELF))
    call, both = t.ec2.revoke_security_group_ingress, [tcp(22, SELF), tcp(23, SELF)]
    t.refused("InvalidPermission.NotFound", call, GroupId=group, IpPermissions=both)
    t.same(len(t.rules(group, egress=False)), 1)


@probe(
    "1.1",
    "in the default VPC a mismatch is answered in UnknownIpPermissions",
    "B RevokeSecurityGroupIngressResult",
)
def revoke_in_the_default_vpc(t: Trial) -> None:
    group = t.group(t.default_vpc())
    t.allow(group, tcp(22, SELF))
    both = [tcp(22, SELF), tcp(23, SELF)]
    answer = t.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=both)
    t.same([each["FromPort"] for each in answer["UnknownIpPermissions"]], [23])
    t.same(t.rules(group, egress=False), [])


@probe("1.1", "revoking an unknown rule id is InvalidSecurityGroupRuleId.NotFound", "TF errors.go")
def revoke_unknown_id(t: Trial) -> None:
    call = t.ec2.revoke_security_group_ingress
    t.refused(
        "InvalidSecurityGroupRuleId.NotFound", call, GroupId=t.group(), SecurityGroupRuleIds=[f"sgr-{NOBODY}"]
    )


@probe("1.3", "the ::/0 rule of a VPC without IPv6 is not there to revoke", "TF vpc_security_group")
def revoke_absent_ipv6(t: Trial) -> None:
    rule = {"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
    call = t.ec2.revoke_security_group_egress
    t.refused("InvalidPermission.NotFound", call, GroupId=t.group(), IpPermissions=[rule])


# --- modified in place


def _modified(t: Trial, group: str, **body: object) -> object:
    (rule,) = t.rules(group, egress=False)
    update = {"SecurityGroupRuleId": rule["SecurityGroupRuleId"], "SecurityGroupRule": body}
    return t.ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[update])


@probe("1.1", "ModifySecurityGroupRules changes a rule in place: its id stays", "B ModifySecurityGroupRules")
def modify_in_place(t: Trial) -> None:
    group = t.group()
    t.allow(group, tcp(22, SELF))
    (before,) = t.rules(group, egress=False)
    _modified(t, group, IpProtocol="udp", FromPort=53, ToPort=54, CidrIpv4="10.1.0.0/16", Description="x")
    (after,) = t.rules(group, egress=False)
    t.same(after["SecurityGroupRuleId"], before["SecurityGroupRuleId"])
    found = [after[key] for key in ("IpProtocol", "FromPort", "ToPort", "CidrIpv4", "Description")]
    t.same(found, ["udp", 53, 54, "10.1.0.0/16", "x"])


@probe("1.1", "the kind of its peer cannot change", "B SecurityGroupRuleRequest")
def modify_another_kind(t: Trial) -> None:
    group = t.group()
    t.allow(group, tcp(22, SELF))
    body = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
    for peer in ({"CidrIpv6": "2001:db8::/32"}, {"ReferencedGroupId": group}):
        t.refused("InvalidParameterValue", _modified, t, group, **body, **peer)


@probe("1.1", "a rule modified into another one is a duplicate", "ERR InvalidPermission.Duplicate")
def modify_into_a_duplicate(t: Trial) -> None:
    group = t.group()
    t.allow(group, tcp(22, SELF), tcp(23, SELF))
    first = next(r for r in t.rules(group, egress=False) if r["FromPort"] == 22)
    body = {"IpProtocol": "tcp", "FromPort": 23, "ToPort": 23, "CidrIpv4": SELF}
    update = {"SecurityGroupRuleId": first["SecurityGroupRuleId"], "SecurityGroupRule": body}
    call = t.ec2.modify_security_group_rules
    t.refused("InvalidPermission.Duplicate", call, GroupId=group, SecurityGroupRules=[update])


@probe("1.1", "modifying an unknown rule is InvalidSecurityGroupRuleId.NotFound", "TF errors.go")
def modify_unknown(t: Trial) -> None:
    body = {"IpProtocol": "tcp", "FromPort": 23, "ToPort": 23, "CidrIpv4": SELF}
    update = {"SecurityGroupRuleId": f"sgr-{NOBODY}", "SecurityGroupRule": body}
    call = t.ec2.modify_security_group_rules
    t.refused("InvalidSecurityGroupRuleId.NotFound", call, GroupId=t.group(), SecurityGroupRules=[update])


# --- descriptions


@probe("1.2", "a rule's description has up to 255 characters of its set", "B IpRange.Description")
def rule_description(t: Trial) -> None:
    group = t.group()
    t.allow(group, tcp(22, SELF, description="aZ9 ._-:/()#,@[]+=;{}!$*"))
    t.allow(group, tcp(23, SELF, description="d" * 255))
    for wrong in ("d" * 256, "ü", "<b>", "a|b"):
        t.refused("InvalidParameterValue", t.allow, group, tcp(24, SELF, description=wrong))


@probe(
    "1.1", "descriptions are set anew by permission: ingress", "B UpdateSecurityGroupRuleDescriptionsIngress"
)
def describe_ingress_anew(t: Trial) -> None:
    group = t.group()
    t.allow(group, tcp(22, SELF, description="old"))
    rule = tcp(22, SELF, description="new")
    t.ec2.update_security_group_rule_descriptions_ingress(GroupId=group, IpPermissions=[rule])
    t.same([rule["Description"] for rule in t.rules(group, egress=False)], ["new"])


@probe("1.1", "descriptions are set anew by rule id: ingress", "B UpdateSecurityGroupRuleDescriptionsIngress")
def describe_ingress_by_id(t: Trial) -> None:
    group = t.group()
    t.allow(group, tcp(22, SELF, description="old"))
    (rule,) = t.rules(group, egress=False)
    anew = [{"SecurityGroupRuleId": rule["SecurityGroupRuleId"], "Description": "new"}]
    t.ec2.update_security_group_rule_descriptions_ingress(GroupId=group, SecurityGroupRuleDescriptions=anew)
    t.same([rule["Description"] for rule in t.rules(group, egress=False)], ["new"])


@probe("1.1", "descriptions are set anew: egress", "B UpdateSecurityGroupRuleDescriptionsEgress")
def describe_egress_anew(t: Trial) -> None:
    group = t.group()
    rule = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "out"}]}
    t.ec2.update_security_group_rule_descriptions_egress(GroupId=group, IpPermissions=[rule])
    t.same([rule["Description"] for rule in t.rules(group)], ["out"])


@probe("1.1", "a description that is left out is removed", "B UpdateSecurityGroupRuleDescriptionsIngress")
def description_removed(t: Trial) -> None:
    group = t.group()
    t.allow(group, tcp(22, SELF, description="old"))
    t.ec2.update_security_group_rule_descriptions_ingress(GroupId=group, IpPermissions=[tcp(22, SELF)])
    t.same([rule.get("Description") for rule in t.rules(group, egress=False)], [None])


@probe("1.1", "a description of a rule that is not there is refused", "ERR InvalidPermission.NotFound")
def describe_absent(t: Trial) -> None:
    call, rule = t.ec2.update_security_group_rule_descriptions_ingress, tcp(22, SELF, description="x")
    t.refused("InvalidPermission.NotFound", call, GroupId=t.group(), IpPermissions=[rule])


@probe(
    "1.1", "… and one of nothing at all is MissingParameter", "B UpdateSecurityGroupRuleDescriptionsIngress"
)
def describe_nothing(t: Trial) -> None:
    call = t.ec2.update_security_group_rule_descriptions_ingress
    t.refused("MissingParameter", call, GroupId=t.group())
