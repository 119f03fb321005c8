"""Plans with everything a plan can hold, for what writes, reads and shows them."""

from twinwall.model.firewall import (
    Endpoint,
    NetworkAcl,
    NetworkAclAssociation,
    PrefixList,
    PrefixListEntry,
    Resource,
    SecurityGroup,
    new_id,
)
from twinwall.model.net import parse_cidr
from twinwall.model.rules import (
    CidrPeer,
    Direction,
    GroupPeer,
    NetworkAclEntry,
    PrefixListPeer,
    RuleAction,
    SecurityGroupRule,
    make_traffic,
)
from twinwall.planning import changes as c
from twinwall.planning.desired import Desired, DesiredAssociation
from twinwall.planning.findings import Finding, NotCompared
from twinwall.planning.flows import Flow, Protocols
from twinwall.planning.order import Barrier, Step
from twinwall.planning.plan import Plan, Summary, Touched

SOURCE = Endpoint("production", "111111111111", "eu-west-1", "vpc-1")
TARGET = Endpoint("vpc-2", "222222222222", "us-east-1", "vpc-2")
MARK = (("twinwall:source", "111111111111/eu-west-1/vpc-1/sg-1"),)

NEW_WEB = new_id("security-group", "web")
NEW_ACL = new_id("network-acl", "public")
NEW_LIST = new_id("prefix-list", "offices")

WEB = Resource("security-group", NEW_WEB, "web")
DB = Resource("security-group", "sg-9", "db [old]")
ACL = Resource("network-acl", NEW_ACL, "public")
OLD_ACL = Resource("network-acl", "acl-8", "private")
LIST = Resource("prefix-list", NEW_LIST, "offices")
OLD_LIST = Resource("prefix-list", "pl-8", "partners")
SUBNET = Resource("subnet", "subnet-2", "public-a")

ANYWHERE = CidrPeer(parse_cidr("0.0.0.0/0"))
HTTPS = SecurityGroupRule(Direction.INGRESS, make_traffic(6, 443, 443), ANYWHERE, "customers")
FROM_LIST = SecurityGroupRule(Direction.INGRESS, make_traffic(6, 22, 22), PrefixListPeer(NEW_LIST))
FROM_WEB = SecurityGroupRule(
    Direction.INGRESS, make_traffic(6, 5432, 5432), GroupPeer(NEW_WEB, "222222222222")
)
PING = SecurityGroupRule(
    Direction.INGRESS, make_traffic(58, 128, 0), CidrPeer(parse_cidr("2001:db8::/56")), "ping"
)
EVERYTHING_OUT = SecurityGroupRule(Direction.EGRESS, make_traffic(-1, None, None), ANYWHERE)
ALLOW = NetworkAclEntry(
    Direction.INGRESS, 100, RuleAction.ALLOW, make_traffic(6, 443, 443), parse_cidr("0.0.0.0/0")
)
DENY = NetworkAclEntry(
    Direction.EGRESS, 90, RuleAction.DENY, make_traffic(1, 8, -1), parse_cidr("192.0.2.0/24")
)
OFFICE = PrefixListEntry(parse_cidr("198.51.100.0/24"), "Berlin")
LISBON = PrefixListEntry(parse_cidr("203.0.113.0/24"), "Lisbon")

CHANGES: tuple[c.Change, ...] = (
    c.CreateManagedPrefixList(
        resource=LIST,
        reason="copy of offices (pl-1)",
        name="offices",
        family=4,
        max_entries=5,
        entries=(OFFICE,),
        client_token="token",
    ),
    c.ModifyManagedPrefixList(resource=OLD_LIST, version=3, add=(OFFICE,), remove=(LISBON,)),
    c.ModifyManagedPrefixList(resource=OLD_LIST, max_entries=10),
    c.CreateSecurityGroup(
        resource=WEB,
        reason="copy of web (sg-1)",
        group_name="web",
        description="Web tier",
        vpc_id="vpc-2",
        tags=MARK,
    ),
    c.RevokeRules(
        resource=WEB,
        reason="EC2 gives it to every new group",
        direction=Direction.EGRESS,
        rules=(EVERYTHING_OUT,),
        missing_ok=True,
    ),
    c.AuthorizeRules(resource=WEB, direction=Direction.INGRESS, rules=(HTTPS, FROM_LIST)),
    c.AuthorizeRules(resource=DB, direction=Direction.INGRESS, rules=(FROM_WEB,)),
    c.UpdateRuleDescriptions(resource=DB, direction=Direction.INGRESS, rules=(PING,)),
    c.RevokeRules(resource=DB, direction=Direction.EGRESS, rules=(EVERYTHING_OUT,)),
    c.CreateTags(resource=DB, tags=(("team", "shop"),)),
    c.CreateNetworkAcl(resource=ACL, vpc_id="vpc-2", tags=(("Name", "public"),), client_token="token"),
    c.CreateNetworkAclEntry(resource=ACL, entry=ALLOW),
    c.ReplaceNetworkAclEntry(resource=OLD_ACL, entry=ALLOW),
    c.DeleteNetworkAclEntry(resource=OLD_ACL, entry=DENY),
    c.ReplaceNetworkAclAssociation(
        resource=SUBNET, reason="as public-a", association_id="aclassoc-1", network_acl_id=NEW_ACL
    ),
    c.DeleteSecurityGroup(resource=Resource("security-group", "sg-7", "gone"), reason="its source is gone"),
    c.DeleteNetworkAcl(resource=Resource("network-acl", "acl-7")),
    c.DeleteManagedPrefixList(resource=Resource("prefix-list", "pl-7", "gone")),
)

