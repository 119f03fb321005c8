"""Whose policies speak of a caller: the user's own and its groups', or the role's, as IAM (moto) or ``add_role``
holds them; the boundary; and what AssumeRole was given for the session."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from moto.iam.models import AWSManagedPolicy, IAMBackend, iam_backends

from twinwall.emulator.credentials import Principal
from twinwall.emulator.iam.policies import Policies, Policy, read_policy


def policies_of(caller: Principal, registered: Iterable[str] | None) -> Policies:
    """``registered``: the policies of the caller's role if it was made by hand; else IAM is asked."""
    backend = iam_backends[caller.account]["aws"]
    session = None if caller.session_policies is None else tuple(map(read_policy, caller.session_policies))
    if registered is not None:
        return Policies(tuple(map(read_policy, registered)), None, session)
    holder, boundary = _holder(backend, caller)
    texts = [text for each in holder for text in _texts(each)]
    return Policies(tuple(map(read_policy, texts)), boundary, session)


def _holder(backend: IAMBackend, caller: Principal) -> tuple[list[Any], Policy | None]:
    """The role, or the user with its groups."""
    name = (caller.role_arn or caller.arn).rpartition("/")[2]
    if caller.role_arn:
        role = next((role for role in backend.roles.values() if role.arn == caller.role_arn), None)
        arn = role.permissions_boundary_arn if role else None
        return [role] if role else [], read_policy(managed(backend, arn)) if arn else None
    user = backend.users.get(name)
    if user is None:
        return [], None
    return [user, *(group for group in backend.groups.values() if user in group.users)], None


def _texts(holder: Any) -> Iterable[str]:
    for document in holder.policies.values():
        yield document if isinstance(document, str) else json.dumps(document)
    for policy in holder.managed_policies.values():
        yield _default_version(policy)


def _default_version(policy: Any) -> str:
    found = (v.document for v in policy.versions if v.version_id == policy.default_version_id)
    document = next(found)
    return document if isinstance(document, str) else json.dumps(document)


def managed(backend: IAMBackend, arn: str) -> str:
    """A managed policy's document. Raises ``KeyError``."""
    return _default_version(backend.managed_policies.get(arn) or _aws_managed(backend, arn))


def offer_aws_managed(account: str, arn: str) -> None:
    """Makes one of AWS's own policies known to IAM, which does not read all thousand of them at the start."""
    backend = iam_backends[account]["aws"]
    if ":iam::aws:policy/" in arn and arn not in backend.managed_policies:
        try:
            backend.managed_policies[arn] = _aws_managed(backend, arn)
        except KeyError:
            return  # IAM itself says that there is none


@cache
def aws_managed_arns() -> dict[str, str]:
    """AWS's own policies: name → ARN."""
    return {name: f"arn:aws:iam::aws:policy{said['Path']}{name}" for name, said in _all_of_aws().items()}


def _aws_managed(backend: IAMBackend, arn: str) -> Any:
    name = arn.rpartition("/")[2]
    return AWSManagedPolicy.from_data(name, backend.account_id, backend.region_name, _all_of_aws()[name])


@cache
def _all_of_aws() -> Mapping[str, Any]:
    from moto.iam.aws_managed_policies import (  # noqa: PLC0415 - four megabytes, for those who ask
        aws_managed_policies_data,
    )

    found: Mapping[str, Any] = json.loads(aws_managed_policies_data)
    return found
