"""One change, one call; and the answers that are not what they seem."""

from collections.abc import Callable

import pytest
from botocore.stub import Stubber

from twinwall.aws.clients import AwsSession
from twinwall.boundary import Clock, Written
from twinwall.ec2.writer import Ec2Writer
from twinwall.errors import AlreadyExists, AwsError, NotFound, OutcomeUnknown, Throttled
from twinwall.model.firewall import PrefixListEntry, Resource
from twinwall.model.net import parse_cidr
from twinwall.model.rules import (
    CidrPeer,
    Direction,
    GroupPeer,
    NetworkAclEntry,
    RuleAction,
    SecurityGroupRule,
    Traffic,
)
from twinwall.planning import changes as c

Activate = Callable[[object], Stubber]

GROUP = Resource("security-group", "sg-1", "web")
ACL = Resource("network-acl", "acl-1", "edge")
LIST = Resource("prefix-list", "pl-1", "offices")
SUBNET = Resource("subnet", "subnet-1", "a")
HTTPS = Traffic(6, 443, 443)


def rule(peer: str, direction: Direction = Direction.EGRESS, traffic: Traffic = HTTPS) -> SecurityGroupRule:
    block = GroupPeer(peer) if peer.startswith("sg-") else CidrPeer(parse_cidr(peer))
    return SecurityGroupRule(direction, traffic, block)


