"""What a rule of a group may say: protocols, ports, addresses, and what is a duplicate (aws-facts 1.4 to 1.6)."""

from probes.registry import probe
from probes.trial import Json, Trial, peers_of, tcp

AUTHORIZE = "B AuthorizeSecurityGroupIngress"
PROTOCOL = "B IpPermission.IpProtocol"
FLAT = "B SecurityGroupRule"
SELF = "10.0.0.0/8"
ALL: Json = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


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
