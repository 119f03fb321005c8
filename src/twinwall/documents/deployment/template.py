"""A node's stack as an AWS SAM template. JSON, which CloudFormation and ``sam`` take as they take YAML.

Everything stands in an order in which no event is lost: the hooks come last, when rules, queue and function are there,
and go first when the stack goes. The table stays when the stack goes; a stack that finds one is told of its stream.
"""

import json
from collections.abc import Iterator, Mapping

from twinwall.documents.deployment import settings as s
from twinwall.documents.deployment.names import Names
from twinwall.documents.deployment.parameters import check_parameters, own_parameters, published_parameters
from twinwall.documents.deployment.sam import Json, either, get, goes, made, ref
from twinwall.documents.deployment.settings import Settings, settings_of
from twinwall.documents.deployment.watching import Alarm, alarms_of, dashboard_body
from twinwall.documents.export.naming import Unique, pascal
from twinwall.documents.mesh_permissions import Role, roles_of
from twinwall.mesh.configure import Configured
from twinwall.model.members import Node
from twinwall.model.ownership import MESH_TAG

SERVERLESS = "AWS::Serverless-2016-10-31"


def node_template(configured: Configured, node: Node, given: Mapping[str, str] | None = None) -> Json:
    """``given``: parameters and their values, which become defaults. Raises ``ConfigError``."""
    check_parameters(configured, node, given or {})
    template = _Writer(configured, node).template()
    for name, value in (given or {}).items():
        template["Parameters"][name]["Default"] = value
    return template