ENTRY = NetworkAclEntry(Direction.EGRESS, 100, RuleAction.ALLOW, HTTPS, parse_cidr("10.0.0.0/8"))
OFFICE = PrefixListEntry(parse_cidr("192.0.2.0/24"), "hq")
TAGS = (("Name", "web"),)
TAG_LIST = [{"Key": "Name", "Value": "web"}]
INGRESS, EGRESS = Direction.INGRESS, Direction.EGRESS
ENTRY_FIELDS = {
    "NetworkAclId": "acl-1",
    "RuleNumber": 100,
    "Protocol": "6",
    "RuleAction": "allow",
    "Egress": True,
    "CidrBlock": "10.0.0.0/8",
    "PortRange": {"From": 443, "To": 443},
}
PERMISSIONS = [
    {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
]


@pytest.fixture
def ec2(session: AwsSession, stub: Activate) -> Stubber:
    return stub(session.writing())


@pytest.fixture
def describing(session: AwsSession, stub: Activate) -> Stubber:
    return stub(session.reading())


@pytest.fixture
def writer(session: AwsSession, clock: Clock) -> Ec2Writer:
    return Ec2Writer(session, clock)


def by_rules(kind: type[c.AuthorizeRules], direction: Direction) -> c.Change:
    return kind(resource=GROUP, direction=direction, rules=(rule("10.0.0.0/8", direction),))


@pytest.mark.parametrize(
    ("change", "operation", "request_", "answer", "written"),
    [
        (
            c.CreateSecurityGroup(
                resource=GROUP, group_name="web", description="d", vpc_id="vpc-1", tags=TAGS
            ),
            "create_security_group",
            {
                "GroupName": "web",
                "Description": "d",
                "VpcId": "vpc-1",
                "TagSpecifications": [{"ResourceType": "security-group", "Tags": TAG_LIST}],
            },
            {"GroupId": "sg-9"},
            Written(id="sg-9"),
        ),
        (c.DeleteSecurityGroup(resource=GROUP), "delete_security_group", {"GroupId": "sg-1"}, {}, Written()),
        *(
            (
                by_rules(kind, direction),
                f"{verb}_{direction.value}",
                {"GroupId": "sg-1", "IpPermissions": PERMISSIONS},
                {},
                Written(),
            )
            for kind, verb in (
                (c.AuthorizeRules, "authorize_security_group"),
                (c.RevokeRules, "revoke_security_group"),
                (c.UpdateRuleDescriptions, "update_security_group_rule_descriptions"),
            )
            for direction in (INGRESS, EGRESS)
        ),
        (
            c.CreateTags(resource=GROUP, tags=TAGS),
            "create_tags",
            {"Resources": ["sg-1"], "Tags": TAG_LIST},
            {},
            Written(),
        ),
        (
            c.CreateNetworkAcl(resource=ACL, vpc_id="vpc-1", client_token="once"),
            "create_network_acl",
            {"VpcId": "vpc-1", "ClientToken": "once"},
            {"NetworkAcl": {"NetworkAclId": "acl-9"}},
            Written(id="acl-9"),
        ),
        (c.DeleteNetworkAcl(resource=ACL), "delete_network_acl", {"NetworkAclId": "acl-1"}, {}, Written()),
        (
            c.CreateNetworkAclEntry(resource=ACL, entry=ENTRY),
            "create_network_acl_entry",
            ENTRY_FIELDS,
            {},
            Written(),
        ),
        (
            c.ReplaceNetworkAclEntry(resource=ACL, entry=ENTRY),
            "replace_network_acl_entry",
            ENTRY_FIELDS,
            {},
            Written(),
        ),
        (
            c.DeleteNetworkAclEntry(resource=ACL, entry=ENTRY),
            "delete_network_acl_entry",
            {"NetworkAclId": "acl-1", "RuleNumber": 100, "Egress": True},
            {},
            Written(),
        ),
        (
            c.ReplaceNetworkAclAssociation(
                resource=SUBNET, association_id="aclassoc-1", network_acl_id="acl-1"
            ),
            "replace_network_acl_association",
            {"AssociationId": "aclassoc-1", "NetworkAclId": "acl-1"},
            {"NewAssociationId": "aclassoc-2"},
            Written(id="aclassoc-2"),
        ),
        (
            c.DeleteManagedPrefixList(resource=LIST),
            "delete_managed_prefix_list",
            {"PrefixListId": "pl-1"},
            {},
            Written(),
        ),
    ],
)
def test_each_change_is_exactly_its_call(
    writer: Ec2Writer,
    ec2: Stubber,
    change: c.Change,
    operation: str,
    request_: dict[str, object],
    answer: dict[str, object],
    written: Written,
) -> None:
    ec2.add_response(operation, answer, request_)
    assert writer.carry_out(change) == written


def test_a_name_that_is_taken_is_told_as_such(writer: Ec2Writer, ec2: Stubber) -> None:
    ec2.add_client_error("create_security_group", "InvalidGroup.Duplicate", "exists", 400)
    with pytest.raises(AlreadyExists, match=r"CreateSecurityGroup for web \(sg-1\) \(target\)"):
        writer.carry_out(
            c.CreateSecurityGroup(resource=GROUP, group_name="web", description="d", vpc_id="vpc-1")
        )


def test_a_write_is_sent_once(writer: Ec2Writer, ec2: Stubber) -> None:
    ec2.add_client_error("delete_security_group", "RequestLimitExceeded", "slow down", 503)
    with pytest.raises(Throttled):
        writer.carry_out(c.DeleteSecurityGroup(resource=GROUP))


def revoke(*peers: str, missing_ok: bool) -> c.RevokeRules:
    rules = tuple(rule(peer, traffic=Traffic(-1)) for peer in peers)
    return c.RevokeRules(resource=GROUP, direction=EGRESS, rules=rules, missing_ok=missing_ok)


REVOKE = "revoke_security_group_egress"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("InvalidPermission.NotFound", "The specified rule does not exist in this security group."),
        ("InvalidParameterValue", "Invalid value for parameter remote-ipv6-range"),
    ],
)
def test_a_rule_that_may_be_missing_and_is(writer: Ec2Writer, ec2: Stubber, code: str, message: str) -> None:
    ec2.add_client_error(REVOKE, code, message, 400)
    assert writer.carry_out(revoke("::/0", missing_ok=True)) == Written()
    ec2.add_client_error(REVOKE, code, message, 400)
    with pytest.raises(AwsError):
        writer.carry_out(revoke("::/0", missing_ok=False))


def test_a_group_that_is_missing_is_not_a_rule_that_is(writer: Ec2Writer, ec2: Stubber) -> None:
    ec2.add_client_error(REVOKE, "InvalidGroup.NotFound", "no such group", 400)
    with pytest.raises(NotFound):
        writer.carry_out(revoke("0.0.0.0/0", missing_ok=True))


def test_another_wrong_value_is_not_a_missing_rule(writer: Ec2Writer, ec2: Stubber) -> None:
    ec2.add_client_error(REVOKE, "InvalidParameterValue", "Invalid value for ipProtocol", 400)
    with pytest.raises(AwsError):
        writer.carry_out(revoke("0.0.0.0/0", missing_ok=True))


def test_a_default_vpc_answers_with_unknown_permissions(writer: Ec2Writer, ec2: Stubber) -> None:
    unknown = {"Return": True, "UnknownIpPermissions": [{"IpProtocol": "-1"}]}
    ec2.add_response(REVOKE, unknown)
    assert writer.carry_out(revoke("0.0.0.0/0", missing_ok=True)) == Written()
    ec2.add_response(REVOKE, unknown)
    with pytest.raises(NotFound, match="1 of the permissions not"):
        writer.carry_out(revoke("0.0.0.0/0", missing_ok=False))


