"""Groups used in other VPCs of the Region (aws-facts 1.9)."""

from probes.registry import probe
from probes.trial import NOBODY, Trial, tcp

ASSOCIATE = "B AssociateSecurityGroupVpc"
GUIDE = "VPC security-group-assoc"


def _associated(t: Trial, group: str, vpc: str) -> None:
    t.ec2.associate_security_group_vpc(GroupId=group, VpcId=vpc)
    t.eventually(lambda: _state(t, group, vpc) == "associated", "the group is associated")


def _state(t: Trial, group: str, vpc: str) -> str:
    filters = [{"Name": "group-id", "Values": [group]}, {"Name": "vpc-id", "Values": [vpc]}]
    found = t.ec2.describe_security_group_vpc_associations(Filters=filters)["SecurityGroupVpcAssociations"]
    return str(found[0]["State"]) if found else ""


@probe("1.9", "a group is associated with another VPC, in a while", ASSOCIATE)
def associate(t: Trial) -> None:
    group, vpc = t.group(), t.vpc("10.1.0.0/16")
    answer = t.ec2.associate_security_group_vpc(GroupId=group, VpcId=vpc)
    t.true(answer["State"] in ("associating", "associated"), answer["State"])
    t.eventually(lambda: _state(t, group, vpc) == "associated", "the group is associated")


@probe("1.9", "the waiter for an association is content", "BR waiters-2")
def association_waiter(t: Trial) -> None:
    group, vpc = t.group(), t.vpc("10.1.0.0/16")
    t.ec2.associate_security_group_vpc(GroupId=group, VpcId=vpc)
    waiter = t.ec2.get_waiter("security_group_vpc_association_associated")
    filters = [{"Name": "group-id", "Values": [group]}]
    waiter.wait(Filters=filters, WaiterConfig={"Delay": 0, "MaxAttempts": 3})


@probe("1.9", "a default group cannot be associated", GUIDE)
def associate_a_default(t: Trial) -> None:
    vpc = t.vpc()
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    group = t.ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"]
    call = t.ec2.associate_security_group_vpc
    try:
        call(GroupId=group, VpcId=t.vpc("10.1.0.0/16"))
    except t.ec2.exceptions.ClientError as refused:
        t.true(refused.response["Error"]["Code"] not in ("InvalidAction", "InternalError"), str(refused))
        return
    t.true(False, "accepted")


@probe("1.9", "nothing can be associated with the default VPC", GUIDE)
def associate_with_default_vpc(t: Trial) -> None:
    vpc, group = t.default_vpc(), t.group()
    try:
        t.ec2.associate_security_group_vpc(GroupId=group, VpcId=vpc)
    except t.ec2.exceptions.ClientError as refused:
        t.true(refused.response["Error"]["Code"] not in ("InvalidAction", "InternalError"), str(refused))
        return
    t.true(False, "accepted")


@probe("1.9", "unknown groups and VPCs cannot be associated", "ERR")
def associate_nobody(t: Trial) -> None:
    call = t.ec2.associate_security_group_vpc
    t.refused("InvalidGroup.NotFound", call, GroupId=f"sg-{NOBODY}", VpcId=t.vpc())
    t.refused("InvalidVpcID.NotFound", call, GroupId=t.group(), VpcId=f"vpc-{NOBODY}")


@probe("1.9", "a group with an association cannot be deleted: DependencyViolation", ASSOCIATE)
def delete_an_associated(t: Trial) -> None:
    group, vpc = t.group(), t.vpc("10.1.0.0/16")
    _associated(t, group, vpc)
    t.refused("DependencyViolation", t.ec2.delete_security_group, GroupId=group)


@probe("1.9", "an association is dissolved", "B DisassociateSecurityGroupVpc")
def disassociate(t: Trial) -> None:
    group, vpc = t.group(), t.vpc("10.1.0.0/16")
    _associated(t, group, vpc)
    answer = t.ec2.disassociate_security_group_vpc(GroupId=group, VpcId=vpc)
    t.true(answer["State"] in ("disassociating", "disassociated"), answer["State"])
    t.eventually(lambda: _state(t, group, vpc) in ("", "disassociated"), "the association is gone")
    t.ec2.delete_security_group(GroupId=group)


@probe("1.9", "… but not while an interface there carries the group", "B DisassociateSecurityGroupVpc")
def disassociate_in_use(t: Trial) -> None:
    group, vpc = t.group(), t.vpc("10.1.0.0/16")
    _associated(t, group, vpc)
    t.interface(t.subnet(vpc, "10.1.1.0/24"), group)
    t.refused("DependencyViolation", t.ec2.disassociate_security_group_vpc, GroupId=group, VpcId=vpc)


@probe(
    "1.9", "associations are found by group, owner, state and VPC", "B DescribeSecurityGroupVpcAssociations"
)
def association_filters(t: Trial) -> None:
    group, vpc = t.group(), t.vpc("10.1.0.0/16")
    _associated(t, group, vpc)
    mine = {"Name": "group-id", "Values": [group]}
    for name, value in (
        ("group-owner-id", t.account),
        ("state", "associated"),
        ("vpc-id", vpc),
        ("vpc-owner-id", t.account),
    ):
        filters = [mine, {"Name": name, "Values": [value]}]
        found = t.ec2.describe_security_group_vpc_associations(Filters=filters)
        (item,) = found["SecurityGroupVpcAssociations"]
        t.same((item["GroupId"], item["VpcId"], item["VpcOwnerId"]), (group, vpc, t.account), name)


@probe(
    "1.9",
    "GetSecurityGroupsForVpc lists what a VPC may use, and where it comes from",
    "B GetSecurityGroupsForVpc",
)
def groups_for_a_vpc(t: Trial) -> None:
    home, vpc = t.vpc(), t.vpc("10.1.0.0/16")
    lent, own = t.group(home), t.group(vpc)
    _associated(t, lent, vpc)
    found = t.ec2.get_security_groups_for_vpc(VpcId=vpc)["SecurityGroupForVpcs"]
    primary = {group["GroupId"]: group["PrimaryVpcId"] for group in found}
    t.same((primary.get(lent), primary.get(own)), (home, vpc))


@probe("1.9", "it comes in pages", "BR paginators-1")
def groups_for_a_vpc_in_pages(t: Trial) -> None:
    vpc = t.vpc()
    for _ in range(6):
        t.group(vpc)
    pages = t.pages("get_security_groups_for_vpc", "SecurityGroupForVpcs", 5, VpcId=vpc)
    t.same([len(page) for page in pages], [5, 2])


@probe("1.8", "a group that is associated may be named there", "VPC security-group-rules")
def reference_to_an_associated(t: Trial) -> None:
    lent, vpc = t.group(), t.vpc("10.1.0.0/16")
    _associated(t, lent, vpc)
    own = t.group(vpc)
    t.allow(own, tcp(22, lent))
    t.same([rule["ReferencedGroupInfo"]["GroupId"] for rule in t.rules(own, egress=False)], [lent])


@probe("1.1", "the filter vpc-id is for the VPC of a group's creation", "B DescribeSecurityGroups")
def filter_by_first_vpc(t: Trial) -> None:
    group, vpc = t.group(), t.vpc("10.1.0.0/16")
    _associated(t, group, vpc)
    found = t.ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    t.true(group not in [each["GroupId"] for each in found], "found by the VPC it was lent to")
