"""Lambda's operations on functions and on who may invoke them, one after the other as the API has them."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from twinwall.emulator.functions.code import package_of
from twinwall.emulator.functions.function import SERVICE, Function, configuration, wrong
from twinwall.emulator.functions.operation import Lambda, Operation, Output, Params
from twinwall.emulator.functions.policy import permission, policy_document
from twinwall.emulator.functions.registry import key_of, lives
from twinwall.emulator.functions.settings import changed, check_possible
from twinwall.emulator.functions.tuning import TUNING
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.visit import Visit


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


def _update_code(it: Lambda, visit: Visit, given: Params) -> Output:
    function = it.registry.mine(visit, given)
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
    function = it.registry.mine(visit, given)
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
    function = it.registry.mine(visit, given)
    shown: Output = {
        "Configuration": configuration(function),
        "Code": {"RepositoryType": "S3"},
        "Tags": it.registry.tags[function.key],
    }
    if function.key in it.registry.reserved:
        shown["Concurrency"] = {"ReservedConcurrentExecutions": it.registry.reserved[function.key]}
    return shown


def _get_configuration(it: Lambda, visit: Visit, given: Params) -> Output:
    return configuration(it.registry.mine(visit, given))


def _list(it: Lambda, visit: Visit, given: Params) -> Output:
    here = sorted(
        (f for f in it.registry.functions.values() if lives(f.key, visit)), key=lambda f: f.key.name
    )
    most, marker = given.get("MaxItems") or 50, given.get("Marker") or ""
    rest = [function for function in here if function.key.name > marker]
    shown: Output = {"Functions": [configuration(function) for function in rest[:most]]}
    return shown | ({"NextMarker": rest[most - 1].key.name} if len(rest) > most else {})


def _delete(it: Lambda, visit: Visit, given: Params) -> Output:
    key = it.registry.mine(visit, given).key
    it.registry.drop(key)
    it.fleet.retire(key)
    return {}


# --- who may invoke


def _add_permission(it: Lambda, visit: Visit, given: Params) -> Output:
    function = it.registry.mine(visit, given)
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
    function = it.registry.mine(visit, given)
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
    function = it.registry.mine(visit, given)
    held = it.registry.permissions.get(function.key)
    if not held:
        raise Refusal("ResourceNotFoundException", "The resource you requested does not exist.", 404)
    return {"Policy": policy_document(held), "RevisionId": function.revision}


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
    **TUNING,
}
