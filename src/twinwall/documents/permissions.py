"""The least IAM policy that a command needs, a side each, from one table of the calls that the doors make.

Pure data: no boto3, no network (contract, ``twinwall permissions COMMAND``). Resources and condition keys:
aws-facts 9.2 (Service Authorization Reference). Three things keep it narrow: a group, an ACL or a list may be
tagged if it carries our mark or is given it (as at its creation); only what carries our mark may be deleted; and
a ``Scope`` narrows all of it to one Region, account and VPC.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from twinwall.errors import ConfigError
from twinwall.model.ownership import LOCK_TAG, SOURCE_TAG

Policy = dict[str, Any]
Statement = dict[str, Any]
SideName = Literal["source", "target", "at"]

FIREWALL_READS = (
    "ec2:DescribeManagedPrefixLists",
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeVpcs",
)
SUBNETS = ("ec2:DescribeSubnets",)
RULES = ("ec2:DescribeSecurityGroupRules",)
"""Rules with their tags, and their ids: what is revoked is named by its id, and read again before."""
ASSOCIATED_GROUPS = ("ec2:DescribeSecurityGroupVpcAssociations",)
MEMBERS = ("ec2:DescribeNetworkInterfaces",)
DEAD_REFERENCES = ("ec2:DescribeStaleSecurityGroups",)
PEERINGS = ("ec2:DescribeVpcPeeringConnections",)
READS = tuple(
    sorted(FIREWALL_READS + SUBNETS + RULES + ASSOCIATED_GROUPS + MEMBERS + DEAD_REFERENCES + PEERINGS)
)
"""Calls that take no resource: ``"Resource": "*"``."""

LIST_READS = ("ec2:GetManagedPrefixListEntries",)
LIST_USERS = ("ec2:GetManagedPrefixListAssociations",)
"""Asked before a list is deleted."""
QUOTA_READS = ("servicequotas:GetAWSDefaultServiceQuota", "servicequotas:GetServiceQuota")
BUCKET_READS = ("servicequotas:ListServiceQuotas",)
"""EC2's request buckets of the account, asked before a long run (``engine.rates``)."""

GROUP_CREATION = ("ec2:CreateSecurityGroup",)
RULE_WRITES = (
    "ec2:AuthorizeSecurityGroupEgress",
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:ModifySecurityGroupRules",
    "ec2:RevokeSecurityGroupEgress",
    "ec2:RevokeSecurityGroupIngress",
    "ec2:UpdateSecurityGroupRuleDescriptionsEgress",
    "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
)
ACL_CREATION = ("ec2:CreateNetworkAcl",)
ENTRY_WRITES = (
    "ec2:CreateNetworkAclEntry",
    "ec2:DeleteNetworkAclEntry",
    "ec2:ReplaceNetworkAclEntry",
)
ASSOCIATION_WRITES = ("ec2:ReplaceNetworkAclAssociation",)
LIST_WRITES = ("ec2:CreateManagedPrefixList", "ec2:ModifyManagedPrefixList")
GROUP_AND_ACL_DELETIONS = ("ec2:DeleteNetworkAcl", "ec2:DeleteSecurityGroup")
LIST_DELETIONS = ("ec2:DeleteManagedPrefixList",)
TAGGING = ("ec2:CreateTags",)
UNTAGGING = ("ec2:DeleteTags",)
LOCK_READ = ("ec2:DescribeSecurityGroups",)
LOCK_DELETION = ("ec2:DeleteSecurityGroup",)

WITHOUT_POLICY = ("sts:GetCallerIdentity", "sts:GetSessionToken")
"""Need no permission (STS API reference)."""

TO_ASSUME_ROLES = ("sts:AssumeRole",)
"""Belongs to whoever assumes a side's role, and to the role's trust policy; see ``assume_role_policy``."""

ALL_CALLS = frozenset(
    READS
    + LIST_READS
    + LIST_USERS
    + QUOTA_READS
    + BUCKET_READS
    + GROUP_CREATION
    + RULE_WRITES
    + ACL_CREATION
    + ENTRY_WRITES
    + ASSOCIATION_WRITES
    + LIST_WRITES
    + GROUP_AND_ACL_DELETIONS
    + LIST_DELETIONS
    + TAGGING
    + UNTAGGING
    + WITHOUT_POLICY
    + TO_ASSUME_ROLES
)
"""Every call that the doors make; a test holds the doors against it."""