def test_one_missing_rule_does_not_keep_the_others(writer: Ec2Writer, ec2: Stubber) -> None:
    """EC2 refuses the whole call, so the rules go one by one."""
    both = revoke("0.0.0.0/0", "::/0", missing_ok=True)
    ec2.add_client_error(REVOKE, "InvalidPermission.NotFound", "no", 400)
    ec2.add_response(
        REVOKE,
        {},
        {
            "GroupId": "sg-1",
            "IpPermissions": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
        },
    )
    ec2.add_client_error(REVOKE, "InvalidPermission.NotFound", "no", 400)
    assert writer.carry_out(both) == Written()


def state(state: str, version: int = 1, **more: object) -> dict[str, object]:
    return {"PrefixListId": "pl-1", "State": state, "Version": version, **more}


def test_a_new_list_is_waited_for(writer: Ec2Writer, ec2: Stubber, describing: Stubber, clock: Clock) -> None:
    ec2.add_response("create_managed_prefix_list", {"PrefixList": state("create-in-progress")})
    describing.add_response("describe_managed_prefix_lists", {"PrefixLists": []})
    describing.add_response("describe_managed_prefix_lists", {"PrefixLists": [state("create-in-progress")]})
    describing.add_response(
        "describe_managed_prefix_lists",
        {"PrefixLists": [state("create-complete")]},
        {"PrefixListIds": ["pl-1"]},
    )
    change = c.CreateManagedPrefixList(
        resource=LIST, name="offices", family=4, max_entries=5, entries=(OFFICE,), client_token="once"
    )
    assert writer.carry_out(change) == Written(id="pl-1", version=1)
    assert clock.slept == [0.5, 1.0, 2.0]


def test_a_list_whose_change_failed_is_an_error_with_its_reason(
    writer: Ec2Writer, ec2: Stubber, describing: Stubber
) -> None:
    ec2.add_response("modify_managed_prefix_list", {"PrefixList": state("modify-in-progress", 3)})
    failed = state("modify-failed", 3, StateMessage="the quota of sg-1 would be exceeded")
    describing.add_response("describe_managed_prefix_lists", {"PrefixLists": [failed]})
    with pytest.raises(AwsError, match="modify-failed: the quota of sg-1"):
        writer.carry_out(c.ModifyManagedPrefixList(resource=LIST, max_entries=9))


def test_new_entries_are_waited_for_as_a_new_version(
    writer: Ec2Writer, ec2: Stubber, describing: Stubber
) -> None:
    """An old answer, still *-complete, is not yet the new version."""
    ec2.add_response(
        "modify_managed_prefix_list",
        {"PrefixList": state("modify-in-progress", 3)},
        {
            "PrefixListId": "pl-1",
            "CurrentVersion": 3,
            "AddEntries": [{"Cidr": "192.0.2.0/24", "Description": "hq"}],
        },
    )
    for item in (state("modify-complete", 3), state("modify-complete", 4)):
        describing.add_response("describe_managed_prefix_lists", {"PrefixLists": [item]})
    change = c.ModifyManagedPrefixList(resource=LIST, version=3, add=(OFFICE,))
    assert writer.carry_out(change) == Written(id="pl-1", version=4)


def test_no_version_means_the_one_the_list_has_by_then(
    writer: Ec2Writer, ec2: Stubber, describing: Stubber
) -> None:
    for item in (state("modify-in-progress", 6), state("modify-failed", 7)):
        describing.add_response("describe_managed_prefix_lists", {"PrefixLists": [item]})
    ec2.add_response(
        "modify_managed_prefix_list",
        {"PrefixList": state("modify-complete", 8)},
        {"PrefixListId": "pl-1", "CurrentVersion": 7, "RemoveEntries": [{"Cidr": "192.0.2.0/24"}]},
    )
    change = c.ModifyManagedPrefixList(resource=LIST, remove=(OFFICE,))
    assert writer.carry_out(change) == Written(id="pl-1", version=8)


def test_a_list_that_never_stands_is_given_up(
    writer: Ec2Writer, ec2: Stubber, describing: Stubber, clock: Clock
) -> None:
    ec2.add_response("modify_managed_prefix_list", {"PrefixList": state("modify-in-progress", 3)})
    for _ in range(63):
        describing.add_response(
            "describe_managed_prefix_lists", {"PrefixLists": [state("modify-in-progress", 3)]}
        )
    with pytest.raises(OutcomeUnknown, match="still 'modify-in-progress' after 300 s"):
        writer.carry_out(c.ModifyManagedPrefixList(resource=LIST, max_entries=9))
    assert 295 < sum(clock.slept) < 310
