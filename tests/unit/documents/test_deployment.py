"""A node's stack in two tongues: each is read by somebody else's program, and both say the same."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from typing import Any

import hcl2
import pytest
import yaml
from cfnlint import api as cfnlint
from exported import plain
from meshes import ACTING, FAR, HERE, MANY, ONE, TWO, site

from twinwall.documents.deployment.names import names_of
from twinwall.documents.deployment.prerequisites import prerequisites_template, prerequisites_terraform
from twinwall.documents.deployment.sam import template_text
from twinwall.documents.deployment.settings import PATTERN_CHARACTERS, settings_of
from twinwall.documents.deployment.template import node_template
from twinwall.documents.deployment.terraform import node_terraform
from twinwall.documents.deployment.watching import alarms_of
from twinwall.emulator.stacks.sam import expand
from twinwall.errors import ConfigError
from twinwall.lambdas.runtime import configured as read_environment
from twinwall.mesh.configure import Configured, configure

Json = dict[str, Any]
MESHES = {"one": ONE, "two": TWO, "many": MANY, "acting": ACTING}
NODES = [
    (name, number)
    for name, table in MESHES.items()
    for number in range(len(configure("web", table).mesh.nodes))
]
NEEDS_TERRAFORM = pytest.mark.skipif(
    shutil.which("terraform") is None, reason="terraform itself is asked, and it is not installed"
)


def mesh(table: Json) -> Configured:
    return configure("web", table)


@cache
def template_of(name: str, number: int) -> Json:
    found = mesh(MESHES[name])
    return json.loads(template_text(node_template(found, found.mesh.nodes[number])))


@cache
def terraform_of(name: str, number: int) -> str:
    found = mesh(MESHES[name])
    return node_terraform(found, found.mesh.nodes[number])


@cache
def expanded(name: str, number: int) -> Json:
    """By AWS's own translator."""
    values = {"CodeBucket": "b", "CodeKey": "k", "Runtime": "python3.13", "TableStream": "", "AlarmTopic": ""}
    return expand(template_of(name, number), values, "eu-west-1")["Resources"]


def of_type(resources: Json, type_: str) -> Iterator[Json]:
    yield from (one["Properties"] for one in resources.values() if one["Type"] == type_)


# --- other programs read it


@pytest.mark.parametrize(("name", "number"), [("one", 0), ("many", 0)])
def test_cfn_lint_finds_nothing_at_all(name: str, number: int) -> None:
    """With informational checks too. It expands the serverless transform first, as ``sam validate --lint`` does."""
    text = template_text(template_of(name, number))
    config = cfnlint.ManualArgs(regions=["eu-west-1"], include_checks=["I"])
    assert cfnlint.lint(text, config=config) == []


def test_cfn_lint_finds_nothing_in_the_prerequisites() -> None:
    text = template_text(prerequisites_template())
    assert cfnlint.lint(text, config=cfnlint.ManualArgs(regions=["eu-west-1"], include_checks=["I"])) == []


