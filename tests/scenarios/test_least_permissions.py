"""What ``twinwall permissions`` prints is enough for each command, and each line of it is needed.

The commands run as users that have these policies and nothing else, on an embedded AWS that enforces them. Every
right that they needed is kept; a line is needed if without it one of these rights is refused.
"""

import itertools
import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from worlds import HERE, THERE, A, B, Run, Stage, stage

from twinwall.cli import demo_firewall as shop
from twinwall.documents.permissions import Scope, permissions
from twinwall.emulator.iam.policies import Policies, Right, read_policy, refusal_of

Json = dict[str, Any]
VPC, TARGET = shop.SOURCE_VPC, shop.TARGET_VPC
SCOPES = {
    "source": Scope(HERE, A, VPC),
    "at": Scope(HERE, A, VPC),
    "target": Scope(THERE, B, TARGET),
}
SIDES = {"source": (A, HERE), "at": (A, HERE), "target": (B, THERE)}


@pytest.fixture(scope="module")
def _policed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("home"), enforce_iam=True) as running:
        yield running


@pytest.fixture
def world(_policed: Stage) -> Stage:
    _policed.aws.reset()
    everything_a_copy_may_hold(_policed)
    return _policed


class Actors:
    """A user for each command and side, with its policy alone. ``without``: the side, the Sid and the action that
    its policies lack."""

    _number = itertools.count()

    def __init__(self, world: Stage, without: tuple[str, str, str] | None = None) -> None:
        self.world = world
        self.policies: dict[str, Json] = {}
        self._without = without
        self._prefix = f"u{next(self._number)}"

    def run(self, command: str, *arguments: Any) -> Run:
        ways: list[str] = []
        for side, policy in permissions(command, SCOPES).items():
            user = self._user(f"{self._prefix}-{command}-{side}", side, policy)
            ways += [f"--{side}-profile", user, f"--{side}-region", SIDES[side][1]]
        return self.world.run(command, *arguments, *ways, "--output", "json", "--quiet")

    def _user(self, name: str, side: str, policy: Json) -> str:
        if name not in self.policies:
            if self._without and self._without[0] == side:
                policy = lacking(policy, *self._without[1:])
            self.policies[name] = policy
            key = self.world.aws.add_user(SIDES[side][0], name, json.dumps(policy))
            text = f"[{name}]\naws_access_key_id = {key.id}\naws_secret_access_key = {key.secret}\n"
            with (self.world.folder / "credentials").open("a") as file:
                file.write(text)
        return name


def lacking(policy: Json, sid: str, action: str) -> Json:
    """The policy without this action of this statement, which goes too if that was its last."""
    found = deepcopy(policy)
    for statement in found["Statement"]:
        if statement["Sid"] == sid:
            statement["Action"].remove(action)
    found["Statement"] = [statement for statement in found["Statement"] if statement["Action"]]
    return found


MIGRATE = ("--source", VPC, "--target", TARGET, "--map-vpc-cidr", "--associate", "auto", "--rule-tags")
GONE = "sg-0dead000000000001"


def everything_a_copy_may_hold(world: Stage) -> None:
    """The demo's shop; a rule with tags, and one whose group is gone."""
    document = shop.source_document()
    edge = next(group for group in document["SecurityGroups"] if group["GroupName"] == "edge")
    pairs = [{"GroupId": GONE, "UserId": shop.SOURCE_ACCOUNT}]
    edge["IpPermissions"].append({"IpProtocol": "tcp", "FromPort": 8, "ToPort": 8, "UserIdGroupPairs": pairs})
    world.load(document, A, HERE)
    world.load(shop.target_document(), B, THERE)
    ec2 = world.client(A, HERE)
    web = group_of(ec2, "web")
    ec2.create_tags(Resources=[rule_of(ec2, web, egress=way) for way in (True, False)], Tags=TAGS)


