"""Rules that name groups: of the VPC, across peerings, of nobody; what becomes of them (aws-facts 1.8)."""

from probes.registry import probe
from probes.trial import ABROAD, NOBODY, Json, Trial, tcp

PEERING = "PEER vpc-peering-security-groups"
RULES = "VPC security-group-rules"
STALE = "B DescribeStaleSecurityGroups"


def _pair(t: Trial, group: str) -> Json:
    (permission,) = t.described(group)["IpPermissions"]
    (pair,) = permission["UserIdGroupPairs"]
    return dict(pair)


@probe("1.8", "a group may name itself", "CLI describe-security-groups")
def self_reference(t: Trial) -> None:
    group = t.group()
    t.allow(group, tcp(22, group))
    t.same(_pair(t, group)["GroupId"], group)


@probe("1.8", "the owner of a group of one's own is filled in", "B UserIdGroupPair")
def owner_filled_in(t: Trial) -> None:
    vpc = t.vpc()
    one, two = t.group(vpc), t.group(vpc)
    t.allow(one, tcp(22, two))
    t.same(_pair(t, one)["UserId"], t.account)


@probe("1.8", "a group that nobody has is InvalidGroup.NotFound", "ERR InvalidGroup.NotFound")
def reference_to_nobody(t: Trial) -> None:
    t.refused("InvalidGroup.NotFound", t.allow, t.group(), tcp(22, f"sg-{NOBODY}"))


@probe("1.8", "a group of another VPC without a peering is refused", RULES)
def reference_without_peering(t: Trial) -> None:
    t.refused("InvalidGroup.NotFound", t.allow, t.group(), tcp(22, t.group(t.vpc())))


@probe("1.8", "a group of another Region is refused", PEERING)
def reference_abroad(t: Trial) -> None:
    t.refused("InvalidGroup.NotFound", t.allow, t.group(), tcp(22, t.group(region=ABROAD)))


@probe("1.8", "a group across an active peering may be named; the pair tells the peering", PEERING)
def reference_across_peering(t: Trial) -> None:
    here, there = t.vpc("10.1.0.0/16"), t.vpc("10.2.0.0/16")
    peering = t.peered(here, there)
    one, two = t.group(here), t.group(there)
    t.allow(one, tcp(22, two))
    pair = _pair(t, one)
    t.same((pair["VpcPeeringConnectionId"], pair["PeeringStatus"], pair["VpcId"]), (peering, "active", there))


@probe("1.8", "… outbound as well", RULES)
def egress_across_peering(t: Trial) -> None:
    here, there = t.vpc("10.1.0.0/16"), t.vpc("10.2.0.0/16")
    t.peered(here, there)
    one, two = t.group(here), t.group(there)
    t.ec2.authorize_security_group_egress(GroupId=one, IpPermissions=[tcp(22, two)])
    found = [
        rule["ReferencedGroupInfo"] for rule in t.rules(one, egress=True) if "ReferencedGroupInfo" in rule
    ]
    t.same([info["GroupId"] for info in found], [two])


@probe("1.8", "… but not while the peering is not accepted", PEERING)
def reference_across_pending(t: Trial) -> None:
    here, there = t.vpc("10.1.0.0/16"), t.vpc("10.2.0.0/16")
    t.peered(here, there, accept=False)
    t.refused("InvalidGroup.NotFound", t.allow, t.group(here), tcp(22, t.group(there)))


@probe("1.8", "a peered account's group is named with its UserId, which stands in the answer", PEERING)
def reference_to_an_account(t: Trial) -> None:
    here, there = t.vpc("10.1.0.0/16"), t.vpc("10.2.0.0/16", account=1)
    t.peered(here, there, account=1)
    one, two = t.group(here), t.group(there, account=1)
    permission = {**tcp(22), "UserIdGroupPairs": [{"GroupId": two, "UserId": t.other_account}]}
    t.allow(one, permission)
    t.same(_pair(t, one)["UserId"], t.other_account)


@probe("1.8", "… or without it", PEERING)
def reference_to_an_account_unnamed(t: Trial) -> None:
    here, there = t.vpc("10.1.0.0/16"), t.vpc("10.2.0.0/16", account=1)
    t.peered(here, there, account=1)
    one, two = t.group(here), t.group(there, account=1)
    t.allow(one, tcp(22, two))
    t.same(_pair(t, one)["UserId"], t.other_account)


@probe("1.8", "a group of another account without a peering is refused", PEERING)
def reference_to_a_stranger(t: Trial) -> None:
    theirs = t.group(account=1)
    permission = {**tcp(22), "UserIdGroupPairs": [{"GroupId": theirs, "UserId": t.other_account}]}
    t.refused("InvalidGroup.NotFound", t.allow, t.group(), permission)


@probe("1.8", "a rule of another VPC does not keep its group from being deleted", "B DeleteSecurityGroup")
def delete_across_peering(t: Trial) -> None:
    here, there = t.vpc("10.1.0.0/16"), t.vpc("10.2.0.0/16")
    t.peered(here, there)
    one, two = t.group(here), t.group(there)
    t.allow(one, tcp(22, two))
    t.ec2.delete_security_group(GroupId=two)


