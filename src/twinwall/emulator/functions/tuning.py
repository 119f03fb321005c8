"""Lambda's operations on a function's concurrency, its asynchronous invocation, its tags."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from twinwall.emulator.functions.function import (
    DEFAULT_EVENT_AGE,
    DEFAULT_RETRIES,
    Function,
    InvokeConfig,
    Key,
    wrong,
)
from twinwall.emulator.functions.operation import Lambda, Operation, Output, Params
from twinwall.emulator.functions.registry import lives
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.visit import Visit

CONCURRENCY = 1000
UNRESERVED = 100
"""aws-facts 6.2: of an account and Region, and what of it stays for functions without a reservation."""


def _put_concurrency(it: Lambda, visit: Visit, given: Params) -> Output:
    key, wanted = it.registry.mine(visit, given).key, given["ReservedConcurrentExecutions"]
    others = sum(n for k, n in it.registry.reserved.items() if k != key and lives(k, visit))
    if wanted + others > CONCURRENCY - UNRESERVED:
        raise wrong(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            f"below its minimum value of [{UNRESERVED}]."
        )
    it.registry.reserved[key] = wanted
    return {"ReservedConcurrentExecutions": wanted}


def _get_concurrency(it: Lambda, visit: Visit, given: Params) -> Output:
    reserved = it.registry.reserved.get(it.registry.mine(visit, given).key)
    return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}


def _delete_concurrency(it: Lambda, visit: Visit, given: Params) -> Output:
    it.registry.reserved.pop(it.registry.mine(visit, given).key, None)
    return {}


def _put_config(it: Lambda, visit: Visit, given: Params) -> Output:
    function = it.registry.mine(visit, given)
    return _configured(it, function, given, InvokeConfig())


def _update_config(it: Lambda, visit: Visit, given: Params) -> Output:
    function = it.registry.mine(visit, given)
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
    function = it.registry.mine(visit, given)
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
    function = it.registry.mine(visit, given)
    _held_config(it, function)
    del it.registry.configs[function.key]
    return {}


def _tagged(it: Lambda, visit: Visit, given: Params) -> Key:
    return it.registry.mine(visit, {"FunctionName": given["Resource"]}).key


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


TUNING: Mapping[str, Operation] = {
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
