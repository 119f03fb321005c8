"""The contract of the doors, on every AWS there is: in memory, over HTTP on the embedded one, and, where
``TWINWALL_CLOUD=PROFILE/REGION`` names an account to try it in, on AWS itself (CONTRIBUTING.md)."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

import pytest

from twinwall.aws.account import AwsAccount
from twinwall.aws.clients import AwsSession
from twinwall.aws.sessions import Side, resolve
from twinwall.boundary import Account, Clock, FirewallReader, FirewallWriter, Section
from twinwall.ec2.reader import Ec2Reader
from twinwall.ec2.writer import Ec2Writer
from twinwall.emulator.faults import Denial, Fault, Kind
from twinwall.emulator.memory import MemoryAws
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.server import EmbeddedAws
from twinwall.errors import (
    AccessDenied,
    AlreadyExists,
    AwsError,
    DependencyViolation,
    NotFound,
    OutcomeUnknown,
    Throttled,
)
from twinwall.model.firewall import PrefixListEntry, Resource, SecurityGroup, Snapshot, new_id
from twinwall.model.net import parse_cidr
from twinwall.model.rules import (
    CidrPeer,
    Direction,
    GroupPeer,
    NetworkAclEntry,
    Peer,
    PrefixListPeer,
    RuleAction,
    SecurityGroupRule,
    Traffic,
)
from twinwall.model.wire import parse_snapshot
from twinwall.planning import changes as c

ACCOUNT, OTHER = "777788889999", "000011112222"
INGRESS, EGRESS = Direction.INGRESS, Direction.EGRESS


class RealClock:
    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


@dataclass
class World:
    """One VPC with a subnet, the doors to it, and the AWS behind them."""

    aws: Any
    endpoint: str
    vpc: str
    subnet: str
    reader: FirewallReader
    writer: FirewallWriter
    account: Account
    account_id: str = ACCOUNT
    region: str = "eu-west-1"

    def tamed(self) -> Any:
        """The AWS that does what a test asks for."""
        if self.aws is None:
            pytest.skip("AWS itself cannot be told to fail, to deny or to have other quotas")
        return self.aws

    def set_quota(self, code: str, value: int) -> None:
        self.tamed().world.quotas["*", "*", code] = value

    def fail_next(self, action: str, kind: Kind, code: str = "", status: int = 400) -> None:
        refusal = Refusal(code, code, status) if code else None
        self.tamed().trouble.add(Fault(action, kind, refusal))

    def make_group(self, name: str) -> Resource:
        ref = Resource("security-group", new_id("security-group", name), name)
        change = c.CreateSecurityGroup(
            resource=ref,
            group_name=name,
            description=f"about {name}",
            vpc_id=self.vpc,
            tags=(("tier", name),),
        )
        return Resource("security-group", self.writer.carry_out(change).id, name)

    def snapshot(self, *sections: Any) -> Snapshot:
        return parse_snapshot(self.reader.read(self.vpc, sections or ("SecurityGroups", "NetworkAcls")))

    def group(self, group: Resource) -> SecurityGroup:
        return self.snapshot("SecurityGroups").group_by_id[group.id]


def in_memory() -> World:
    aws = MemoryAws((ACCOUNT, OTHER))
    vpc = aws.make_vpc(ACCOUNT, "eu-west-1", subnets=[("10.0.0.0/24", "a", "")])
    (subnet,) = aws.network.at(ACCOUNT, "eu-west-1").subnets
    return World(aws, "memory", vpc, subnet, *aws.doors(ACCOUNT, "eu-west-1"))


def on_the_server(aws: EmbeddedAws, session: AwsSession) -> World:
    clock: Clock = RealClock()
    ec2 = session.writing()
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    doors = Ec2Reader(session), Ec2Writer(session, clock), AwsAccount(session)
    return World(aws, aws.endpoint, vpc, subnet, *doors)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[EmbeddedAws, AwsSession]]:
    with EmbeddedAws((ACCOUNT, OTHER)) as aws, pytest.MonkeyPatch.context() as environment:
        key = aws.credentials(ACCOUNT)
        environment.setenv("AWS_ACCESS_KEY_ID", key.id)
        environment.setenv("AWS_SECRET_ACCESS_KEY", key.secret)
        side = Side("target", region="eu-west-1", endpoint_url=aws.endpoint)
        (session,) = resolve([side], now=time.time)
        yield aws, session


CLOUD = os.environ.get("TWINWALL_CLOUD", "")
"""Read before the tests' own environment hides the user's AWS."""


@pytest.fixture(scope="module")
def cloud() -> Iterator[AwsSession]:
    """With a profile of the user's own ~/.aws."""
    profile, _, region = CLOUD.partition("/")
    with pytest.MonkeyPatch.context() as environment:
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            environment.delenv(name, raising=False)
        (session,) = resolve([Side("target", profile=profile, region=region)], now=time.time)
        yield session


