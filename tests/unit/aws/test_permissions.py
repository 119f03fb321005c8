"""Whatever the doors call stands in the table of permissions, and whatever stands there they call."""

from collections.abc import Callable
from typing import Any, get_args

import pytest

from twinwall.aws.account import AwsAccount
from twinwall.aws.clients import AwsSession
from twinwall.boundary import Clock, Section
from twinwall.documents.permissions import ALL_CALLS
from twinwall.ec2.codes import iam_action
from twinwall.ec2.reader import Ec2Reader
from twinwall.ec2.writer import Ec2Writer
from twinwall.model.firewall import PrefixListEntry, Resource
from twinwall.model.net import parse_cidr
from twinwall.model.rules import CidrPeer, Direction, NetworkAclEntry, RuleAction, SecurityGroupRule, Traffic
from twinwall.planning import changes as c

ANSWERS: dict[str, dict[str, Any]] = {
    "CreateSecurityGroup": {"GroupId": "sg-1"},
    "CreateNetworkAcl": {"NetworkAcl": {"NetworkAclId": "acl-1"}},
    "ReplaceNetworkAclAssociation": {"NewAssociationId": "aclassoc-2"},
    "CreateManagedPrefixList": {"PrefixList": {"PrefixListId": "pl-1", "State": "create-in-progress"}},
    "ModifyManagedPrefixList": {
        "PrefixList": {"PrefixListId": "pl-1", "State": "modify-complete", "Version": 10}
    },
    "DescribeManagedPrefixLists": {
        "PrefixLists": [
            {"PrefixListId": "pl-1", "State": "modify-complete", "Version": 9, "OwnerId": "111122223333"}
        ]
    },
    "DescribeSecurityGroups": {"SecurityGroups": [{"GroupId": "sg-1"}]},
    "DescribeVpcs": {"Vpcs": []},
    "GetCallerIdentity": {"Account": "111122223333", "Arn": "arn:aws:iam::111122223333:user/u"},
    "GetAWSDefaultServiceQuota": {"Quota": {"Value": 1.0}},
}


@pytest.fixture
def called(session: AwsSession) -> set[str]:
    """The IAM actions of all calls of this session, which all succeed."""
    actions: set[str] = set()

    class Http:
        status_code = 200

    def answer(model: Any, **_: Any) -> tuple[Http, dict[str, Any]]:
        actions.add(iam_action(model.name))
        if model.name == "GetServiceQuota":
            Http.status_code = 400
            return Http(), {"Error": {"Code": "NoSuchResourceException"}}
        Http.status_code = 200
        return Http(), dict(ANSWERS.get(model.name, {}))

    session._clients = {}
    for client in (
        session.reading(),
        session.writing(),
        session.quotas(),
        session._client("identity", "sts", 3),
    ):
        client.meta.events.register("before-call", answer)
    return actions


def every_change() -> list[c.Change]:
    group, acl = Resource("security-group", "sg-1"), Resource("network-acl", "acl-1")
    prefix_list, subnet = Resource("prefix-list", "pl-1"), Resource("subnet", "subnet-1")
    cidr = parse_cidr("10.0.0.0/8")
    entry = NetworkAclEntry(Direction.EGRESS, 100, RuleAction.ALLOW, Traffic(-1), cidr)
    rules = [
        kind(resource=group, direction=way, rules=(SecurityGroupRule(way, Traffic(-1), CidrPeer(cidr)),))
        for way in Direction
        for kind in (c.AuthorizeRules, c.RevokeRules, c.UpdateRuleDescriptions)
    ]
    held = SecurityGroupRule(Direction.INGRESS, Traffic(-1), CidrPeer(cidr), rule_id="sgr-1")
    return [
        *rules,
        c.ModifySecurityGroupRules(resource=group, rule=held, into=held),
        c.CreateSecurityGroup(resource=group, group_name="web", description="d", vpc_id="vpc-1"),
        c.DeleteSecurityGroup(resource=group),
        c.CreateTags(resource=group, tags=(("a", "b"),)),
        c.DeleteTags(resource=group, keys=("a",)),
        c.CreateNetworkAcl(resource=acl, vpc_id="vpc-1"),
        c.DeleteNetworkAcl(resource=acl),
        c.CreateNetworkAclEntry(resource=acl, entry=entry),
        c.ReplaceNetworkAclEntry(resource=acl, entry=entry),
        c.DeleteNetworkAclEntry(resource=acl, entry=entry),
        c.ReplaceNetworkAclAssociation(resource=subnet, association_id="a", network_acl_id="acl-1"),
        c.CreateManagedPrefixList(resource=prefix_list, name="o", family=4, max_entries=1, entries=()),
        c.ModifyManagedPrefixList(resource=prefix_list, add=(PrefixListEntry(cidr),)),
        c.DeleteManagedPrefixList(resource=prefix_list),
    ]


def test_the_list_of_changes_is_complete() -> None:
    assert {type(change) for change in every_change()} == set(get_args(c.Change))


def test_the_table_holds_what_the_doors_call(session: AwsSession, called: set[str], clock: Clock) -> None:
    reader, writer, account = Ec2Reader(session), Ec2Writer(session, clock), AwsAccount(session)
    reader.read("vpc-1", get_args(Section))
    reader.read_prefix_lists([])
    reader.find_groups("a", "b")
    reader.read_rules(["sg-1"])
    reader.read_list_users("pl-1")
    account.identity()
    account.quotas()
    account.buckets(["CreateTags"])
    carry_out: Callable[[c.Change], object] = writer.carry_out
    for change in every_change():
        carry_out(change)
    of_credentials = {"sts:AssumeRole", "sts:GetSessionToken"}  # tests/scenarios/test_credentials.py
    assert called == ALL_CALLS - of_credentials
