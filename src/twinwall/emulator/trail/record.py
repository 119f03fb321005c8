"""A call as CloudTrail records it (CloudTrail user guide, "record contents"; aws-facts 8).

EC2's names are those of its wire form: lists are ``{"items": […]}``, and what is empty is ``{}``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.model import ListShape, OperationModel, Shape, StructureShape
from botocore.parsers import create_parser

from twinwall.emulator import protocol, wire
from twinwall.emulator.http import Response
from twinwall.emulator.iam.asked import read
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.visit import Visit

_READS = ("Describe", "Get", "List", "Lookup", "Search", "Batch", "Query", "Scan")


@dataclass(frozen=True)
class Kept:
    """``id``: of the event, not of the request."""

    id: str
    at: datetime
    visit: Visit
    how: Response | Refusal

    @property
    def is_read(self) -> bool:
        return self.visit.action.startswith(_READS)

    @property
    def source(self) -> str:
        return f"{self.visit.service}.amazonaws.com"

    @property
    def user(self) -> str:
        return self.visit.caller.arn.rpartition("/")[2]


def document(kept: Kept) -> dict[str, Any]:
    visit = kept.visit
    return {
        "eventVersion": "1.08",
        "userIdentity": _identity(visit),
        "eventTime": kept.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": kept.source,
        "eventName": visit.action,
        "awsRegion": visit.region,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": visit.request.headers.get("user-agent", ""),
        **_failure(kept.how),
        "requestParameters": _asked(visit),
        "responseElements": None if kept.is_read else _answered(visit, kept.how),
        "requestID": visit.id,
        "eventID": kept.id,
        "readOnly": kept.is_read,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": visit.account,
        "eventCategory": "Management",
    }


def _identity(visit: Visit) -> dict[str, Any]:
    caller = visit.caller
    return {
        "type": "AssumedRole" if caller.role_arn else "IAMUser",
        "principalId": caller.user_id,
        "arn": caller.arn,
        "accountId": caller.account,
        "accessKeyId": caller.key.id,
        **({} if caller.role_arn else {"userName": caller.arn.rpartition("/")[2]}),
    }


def _failure(how: Response | Refusal) -> dict[str, str]:
    """Failed and dry-run calls are recorded too (aws-facts 8)."""
    if isinstance(how, Refusal):
        return {"errorCode": f"Client.{how.code}", "errorMessage": how.message}
    return {} if how.status < 400 else {"errorCode": f"HTTP {how.status}"}


def _asked(visit: Visit) -> Any:
    if visit.service == "ec2":
        shape = protocol.operation(visit.action).input_shape
        params = protocol.parse_input(visit.action, visit.request.form)
        if visit.action == "ModifySecurityGroupRules":
            return {"ModifySecurityGroupRulesRequest": _pascal(params)}
        return _shown(shape, params) if shape is not None else None
    params = dict(read(visit.service, visit.action, visit.request, visit.account, visit.region).params)
    return {_lower(key): value for key, value in params.items() if key not in ("Action", "Version")}


def _pascal(params: Mapping[str, Any]) -> dict[str, Any]:
    """This one action is recorded in its request's own names; one rule is an object, several are a list."""
    rules = list(params.get("SecurityGroupRules") or ())
    shown = rules[0] if len(rules) == 1 else rules
    return {"GroupId": params.get("GroupId"), "SecurityGroupRule": shown}


def _answered(visit: Visit, how: Response | Refusal) -> Any:
    if isinstance(how, Refusal) or how.status >= 400:
        return None
    model = protocol.operation(visit.action) if visit.service == "ec2" else _operation(visit)
    if model is None or model.output_shape is None:
        return {"requestId": visit.id, "_return": True}
    spoken = "ec2" if visit.service == "ec2" else wire.protocol_of_model(visit.service)
    given = {"body": how.body, "headers": dict(how.headers), "status_code": how.status}
    parsed = create_parser(spoken).parse(given, model.output_shape)
    parsed.pop("ResponseMetadata", None)
    return {"requestId": visit.id, **_shown(model.output_shape, parsed)}


def _operation(visit: Visit) -> OperationModel | None:
    try:
        return wire.operation(visit.service, visit.action)
    except Refusal:
        return None


def _shown(shape: Shape, value: Any) -> Any:
    """By the names of the wire form; as JSON."""
    match shape:
        case StructureShape() if isinstance(value, Mapping):
            return {
                _lower(str(member.serialization.get("name", name))): _shown(member, value[name])
                for name, member in shape.members.items()
                if name in value
            }
        case ListShape():
            return {"items": [_shown(shape.member, item) for item in value]} if value else {}
        case _:
            return json.loads(json.dumps(value, default=str))


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]