def in_the_cloud(session: AwsSession) -> World:
    """A VPC of this test's alone."""
    ec2, account = session.writing(), AwsAccount(session)
    who = account.identity()
    made = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=_TEMPORARY)
    vpc = made["Vpc"]["VpcId"]
    ec2.get_waiter("vpc_available").wait(VpcIds=[vpc])
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    reader, writer = Ec2Reader(session), Ec2Writer(session, RealClock())
    return World(None, who.endpoint, vpc, subnet, reader, writer, account, who.account, who.region)


_TEMPORARY = [
    {"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "twinwall contract test, may be deleted"}]}
]


def own_lists(ec2: Any, account: str) -> set[str]:
    filters = [{"Name": "owner-id", "Values": [account]}]
    found = ec2.describe_managed_prefix_lists(Filters=filters)["PrefixLists"]
    return {item["PrefixListId"] for item in found}


def leave_nothing(ec2: Any, world: World, lists: set[str]) -> None:
    """Takes away the VPC with all that is in it, and the lists that were not there before."""
    of_vpc = [{"Name": "vpc-id", "Values": [world.vpc]}]
    groups = ec2.describe_security_groups(Filters=of_vpc)["SecurityGroups"]
    for group in groups:
        for key, revoke in (
            ("IpPermissions", ec2.revoke_security_group_ingress),
            ("IpPermissionsEgress", ec2.revoke_security_group_egress),
        ):
            if group[key]:
                revoke(GroupId=group["GroupId"], IpPermissions=group[key])
    for group in groups:
        if group["GroupName"] != "default":
            ec2.delete_security_group(GroupId=group["GroupId"])
    ec2.delete_subnet(SubnetId=world.subnet)
    for acl in ec2.describe_network_acls(Filters=of_vpc)["NetworkAcls"]:
        if not acl["IsDefault"]:
            ec2.delete_network_acl(NetworkAclId=acl["NetworkAclId"])
    for list_id in own_lists(ec2, world.account_id) - lists:
        ec2.delete_managed_prefix_list(PrefixListId=list_id)
    ec2.delete_vpc(VpcId=world.vpc)


@pytest.fixture(params=["memory", "server", "cloud"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "memory":
        yield in_memory()
    elif request.param == "server":
        aws, session = request.getfixturevalue("server")
        yield on_the_server(aws, session)
        aws.reset()
    elif not CLOUD:
        pytest.skip("AWS itself is tried only in an account that TWINWALL_CLOUD=PROFILE/REGION names")
    else:
        session = request.getfixturevalue("cloud")
        made = in_the_cloud(session)
        lists = own_lists(session.writing(), made.account_id)
        yield made
        leave_nothing(session.writing(), made, lists)


def rule(
    direction: Direction, traffic: Traffic, peer: Peer | str, description: str = ""
) -> SecurityGroupRule:
    block = CidrPeer(parse_cidr(peer)) if isinstance(peer, str) else peer
    return SecurityGroupRule(direction, traffic, block, description)


def test_the_identity_is_that_of_the_keys(world: World) -> None:
    identity = world.account.identity()
    found = (identity.account, identity.region, identity.endpoint)
    assert found == (world.account_id, world.region, world.endpoint)


def test_quotas_are_read_live(world: World) -> None:
    world.set_quota("L-0EA8095F", 75)
    quotas = world.account.quotas()
    assert quotas.rules_per_group == 75
    assert "rules_per_group" in quotas.live


def test_a_group_and_its_rules_come_back_as_written(world: World) -> None:
    web, db = world.make_group("web"), world.make_group("db")
    rules = (
        rule(INGRESS, Traffic(6, 443, 443), "0.0.0.0/0", "https"),
        rule(INGRESS, Traffic(17, 53, 53), "2001:db8::/56"),
        rule(INGRESS, Traffic(1, 8, -1), "10.0.0.0/8"),
        rule(INGRESS, Traffic(50), "10.1.0.0/16"),
        rule(INGRESS, Traffic(-1), GroupPeer(db.id)),
    )
    world.writer.carry_out(c.AuthorizeRules(resource=web, direction=INGRESS, rules=rules))
    everything = rule(EGRESS, Traffic(-1), "0.0.0.0/0")
    world.writer.carry_out(
        c.RevokeRules(resource=web, direction=EGRESS, rules=(everything,), missing_ok=True)
    )
    found = world.group(web)
    assert (found.group_name, found.description, found.tags) == ("web", "about web", (("tier", "web"),))
    assert set(found.rules) == set(rules)
    assert {r.description for r in found.rules} == {"https", ""}
    listed = world.reader.read(world.vpc, ["SecurityGroupRules"])["SecurityGroupRules"]
    assert len([r for r in listed if r["GroupId"] == web.id]) == len(rules)


def test_a_description_is_changed_in_place(world: World) -> None:
    web = world.make_group("web")
    for kind, text in ((c.AuthorizeRules, "old"), (c.UpdateRuleDescriptions, "new")):
        rules = (rule(INGRESS, Traffic(6, 22, 22), "10.0.0.0/8", text),)
        world.writer.carry_out(kind(resource=web, direction=INGRESS, rules=rules))
    assert [r.description for r in world.group(web).rules_of(INGRESS)] == ["new"]


def test_revoking_what_is_not_there(world: World) -> None:
    web = world.make_group("web")
    both = tuple(rule(EGRESS, Traffic(-1), peer) for peer in ("0.0.0.0/0", "::/0"))
    with pytest.raises(NotFound):
        world.writer.carry_out(c.RevokeRules(resource=web, direction=EGRESS, rules=both))
    assert len(world.group(web).rules_of(EGRESS)) == 1
    world.writer.carry_out(c.RevokeRules(resource=web, direction=EGRESS, rules=both, missing_ok=True))
    assert world.group(web).rules_of(EGRESS) == ()


def test_a_name_that_is_taken(world: World) -> None:
    world.make_group("web")
    with pytest.raises(AlreadyExists):
        world.make_group("WEB")


def test_tags_and_the_groups_that_carry_them(world: World) -> None:
    web = world.make_group("web")
    world.writer.carry_out(c.CreateTags(resource=web, tags=(("twinwall:source", "a/b/c/d"),)))
    found = world.reader.find_groups("twinwall:source", "a/b/c/d")["SecurityGroups"]
    assert [group["GroupId"] for group in found] == [web.id]
    assert world.reader.find_groups("twinwall:source", "*") == {"SecurityGroups": []}


def test_an_acl_complete_associated_and_gone(world: World) -> None:
    acl = Resource("network-acl", new_id("network-acl", "edge"), "edge")
    made = world.writer.carry_out(c.CreateNetworkAcl(resource=acl, vpc_id=world.vpc, client_token="once"))
    acl = Resource("network-acl", made.id, "edge")
    entries = [
        NetworkAclEntry(INGRESS, 100, RuleAction.ALLOW, Traffic(6, 443, 443), parse_cidr("0.0.0.0/0")),
        NetworkAclEntry(INGRESS, 110, RuleAction.DENY, Traffic(58, -1, -1), parse_cidr("::/0")),
        NetworkAclEntry(EGRESS, 100, RuleAction.ALLOW, Traffic(-1), parse_cidr("0.0.0.0/0")),
    ]
    for entry in entries:
        world.writer.carry_out(c.CreateNetworkAclEntry(resource=acl, entry=entry))
    replaced = NetworkAclEntry(INGRESS, 100, RuleAction.DENY, Traffic(6, 80, 80), parse_cidr("10.0.0.0/8"))
    world.writer.carry_out(c.ReplaceNetworkAclEntry(resource=acl, entry=replaced))
    world.writer.carry_out(c.DeleteNetworkAclEntry(resource=acl, entry=entries[1]))
    acls = {item.network_acl_id: item for item in world.snapshot().acls or ()}
    assert acls[acl.id].entries == (replaced, entries[2])
    (default,) = (item for item in acls.values() if item.is_default)
    (held,) = default.associations
    swapped = world.writer.carry_out(
        c.ReplaceNetworkAclAssociation(
            resource=Resource("subnet", world.subnet),
            association_id=held.association_id,
            network_acl_id=acl.id,
        )
    )
    acls = {item.network_acl_id: item for item in world.snapshot().acls or ()}
    assert [(a.subnet_id, a.association_id) for a in acls[acl.id].associations] == [
        (world.subnet, swapped.id)
    ]
    with pytest.raises(AwsError):
        world.writer.carry_out(c.DeleteNetworkAcl(resource=acl))


def test_a_prefix_list_grows_version_by_version(world: World) -> None:
    hq, lab = (PrefixListEntry(parse_cidr(text), text) for text in ("192.0.2.0/24", "198.51.100.0/24"))
    ref = Resource("prefix-list", new_id("prefix-list", "offices"), "offices")
    made = world.writer.carry_out(
        c.CreateManagedPrefixList(resource=ref, name="offices", family=4, max_entries=1, entries=(hq,))
    )
    offices = Resource("prefix-list", made.id, "offices")
    world.writer.carry_out(c.ModifyManagedPrefixList(resource=offices, max_entries=2))
    grown = world.writer.carry_out(c.ModifyManagedPrefixList(resource=offices, add=(lab,)))
    assert grown.version == (made.version or 0) + 1
    document = world.reader.read_prefix_lists([])
    (found,) = (p for p in parse_snapshot(document).prefix_lists or () if p.prefix_list_id == offices.id)
    assert (found.name, found.max_entries, found.entries) == ("offices", 2, (hq, lab))
    assert world.reader.read_list_users(offices.id) == {"PrefixListAssociations": []}
    web = world.make_group("web")
    from_offices = rule(INGRESS, Traffic(6, 443, 443), PrefixListPeer(offices.id))
    world.writer.carry_out(c.AuthorizeRules(resource=web, direction=INGRESS, rules=(from_offices,)))
    assert world.group(web).rules_of(INGRESS) == (from_offices,)
    (user,) = world.reader.read_list_users(offices.id)["PrefixListAssociations"]
    assert user["ResourceId"] == web.id
    stale = c.ModifyManagedPrefixList(resource=offices, version=1, remove=(lab,))
    if grown.version != 1:
        with pytest.raises(AwsError, match="PrefixListVersionMismatch"):
            world.writer.carry_out(stale)


def test_prefix_lists_by_name_with_aws_s_own(world: World) -> None:
    names = [f"com.amazonaws.{world.region}.s3", "no-such-list"]
    found = world.reader.read_prefix_lists(["pl-00000000000000000"], names)["PrefixLists"]
    assert [item["PrefixListName"] for item in found] == names[:1]
    assert found[0]["Entries"]


def test_every_section_of_a_vpc_is_json(world: World) -> None:
    document = world.reader.read(world.vpc, get_args(Section))
    assert set(document) == set(get_args(Section))
    assert json.loads(json.dumps(document)) == document
    assert [vpc["VpcId"] for vpc in document["Vpcs"]] == [world.vpc]


def test_a_vpc_that_is_not_there(world: World) -> None:
    with pytest.raises(NotFound, match="vpc-00000000000000000"):
        world.reader.read("vpc-00000000000000000", ["Vpcs"])


def test_a_denial_names_the_action_and_nothing_was_done(world: World) -> None:
    world.tamed().trouble.deny(Denial(ACCOUNT, "CreateSecurityGroup"))
    with pytest.raises(AccessDenied, match='"Action": "ec2:CreateSecurityGroup"'):
        world.make_group("web")


def test_an_answer_that_is_lost_is_unknown_and_a_throttle_is_seen_at_once(world: World) -> None:
    world.fail_next("CreateSecurityGroup", Kind.LOST)
    with pytest.raises(OutcomeUnknown):
        world.make_group("web")
    world.fail_next("CreateSecurityGroup", Kind.REFUSED, "RequestLimitExceeded", 503)
    with pytest.raises(Throttled):
        world.make_group("db")
    assert world.tamed().counts.total("CreateSecurityGroup") == 2
    assert sorted(group.group_name for group in world.snapshot("SecurityGroups").groups) == ["default", "web"]


def test_reads_are_repeated_where_ec2_asks_for_patience(world: World) -> None:
    world.fail_next("DescribeSecurityGroups", Kind.REFUSED, "RequestLimitExceeded", 503)
    assert world.snapshot("SecurityGroups").groups


@pytest.mark.parametrize("kind", [Kind.CUT, Kind.LATE])
def test_a_call_that_was_not_carried_out_is_unknown_too(world: World, kind: Kind) -> None:
    """Its client cannot tell it from one whose answer was lost."""
    world.fail_next("CreateSecurityGroup", kind)
    with pytest.raises(OutcomeUnknown, match=r"CreateSecurityGroup for web \(target\).*cut off"):
        world.make_group("web")


def test_a_fault_of_aws_s_own_leaves_a_write_unknown(world: World) -> None:
    world.fail_next("CreateSecurityGroup", Kind.REFUSED, "InternalError", 500)
    with pytest.raises(OutcomeUnknown):
        world.make_group("web")


def test_a_read_without_an_answer_is_repeated(world: World) -> None:
    world.fail_next("DescribeSecurityGroups", Kind.LOST)
    assert world.snapshot("SecurityGroups").groups
    assert world.tamed().counts.total("DescribeSecurityGroups") == 2


def test_what_is_used_cannot_be_deleted(world: World) -> None:
    web, db = world.make_group("web"), world.make_group("db")
    named = rule(INGRESS, Traffic(-1), GroupPeer(db.id))
    world.writer.carry_out(c.AuthorizeRules(resource=web, direction=INGRESS, rules=(named,)))
    with pytest.raises(DependencyViolation):
        world.writer.carry_out(c.DeleteSecurityGroup(resource=db))
    world.writer.carry_out(c.DeleteSecurityGroup(resource=web))
    world.writer.carry_out(c.DeleteSecurityGroup(resource=db))
    assert [group.group_name for group in world.snapshot("SecurityGroups").groups] == ["default"]


def test_a_rule_too_many_is_refused_with_the_quota_s_name(world: World) -> None:
    world.set_quota("L-0EA8095F", 2)
    web = world.make_group("web")
    rules = tuple(rule(INGRESS, Traffic(6, port, port), "10.0.0.0/8") for port in (1, 2, 3))
    with pytest.raises(AwsError, match="L-0EA8095F"):
        world.writer.carry_out(c.AuthorizeRules(resource=web, direction=INGRESS, rules=rules))
    assert world.group(web).rules_of(INGRESS) == ()
