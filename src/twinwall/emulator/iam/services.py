"""The rights that a request needs, service by service (Service Authorization Reference); EC2's stand in ``ec2``.

A service that stands in no table here is asked about on ``*``: only statements on ``*`` give a right to it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from twinwall.emulator.iam import tables
from twinwall.emulator.iam.asked import Asked
from twinwall.emulator.iam.policies import Right
from twinwall.emulator.state import partition

Find = Callable[[Asked], Iterable[Right]]
GroupOf = Callable[[Asked], "tuple[str, Mapping[str, str]] | None"]
"""The Auto Scaling group that a request is about, by its name or that of a member: its ARN and its tags."""

FREE = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})
"""Need no permission (STS API reference)."""


def rights(asked: Asked, group_of: GroupOf) -> list[Right]:
    """Every one of them must be given."""
    if f"{asked.service}:{asked.action}" in FREE:
        return []
    if asked.service == "autoscaling":
        found = [_scaling(asked, group_of)]
    else:
        find = _TABLE.get(asked.service)
        found = list(find(asked)) if find else [_named(asked)]
    return [*found, *_tagged(asked, found), *_passed(asked)]


# --- by a parameter that names the resource

_BY_PARAMETER: Mapping[str, tuple[tuple[str, str], ...]] = {
    "cloudformation": (("StackName", "stack/{}/*"),),
    "iam": (
        ("RoleName", "role/{}"),
        ("UserName", "user/{}"),
        ("GroupName", "group/{}"),
        ("PolicyArn", "{}"),
        ("PolicySourceArn", "{}"),
        ("PolicyName", "policy/{}"),
    ),
    "lambda": (("UUID", "event-source-mapping:{}"), ("FunctionName", "function:{}"), ("Resource", "{}")),
    "logs": (("logGroupName", "log-group:{}:*"),),
    "sns": (("TopicArn", "{}"), ("Name", "{}")),
    "ssm": (("Name", "parameter/{}"),),
    "sts": (("RoleArn", "{}"),),
}
"""Service → (parameter, the resource's part of the ARN); the first one given is it."""

_RENAMED = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "lambda:InvokeAsync": "lambda:InvokeFunction",
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}
"""Where IAM's action is not the operation's name."""


_PREFIXES = {"monitoring": "cloudwatch"}
"""Where IAM's prefix is not the name that requests are signed for."""


def _right(asked: Asked, arn: str, **keys: tuple[str, ...]) -> Right:
    action = f"{_PREFIXES.get(asked.service, asked.service)}:{asked.action}"
    return Right(_RENAMED.get(action, action), arn, keys)


def _named(asked: Asked) -> Right:
    for parameter, resource in _BY_PARAMETER.get(asked.service, ()):
        value = asked.params.get(parameter)
        if value:
            text = str(value)
            region = "" if asked.service == "iam" else None
            bare = text.removeprefix("/") if asked.service == "ssm" else text
            named = text if text.startswith("arn:") else resource.format(bare)
            return _right(asked, asked.arn(named, region=region))
    return _right(asked, "*")


# --- Auto Scaling, queues, events, schedules


def _scaling(asked: Asked, group_of: GroupOf) -> Right:
    """On the group, with its tags; to describe, on anything (aws-facts 9.2)."""
    group = None if asked.action.startswith("Describe") else group_of(asked)
    if group is None:
        name = None if asked.action.startswith("Describe") else asked.params.get("AutoScalingGroupName")
        return _right(asked, asked.arn(f"autoScalingGroup:*:autoScalingGroupName/{name}") if name else "*")
    arn, tags = group
    keys = {
        f"{word}:resourcetag/{key}".lower(): (v,)
        for key, v in tags.items()
        for word in ("aws", "autoscaling")
    }
    return _right(asked, arn, **keys)


def _queue(asked: Asked) -> Iterator[Right]:
    """``http://HOST/ACCOUNT/NAME``."""
    url = str(asked.params.get("QueueUrl") or "").rstrip("/").split("/")
    if len(url) >= 2:
        yield _right(asked, asked.arn(url[-1], account=url[-2]))
    else:
        yield _right(asked, asked.arn(str(asked.params["QueueName"])) if "QueueName" in asked.params else "*")


def _events(asked: Asked) -> Iterator[Right]:
    params = asked.params
    if asked.action == "PutEvents":
        buses = {str(entry.get("EventBusName") or "default") for entry in params.get("Entries") or ()}
        for bus in sorted(buses):
            source = tuple(
                str(entry["Source"])
                for entry in params["Entries"]
                if "Source" in entry and (entry.get("EventBusName") or "default") == bus
            )
            arn = asked.arn(bus if bus.startswith("arn:") else f"event-bus/{bus}")
            yield _right(asked, arn, **{"events:source": source})
        return
    bus = str(params.get("EventBusName") or "default").rpartition("/")[2]
    within = "" if bus == "default" else f"{bus}/"
    rule = params.get("Rule") or params.get("Name")
    if asked.action.endswith("EventBus") or "Permission" in asked.action:
        yield _right(asked, asked.arn(f"event-bus/{params.get('Name') or bus}"))
    elif asked.action.startswith("List") or not rule:
        yield _right(asked, "*")
    else:
        yield _right(asked, asked.arn(f"rule/{within}{rule}"))