def group_of(ec2: Any, name: str) -> str:
    filters = [{"Name": "group-name", "Values": [name]}, {"Name": "vpc-id", "Values": [VPC]}]
    return str(ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"])


TAGS = [{"Key": "why", "Value": "8080"}]


def rule_of(ec2: Any, group: str, *, egress: bool = False) -> str:
    filters = [{"Name": "group-id", "Values": [group]}]
    rules = ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
    return str(next(rule["SecurityGroupRuleId"] for rule in rules if rule["IsEgress"] is egress))


def change_the_source(ec2: Any) -> None:
    """Something for every kind of write: another description in and out, a rule less in and out, other tags of a
    group and of a rule, an entry replaced, one gone, a list longer, a group, an ACL and a list no more."""
    web, edge = group_of(ec2, "web"), group_of(ec2, "edge")
    for update, permission in (
        (
            ec2.update_security_group_rule_descriptions_ingress,
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443},
        ),
        (
            ec2.update_security_group_rule_descriptions_egress,
            {"IpProtocol": "tcp", "FromPort": 9100, "ToPort": 9100},
        ),
    ):
        of_edge = permission["FromPort"] == 443
        block = {"CidrIp": "0.0.0.0/0" if of_edge else "10.10.0.0/16", "Description": "another"}
        group = edge if of_edge else group_of(ec2, "monitoring")
        update(GroupId=group, IpPermissions=[{**permission, "IpRanges": [block]}])
    ec2.create_tags(Resources=[web, rule_of(ec2, web)], Tags=[{"Key": "why", "Value": "changed"}])
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [web]}])
    for rule in rules["SecurityGroupRules"]:
        revoke = ec2.revoke_security_group_egress if rule["IsEgress"] else ec2.revoke_security_group_ingress
        if rule["IsEgress"] or rule.get("ReferencedGroupInfo", {}).get("GroupId") != edge:
            revoke(GroupId=web, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
    acl = "acl-0a11ce00000000001"
    ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=130, Egress=False)
    ec2.replace_network_acl_entry(
        NetworkAclId=acl,
        RuleNumber=90,
        Egress=False,
        Protocol="-1",
        RuleAction="deny",
        CidrBlock="192.0.2.0/25",
    )
    office = "pl-0ff1ce00000000001"
    ec2.modify_managed_prefix_list(
        PrefixListId=office, CurrentVersion=1, AddEntries=[{"Cidr": "192.0.2.8/32"}]
    )


def delete_in_the_source(ec2: Any) -> None:
    """A group, and with its neighbour's rule the last one that names the list; an ACL."""
    for name in ("bastion", "vpn", "db"):
        group = group_of(ec2, name)
        rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
        for rule in rules["SecurityGroupRules"]:
            revoke = (
                ec2.revoke_security_group_egress if rule["IsEgress"] else ec2.revoke_security_group_ingress
            )
            revoke(GroupId=group, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
    ec2.delete_security_group(GroupId=group_of(ec2, "bastion"))
    default = "acl-0a11ce00000000000"
    for acl in ec2.describe_network_acls(NetworkAclIds=["acl-0a11ce00000000002"])["NetworkAcls"]:
        for association in acl["Associations"]:
            ec2.replace_network_acl_association(
                AssociationId=association["NetworkAclAssociationId"], NetworkAclId=default
            )
    ec2.delete_network_acl(NetworkAclId="acl-0a11ce00000000002")
    ec2.delete_managed_prefix_list(PrefixListId="pl-0ff1ce00000000001")


def https_from(*blocks: str) -> list[Any]:
    ranges = [{"CidrIp": block} for block in blocks]
    return [{"IpProtocol": "tcp", "FromPort": 8443, "ToPort": 8443, "IpRanges": ranges}]


def fill_a_group(ec2: Any) -> None:
    """With as many rules as a group may have."""
    made = ec2.create_security_group(GroupName="full", Description="x", VpcId=VPC)["GroupId"]
    blocks = [f"198.51.100.{number}/32" for number in range(59)]
    ec2.authorize_security_group_ingress(GroupId=made, IpPermissions=https_from("203.0.113.0/25", *blocks))


def widen_in_the_full_group(actors: Actors, ec2: Any) -> None:
    """In the target it guards an interface by now, so the rule can neither go first nor come first."""
    (copy,) = [g["GroupId"] for g in actors.world.groups(TARGET) if g["GroupName"] == "full"]
    there = actors.world.client(B, THERE)
    filters = [{"Name": "vpc-id", "Values": [TARGET]}]
    subnet = there.describe_subnets(Filters=filters)["Subnets"][0]["SubnetId"]
    there.create_network_interface(SubnetId=subnet, Groups=[copy])
    group = group_of(ec2, "full")
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=https_from("203.0.113.0/25"))
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=https_from("203.0.113.0/24"))


def make_many_groups(ec2: Any) -> None:
    """More than EC2 takes in twenty seconds, so that the account's own rates are asked for."""
    for number in range(155):
        ec2.create_security_group(GroupName=f"many-{number}", Description="x", VpcId=VPC)


MORE = ("--outside", "skip", "--protect", "tcp/443 from 0.0.0.0/0 to edge", "--adopt", "default")
WRITE = ("--yes", "--force")


def look(actors: Actors) -> None:
    """Every command that writes nothing."""
    folder = actors.world.folder
    actors.world.aws.fail_next("GetServiceQuota", "NoSuchResourceException", times=2)
    actors.run("lint", "--at", VPC).ended(0)
    packet = ("--from", "198.51.100.7", "--to", "10.10.0.10", "--protocol", "tcp", "--port", 443)
    actors.run("explain", "--at", VPC, *packet).ended(0)
    actors.run("export", "--at", VPC, "--format", "cli", "--with-associations").ended(0)
    actors.run("snapshot", "--source", VPC, "-o", folder / "shop.json").ended(0)
    actors.run("plan", *MIGRATE, "--outside", "keep").ended(3)


