"""Lambda's operations on functions, one after the other as the API has them."""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from twinwall.emulator.functions.code import CodeStore, package_of
from twinwall.emulator.functions.fleet import Fleet
from twinwall.emulator.functions.function import (
    DEFAULT_EVENT_AGE,
    DEFAULT_RETRIES,
    SERVICE,
    Function,
    InvokeConfig,
    Key,
    configuration,
    wrong,
)
from twinwall.emulator.functions.policy import permission, policy_document
from twinwall.emulator.functions.registry import Registry, key_of
from twinwall.emulator.functions.settings import changed, check_possible
from twinwall.emulator.inside import Inside
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.roles import Roles
from twinwall.emulator.visit import Visit

CONCURRENCY = 1000
UNRESERVED = 100
"""aws-facts 6.2: of an account and Region, and what of it stays for functions without a reservation."""

Params = Mapping[str, Any]
Output = dict[str, Any]


class Lambda(Protocol):
    """What the operations work on."""

    registry: Registry
    store: CodeStore
    fleet: Fleet
    roles: Roles
    inside: Inside


Operation = Callable[[Lambda, Visit, Params], Output]


def _create(it: Lambda, visit: Visit, given: Params) -> Output:
    check_possible(given)
    key, qualifier = key_of(visit, given["FunctionName"])
    if key.account != visit.account or qualifier:
        raise wrong("FunctionName names another account, or a version.")
    if key in it.registry.functions:
        raise Refusal("ResourceConflictException", f"Function already exist: {key.name}", 409)
    for name in ("Runtime", "Handler"):
        if not given.get(name):
            raise wrong(
                "Runtime and Handler are mandatory parameters for functions created with deployment packages."
            )
    _check_role(it, given["Role"])
    code = it.store.add(package_of(given["Code"], _s3(it, visit)))
    blank = Function(key, "", "", "", code, str(uuid.uuid4()), _now())
    function = changed(blank, given)
    it.registry.functions[key] = function
    it.registry.tags[key] = dict(given.get("Tags") or {})
    return configuration(function, state="Pending") | {
        "StateReason": "The function is being created.",
        "StateReasonCode": "Creating",
    }


def _check_role(it: Lambda, arn: str) -> None:
    if not it.roles.trusts(arn, SERVICE):
        raise wrong("The role defined for the function cannot be assumed by Lambda.")


def _s3(it: Lambda, visit: Visit) -> Any:
    return it.inside.client("s3", visit.region, visit.caller.key)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


def _mine(it: Lambda, visit: Visit, given: Params) -> Function:
    """The function named, of the caller's own account."""
    function = it.registry.named(visit, given["FunctionName"], given.get("Qualifier"))
    if function.key.account != visit.account:
        raise Refusal(
            "AccessDeniedException",
            f"User: {visit.caller.arn} is not authorized to perform this on resource: {function.key.arn}",
            403,
        )
    return function


def _update_code(it: Lambda, visit: Visit, given: Params) -> Output:
    function = _mine(it, visit, given)
    if given.get("Publish"):
        raise wrong("Publish: the embedded AWS has no versions: leave it out.")
    _check_revision(function, given)
    code = it.store.add(package_of(dict(given), _s3(it, visit)))
    architecture = (given.get("Architectures") or [function.architecture])[0]
    next_ = replace(function, code=code, architecture=architecture)
    if given.get("DryRun"):
        return configuration(next_)
    return _changed(it, next_)


def _update_configuration(it: Lambda, visit: Visit, given: Params) -> Output:
    function = _mine(it, visit, given)
    check_possible(given)
    _check_revision(function, given)
    if given.get("Role"):
        _check_role(it, given["Role"])
    return _changed(it, changed(function, given))


def _check_revision(function: Function, given: Params) -> None:
    if given.get("RevisionId") not in (None, function.revision):
        raise Refusal(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
            "retrieve the latest Revision Id",
            412,
        )


def _changed(it: Lambda, function: Function) -> Output:
    """The next invocation finds the change; who runs now is not disturbed."""
    kept = replace(function, revision=str(uuid.uuid4()), modified=_now())
    it.registry.functions[kept.key] = kept
    it.fleet.retire(kept.key, kept)
    return configuration(kept, update="InProgress") | {
        "LastUpdateStatusReason": "The function is being created.",
        "LastUpdateStatusReasonCode": "Creating",
    }


