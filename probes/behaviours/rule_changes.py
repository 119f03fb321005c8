"""Rules of groups revoked, modified in place and described anew (aws-facts 1.1, 1.2, 1.6)."""

from probes.registry import probe
from probes.trial import NOBODY, Json, Trial, tcp

AUTHORIZE = "B AuthorizeSecurityGroupIngress"
PROTOCOL = "B IpPermission.IpProtocol"
FLAT = "B SecurityGroupRule"
SELF = "10.0.0.0/8"
ALL: Json = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


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
