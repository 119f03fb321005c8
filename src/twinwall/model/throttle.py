"""EC2's throttle: which token bucket a call takes from.

Source: AWS, "Request throttling for the Amazon EC2 API" (aws-facts 3.1). There is a bucket for each action,
account and Region. Of the actions "with figures of their own" these are the ones that a firewall, its network
and its instances meet.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bucket:
    """``capacity`` tokens, ``refill`` tokens a second; a call costs one."""

    capacity: int
    refill: float


NON_MUTATING = Bucket(100, 20)
UNFILTERED = Bucket(50, 10)
MUTATING = Bucket(50, 5)
RESOURCE_INTENSIVE = Bucket(50, 5)

UNFILTERED_ACTIONS = frozenset(
    {
        "DescribeInstances",
        "DescribeInstanceStatus",
        "DescribeNetworkInterfaces",
        "DescribeSecurityGroups",
        "DescribeSnapshots",
        "DescribeSpotInstanceRequests",
        "DescribeVolumes",
    }
)
"""Without filter and without MaxResults they take from a smaller bucket of its own."""

BUCKETS: Mapping[str, Bucket] = {
    "AcceptVpcPeeringConnection": RESOURCE_INTENSIVE,
    "AuthorizeSecurityGroupIngress": RESOURCE_INTENSIVE,
    "CreateVpcPeeringConnection": RESOURCE_INTENSIVE,
    "DeleteVpcPeeringConnection": RESOURCE_INTENSIVE,
    "RejectVpcPeeringConnection": RESOURCE_INTENSIVE,
    "RevokeSecurityGroupIngress": RESOURCE_INTENSIVE,
    "CreateTags": Bucket(100, 10),
    "DeleteTags": Bucket(100, 10),
    "DescribeSecurityGroupReferences": Bucket(20, 5),
    "DescribeStaleSecurityGroups": Bucket(20, 5),
    "CreateNetworkInterface": Bucket(100, 5),
    "DeleteNetworkInterface": Bucket(100, 5),
    "ModifyNetworkInterfaceAttribute": Bucket(100, 5),
    "CreateDefaultVpc": Bucket(1, 1),
    "CreateDefaultSubnet": Bucket(1, 1),
    "RunInstances": Bucket(5, 2),
    "StartInstances": Bucket(5, 2),
    "TerminateInstances": Bucket(100, 5),
    "CreateLaunchTemplateVersion": Bucket(100, 5),
    "ModifyLaunchTemplate": Bucket(100, 5),
}

CAPACITY_NAME = "{} request bucket maximum capacity"
REFILL_NAME = "{} request bucket refill rate"
"""What Service Quotas calls an action's two figures, service ``ec2``: as quoted from AWS's page and from accounts'
consoles (docs/runbook.md); not read on AWS's page itself."""


def bucket_of(action: str, *, unfiltered: bool = False) -> Bucket:
    """``unfiltered``: the request has neither a filter nor MaxResults."""
    if unfiltered and action in UNFILTERED_ACTIONS:
        return UNFILTERED
    if action in BUCKETS:
        return BUCKETS[action]
    return NON_MUTATING if is_read(action) else MUTATING


def is_read(action: str) -> bool:
    return action.startswith(("Describe", "Get", "List", "Search"))
