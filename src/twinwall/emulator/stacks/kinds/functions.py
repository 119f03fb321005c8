"""AWS::Lambda."""

import io
import zipfile
from typing import Any

from twinwall.emulator.stacks.desk import Desk, Props
from twinwall.emulator.stacks.kind import Kind, words
from twinwall.emulator.stacks.resolver import Made

_SETTINGS = words(
    "Architectures DeadLetterConfig Description Environment EphemeralStorage Handler KmsKeyArn Layers LoggingConfig "
    "MemorySize Role Runtime SnapStart Timeout TracingConfig VpcConfig"
)

# --- function


def _code(given: Any) -> dict[str, Any]:
    """Inline text becomes a package with one module, ``index.py``, as CloudFormation makes it."""
    if "ZipFile" not in given:
        return dict(given)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(zipfile.ZipInfo("index.py", (1980, 1, 1, 0, 0, 0)), str(given["ZipFile"]))
    return {"ZipFile": made.getvalue()}


def _settings(p: Props) -> dict[str, Any]:
    given = {key: p[key] for key in p.keys() & _SETTINGS if key != "KmsKeyArn"}
    return given | ({"KMSKeyArn": p["KmsKeyArn"]} if "KmsKeyArn" in p else {})


def _create_function(desk: Desk, p: Props) -> Made:
    answer = desk.call(
        "lambda", "CreateFunction", FunctionName=p.get("FunctionName") or desk.name(64), Code=_code(p["Code"]),
        PackageType=p.get("PackageType"), Tags=desk.tag_map(p.get("Tags")) or None, **_settings(p),
    )  # fmt: skip
    made = Made(answer["FunctionName"], {"Arn": answer["FunctionArn"]})
    _reserve(desk, made, p)
    return made


def _reserve(desk: Desk, made: Made, p: Props) -> None:
    reserved = p.get("ReservedConcurrentExecutions")
    if reserved is not None:
        desk.call(
            "lambda", "PutFunctionConcurrency", FunctionName=made.id, ReservedConcurrentExecutions=reserved
        )


def _update_function(desk: Desk, made: Made, before: Props, now: Props) -> Made:
    if before["Code"] != now["Code"]:
        code = {key: value for key, value in _code(now["Code"]).items() if key != "S3ObjectStorageMode"}
        desk.call("lambda", "UpdateFunctionCode", FunctionName=made.id, **code)
    if _settings(before) != _settings(now):
        emptied = {key: _EMPTY[key] for key in before.keys() & _EMPTY.keys() if key not in now}
        changing = {key: value for key, value in _settings(now).items() if key != "Architectures"}
        desk.call("lambda", "UpdateFunctionConfiguration", FunctionName=made.id, **changing, **emptied)
    if "ReservedConcurrentExecutions" in before and "ReservedConcurrentExecutions" not in now:
        desk.call("lambda", "DeleteFunctionConcurrency", FunctionName=made.id)
    _reserve(desk, made, now)
    if tags := desk.tag_map(now.get("Tags")):
        desk.call("lambda", "TagResource", Resource=made.attributes["Arn"], Tags=tags)
    return made


_EMPTY: dict[str, Any] = {
    "Description": "",
    "Environment": {"Variables": {}},
    "DeadLetterConfig": {"TargetArn": ""},
    "MemorySize": 128,
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
    "LoggingConfig": {"LogFormat": "Text"},
}
"""What a setting is that a template no longer names."""


# --- permission, mapping, asynchronous invocation


def _create_permission(desk: Desk, p: Props) -> Made:
    statement = desk.name(100)
    desk.call("lambda", "AddPermission", StatementId=statement, **p)
    return Made(statement, {"Id": statement})


def _delete_permission(desk: Desk, made: Made, p: Props) -> None:
    desk.gone("lambda", "RemovePermission", FunctionName=p["FunctionName"], StatementId=made.id)


_MAPPING = words(
    "BatchSize BisectBatchOnFunctionError DestinationConfig Enabled FilterCriteria FunctionName FunctionResponseTypes "
    "MaximumBatchingWindowInSeconds MaximumRecordAgeInSeconds MaximumRetryAttempts ParallelizationFactor ScalingConfig "
    "TumblingWindowInSeconds"
)


def _create_mapping(desk: Desk, p: Props) -> Made:
    given = {key: value for key, value in p.items() if key != "Tags"}
    id_ = desk.call("lambda", "CreateEventSourceMapping", **given)["UUID"]
    arn = f"arn:aws:lambda:{desk.region}:{desk.account}:event-source-mapping:{id_}"
    return Made(id_, {"Id": id_, "EventSourceMappingArn": arn})


def _update_mapping(desk: Desk, made: Made, before: Props, now: Props) -> Made:
    given = {key: now[key] for key in now.keys() & _MAPPING}
    if "FilterCriteria" in before and "FilterCriteria" not in now:
        given["FilterCriteria"] = {"Filters": []}
    desk.call("lambda", "UpdateEventSourceMapping", UUID=made.id, **given)
    return made


def _put_config(desk: Desk, p: Props) -> Made:
    desk.call("lambda", "PutFunctionEventInvokeConfig", **p)
    return Made(f"{p['FunctionName']}|{p.get('Qualifier', '$LATEST')}")


def _update_config(desk: Desk, _made: Made, _before: Props, now: Props) -> Made:
    return _put_config(desk, now)


def _delete_config(desk: Desk, _: Made, p: Props) -> None:
    desk.gone(
        "lambda",
        "DeleteFunctionEventInvokeConfig",
        FunctionName=p["FunctionName"],
        Qualifier=p.get("Qualifier"),
    )


KINDS = (
    Kind(
        "AWS::Lambda::Function", _create_function,
        lambda desk, made, _: desk.gone("lambda", "DeleteFunction", FunctionName=made.id), _update_function,
        words("FunctionName PackageType"), _SETTINGS | words("Code ReservedConcurrentExecutions Tags"),
        words("Code Role"),
    ),
    Kind(
        "AWS::Lambda::Permission", _create_permission, _delete_permission,
        replacing=words("Action FunctionName Principal SourceAccount SourceArn"),
        required=words("Action FunctionName Principal"),
    ),
    Kind(
        "AWS::Lambda::EventSourceMapping", _create_mapping,
        lambda desk, made, _: desk.gone("lambda", "DeleteEventSourceMapping", UUID=made.id), _update_mapping,
        words("EventSourceArn StartingPosition"), _MAPPING | words("Tags"), words("FunctionName"),
    ),
    Kind(
        "AWS::Lambda::EventInvokeConfig", _put_config, _delete_config,
        _update_config, words("FunctionName Qualifier"),
        words("DestinationConfig MaximumEventAgeInSeconds MaximumRetryAttempts"), words("FunctionName Qualifier"),
    ),
)  # fmt: skip