def _get(it: Lambda, visit: Visit, given: Params) -> Output:
    function = _mine(it, visit, given)
    shown: Output = {
        "Configuration": configuration(function),
        "Code": {"RepositoryType": "S3"},
        "Tags": it.registry.tags[function.key],
    }
    if function.key in it.registry.reserved:
        shown["Concurrency"] = {"ReservedConcurrentExecutions": it.registry.reserved[function.key]}
    return shown


def _get_configuration(it: Lambda, visit: Visit, given: Params) -> Output:
    return configuration(_mine(it, visit, given))


def _list(it: Lambda, visit: Visit, given: Params) -> Output:
    here = sorted(
        (f for f in it.registry.functions.values() if _lives(f.key, visit)), key=lambda f: f.key.name
    )
    most, marker = given.get("MaxItems") or 50, given.get("Marker") or ""
    rest = [function for function in here if function.key.name > marker]
    shown: Output = {"Functions": [configuration(function) for function in rest[:most]]}
    return shown | ({"NextMarker": rest[most - 1].key.name} if len(rest) > most else {})


def _lives(key: Key, visit: Visit) -> bool:
    return (key.account, key.region) == (visit.account, visit.region)


def _delete(it: Lambda, visit: Visit, given: Params) -> Output:
    key = _mine(it, visit, given).key
    it.registry.drop(key)
    it.fleet.retire(key)
    return {}


# --- who may invoke


def _add_permission(it: Lambda, visit: Visit, given: Params) -> Output:
    function = _mine(it, visit, given)
    held = it.registry.permissions.setdefault(function.key, {})
    statement = permission(given, function.key.arn)
    if statement.id in held:
        raise Refusal(
            "ResourceConflictException",
            f"The statement id ({statement.id}) provided already exists. Please provide a new statement id, or remove "
            "the existing statement.",
            409,
        )
    held[statement.id] = statement
    return {"Statement": policy_document({"": statement})[len(_BEFORE) : -len("]}")]}


_BEFORE = '{"Version": "2012-10-17", "Id": "default", "Statement": ['


def _remove_permission(it: Lambda, visit: Visit, given: Params) -> Output:
    function = _mine(it, visit, given)
    held = it.registry.permissions.get(function.key, {})
    if given["StatementId"] not in held:
        raise Refusal(
            "ResourceNotFoundException",
            f"Statement {given['StatementId']} is not found in resource policy.",
            404,
        )
    del held[given["StatementId"]]
    return {}


def _get_policy(it: Lambda, visit: Visit, given: Params) -> Output:
    function = _mine(it, visit, given)
    held = it.registry.permissions.get(function.key)
    if not held:
        raise Refusal("ResourceNotFoundException", "The resource you requested does not exist.", 404)
    return {"Policy": policy_document(held), "RevisionId": function.revision}


# --- concurrency, asynchronous invocation, tags


def _put_concurrency(it: Lambda, visit: Visit, given: Params) -> Output:
    key, wanted = _mine(it, visit, given).key, given["ReservedConcurrentExecutions"]
    others = sum(n for k, n in it.registry.reserved.items() if k != key and _lives(k, visit))
    if wanted + others > CONCURRENCY - UNRESERVED:
        raise wrong(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            f"below its minimum value of [{UNRESERVED}]."
        )
    it.registry.reserved[key] = wanted
    return {"ReservedConcurrentExecutions": wanted}


def _get_concurrency(it: Lambda, visit: Visit, given: Params) -> Output:
    reserved = it.registry.reserved.get(_mine(it, visit, given).key)
    return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}


def _delete_concurrency(it: Lambda, visit: Visit, given: Params) -> Output:
    it.registry.reserved.pop(_mine(it, visit, given).key, None)
    return {}


def _put_config(it: Lambda, visit: Visit, given: Params) -> Output:
    function = _mine(it, visit, given)
    return _configured(it, function, given, InvokeConfig())