def partition_of(region: str) -> str:
    """aws-facts 9.1: the partition is never taken for granted. An unknown Region allows any."""
    if not region:
        return "*"
    for prefix, partition in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"), ("eusc-", "aws-eusc")):
        if region.startswith(prefix):
            return partition
    return "aws"


@dataclass(frozen=True)
class Scope:
    """What a side's policy is narrowed to; an empty field narrows nothing."""

    region: str = ""
    account: str = ""
    vpc_id: str = ""

    def arn(self, resource: str) -> str:
        return f"arn:{partition_of(self.region)}:ec2:{self.region or '*'}:{self.account or '*'}:{resource}"

    def arns(self, *types: str) -> list[str]:
        return [self.arn(f"{type_}/*") for type_ in types]

    @property
    def vpc(self) -> str:
        return self.arn(f"vpc/{self.vpc_id or '*'}")

    @property
    def in_region(self) -> Statement:
        return {"Condition": {"StringEquals": {"ec2:Region": self.region}}} if self.region else {}

    def in_vpc(self, *, marked: bool = False) -> Statement:
        """Only on things of the VPC, where one is named; only on marked ones, where asked for."""
        conditions: dict[str, Any] = {"ArnLike": {"ec2:Vpc": self.vpc}} if self.vpc_id else {}
        if marked:
            conditions |= _MARKED
        return {"Condition": conditions} if conditions else {}


_MARKED = {"Null": {f"aws:ResourceTag/{SOURCE_TAG}": "false"}}
_LOCKED = {"Null": {f"aws:ResourceTag/{LOCK_TAG}": "false"}}
_LOCKING = {"Null": {f"aws:RequestTag/{LOCK_TAG}": "false"}}
_MARKING = {"Null": {f"aws:RequestTag/{SOURCE_TAG}": "false"}}
_NOWHERE = Scope()


def _allow(sid: str, actions: tuple[str, ...], resources: list[str], condition: Statement) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resources, **condition}


def _reading(scope: Scope, calls: tuple[str, ...] = READS) -> list[Statement]:
    return [
        _allow("Read", tuple(sorted(calls)), ["*"], scope.in_region),
        # lists of AWS and of other accounts are read too, so the account stays open
        _allow("ReadListEntries", LIST_READS, Scope(scope.region).arns("prefix-list"), {}),
    ]


def _keeping(scope: Scope) -> list[Statement]:
    """A snapshot."""
    return _reading(scope, FIREWALL_READS + SUBNETS + MEMBERS)


def _copied_from(scope: Scope) -> list[Statement]:
    return _reading(scope, FIREWALL_READS + SUBNETS + RULES + ASSOCIATED_GROUPS + DEAD_REFERENCES)


def _planned_for(scope: Scope) -> list[Statement]:
    reads = FIREWALL_READS + SUBNETS + RULES + ASSOCIATED_GROUPS + PEERINGS + MEMBERS
    return [*_reading(scope, reads), _quotas(), _list_users(scope)]


def _list_users(scope: Scope) -> Statement:
    return _allow("ReadListUsers", LIST_USERS, scope.arns("prefix-list"), {"Condition": _MARKED})


def _compared_with(scope: Scope) -> list[Statement]:
    """The source of a proof."""
    return _reading(scope, FIREWALL_READS + SUBNETS + ASSOCIATED_GROUPS + DEAD_REFERENCES + MEMBERS)


def _proven(scope: Scope) -> list[Statement]:
    return _reading(scope, FIREWALL_READS + SUBNETS + ASSOCIATED_GROUPS + PEERINGS + MEMBERS)


def _planning(scope: Scope) -> list[Statement]:
    return [*_reading(scope), _quotas()]


def _quotas() -> Statement:
    return _allow("ReadQuotas", QUOTA_READS, ["*"], {})


def _explaining(scope: Scope) -> list[Statement]:
    return _reading(scope, FIREWALL_READS + SUBNETS + MEMBERS + DEAD_REFERENCES + PEERINGS)


def _exporting(scope: Scope) -> list[Statement]:
    """The VPC itself is left to whoever uses the export."""
    reads = tuple(call for call in FIREWALL_READS + SUBNETS if call != "ec2:DescribeVpcs")
    return _reading(scope, reads)


def _linting(scope: Scope) -> list[Statement]:
    return [*_explaining(scope), _quotas()]