DESIRED = Desired(
    groups=(
        SecurityGroup(NEW_WEB, "web", "Web tier", "222222222222", "vpc-2", (FROM_LIST, HTTPS), MARK),
        SecurityGroup("sg-9", "db [old]", "Database", "222222222222", "vpc-2", (FROM_WEB, PING)),
    ),
    acls=(
        NetworkAcl(
            NEW_ACL,
            "vpc-2",
            "222222222222",
            False,
            (ALLOW, DENY),
            (NetworkAclAssociation("subnet-2", ""),),
            (("Name", "public"),),
        ),
    ),
    lists=(PrefixList(NEW_LIST, "offices", 4, "222222222222", 5, entries=(OFFICE,)),),
    associations=(DesiredAssociation(SUBNET, NEW_ACL, Resource("subnet", "subnet-1", "public-a")),),
    delete_groups=("sg-7",),
    delete_acls=("acl-7",),
    delete_lists=("pl-7",),
    sources={NEW_WEB: Resource("security-group", "sg-1", "web")},
    adopted=frozenset({"sg-9"}),
)

FULL = Plan(
    source=SOURCE,
    target=TARGET,
    route=(
        *(Step(change) for change in CHANGES[:-1]),
        Barrier((0, 1)),
        Step(CHANGES[-1], (len(CHANGES) - 1,)),
    ),
    desired=DESIRED,
    summary=Summary(create=3, update=4, delete=3, unchanged=12),
    digest="sha256:0123",
    touched=Touched(groups=("sg-9",), acls=("acl-8",), absent_names=("web",)),
    findings=(
        Finding("note-a", "note", WEB, "a note"),
        Finding(
            "warning-a",
            "warning",
            DB,
            "an allow was left out",
            "--outside follow",
            "ingress tcp/22 from sg-5",
        ),
    ),
    not_compared=(
        NotCompared(DB, "its peer is not there", "ingress tcp/22 from sg-5"),
        NotCompared(Resource("network-acl", "acl-0", "default"), "not adopted"),
    ),
    reads={"DescribeVpcs": 2, "GetCallerIdentity": 2},
    estimated_seconds=4.25,
    opens=(
        Flow(Direction.INGRESS, make_traffic(6, 443, 443), "0.0.0.0/0", WEB),
        Flow(Direction.INGRESS, make_traffic(6, 443, 443), "::/0", WEB),
        Flow(Direction.INGRESS, make_traffic(6, 5432, 5432), "web (new)", DB),
        Flow(Direction.EGRESS, make_traffic(58, 128, 0), "2001:db8::/56", DB, in_part=True),
        Flow(Direction.INGRESS, Protocols(0, 5), "192.0.2.0/24", SUBNET),
        Flow(Direction.INGRESS, make_traffic(6, 0, 21), "192.0.2.0/24", SUBNET),
        Flow(Direction.INGRESS, make_traffic(6, 23, 65535), "192.0.2.0/24", SUBNET),
        Flow(Direction.INGRESS, Protocols(7, 255), "192.0.2.0/24", SUBNET),
    ),
    closes=(Flow(Direction.EGRESS, make_traffic(-1, None, None), "0.0.0.0/0", DB),),
    than_before="looser and stricter",
    than_source="looser",
)


def empty(label: str = "vpc-2", *, unchanged: int = 12) -> Plan:
    """A plan with nothing to do."""
    target = Endpoint(label, "222222222222", "us-east-1", label)
    return Plan(SOURCE, target, (), Desired(), Summary(unchanged=unchanged), "sha256:0", Touched())


def small(label: str = "vpc-2") -> Plan:
    """A plan with one call."""
    target = Endpoint(label, "222222222222", "us-east-1", label)
    return Plan(SOURCE, target, (Step(CHANGES[3]),), Desired(), Summary(create=1), "sha256:0", Touched())