def _update_config(it: Lambda, visit: Visit, given: Params) -> Output:
    function = _mine(it, visit, given)
    return _configured(it, function, given, it.registry.configs.get(function.key, InvokeConfig()))


def _configured(it: Lambda, function: Function, given: Params, from_: InvokeConfig) -> Output:
    targets = given.get("DestinationConfig") or {}
    on_success = (targets.get("OnSuccess") or {}).get("Destination", from_.on_success)
    on_failure = (targets.get("OnFailure") or {}).get("Destination", from_.on_failure)
    for target in filter(None, (on_success, on_failure)):
        check_destination(target)
    config = InvokeConfig(
        given.get("MaximumRetryAttempts", from_.retries),
        given.get("MaximumEventAgeInSeconds", from_.event_age),
        on_success,
        on_failure,
        time.time(),
    )
    it.registry.configs[function.key] = config
    return _config(function, config)


def check_destination(arn: str) -> None:
    parts = arn.split(":")
    if len(parts) < 6 or parts[2] not in ("sqs", "lambda", "events"):
        raise wrong(f"{arn} is no destination in the embedded AWS: a queue, a function or an event bus is.")


def _config(function: Function, config: InvokeConfig) -> Output:
    shown: Output = {
        "FunctionArn": f"{function.key.arn}:$LATEST",
        "LastModified": datetime.fromtimestamp(config.modified, UTC),
    }
    if config.retries != DEFAULT_RETRIES:
        shown["MaximumRetryAttempts"] = config.retries
    if config.event_age != DEFAULT_EVENT_AGE:
        shown["MaximumEventAgeInSeconds"] = config.event_age
    destinations = {"OnSuccess": config.on_success, "OnFailure": config.on_failure}
    shown["DestinationConfig"] = {k: {"Destination": v} if v else {} for k, v in destinations.items()}
    return shown


def _get_config(it: Lambda, visit: Visit, given: Params) -> Output:
    function = _mine(it, visit, given)
    return _config(function, _held_config(it, function))


def _held_config(it: Lambda, function: Function) -> InvokeConfig:
    config = it.registry.configs.get(function.key)
    if config is None:
        raise Refusal(
            "ResourceNotFoundException",
            f"The function {function.key.arn}:$LATEST doesn't have an EventInvokeConfig",
            404,
        )
    return config


def _delete_config(it: Lambda, visit: Visit, given: Params) -> Output:
    function = _mine(it, visit, given)
    _held_config(it, function)
    del it.registry.configs[function.key]
    return {}


def _tagged(it: Lambda, visit: Visit, given: Params) -> Key:
    return _mine(it, visit, {"FunctionName": given["Resource"]}).key


def _tag(it: Lambda, visit: Visit, given: Params) -> Output:
    it.registry.tags[_tagged(it, visit, given)].update(given["Tags"])
    return {}


def _untag(it: Lambda, visit: Visit, given: Params) -> Output:
    held = it.registry.tags[_tagged(it, visit, given)]
    for name in given["TagKeys"]:
        held.pop(name, None)
    return {}


def _list_tags(it: Lambda, visit: Visit, given: Params) -> Output:
    return {"Tags": it.registry.tags[_tagged(it, visit, given)]}


OPERATIONS: Mapping[str, Operation] = {
    "CreateFunction": _create,
    "UpdateFunctionCode": _update_code,
    "UpdateFunctionConfiguration": _update_configuration,
    "GetFunction": _get,
    "GetFunctionConfiguration": _get_configuration,
    "ListFunctions": _list,
    "DeleteFunction": _delete,
    "AddPermission": _add_permission,
    "RemovePermission": _remove_permission,
    "GetPolicy": _get_policy,
    "PutFunctionConcurrency": _put_concurrency,
    "GetFunctionConcurrency": _get_concurrency,
    "DeleteFunctionConcurrency": _delete_concurrency,
    "PutFunctionEventInvokeConfig": _put_config,
    "UpdateFunctionEventInvokeConfig": _update_config,
    "GetFunctionEventInvokeConfig": _get_config,
    "DeleteFunctionEventInvokeConfig": _delete_config,
    "TagResource": _tag,
    "UntagResource": _untag,
    "ListTags": _list_tags,
}
