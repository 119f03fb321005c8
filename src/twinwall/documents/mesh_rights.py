"""Each right that a function of a mesh may need, with its reason, wherever it is needed.

The calls are those of ``aws.mesh_doors``; condition keys: aws-facts 9.2 (Service Authorization Reference).
"""

from dataclasses import dataclass

from twinwall.model.ownership import MESH_TAG


@dataclass(frozen=True)
class Right:
    """What is needed, wherever. ``narrowed``: (operator, key) of a condition whose values come from the place."""

    sid: str
    actions: tuple[str, ...]
    reason: str
    narrowed: tuple[str, str] = ("", "")


_REGION = ("StringEquals", "aws:RequestedRegion")
_REGION_KEYS = ("ForAllValues:StringEquals", "dynamodb:LeadingKeys")

STATES = Right(
    "ReadStates",
    ("autoscaling:DescribeAutoScalingGroups",),
    "who is a member: the lifecycle states of the groups' instances; no resource can be named",
    _REGION,
)
INSTANCES = Right(
    "ReadInstances",
    ("ec2:DescribeInstances",),
    "which addresses the members have; no resource can be named",
    _REGION,
)
RULES = Right(
    "ReadRules",
    ("ec2:DescribeSecurityGroupRules",),
    "what the groups admit, before a change and as the proof after it; no resource can be named",
    _REGION,
)
ADD = Right("AddRules", ("ec2:AuthorizeSecurityGroupIngress",), "admits members' addresses to these groups")
ADD_MARKED = Right(
    "AddMarkedRules",
    ("ec2:AuthorizeSecurityGroupIngress",),
    "a rule that comes with tags is a resource of its own; only rules with this mesh's mark",
    ("StringEquals", f"aws:RequestTag/{MESH_TAG}"),
)
MARK = Right(
    "MarkRules",
    ("ec2:CreateTags",),
    "the mark by which the mesh knows its own rules; only on rules and with this mesh's mark",
    ("StringEquals", f"aws:RequestTag/{MESH_TAG}"),
)
REVOKE = Right(
    "RevokeRules",
    ("ec2:RevokeSecurityGroupIngress",),
    "takes away what no site claims any more; only from the groups of this node's own sites",
)
ANSWER = Right(
    "AnswerHooks",
    ("autoscaling:CompleteLifecycleAction",),
    "lets an instance go on once its rules are proven; without it launches wait for the heartbeat",
)
READ_TABLE = Right("ReadTables", ("dynamodb:Scan",), "the rows of all sites: who claims which address")
OWN_ROWS = Right(
    "WriteRows", ("dynamodb:PutItem",), "this node's rows, tombstones, and rows taken over after a loss"
)
LEASE = Right(
    "HoldLease",
    ("dynamodb:ConditionCheckItem", "dynamodb:UpdateItem"),
    "one handler at a time: the lease is taken, given back, and checked with each write of rows",
    _REGION_KEYS,
)
PUSH = Right(
    "PushRows",
    ("dynamodb:PutItem",),
    "tells the other nodes who the members are; only rows of the Regions of those who come",
    _REGION_KEYS,
)
STREAM = Right(
    "ReadStream",
    ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
    "Lambda wakes the function when another node has written a row",
)
LIST_STREAMS = Right(
    "FindStream",
    ("dynamodb:ListStreams",),
    "Lambda asks for it when the stream is connected; no resource can be named",
)
QUEUE = Right(
    "TakeMessages",
    ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
    "Lambda takes the events from the queue for the function",
)
HIDE = Right(
    "HideMessages",
    ("sqs:ChangeMessageVisibility",),
    "who finds the lease taken shows his messages again when it is over",
)
LOG = Right(
    "WriteLog", ("logs:CreateLogStream", "logs:PutLogEvents"), "the audit and the metrics, in its own log"
)
ASSUME = Right("ComeToOthers", ("sts:AssumeRole",), "the way to the tables and groups of other accounts")
INVOKE = Right("TrueUp", ("lambda:InvokeFunction",), "the schedule calls this mesh's function and no other")
