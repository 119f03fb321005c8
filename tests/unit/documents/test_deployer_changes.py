"""What a change set's changes surely need, and of which resource."""

from typing import Any

import pytest

from twinwall.documents.deployer_changes import KINDS, duties_of_changes
from twinwall.documents.deployer_permissions import duties_of
from twinwall.mesh.configure import configure

SITES = [
    {"region": "eu-west-1", "account": "111111111111", "asg": f"asg-{n}", "group": f"sg-000000000{n}"}
    for n in "12"
]
MESH = configure("web", {"sites": SITES})
DUTIES = duties_of(MESH, MESH.mesh.nodes[0])
HOOKS = tuple(
    f"arn:aws:autoscaling:eu-west-1:111111111111:autoScalingGroup:*:autoScalingGroupName/asg-{n}"
    for n in "12"
)


def modified(type_: str, id_: str, *names: str, **more: Any) -> dict[str, Any]:
    details = [
        {"Target": {"Attribute": "Properties", "Name": name}, "Evaluation": "Static"} for name in names
    ]
    found = {"Action": "Modify", "ResourceType": type_, "PhysicalResourceId": id_, "Replacement": "False"}
    return {**found, "Details": details, **more}


def sure(*changes: dict[str, Any]) -> dict[tuple[str, ...], tuple[str, ...]]:
    return {duty.line.resources: duty.sure for duty in duties_of_changes(DUTIES, changes)}


FUNCTION = "arn:aws:lambda:eu-west-1:111111111111:function:twinwall-web"


@pytest.mark.parametrize(
    ("change", "resources", "actions"),
    [
        (modified("AWS::Lambda::Function", "twinwall-web", "Code", "Timeout"), (FUNCTION,),
         ("lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration")),
        (modified("AWS::Lambda::EventSourceMapping", "uuid-1", "BatchSize"),
         ("arn:aws:lambda:eu-west-1:111111111111:event-source-mapping:uuid-1",), ("lambda:UpdateEventSourceMapping",)),
        (modified("AWS::Logs::LogGroup", "/aws/lambda/twinwall-web", "RetentionInDays"),
         ("arn:aws:logs:eu-west-1:111111111111:log-group:/aws/lambda/twinwall-web:*",), ("logs:PutRetentionPolicy",)),
        (modified("AWS::CloudWatch::Alarm", "twinwall-web-Room", "Threshold"),
         ("arn:aws:cloudwatch:eu-west-1:111111111111:alarm:twinwall-web-Room",), ("cloudwatch:PutMetricAlarm",)),
        (modified("AWS::SQS::Queue", "http://sqs/111111111111/twinwall-web", "VisibilityTimeout"),
         ("arn:aws:sqs:eu-west-1:111111111111:twinwall-web",), ("sqs:SetQueueAttributes",)),
        (modified("AWS::AutoScaling::LifecycleHook", "twinwall-launch", "DefaultResult"), HOOKS,
         ("autoscaling:PutLifecycleHook",)),
        (modified("AWS::CloudWatch::Alarm", "twinwall-web-Room", "AlarmName", Replacement="True"),
         ("arn:aws:cloudwatch:eu-west-1:111111111111:alarm:twinwall-web-Room",), ("cloudwatch:PutMetricAlarm",)),
        ({"Action": "Add", "ResourceType": "AWS::AutoScaling::LifecycleHook"}, HOOKS,
         ("autoscaling:PutLifecycleHook",)),
        ({"Action": "Remove", "ResourceType": "AWS::Scheduler::Schedule", "PhysicalResourceId": "twinwall-web"},
         ("arn:aws:scheduler:eu-west-1:111111111111:schedule/default/twinwall-web",), ("scheduler:DeleteSchedule",)),
    ],
)  # fmt: skip
def test_each_operation_on_its_resource(
    change: dict[str, Any], resources: tuple[str, ...], actions: tuple[str, ...]
) -> None:
    assert sure(change) == {resources: actions}
    (duty,) = duties_of_changes(DUTIES, [change])
    assert duty.one_of == (len(resources) > 1)


@pytest.mark.parametrize(
    "change",
    [
        modified("AWS::Lambda::Function", "twinwall-web", "SnapStart"),
        modified("AWS::Lambda::Function", "twinwall-web", "Code", Replacement="Conditional"),
        {**modified("AWS::Lambda::Function", "twinwall-web"), "Details": [
            {"Target": {"Attribute": "Properties", "Name": "Environment"}, "Evaluation": "Dynamic"}]},
        {"Action": "Remove", "ResourceType": "AWS::Scheduler::Schedule", "PolicyAction": "Retain"},
        {"Action": "Remove", "ResourceType": "AWS::DynamoDB::Table"},
        {"Action": "Import", "ResourceType": "AWS::Scheduler::Schedule"},
        {"Action": "Add", "ResourceType": "AWS::Somewhere::Thing"},
        {},
    ],
)  # fmt: skip
def test_what_is_not_certain_is_not_asked_about(change: dict[str, Any]) -> None:
    assert sure(change) == {}


def test_every_operation_is_one_of_the_printed_policy() -> None:
    """Else somebody with just that policy would be refused."""
    by_sid = {duty.line.sid: duty.line.actions for duty in DUTIES}
    for kind in KINDS.values():
        for action in {kind.makes, kind.deletes, *kind.changes.values()} - {""}:
            assert action in by_sid[kind.sid], (kind.sid, action)
