"""What EventBridge and Scheduler refuse, where moto does not."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from moto.events.models import Rule

from twinwall.emulator.delivery import Deliveries, parse_arn
from twinwall.emulator.eventbridge import shape
from twinwall.emulator.eventbridge.buses import find_bus
from twinwall.emulator.eventbridge.pattern import parse_pattern
from twinwall.emulator.eventbridge.schedule import Schedule
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.roles import Roles

TARGETS_PER_RULE = 5
Params = Mapping[str, Any]


def invalid(message: str) -> NoReturn:
    raise Refusal("ValidationException", message)


def check_rule(params: Params) -> None:
    if params.get("EventPattern"):
        parse_pattern(params["EventPattern"])
    expression = params.get("ScheduleExpression")
    if expression:
        try:
            known = not Schedule(expression).is_once
        except ValueError:
            known = False
        if not known:
            invalid("Parameter ScheduleExpression is not valid.")


def check_targets(deliveries: Deliveries, account: str, region: str, params: Params) -> None:
    bus = find_bus(account, region, params.get("EventBusName") or "default")
    rule: Rule | None = bus.rules.get(params["Rule"])
    if rule is None:
        raise Refusal(
            "ResourceNotFoundException", f"Rule {params['Rule']} does not exist on EventBus {bus.name}."
        )
    ids = {target["Id"] for target in (*rule.targets, *params["Targets"])}
    if len(ids) > TARGETS_PER_RULE:
        raise Refusal("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
    for target in params["Targets"]:
        _check_target(deliveries, account, region, target)


def _check_target(deliveries: Deliveries, account: str, region: str, target: Params) -> None:
    arn = parse_arn(target["Arn"])
    if arn is None:
        invalid(f"Parameter {target['Arn']} is not valid. Reason: Provided Arn is not in correct format.")
    if not deliveries.reaches(target["Arn"]):
        services = ", ".join(deliveries.services)
        invalid(f"Parameter {target['Arn']} is not valid. Reason: the embedded AWS delivers to {services}.")
    elsewhere = (arn.account, arn.region) != (account, region)
    if arn.service == "events" and elsewhere and not target.get("RoleArn"):
        invalid(f"RoleArn is required for target {target['Arn']}.")
    if arn.service != "events" and arn.region != region:
        invalid(f"Parameter {target['Arn']} is not valid. Reason: the target must be in Region {region}.")
    if arn.service == "sqs" and arn.resource.endswith(".fifo") and not target.get("SqsParameters"):
        invalid(f"Parameter(s) SqsParameters must be specified for target: {target['Id']}.")
    shape.check(target)
    if target.get("Input") and not _is_json(target["Input"]):
        invalid(f"JSON syntax error in input for target {target['Id']}")
    _check_dead_letter(region, target)


def _check_dead_letter(region: str, target: Params) -> None:
    queue = (target.get("DeadLetterConfig") or {}).get("Arn")
    if not queue:
        return
    arn = parse_arn(queue)
    if arn is None or arn.service != "sqs" or arn.region != region or arn.resource.endswith(".fifo"):
        invalid(
            f"Parameter {queue} is not valid. Reason: a dead-letter queue is a standard SQS queue of Region {region}."
        )


def check_schedule(
    deliveries: Deliveries, roles: Roles, region: str, params: Params, *, strict: bool
) -> None:
    try:
        Schedule(params["ScheduleExpression"], params.get("ScheduleExpressionTimezone") or "UTC")
    except ValueError:
        invalid(f"Invalid Schedule Expression {params['ScheduleExpression']}.")
    target = params["Target"]
    if not deliveries.reaches(target["Arn"]):
        invalid(
            f"Provided Arn {target['Arn']} is not supported: the embedded AWS delivers to "
            f"{', '.join(deliveries.services)}."
        )
    window = params["FlexibleTimeWindow"]
    if (window["Mode"] == "FLEXIBLE") != bool(window.get("MaximumWindowInMinutes")):
        invalid("MaximumWindowInMinutes goes with the FlexibleTimeWindow mode FLEXIBLE, and only with it.")
    if strict and not roles.trusts(target["RoleArn"], "scheduler.amazonaws.com"):
        invalid("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")
    _check_dead_letter(region, target)


def check_entry(entry: Params) -> tuple[str, str] | None:
    """(code, message) of an entry of PutEvents that AWS would not take."""
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            return "InvalidArgument", f"Parameter {name} is not valid. Reason: {name} is a required argument."
    if str(entry["Source"]).startswith("aws."):
        return "NotAuthorizedForSourceException", "Not authorized for the source."
    if not _is_json(entry["Detail"], dict):
        return "MalformedDetail", "Detail is malformed."
    return None


def _is_json(text: str, kind: type = object) -> bool:
    try:
        return isinstance(json.loads(text), kind)
    except ValueError:
        return False
