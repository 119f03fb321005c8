"""What whoever runs ``mesh deploy`` and ``mesh remove`` needs at a node, line by line, each with its reason.

CloudFormation acts with the caller's own rights, so these are the command's own calls and those by which
CloudFormation makes, changes and deletes what is in the stack. ``sure``: what no deployment of a new stack gets along
without; of these IAM is asked beforehand. The others change or delete; ``Get*``, ``List*`` and ``Describe*`` are for
CloudFormation's resource types, which look at what they made: which of those calls they make is not settled here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from twinwall.documents.deployment.names import Names, arn, check_deployable, local_sites, names_of
from twinwall.documents.mesh_permissions import Line, roles_of
from twinwall.documents.permissions import QUOTA_READS, partition_of
from twinwall.mesh.configure import Configured
from twinwall.model.members import Node, Site
from twinwall.model.ownership import MESH_TAG

Keys = Mapping[str, tuple[str, ...]]
TABLE = "MakeTable"


@dataclass(frozen=True)
class Duty:
    """A line, and what of it is sure. ``keys``: the condition keys that the sure calls come with; ``one_of``: they are
    made on one of the line's resources, which one is not known."""

    line: Line
    sure: tuple[str, ...] = ()
    keys: Keys = field(default_factory=dict)
    one_of: bool = False


def deployer_lines(configured: Configured, node: Node) -> tuple[Line, ...]:
    """Raises ``ConfigError`` for a mesh that cannot be deployed."""
    return tuple(duty.line for duty in duties_of(configured, node))


def duties_of(configured: Configured, node: Node) -> tuple[Duty, ...]:
    """Raises ``ConfigError`` for a mesh that cannot be deployed."""
    check_deployable(configured)
    names = names_of(configured, node)
    return (
        *_looks(names),
        *_stack(names),
        *_groups(configured, node),
        *_roles(configured, node),
        *_kept(names),
        *_function(names),
        *_events(names),
        *_watching(names),
    )


def _duty(
    sid: str,
    actions: str,
    resources: tuple[str, ...],
    reason: str,
    sure: str = "",
    condition: Mapping[str, Mapping[str, Any]] | None = None,
    keys: Keys | None = None,
) -> Duty:
    """``actions`` and ``sure``: ``SERVICE:Action Action …``; what is sure belongs to the line too."""
    service, _, rest = actions.partition(":")
    certain = tuple(f"{service}:{name}" for name in sure.split())
    every = {*certain, *(f"{service}:{name}" for name in rest.split())}
    line = Line(sid, tuple(sorted(every)), resources, reason, condition or {})
    return Duty(line, certain, keys or {})


# --- before anything is made


def _looks(names: Names) -> Iterator[Duty]:
    root = f"arn:{partition_of(names.place.region)}:iam::{names.place.account}"
    yield _duty(
        "AskBefore", "iam:SimulatePrincipalPolicy GetRole", (f"{root}:role/*", f"{root}:user/*"),
        "whether all of this is allowed is known before anything is made; without it what is not allowed fails midway",
    )  # fmt: skip
    yield _duty(
        "LookAtGroups",
        "ec2:DescribeSecurityGroupRules DescribeSecurityGroupVpcAssociations DescribeSecurityGroups DescribeSubnets",
        ("*",), "are the sites' groups there, nobody else's, in the right VPC, with room; no resource can be named",
    )  # fmt: skip
    yield _duty(
        "LookAtMembers", "autoscaling:DescribeAutoScalingGroups DescribeLifecycleHooks", ("*",),
        "are the Auto Scaling groups there, and the hooks' names free; no resource can be named",
    )  # fmt: skip
    yield _duty(
        "LookAtTemplates", "ec2:DescribeLaunchTemplateVersions", ("*",),
        "how many security groups share an interface's 1,000 rules; no resource can be named",
    )  # fmt: skip
    reads = " ".join(action.partition(":")[2] for action in QUOTA_READS)
    yield _duty(
        "ReadQuotas", f"servicequotas:{reads}", ("*",),
        "how many rules a group may have; without it AWS's default counts",
    )  # fmt: skip


# --- the stack and its package


def _stack(names: Names) -> Iterator[Duty]:
    region = names.place.region
    sam = f"arn:{partition_of(region)}:cloudformation:{region}:aws:transform/Serverless-2016-10-31"
    yield _duty(
        "BringStack",
        "cloudformation:DeleteChangeSet DeleteStack DescribeChangeSet DescribeStackEvents DescribeStacks "
        "ListStackResources",
        (names.arn("cloudformation", f"stack/{names.base}/*"),),
        "a change set is shown, carried out and waited for", sure="CreateChangeSet ExecuteChangeSet",
    )  # fmt: skip
    yield _duty(
        "UseTransform", "cloudformation:", (sam,), "the template is SAM's: CloudFormation translates it",
        sure="CreateChangeSet",
    )  # fmt: skip
    bucket = f"arn:{partition_of(region)}:s3:::{names.bucket}"
    yield _duty(
        "MakeBucket", "s3:DeleteBucket", (bucket,), "the function's package lies there; nobody else can read it",
        sure="CreateBucket ListBucket PutBucketPublicAccessBlock",
    )  # fmt: skip
    yield _duty(
        "PutPackage", "s3:DeleteObject", (f"{bucket}/*",),
        "the package is put there, Lambda fetches it with the caller's rights, and old ones go",
        sure="GetObject PutObject",
    )  # fmt: skip


# --- what it is put upon