def planned(actors: Actors, *more: str) -> None:
    """A saved plan, carried out."""
    plan = actors.world.folder / "plan.json"
    actors.world.aws.fail_next("GetServiceQuota", "NoSuchResourceException")
    actors.run("plan", *MIGRATE, *MORE, *more, "-o", plan).ended(0)
    actors.run("apply", plan, "--yes").ended(0)


def at_once(actors: Actors, *more: str) -> None:
    actors.world.aws.fail_next("GetServiceQuota", "NoSuchResourceException")
    actors.run("migrate", *MIGRATE, *MORE, *WRITE, *more).ended(0)
    actors.run("migrate", *MIGRATE, "--outside", "keep", "--yes").ended(3)


def prove(actors: Actors) -> None:
    """Equal; then with a rule in the copy whose worth hangs on members."""
    actors.run("verify", *MIGRATE[:-1], "--outside", "skip").ended(0)
    actors.run("verify", *MIGRATE[:-1], "--outside", "keep").ended(3)
    ec2 = actors.world.client(B, THERE)
    copies = {group["GroupName"]: group["GroupId"] for group in actors.world.groups(TARGET)}
    other = ec2.create_security_group(GroupName="other", Description="x", VpcId=TARGET)["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [{"GroupId": other}]}
    ec2.authorize_security_group_ingress(GroupId=copies["web"], IpPermissions=[rule])
    actors.run("verify", *MIGRATE[:-1], "--outside", "skip").ended(0)
    ec2.revoke_security_group_ingress(GroupId=copies["web"], IpPermissions=[rule])
    ec2.delete_security_group(GroupId=other)


def the_whole_story(actors: Actors, carry: Any) -> None:
    source = actors.world.client(A, HERE)
    carry(actors)
    if carry is planned:
        prove(actors)
    change_the_source(source)
    carry(actors)
    delete_in_the_source(source)
    fill_a_group(source)
    carry(actors, "--prune", "--force")
    widen_in_the_full_group(actors, source)
    make_many_groups(source)
    carry(actors, *WRITE[1:])


@pytest.mark.parametrize("carry", [planned, at_once])
def test_each_policy_is_enough_and_every_line_of_it_is_needed(world: Stage, carry: Any) -> None:
    actors = Actors(world)
    if carry is planned:
        look(actors)
    the_whole_story(actors, carry)
    unused = [
        (name, statement["Sid"], action)
        for name, policy in actors.policies.items()
        for statement in policy["Statement"]
        for action in statement["Action"]
        if not refused(lacking(policy, statement["Sid"], action), rights_of(world, name))
    ]
    assert unused == [], "\n".join(map(str, unused))


def test_drift_asks_for_what_verify_asks_for() -> None:
    """It says which sides there are in the configuration, not by options."""
    assert permissions("drift", SCOPES) == permissions("verify", SCOPES)


def rights_of(world: Stage, user: str) -> list[Right]:
    return [right for arn, right in world.aws.rights if arn.endswith(f":user/{user}")]


def refused(policy: Json, rights: list[Right]) -> bool:
    held = Policies((read_policy(json.dumps(policy)),))
    return any(refusal_of(held, right, {}) for right in rights)


@pytest.mark.parametrize(
    "missing",
    [
        ("source", "Read", "ec2:DescribeSecurityGroups"),
        ("source", "Read", "ec2:DescribeNetworkAcls"),
        ("target", "CreateGroups", "ec2:CreateSecurityGroup"),
        ("target", "WriteEntries", "ec2:CreateNetworkAclEntry"),
        ("target", "Mark", "ec2:CreateTags"),
    ],
    ids=lambda missing: missing[2],
)
def test_a_command_that_lacks_a_line_says_which(world: Stage, missing: tuple[str, str, str]) -> None:
    run = Actors(world, missing).run("migrate", *MIGRATE, *MORE, *WRITE)
    assert (run.code, missing[2] in run.stderr) in ((1, True), (3, True)), run.stderr


def test_a_policy_for_one_vpc_is_none_for_another(world: Stage) -> None:
    actors = Actors(world)
    actors.run("migrate", *MIGRATE, *MORE, *WRITE).ended(0)
    elsewhere = world.empty("10.30.0.0/16")
    run = actors.run("migrate", "--source", VPC, "--target", elsewhere, "--outside", "skip", "--yes")
    assert run.code in (1, 3)
    assert "ec2:CreateSecurityGroup" in run.stderr
    assert [group["GroupName"] for group in world.groups(elsewhere)] == ["default"]