def _stale(t: Trial, vpc: str) -> list[str]:
    return [
        group["GroupId"] for group in t.ec2.describe_stale_security_groups(VpcId=vpc)["StaleSecurityGroupSet"]
    ]


@probe("1.8", "a rule whose group is gone is stale, and stays", f"{STALE}; PEER")
def stale_by_deletion(t: Trial) -> None:
    here, there = t.vpc("10.1.0.0/16"), t.vpc("10.2.0.0/16")
    t.peered(here, there)
    one, two = t.group(here), t.group(there)
    t.allow(one, tcp(22, two))
    t.same(_stale(t, here), [])
    t.ec2.delete_security_group(GroupId=two)
    t.same(_stale(t, here), [one])
    t.same(_pair(t, one)["GroupId"], two)


@probe("1.8", "a rule whose peering is gone is stale", f"{STALE}; PEER")
def stale_by_peering(t: Trial) -> None:
    here, there = t.vpc("10.1.0.0/16"), t.vpc("10.2.0.0/16")
    peering = t.peered(here, there)
    one, two = t.group(here), t.group(there)
    t.allow(one, tcp(22, two))
    t.ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering)
    found = t.ec2.describe_stale_security_groups(VpcId=here)["StaleSecurityGroupSet"]
    t.same([group["GroupId"] for group in found], [one])
    (permission,) = found[0]["StaleIpPermissions"]
    t.same([pair["GroupId"] for pair in permission["UserIdGroupPairs"]], [two])


@probe("1.8", "a peering made anew makes stale rules good again", STALE)
def stale_no_more(t: Trial) -> None:
    here, there = t.vpc("10.1.0.0/16"), t.vpc("10.2.0.0/16")
    peering = t.peered(here, there)
    one, two = t.group(here), t.group(there)
    t.allow(one, tcp(22, two))
    t.ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering)
    t.same(_stale(t, here), [one])
    t.peered(here, there)
    t.same(_stale(t, here), [])


@probe("1.8", "DescribeStaleSecurityGroups takes MaxResults from 5 to 255", STALE)
def stale_page_size(t: Trial) -> None:
    vpc, call = t.vpc(), t.ec2.describe_stale_security_groups
    t.same(call(VpcId=vpc, MaxResults=5)["StaleSecurityGroupSet"], [])
    for size in (4, 256):
        t.refused("InvalidParameterValue", call, VpcId=vpc, MaxResults=size)


@probe("1.8", "DescribeStaleSecurityGroups has a paginator", "BR paginators-1")
def stale_in_pages(t: Trial) -> None:
    here, there = t.vpc("10.1.0.0/16"), t.vpc("10.2.0.0/16")
    t.peered(here, there)
    gone = t.group(there)
    for _ in range(6):
        t.allow(t.group(here), tcp(22, gone))
    t.ec2.delete_security_group(GroupId=gone)
    pages = t.pages("describe_stale_security_groups", "StaleSecurityGroupSet", 5, VpcId=here)
    t.same([len(page) for page in pages], [5, 1])


@probe(
    "1.8",
    "DescribeSecurityGroupReferences tells the peered VPCs that name a group",
    "B SecurityGroupReference",
)
def references_told(t: Trial) -> None:
    here, there = t.vpc("10.1.0.0/16"), t.vpc("10.2.0.0/16")
    peering = t.peered(here, there)
    one, two = t.group(here), t.group(there)
    t.allow(one, tcp(22, two))
    (found,) = t.ec2.describe_security_group_references(GroupId=[two])["SecurityGroupReferenceSet"]
    t.same(
        (found["GroupId"], found["ReferencingVpcId"], found["VpcPeeringConnectionId"]), (two, here, peering)
    )
    t.same(t.ec2.describe_security_group_references(GroupId=[one])["SecurityGroupReferenceSet"], [])


@probe("1.8", "a group is named by name in the default VPC only", "B UserIdGroupPair.GroupName")
def reference_by_name(t: Trial) -> None:
    vpc, name = t.vpc(), t.name()
    t.group(vpc, name)
    permission = {**tcp(22), "UserIdGroupPairs": [{"GroupName": name}]}
    t.refused("InvalidParameterValue", t.allow, t.group(vpc), permission)


@probe("4", "a list that nobody has, in a rule, is InvalidPrefixListId.NotFound", "emulators.md")
def reference_to_no_list(t: Trial) -> None:
    t.refused("InvalidPrefixListId.NotFound", t.allow, t.group(), tcp(22, f"pl-{NOBODY}"))


@probe("4", "a rule that names a list tells it, with its description", "B PrefixListId")
def reference_to_a_list(t: Trial) -> None:
    group, listed = t.group(), t.prefix_list("10.9.0.0/16")
    t.allow(group, tcp(22, listed, description="offices"))
    (permission,) = t.described(group)["IpPermissions"]
    t.same(permission["PrefixListIds"], [{"PrefixListId": listed, "Description": "offices"}])
    t.same([rule["PrefixListId"] for rule in t.rules(group, egress=False)], [listed])