def _schedules(asked: Asked) -> Iterator[Right]:
    group, name = asked.params.get("GroupName") or "default", asked.params.get("Name")
    yield _right(asked, asked.arn(f"schedule/{group}/{name}") if name else "*")


def _buckets(asked: Asked) -> Iterator[Right]:
    """Buckets are the world's: their ARNs name neither account nor Region."""
    resource = str(asked.params["Resource"])
    yield _right(asked, resource if resource == "*" else f"arn:{partition(asked.region)}:s3:::{resource}")


def _watching(asked: Asked) -> Iterator[Right]:
    """Alarms and dashboards by their names; the latter are the account's, in no Region."""
    params = asked.params
    names = [params.get("AlarmName"), *_listed(params, "AlarmNames")]
    boards = [params.get("DashboardName"), *_listed(params, "DashboardNames")]
    arns = [asked.arn(f"alarm:{name}", service="cloudwatch") for name in names if name]
    arns += [asked.arn(f"dashboard/{name}", service="cloudwatch", region="") for name in boards if name]
    yield from (_right(asked, arn) for arn in arns or ["*"])


def _listed(params: Mapping[str, Any], name: str) -> list[Any]:
    """However the protocol writes a list."""
    spread = [value for key, value in params.items() if key.startswith(f"{name}.member.")]
    return [*(params.get(name) or ()), *spread]


def _functions(asked: Asked) -> Iterator[Right]:
    """A mapping is made on nothing that has a name yet (Service Authorization Reference, AWS Lambda)."""
    if asked.action == "CreateEventSourceMapping":
        name = str(asked.params.get("FunctionName") or "")
        arn = asked.arn(name if name.startswith("arn:") else f"function:{name}")
        yield _right(asked, "*", **{"lambda:functionarn": (arn,)})
    else:
        yield _named(asked)


def _stacks(asked: Asked) -> Iterator[Right]:
    """A template of SAM's needs its transform too (CloudFormation user guide, "Controlling access with IAM")."""
    yield _named(asked)
    transforms = asked.action in ("CreateChangeSet", "CreateStack", "UpdateStack")
    if transforms and _SAM in str(asked.params.get("TemplateBody") or ""):
        yield _right(asked, asked.arn(f"transform/{_SAM}", account="aws"))


_SAM = "Serverless-2016-10-31"

_TABLE: Mapping[str, Find] = {
    "cloudformation": _stacks,
    "dynamodb": tables.rights,
    "events": _events,
    "lambda": _functions,
    "monitoring": _watching,
    "s3": _buckets,
    "scheduler": _schedules,
    "sqs": _queue,
}

# --- tags that are given at the creation

_TAGS: Mapping[str, tuple[str, str]] = {
    "dynamodb:CreateTable": ("Tags", "dynamodb:TagResource"),
    "iam:CreateRole": ("Tags", "iam:TagRole"),
    "lambda:CreateFunction": ("Tags", "lambda:TagResource"),
    "logs:CreateLogGroup": ("tags", "logs:TagResource"),
    "sqs:CreateQueue": ("tags", "sqs:TagQueue"),
}
"""Operation → its parameter, and the right that it needs besides (the API reference of each)."""


def _tagged(asked: Asked, found: Iterable[Right]) -> Iterator[Right]:
    parameter, action = _TAGS.get(f"{asked.service}:{asked.action}", ("", ""))
    if any(key == parameter or key.startswith(f"{parameter}.") for key in asked.params if parameter):
        yield from (Right(action, right.arn) for right in found)


# --- roles that are handed on

_PASSED: Mapping[str, tuple[str, ...]] = {
    "autoscaling:PutLifecycleHook": ("RoleARN",),
    "cloudformation:CreateChangeSet": ("RoleARN",),
    "cloudformation:CreateStack": ("RoleARN",),
    "cloudformation:DeleteStack": ("RoleARN",),
    "cloudformation:UpdateStack": ("RoleARN",),
    "events:PutTargets": ("Targets", "RoleArn"),
    "lambda:CreateFunction": ("Role",),
    "lambda:UpdateFunctionConfiguration": ("Role",),
    "scheduler:CreateSchedule": ("Target", "RoleArn"),
    "scheduler:UpdateSchedule": ("Target", "RoleArn"),
}
"""Operation → the way to the role's ARN in its parameters."""


def _passed(asked: Asked) -> Iterator[Right]:
    """``iam:PassRole`` on each role that the service shall act in."""
    way = _PASSED.get(f"{asked.service}:{asked.action}")
    to = (f"{asked.service}.amazonaws.com",)
    for role in sorted(set(_at(asked.params, way))) if way else ():
        yield Right("iam:PassRole", role, {"iam:passedtoservice": to})


def _at(value: Any, way: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _at(item, way)
    elif not way and value:
        yield str(value)
    elif way and isinstance(value, Mapping) and way[0] in value:
        yield from _at(value[way[0]], way[1:])
