"""AWS::Events and AWS::Scheduler."""

import json
from typing import Any

from twinwall.emulator.stacks.desk import Desk, Props, ResourceFailed
from twinwall.emulator.stacks.kind import Kind, words
from twinwall.emulator.stacks.resolver import Made

# --- rule


def _put_rule(desk: Desk, name: str, p: Props) -> Made:
    pattern, bus = p.get("EventPattern"), p.get("EventBusName")
    answer = desk.call(
        "events", "PutRule", Name=name, EventBusName=bus, State=p.get("State"), Description=p.get("Description"),
        ScheduleExpression=p.get("ScheduleExpression"), RoleArn=p.get("RoleArn"),
        EventPattern=None if pattern is None else pattern if isinstance(pattern, str) else json.dumps(pattern),
    )  # fmt: skip
    if p.get("Targets"):
        _done(desk.call("events", "PutTargets", Rule=name, EventBusName=bus, Targets=p["Targets"]))
    return Made(name if bus in (None, "default") else f"{bus}|{name}", {"Arn": answer["RuleArn"]})


def _done(answer: Any) -> None:
    for failed in answer.get("FailedEntries") or ():
        raise ResourceFailed(
            f"{failed.get('TargetId')}: {failed.get('ErrorMessage')}", failed.get("ErrorCode", "")
        )


def _rule_name(made: Made) -> str:
    return made.id.rpartition("|")[2]


def _create_rule(desk: Desk, p: Props) -> Made:
    return _put_rule(desk, p.get("Name") or desk.name(64), p)


def _update_rule(desk: Desk, made: Made, before: Props, now: Props) -> Made:
    kept = {target["Id"] for target in now.get("Targets") or ()}
    gone = [target["Id"] for target in before.get("Targets") or () if target["Id"] not in kept]
    name = _rule_name(made)
    if gone:
        _done(desk.call("events", "RemoveTargets", Rule=name, EventBusName=now.get("EventBusName"), Ids=gone))
    return _put_rule(desk, name, now)


def _delete_rule(desk: Desk, made: Made, p: Props) -> None:
    name, bus = _rule_name(made), p.get("EventBusName")
    ids = [target["Id"] for target in p.get("Targets") or ()]
    if ids:
        desk.gone("events", "RemoveTargets", Rule=name, EventBusName=bus, Ids=ids)
    desk.gone("events", "DeleteRule", Name=name, EventBusName=bus)


# --- schedule

_SCHEDULE = words(
    "Description EndDate FlexibleTimeWindow KmsKeyArn ScheduleExpression ScheduleExpressionTimezone StartDate State "
    "Target"
)


def _schedule(name: str, p: Props) -> dict[str, Any]:
    given = {key: p[key] for key in p.keys() & _SCHEDULE}
    return {"Name": name, "GroupName": p.get("GroupName"), **given}


def _create_schedule(desk: Desk, p: Props) -> Made:
    name = p.get("Name") or desk.name(64)
    answer = desk.call("scheduler", "CreateSchedule", **_schedule(name, p))
    return Made(name, {"Arn": answer["ScheduleArn"]})


def _update_schedule(desk: Desk, made: Made, _: Props, now: Props) -> Made:
    desk.call("scheduler", "UpdateSchedule", **_schedule(made.id, now))
    return made


def _delete_schedule(desk: Desk, made: Made, p: Props) -> None:
    desk.gone("scheduler", "DeleteSchedule", Name=made.id, GroupName=p.get("GroupName"))


KINDS = (
    Kind(
        "AWS::Events::Rule", _create_rule, _delete_rule, _update_rule, words("Name EventBusName"),
        words("Description EventPattern RoleArn ScheduleExpression State Targets"),
    ),
    Kind(
        "AWS::Scheduler::Schedule", _create_schedule, _delete_schedule, _update_schedule, words("Name GroupName"),
        _SCHEDULE, words("FlexibleTimeWindow ScheduleExpression Target"),
    ),
)  # fmt: skip