def _writing(scope: Scope) -> list[Statement]:
    groups, acls, lists = (scope.arns(t) for t in ("security-group", "network-acl", "prefix-list"))
    return [
        _allow("CreateGroups", GROUP_CREATION, [*groups, scope.vpc], {}),
        _allow("WriteRules", RULE_WRITES, groups, scope.in_vpc()),
        # tags on rules, and rules modified in place, make EC2 ask for the rule as a resource too; it has no
        # condition on the VPC
        _allow("WriteTaggedRules", RULE_WRITES[:3], scope.arns("security-group-rule"), {}),
        _allow("CreateAcls", ACL_CREATION, [*acls, scope.vpc], {}),
        _allow("WriteEntries", ENTRY_WRITES, acls, scope.in_vpc()),
        _allow("AssociateAcls", ASSOCIATION_WRITES, [*acls, *scope.arns("subnet")], {}),
        _allow("WriteLists", LIST_WRITES, lists, {}),
        _allow("DeleteCopies", GROUP_AND_ACL_DELETIONS, [*groups, *acls], scope.in_vpc(marked=True)),
        _allow("DeleteListCopies", LIST_DELETIONS, lists, {"Condition": _MARKED}),
        *_tagging(scope),
        _allow("ReadRequestBuckets", BUCKET_READS, ["*"], {}),
        _allow("TagLock", TAGGING, groups, {"Condition": _LOCKING}),
        _unlocking(scope),
    ]


def _unlocking(scope: Scope) -> Statement:
    return _allow("Unlock", LOCK_DELETION, scope.arns("security-group"), {"Condition": _LOCKED})


def _unlock(scope: Scope) -> list[Statement]:
    return [_allow("FindLock", LOCK_READ, ["*"], scope.in_region), _unlocking(scope)]


def _tagging(scope: Scope) -> list[Statement]:
    things = scope.arns("security-group", "network-acl", "prefix-list")
    rules = scope.arns("security-group-rule")
    return [
        _allow("TagCopies", TAGGING, things, {"Condition": _MARKED}),
        _allow("Mark", TAGGING, things, {"Condition": _MARKING}),
        _allow("TagRules", TAGGING, rules, {}),
    ]


def _changing(scope: Scope) -> list[Statement]:
    """Undoing takes its own tags away, too."""
    things = scope.arns("security-group", "network-acl", "prefix-list")
    untag = _allow("UntagCopies", UNTAGGING, things, {"Condition": _MARKED})
    reads = _reading(scope, FIREWALL_READS + MEMBERS + RULES)
    return [*reads, _quotas(), _list_users(scope), *_writing(scope), untag]


def _applying(scope: Scope) -> list[Statement]:
    """What a saved plan touches is read again, and nothing else."""
    return [*_reading(scope, FIREWALL_READS + RULES), *_writing(scope)]


def _migrating(scope: Scope) -> list[Statement]:
    return [*_planned_for(scope), *_writing(scope)]


_COMMANDS: Mapping[str, Mapping[SideName, Callable[[Scope], list[Statement]]]] = {
    "snapshot": {"source": _keeping},
    "plan": {"source": _copied_from, "target": _planned_for},
    "apply": {"target": _applying},
    "migrate": {"source": _copied_from, "target": _migrating},
    "verify": {"source": _compared_with, "target": _proven},
    "undo": {"target": _changing},
    "unlock": {"target": _unlock},
    "resume": {"target": _changing},
    "drift": {"source": _compared_with, "target": _proven},
    "explain": {"at": _explaining},
    "lint": {"at": _linting},
    "export": {"at": _exporting},
}
COMMANDS = tuple(_COMMANDS)


def permissions(command: str, scopes: Mapping[str, Scope] | None = None) -> dict[str, Policy]:
    """Side → its policy document. ``scopes``: side → what its policy is narrowed to."""
    if command not in _COMMANDS:
        raise ConfigError(f"no policy is known for the command {command!r}; known are: {', '.join(COMMANDS)}")
    scopes = scopes or {}
    return {
        side: _policy(statements(scopes.get(side, _NOWHERE)))
        for side, statements in _COMMANDS[command].items()
    }


def assume_role_policy(role_arns: list[str]) -> Policy:
    """What the identity needs that assumes the sides' roles (``--SIDE-role-arn``, or a profile's)."""
    return _policy([_allow("AssumeRoles", TO_ASSUME_ROLES, sorted(set(role_arns)), {})])


def _policy(statements: list[Statement]) -> Policy:
    return {"Version": "2012-10-17", "Statement": statements}
