"""How many rules a group takes, what counts, and where the limits are read (aws-facts 1.7)."""

from probes.registry import Check, probe
from probes.trial import Trial, tcp

LIMITS = "VPC amazon-vpc-limits"
TOO_MANY = "RulesPerSecurityGroupLimitExceeded"


def _rules(count: int, first: str = "10") -> list[dict[str, object]]:
    """Each counts one."""
    return [tcp(22, f"{first}.0.{number // 250}.{number % 250}/32") for number in range(count)]


def _rules6(count: int) -> list[dict[str, object]]:
    return [tcp(22, f"2001:db8::{number:x}/128") for number in range(count)]


@probe("1.7", f"the 61st inbound rule is {TOO_MANY}", f"{LIMITS}; ERR")
def one_rule_too_many(t: Trial) -> None:
    group = t.group()
    t.allow(group, *_rules(60))
    t.refused(TOO_MANY, t.allow, group, tcp(23, "10.0.0.0/8"))
    t.same(len(t.rules(group, egress=False)), 60)


@probe("1.7", "61 rules in one call are refused, and none is added", f"{LIMITS}; ERR")
def too_many_at_once(t: Trial) -> None:
    group = t.group()
    t.refused(TOO_MANY, t.allow, group, *_rules(61))
    t.same(t.rules(group, egress=False), [])


@probe("1.7", "inbound and outbound rules are counted apart", LIMITS)
def directions_apart(t: Trial) -> None:
    group = t.group()
    t.allow(group, *_rules(60))
    call = t.ec2.authorize_security_group_egress
    call(GroupId=group, IpPermissions=_rules(59))
    t.refused(TOO_MANY, call, GroupId=group, IpPermissions=[tcp(23, "10.0.0.0/8")])


@probe("1.7", "rules for IPv4 and for IPv6 are counted apart: 60 and 60", LIMITS)
def families_apart(t: Trial) -> None:
    group = t.group()
    t.allow(group, *_rules(60))
    t.allow(group, *_rules6(60))
    t.same(len(t.rules(group, egress=False)), 120)
    t.refused(TOO_MANY, t.allow, group, tcp(23, "2001:db8::/32"))


@probe("1.7", "a rule that names a group counts one, whatever its size", "VPC security-group-rules")
def a_group_counts_one(t: Trial) -> None:
    vpc = t.vpc()
    group, other = t.group(vpc), t.group(vpc)
    t.allow(group, *_rules(59))
    t.allow(group, tcp(22, other))
    t.refused(TOO_MANY, t.allow, group, tcp(23, "10.0.0.0/8"))


@probe("1.7", "a rule that names a prefix list counts the list's MaxEntries", "VPC security-group-rules")
def a_list_counts_its_size(t: Trial) -> None:
    group, listed = t.group(), t.prefix_list("192.0.2.0/24", size=20)
    t.allow(group, *_rules(41))
    t.refused(TOO_MANY, t.allow, group, tcp(22, listed))
    t.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=_rules(1))
    t.allow(group, tcp(22, listed))


@probe("1.7", "a revoked rule makes room", LIMITS)
def revoking_makes_room(t: Trial) -> None:
    group = t.group()
    t.allow(group, *_rules(60))
    t.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=_rules(1))
    t.allow(group, tcp(23, "10.0.0.0/8"))


def _readable(code: str, value: float) -> Check:
    def check(t: Trial) -> None:
        found = t.client("service-quotas").get_service_quota(ServiceCode="vpc", QuotaCode=code)["Quota"]
        t.same((found["QuotaCode"], found["Value"], found["ServiceCode"]), (code, value, "vpc"))

    check.__name__, check.__module__ = f"quota_{code[2:]}", __name__
    return check


_QUOTAS = {
    "L-E79EC296": ("security groups in a Region", 2500.0),
    "L-0EA8095F": ("rules of a security group", 60.0),
    "L-2AFB9258": ("groups of an interface", 5.0),
    "L-B4A6D682": ("network ACLs of a VPC", 200.0),
    "L-2AEEBF1A": ("rules of a network ACL", 20.0),
}
for _code, (_what, _value) in _QUOTAS.items():
    _says = f"Service Quotas knows {_code}: {_what}, {_value:g}"
    probe("1.7", _says, f"{LIMITS}; B service-quotas")(_readable(_code, _value))


@probe("1.7", "a quota's default is read apart from its value", "B service-quotas GetAWSDefaultServiceQuota")
def default_quota(t: Trial) -> None:
    call = t.client("service-quotas").get_aws_default_service_quota
    t.same(call(ServiceCode="vpc", QuotaCode="L-0EA8095F")["Quota"]["Value"], 60.0)


@probe("1.7", "an unknown quota is NoSuchResourceException", "B service-quotas")
def unknown_quota(t: Trial) -> None:
    call = t.client("service-quotas").get_service_quota
    t.refused("NoSuchResourceException", call, ServiceCode="vpc", QuotaCode="L-00000000")