@NEEDS_TERRAFORM
def test_terraform_fmt_would_change_nothing() -> None:
    for text in (*(terraform_of(*node) for node in NODES), prerequisites_terraform()):
        done = subprocess.run(
            ["terraform", "fmt", "-"], input=text, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (0, text), done.stderr


def test_python_hcl2_reads_the_prerequisites() -> None:
    found = hcl2.loads(prerequisites_terraform())
    made = sorted(str(plain(kind)) for one in found["resource"] for kind in one if kind != "__is_block__")
    assert made == [
        "aws_autoscaling_group", "aws_internet_gateway", "aws_launch_template", "aws_route_table",
        "aws_route_table_association", "aws_security_group", "aws_subnet", "aws_vpc",
        "aws_vpc_security_group_egress_rule", "aws_vpc_security_group_ingress_rule",
    ]  # fmt: skip


# --- both say the same


class Tf:
    def __init__(self, text: str) -> None:
        self.resources: dict[str, list[Json]] = {}
        for one in hcl2.loads(text)["resource"]:
            for type_, bodies in plain(one).items():
                self.resources.setdefault(type_, []).extend(bodies.values())

    def each(self, type_: str) -> list[Json]:
        return self.resources.get(type_, [])


@pytest.mark.parametrize(("name", "number"), NODES)
def test_both_tongues_give_the_same_rights_to_the_same_roles(name: str, number: int) -> None:
    said = {
        role["RoleName"]: (role["AssumeRolePolicyDocument"], role["Policies"][0]["PolicyDocument"])
        for role in of_type(expanded(name, number), "AWS::IAM::Role")
    }
    tf = Tf(terraform_of(name, number))
    trusts = {role["name"]: json.loads(role["assume_role_policy"]) for role in tf.each("aws_iam_role")}
    policies = [json.loads(policy["policy"]) for policy in tf.each("aws_iam_role_policy")]
    assert {role: trust for role, (trust, _) in said.items()} == trusts
    assert [policy for _, policy in said.values()] == policies


@pytest.mark.parametrize(("name", "number"), NODES)
def test_both_tongues_make_the_same_hooks_alarms_and_queues(name: str, number: int) -> None:
    resources, tf = expanded(name, number), Tf(terraform_of(name, number))
    hooks = [
        (h["AutoScalingGroupName"], h["LifecycleHookName"], h["LifecycleTransition"], h["DefaultResult"],
         h["HeartbeatTimeout"])
        for h in of_type(resources, "AWS::AutoScaling::LifecycleHook")
    ]  # fmt: skip
    assert hooks == [
        (
            h["autoscaling_group_name"],
            h["name"],
            h["lifecycle_transition"],
            h["default_result"],
            h["heartbeat_timeout"],
        )
        for h in tf.each("aws_autoscaling_lifecycle_hook")
    ]
    alarms = [
        (a["AlarmName"], a["Namespace"], a["MetricName"], a["Statistic"], a["ComparisonOperator"], a["Threshold"],
         a["Period"], a["EvaluationPeriods"], {d["Name"]: d["Value"] for d in a["Dimensions"]})
        for a in of_type(resources, "AWS::CloudWatch::Alarm")
    ]  # fmt: skip
    assert alarms == [
        (a["alarm_name"], a["namespace"], a["metric_name"], a["statistic"], a["comparison_operator"], a["threshold"],
         a["period"], a["evaluation_periods"], a["dimensions"])
        for a in tf.each("aws_cloudwatch_metric_alarm")
    ]  # fmt: skip
    queues = {q["QueueName"]: q.get("VisibilityTimeout") for q in of_type(resources, "AWS::SQS::Queue")}
    assert queues == {q["name"]: q.get("visibility_timeout_seconds") for q in tf.each("aws_sqs_queue")}
    [function] = of_type(resources, "AWS::Lambda::Function")
    [other] = tf.each("aws_lambda_function")
    for name_ in ("FunctionName", "Handler", "MemorySize", "Timeout", "Architectures"):
        assert function[name_] == other[re.sub(r"(?<!^)(?=[A-Z])", "_", name_).lower()]
    variables = other["environment"][0]["variables"]
    assert function["Environment"]["Variables"]["TWINWALL_MESH"] == variables["TWINWALL_MESH"]
    assert function["Environment"]["Variables"]["TWINWALL_NODE"] == variables["TWINWALL_NODE"]


# --- what it says


@pytest.mark.parametrize(("name", "number"), NODES)
def test_the_function_reads_its_own_environment(name: str, number: int) -> None:
    found = mesh(MESHES[name])
    [function] = of_type(expanded(name, number), "AWS::Lambda::Function")
    variables = function["Environment"]["Variables"]
    assert read_environment(variables).mesh == found.mesh
    assert variables["TWINWALL_NODE"] == found.mesh.nodes[number].name


def test_hooks_of_this_place_alone_and_only_once_all_else_is_there() -> None:
    resources = expanded("many", 0)
    hooks = {key: one for key, one in resources.items() if one["Type"] == "AWS::AutoScaling::LifecycleHook"}
    found = [
        (h["Properties"]["AutoScalingGroupName"], h["Properties"]["LifecycleHookName"])
        for h in hooks.values()
    ]
    assert found == [
        (asg, name) for asg in ("web", "api & more") for name in ("cluster-launch", "cluster-terminate")
    ]
    assert {h["Properties"]["DefaultResult"] for h in hooks.values()} == {"CONTINUE"}
    assert {h["Properties"]["HeartbeatTimeout"] for h in hooks.values()} == {600}
    for hook in hooks.values():
        waits = {resources[name]["Type"] for name in hook["DependsOn"]}
        assert waits == {"AWS::Events::Rule", "AWS::Lambda::EventSourceMapping", "AWS::SQS::QueuePolicy"}
    acting = of_type(expanded("acting", 1), "AWS::AutoScaling::LifecycleHook")
    assert {hook["AutoScalingGroupName"] for hook in acting} == {"web"}
    assert len(list(of_type(expanded("acting", 1), "AWS::AutoScaling::LifecycleHook"))) == 2, (
        "none for the neighbour's"
    )


def test_events_are_filtered_by_group_and_hook() -> None:
    hooks, ends = of_type(expanded("many", 0), "AWS::Events::Rule")
    assert hooks["EventPattern"]["detail"] == {
        "AutoScalingGroupName": ["api & more", "web"],
        "LifecycleHookName": ["cluster-launch", "cluster-terminate"],
    }
    assert ends["EventPattern"]["detail-type"] == [
        "EC2 Instance Terminate Successful",
        "EC2 Instance Detach Successful",
    ]
    assert ends["EventPattern"]["detail"] == {"AutoScalingGroupName": ["api & more", "web"]}
    assert hooks["EventPattern"]["account"] == [HERE]


def test_a_message_lives_longer_than_the_hook_waits() -> None:
    """mesh-protocol: maxReceiveCount × visibility exceeds the heartbeat, at every heartbeat that can be configured."""
    for heartbeat in (30, 300, 3600, 7200):
        found = mesh({**TWO, "heartbeat": heartbeat})
        it = settings_of(found, found.mesh.nodes[0])
        queue = node_template(found, found.mesh.nodes[0])["Resources"]["Queue"]["Properties"]
        assert it.receives * queue["VisibilityTimeout"] > heartbeat
        assert queue["RedrivePolicy"]["maxReceiveCount"] <= 1000


def test_sources_as_the_protocol_has_them() -> None:
    queue, rows = of_type(expanded("two", 0), "AWS::Lambda::EventSourceMapping")
    assert (queue["BatchSize"], queue["MaximumBatchingWindowInSeconds"]) == (1000, 1)
    assert queue["ScalingConfig"] == {"MaximumConcurrency": 2}
    assert queue["FunctionResponseTypes"] == rows["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    filters = [json.loads(one["Pattern"]) for one in rows["FilterCriteria"]["Filters"]]
    assert filters[0] == {
        "dynamodb": {"NewImage": {"writer": {"S": [{"anything-but": [f"{HERE}/eu-west-1"]}]}}}
    }
    [schedule] = of_type(expanded("many", 0), "AWS::Scheduler::Schedule")
    assert schedule["ScheduleExpression"] == "rate(10 minutes)"
    assert json.loads(schedule["Target"]["Input"])["detail-type"] == "Scheduled Event"


def test_the_table_is_kept_safe_and_stays_when_the_stack_goes() -> None:
    table = expanded("two", 0)["Table"]
    properties = table["Properties"]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"], table["Condition"]) == (
        "Retain",
        "Retain",
        "MakesTable",
    )
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert properties["DeletionProtectionEnabled"] is True
    assert [(k["AttributeName"], k["KeyType"]) for k in properties["KeySchema"]] == [
        ("region", "HASH"),
        ("asg", "RANGE"),
    ]


def test_parameters_of_the_published_template_are_taken_as_the_file_has_them() -> None:
    parameters = template_of("two", 0)["Parameters"]
    assert {name: parameters[name]["AllowedValues"] for name in parameters if "AllowedValues" in parameters[name]
            and name not in ("LogDays", "Runtime")} == {
        "AutoScalingGroup": ["web"], "LocalSG": ["sg-0123456789abcde01"], "LocalTable": ["twinwall-web"],
        "RemoteSG": ["sg-0123456789abcde02"], "RemoteRegion": ["us-east-1"], "RemoteASG": ["web"],
        "RemoteTable": ["twinwall-web"],
    }  # fmt: skip
    assert "RemoteSG" not in template_of("one", 0)["Parameters"], "there is no other site"


def test_every_metric_of_an_alarm_is_one_that_a_function_writes() -> None:
    from twinwall.engine.mesh import telling  # its text is the list of what is written

    written = telling.__spec__.loader.get_source(telling.__name__)
    for name, number in NODES:
        for alarm in of_type(expanded(name, number), "AWS::CloudWatch::Alarm"):
            if alarm["Namespace"] == "Twinwall/Mesh":
                assert f'"{alarm["MetricName"]}"' in written
                dimensions = {d["Name"]: d["Value"] for d in alarm["Dimensions"]}
                assert dimensions.keys() == {"Mesh", "Site"}


def test_names_are_no_longer_than_aws_takes() -> None:
    table = {"sites": [site("ap-southeast-2", 1, asg="a" * 255)]}
    found = configure("m" * 25, table)
    names = names_of(found, found.mesh.nodes[0])
    assert len(names.bucket) <= 63
    assert len(names.function_role) <= 64
    assert len(names.schedule_role) <= 64
    assert len(names.base) <= 64
    for alarm in alarms_of(settings_of(found, found.mesh.nodes[0])):
        assert len(f"{names.base}-{alarm.what}") <= 255, alarm.what


# --- what cannot be


@pytest.mark.parametrize(
    ("name", "table", "why"),
    [
        ("web_1", TWO, "its name becomes part of the names"),
        ("m" * 26, TWO, "at most 25"),
        ("web", {"sites": [site("eu-west-1", 1), site("us-east-1", 2, FAR)]}, "cannot reach"),
        (
            "web",
            {"sites": [site("eu-west-1", 1), site("us-east-1", 2, role_arn=f"arn:aws:iam::{FAR}:role/x")]},
            "a role of another account",
        ),
        (
            "web",
            {"sites": [site("eu-west-1", n, asg=f"{n:03}{'x' * 250}") for n in range(8)]},
            f"{PATTERN_CHARACTERS}",
        ),
        ("web", {"sites": [site("eu-west-1", n, asg=f"asg-{n}") for n in range(60)]}, "Lambda allows 4096"),
    ],
)
def test_what_cannot_be_deployed_is_one_clear_line(name: str, table: Json, why: str) -> None:
    found = configure(name, table)
    with pytest.raises(ConfigError, match=why) as caught:
        node_template(found, found.mesh.nodes[0])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"LocalSG": "sg-1"}, r"LocalSG=sg-1 contradicts twinwall.toml, where it is sg-0123456789abcde01"),
        ({"RemoteRegion": "us-west-2"}, "RemoteRegion=us-west-2 contradicts"),
        ({"LocalGroup": "sg-1"}, "the template of .* has CodeBucket"),
    ],
)
def test_a_parameter_that_contradicts_the_file_is_refused(given: dict[str, str], why: str) -> None:
    found = mesh(TWO)
    with pytest.raises(ConfigError, match=why):
        node_template(found, found.mesh.nodes[0], given)


def test_a_template_is_yaml_too() -> None:
    assert yaml.safe_load(template_text(template_of("two", 0))) == template_of("two", 0)
