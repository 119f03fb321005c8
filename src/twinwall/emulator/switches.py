"""Where the papers leave AWS open (aws-facts, chapter 11), and the limits of an account: both can be set.

A switch is a named guess with its source; the default is what this project believes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

RULES_PER_GROUP = "L-0EA8095F"
GROUPS_PER_REGION = "L-E79EC296"
GROUPS_PER_INTERFACE = "L-2AFB9258"
ACLS_PER_VPC = "L-B4A6D682"
ENTRIES_PER_ACL = "L-2AEEBF1A"

QUOTAS: Mapping[str, tuple[str, int]] = {
    RULES_PER_GROUP: ("Inbound or outbound rules per security group", 60),
    GROUPS_PER_REGION: ("VPC security groups per Region", 2500),
    GROUPS_PER_INTERFACE: ("Security groups per network interface", 5),
    ACLS_PER_VPC: ("Network ACLs per VPC", 200),
    ENTRIES_PER_ACL: ("Rules per network ACL", 20),
}
"""Service ``vpc`` of Service Quotas: name and default (aws-facts 1.7)."""

LISTS_PER_REGION = "lists-per-region"
ENTRIES_PER_LIST = "entries-per-list"
TAGS_PER_RESOURCE = "tags-per-resource"

LIMITS: Mapping[str, int] = {LISTS_PER_REGION: 100, ENTRIES_PER_LIST: 1000, TAGS_PER_RESOURCE: 50}
"""Can be set as quotas are; aws-facts 1.2 and 4 give no quota code, so Service Quotas does not know them here."""

ENTRIES_PER_CALL = 100
IDS_PER_TAG_CALL = 1000

WEIGHTS: Mapping[str, int] = {
    "s3": 1,
    "dynamodb": 1,
    "vpc-lattice": 10,
    "ipv6.vpc-lattice": 10,
    "cloudfront.origin-facing": 55,
    "groundstation": 5,
    "route53-healthchecks": 25,
    "ipv6.route53-healthchecks": 25,
}
"""What an AWS-managed list counts against the rules of a group: VPC guide, "Work with AWS-managed prefix
lists", as remembered in November 2026 [from memory; the page lists weights, this copy was not checked]."""


@dataclass(frozen=True)
class Switches:
    """``Switches(acl_quota_per_family=True)`` for the other reading."""

    acl_quota_per_family: bool = False
    """The 20 entries of an ACL count per direction in total (today's text); True: per direction and family
    (2023 text). aws-facts 2 and 11."""

    acl_quota_counts_final_deny: bool = False
    """True: 32767/32768 count too, so 19 are usable (2023 text). aws-facts 2 and 11."""

    ampersand_in_peer_descriptions: bool = True
    """``&`` in descriptions of group and prefix-list rules; the model forbids it there, the guide everywhere.
    aws-facts 1.2 and 11."""

    authorize_all_or_nothing: bool = True
    """False: the permissions before the one that is refused stay. aws-facts 1.6 and 11: not documented."""

    modify_all_or_nothing: bool = True
    """False: ModifySecurityGroupRules changes rule by rule, and what came before a refusal stays. promise.md 5:
    not verified on AWS."""

    modify_refuses_passing_twins: bool = False
    """True: ModifySecurityGroupRules looks for twins after each rule, so that two rules cannot swap places; False:
    only at the end. promise.md 5: not verified on AWS."""

    modify_keeps_description: bool = False
    """Whether ModifySecurityGroupRules without Description keeps the old one (memory says it is removed).
    aws-facts 1.1 and 11."""

    group_reference_counts_in_both_families: bool = True
    """A rule with a group (or an AWS-managed list) as peer counts 1 for IPv4 and 1 for IPv6 (older quotas
    page). aws-facts 1.7."""

    unknown_groups_in_filters_refused: bool = False
    """DescribeSecurityGroupRules with an unknown ``group-id`` in its filter is refused as ``InvalidGroup.NotFound``;
    False: nothing is found for it. Filters are documented to find, not to check; not tried on AWS."""

    slow_states: bool = False
    """Asynchronous states show: a changed list stays ``*-in-progress``, an association ``associating``, for
    the next read (aws-facts 1.9, 4). Off: they are complete at once, except in the answer itself."""

    peer_references_block_delete: bool = False
    """True: a group that a rule in a *peered* VPC names cannot be deleted. The model says "referenced by
    another security group in the same VPC", and stale rules could not come to be otherwise (aws-facts 1.8;
    B DeleteSecurityGroup, DescribeStaleSecurityGroups)."""

    trust_unknown_accounts: bool = True
    """A referenced group of an account that this world does not hold is taken as given, because nobody here
    can say whether it exists (emulators.md, row "cross-account UserId kept on describe"). AWS asks for an
    active peering; False refuses it as ``InvalidGroup.NotFound``. Groups of accounts held here are always
    checked, peering included."""

    weights: Mapping[str, int] = field(default_factory=lambda: WEIGHTS)
    """What AWS-managed lists count, by the end of their names; others count 1."""

    cloudfront_lists: bool = False
    """True: CloudFront's lists are offered in every Region, as AWS does. Each weighs 55 of a group's 60 rules,
    so a firewall that names one is offered them only when asked for. Decided at the first look at a Region."""

    aws_lists_readable: bool = True
    """False: the entries of AWS-managed lists may not be read (a denial by policy, say)."""

    refill_once_a_second: bool = False
    """The buckets refill in one go every second; False: continuously. performance.md 1: not stated precisely."""

    refused_calls_cost_tokens: bool = False
    """A throttled call takes a token too. performance.md 1: not stated."""

    ids_count_as_filter: bool = False
    """A Describe by ids, without filter or MaxResults, takes from the larger bucket. performance.md 1: not
    stated; the page speaks of filters and MaxResults only."""

    deliveries_need_permission: bool = False
    """True, as AWS does it: a rule reaches a queue or function only if the resource's policy lets
    ``events.amazonaws.com`` in, and Scheduler takes on only a role that trusts it. False: a resource *without* any
    policy lets rules of its own account in, and any role will do; one with a policy is asked all the same, and so
    is another account's bus (aws-facts 6.1)."""

    scaling_step_seconds: float = 0.0
    """How long an instance stays in each passing state (Pending, Pending:Proceed, Terminating,
    Terminating:Proceed…); on AWS seconds to minutes. 0: each call returns when the instances wait or rest."""

    hooks_one_after_another: bool = True
    """Several hooks of one transition hold an instance one after the other, in the order they were made; False:
    all at once. The guide says only that ABANDON skips the remaining ones (aws-facts 5.2)."""

    abandoned_launch_meets_terminate_hooks: bool = True
    """An instance whose launch was abandoned goes out through the terminate hooks. The guide's diagram leads from
    there into Terminating; it does not say so in words."""