class _Writer:
    def __init__(self, configured: Configured, node: Node) -> None:
        self.configured, self.node = configured, node
        self.roles = roles_of(configured, node)
        self.it: Settings = settings_of(configured, node)
        self.names: Names = self.it.names
        self.logical = Unique(pascal, "Id")

    def template(self) -> Json:
        mesh, node = self.configured.mesh.name, self.node.name
        return {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Transform": SERVERLESS,
            "Description": f"Twinwall mesh {mesh}, node {node}, written by twinwall mesh template",
            "Parameters": {**own_parameters(), **published_parameters(self.configured, self.node)},
            "Conditions": {
                "MakesTable": {"Fn::Equals": [ref("TableStream"), ""]},
                "TellsSomebody": {"Fn::Not": [{"Fn::Equals": [ref("AlarmTopic"), ""]}]},
            },
            "Resources": dict(self._resources()),
            "Outputs": self._outputs(),
        }

    def _resources(self) -> Iterator[tuple[str, Json]]:
        """Rows of (logical id, resource)."""
        yield "FunctionRole", self._role(self.roles.function)
        yield "ScheduleRole", self._role(self.roles.schedule)
        if self.roles.neighbours:
            yield "NeighboursRole", self._role(self.roles.neighbours)
        yield "Log", self._log()
        yield "Table", self._table()
        yield from self._queues()
        yield "Function", self._function()
        yield (
            "HooksRule",
            self._rule(self.names.hooks_rule, self.it.hook_pattern, "Launches and terminations that wait"),
        )
        yield (
            "EndsRule",
            self._rule(self.names.ends_rule, self.it.end_pattern, "Terminations that have ended"),
        )
        yield "QueuePolicy", self._queue_policy()
        yield from self._hooks()
        for alarm in alarms_of(self.it):
            yield self.logical.name(f"{alarm.what} Alarm"), self._alarm(alarm)
        yield "Dashboard", made("AWS::CloudWatch::Dashboard", {
            "DashboardName": self.names.dashboard,
            "DashboardBody": json.dumps(dashboard_body(self.it), separators=(",", ":")),
        })  # fmt: skip

    # --- who

    def _role(self, role: Role) -> Json:
        """A name of its own: the other nodes' roles and this one's policies name it before it exists."""
        policy = {"PolicyName": self.names.base, "PolicyDocument": role.policy}
        found = {
            "RoleName": role.name,
            "AssumeRolePolicyDocument": role.trust,
            "Policies": [policy],
            "Tags": self._tags(),
        }
        return {**made("AWS::IAM::Role", found), "Metadata": {"Reasons": role.reasons}}

    def _tags(self) -> list[Json]:
        return [{"Key": MESH_TAG, "Value": self.configured.mesh.name}]

    # --- what is kept

    def _log(self) -> Json:
        named = {
            "LogGroupName": self.names.log_group,
            "RetentionInDays": ref("LogDays"),
            "Tags": self._tags(),
        }
        return goes(made("AWS::Logs::LogGroup", named))

    def _table(self) -> Json:
        keys = (("region", "HASH"), ("asg", "RANGE"))
        properties = {
            "TableName": self.names.table,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
            "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in keys],
            "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "SSESpecification": {"SSEEnabled": True},
            "DeletionProtectionEnabled": True,
            "Tags": self._tags(),
        }
        table = made("AWS::DynamoDB::Table", properties)
        return {
            **table,
            "Condition": "MakesTable",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
        }

    def _queues(self) -> Iterator[tuple[str, Json]]:
        kept = {"SqsManagedSseEnabled": True, "Tags": self._tags()}
        dead = {"QueueName": self.names.dead_letters, "MessageRetentionPeriod": s.DEAD_KEPT}
        yield "DeadLetters", goes(made("AWS::SQS::Queue", {**dead, **kept}))
        redrive = {"deadLetterTargetArn": get("DeadLetters", "Arn"), "maxReceiveCount": self.it.receives}
        own = {"VisibilityTimeout": s.VISIBILITY, "MessageRetentionPeriod": s.KEPT, "RedrivePolicy": redrive}
        yield "Queue", goes(made("AWS::SQS::Queue", {"QueueName": self.names.base, **own, **kept}))

    # --- what happens

    def _rule(self, name: str, pattern: Json, words: str) -> Json:
        target = {
            "Id": "queue",
            "Arn": get("Queue", "Arn"),
            "DeadLetterConfig": {"Arn": get("DeadLetters", "Arn")},
            "RetryPolicy": {
                "MaximumEventAgeInSeconds": self.it.event_age,
                "MaximumRetryAttempts": s.RULE_TRIES,
            },
        }
        return made(
            "AWS::Events::Rule",
            {
                "Name": name,
                "Description": words,
                "EventPattern": pattern,
                "State": "ENABLED",
                "Targets": [target],
            },
        )

    def _queue_policy(self) -> Json:
        """Only these rules may put events into these queues."""
        rules = [get("HooksRule", "Arn"), get("EndsRule", "Arn")]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": [get("Queue", "Arn"), get("DeadLetters", "Arn")],
            "Condition": {"ArnEquals": {"aws:SourceArn": rules}},
        }
        document = {"Version": "2012-10-17", "Statement": [statement]}
        return made(
            "AWS::SQS::QueuePolicy",
            {"Queues": [ref("Queue"), ref("DeadLetters")], "PolicyDocument": document},
        )

    def _hooks(self) -> Iterator[tuple[str, Json]]:
        ready = ["EndsRule", "FunctionEvents", "HooksRule", "QueuePolicy"]
        for hook in self.it.hooks:
            found = made(
                "AWS::AutoScaling::LifecycleHook",
                {
                    "AutoScalingGroupName": hook.site.key.asg,
                    "LifecycleHookName": hook.name,
                    "LifecycleTransition": hook.transition,
                    "DefaultResult": hook.default,
                    "HeartbeatTimeout": hook.heartbeat,
                },
            )
            yield (
                self.logical.name(f"{hook.site.key.asg} {hook.word.title()} Hook"),
                {**found, "DependsOn": ready},
            )

    # --- who does it

    def _function(self) -> Json:
        properties = {
            "FunctionName": self.names.base,
            "Description": f"Mesh {self.configured.mesh.name}: groups equal to the members of all sites",
            "CodeUri": {"Bucket": ref("CodeBucket"), "Key": ref("CodeKey")},
            "Handler": s.HANDLER,
            "Runtime": ref("Runtime"),
            "Architectures": [s.ARCHITECTURE],
            "MemorySize": s.MEMORY,
            "Timeout": s.TIMEOUT,
            "Role": get("FunctionRole", "Arn"),
            "LoggingConfig": {"LogGroup": ref("Log")},
            "Environment": {"Variables": {**self.it.environment, "TWINWALL_QUEUE": ref("Queue")}},
            "EventInvokeConfig": {
                "MaximumEventAgeInSeconds": s.INVOKE_AGE,
                "MaximumRetryAttempts": s.INVOKE_TRIES,
            },
            "Events": {
                "Events": self._from_queue(),
                "Rows": self._from_stream(),
                "TrueUp": self._from_schedule(),
            },
            "Tags": {MESH_TAG: self.configured.mesh.name},
        }
        return made("AWS::Serverless::Function", properties)

    def _from_queue(self) -> Json:
        return made("SQS", {
            "Queue": get("Queue", "Arn"),
            "BatchSize": s.BATCH,
            "MaximumBatchingWindowInSeconds": s.WINDOW,
            "ScalingConfig": {"MaximumConcurrency": s.CONCURRENCY},
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        })  # fmt: skip

    def _from_stream(self) -> Json:
        patterns = [{"Pattern": json.dumps(one, separators=(",", ":"))} for one in self.it.stream_filters]
        return made("DynamoDB", {
            "Stream": either("MakesTable", get("Table", "StreamArn"), ref("TableStream")),
            "StartingPosition": "TRIM_HORIZON",
            "BatchSize": s.ROWS_BATCH,
            "MaximumBatchingWindowInSeconds": s.WINDOW,
            "MaximumRetryAttempts": s.ROWS_TRIES,
            "MaximumRecordAgeInSeconds": s.ROWS_AGE,
            "BisectBatchOnFunctionError": True,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "FilterCriteria": {"Filters": patterns},
        })  # fmt: skip

    def _from_schedule(self) -> Json:
        every, given = self.it.true_up
        return made("ScheduleV2", {
            "Name": self.names.base,
            "Description": "The true-up: what events missed",
            "ScheduleExpression": every,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Input": given,
            "RoleArn": get("ScheduleRole", "Arn"),
            "RetryPolicy": {"MaximumEventAgeInSeconds": s.TRUE_UP_AGE, "MaximumRetryAttempts": s.TRUE_UP_TRIES},
        })  # fmt: skip

    # --- who is told

    def _alarm(self, alarm: Alarm) -> Json:
        topic = either("TellsSomebody", [ref("AlarmTopic")], ref("AWS::NoValue"))
        properties = {
            "AlarmName": f"{self.names.base}-{alarm.what}",
            "AlarmDescription": alarm.description,
            "Namespace": alarm.namespace,
            "MetricName": alarm.metric,
            "Dimensions": [{"Name": name, "Value": value} for name, value in alarm.dimensions],
            "Statistic": alarm.statistic,
            "Period": alarm.period,
            "EvaluationPeriods": alarm.periods,
            "ComparisonOperator": alarm.comparison,
            "Threshold": alarm.threshold,
            "TreatMissingData": "notBreaching",
            "AlarmActions": topic,
            "OKActions": topic,
        }
        return made("AWS::CloudWatch::Alarm", properties)

    def _outputs(self) -> Json:
        published = [ref(name) for name in published_parameters(self.configured, self.node)]
        return {
            "Function": {"Description": "The mesh's function", "Value": ref("Function")},
            "Queue": {"Description": "Its queue", "Value": ref("Queue")},
            "Table": {"Description": "Its table", "Value": self.names.table},
            "Code": {
                "Description": "The package that it runs",
                "Value": {"Fn::Sub": "s3://${CodeBucket}/${CodeKey}"},
            },
            "Serves": {
                "Description": "Its sites and those of the others, as the parameters name them",
                "Value": {"Fn::Join": [" ", published]},
            },
        }