def _groups(configured: Configured, node: Node) -> Iterator[Duty]:
    sites = configured.mesh.sites_of(node.name)
    groups = tuple(sorted(arn("ec2", site.place, f"security-group/{site.group_id}") for site in sites))
    keys = {"aws:TagKeys": (MESH_TAG,)}
    only = {"ForAllValues:StringEquals": {"aws:TagKeys": [MESH_TAG]}}
    yield _duty(
        "MarkGroups", "ec2:DeleteTags", groups, "a replica keeps off a group that says whose it is; only that tag",
        sure="CreateTags", condition=only, keys=keys,
    )  # fmt: skip
    yield _duty(
        "TakeRulesOut",
        "ec2:RevokeSecurityGroupIngress",
        groups,
        "mesh remove takes the mesh's own rules along",
    )
    hooked = tuple(sorted({_scaling_arn(site) for site in local_sites(configured, node)}))
    if hooked:
        yield _duty(
            "MakeHooks", "autoscaling:DeleteLifecycleHook", hooked, "instances wait until every group admits them",
            sure="PutLifecycleHook",
        )  # fmt: skip


def _scaling_arn(site: Site) -> str:
    return arn("autoscaling", site.place, f"autoScalingGroup:*:autoScalingGroupName/{site.key.asg}")


# --- who acts


def _roles(configured: Configured, node: Node) -> Iterator[Duty]:
    roles = roles_of(configured, node)
    yield _duty(
        "MakeRoles",
        "iam:DeleteRole DeleteRolePolicy Get* List* UntagRole UpdateAssumeRolePolicy UpdateRole",
        tuple(role.arn for role in roles.all), "the function, its schedule and guests act by roles of their own",
        sure="CreateRole PutRolePolicy TagRole",
    )  # fmt: skip
    for sid, role, to in (
        ("HandOnFunctionRole", roles.function, "lambda.amazonaws.com"),
        ("HandOnScheduleRole", roles.schedule, "scheduler.amazonaws.com"),
    ):
        yield _duty(
            sid, "iam:", (role.arn,), f"only {to} may be given this role", sure="PassRole",
            condition={"StringEquals": {"iam:PassedToService": to}}, keys={"iam:PassedToService": (to,)},
        )  # fmt: skip


# --- what is kept


def _kept(names: Names) -> Iterator[Duty]:
    yield _duty(
        TABLE,
        "dynamodb:DeleteTable Describe* List* UntagResource UpdateTable",
        (names.table_arn,), "the rows of all sites: who claims which address",
        sure="CreateTable TagResource UpdateContinuousBackups",
    )  # fmt: skip
    yield _duty(
        "MakeQueues", "sqs:DeleteQueue Get* List* UntagQueue",
        (names.queue_arn, names.dead_letters_arn), "events wait in one, and what nobody could deal with in the other",
        sure="CreateQueue SetQueueAttributes TagQueue",
    )  # fmt: skip
    group = names.arn("logs", f"log-group:{names.log_group}")
    yield _duty(
        "MakeLog", "logs:DeleteLogGroup Describe* List* UntagResource", (f"{group}:*",),
        "the audit and the metrics, for as long as configured", sure="CreateLogGroup PutRetentionPolicy TagResource",
    )  # fmt: skip


# --- the function, and what runs it


def _function(names: Names) -> Iterator[Duty]:
    yield _duty(
        "MakeFunction",
        "lambda:DeleteFunction DeleteFunctionEventInvokeConfig Get* List* UntagResource UpdateFunctionCode "
        "UpdateFunctionConfiguration UpdateFunctionEventInvokeConfig",
        (names.function_arn,), "the node's one function; its first true-up is called by hand",
        sure="CreateFunction InvokeFunction PutFunctionEventInvokeConfig TagResource",
    )  # fmt: skip
    yield _duty(
        "ConnectSources", "lambda:", ("*",),
        "queue and table wake this function, and no other; a source has no name yet", sure="CreateEventSourceMapping",
        condition={"ArnEquals": {"lambda:FunctionArn": names.function_arn}},
        keys={"lambda:FunctionArn": (names.function_arn,)},
    )  # fmt: skip
    yield _duty(
        "KeepSources", "lambda:DeleteEventSourceMapping GetEventSourceMapping UpdateEventSourceMapping",
        (names.arn("lambda", "event-source-mapping:*"),), "the sources are changed and go with the stack",
    )  # fmt: skip
    yield _duty(
        "MakeSchedule", "scheduler:DeleteSchedule GetSchedule UpdateSchedule",
        (names.arn("scheduler", f"schedule/default/{names.base}"),), "the true-up, whatever events missed",
        sure="CreateSchedule",
    )  # fmt: skip


def _events(names: Names) -> Iterator[Duty]:
    rules = tuple(names.rule_arn(name) for name in (names.hooks_rule, names.ends_rule))
    yield _duty(
        "MakeRules", "events:DeleteRule DescribeRule ListTargetsByRule RemoveTargets", rules,
        "what the Auto Scaling groups tell is put into the queue", sure="PutRule PutTargets",
    )  # fmt: skip


# --- who is told


def _watching(names: Names) -> Iterator[Duty]:
    yield _duty(
        "MakeAlarms", "cloudwatch:DeleteAlarms DescribeAlarms", (names.arn("cloudwatch", f"alarm:{names.base}-*"),),
        "somebody is told when it does not work", sure="PutMetricAlarm",
    )  # fmt: skip
    board = f"arn:{partition_of(names.place.region)}:cloudwatch::{names.place.account}:dashboard/{names.dashboard}"
    yield _duty(
        "MakeDashboard", "cloudwatch:DeleteDashboards GetDashboard", (board,), "how it does, to look at",
        sure="PutDashboard",
    )  # fmt: skip
