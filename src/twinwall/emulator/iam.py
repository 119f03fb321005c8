"""IAM, which is moto's but for its policies: AWS's own are held by an account from the first call that names one (moto
loads all or none), and an inline policy needs no version."""

import json
from functools import cache
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, iam_backends

from twinwall.emulator.http import Response
from twinwall.emulator.moto_pass import Moto
from twinwall.emulator.visit import Visit

_PREFIX = "arn:aws:iam::aws:policy"


@cache
def _documents() -> dict[str, Any]:
    """Policy name → what AWS says of it."""
    return dict(json.loads(aws_managed_policies_data))


@cache
def known_policies() -> dict[str, str]:
    """Policy name → ARN."""
    return {name: f"{_PREFIX}{said['Path']}{name}" for name, said in _documents().items()}


class IamRoom:
    """IAM's calls, which are moto's, with AWS's policies where they are named."""

    def __init__(self, moto: Moto) -> None:
        self._moto = moto

    def answer(self, visit: Visit) -> Response:
        form = visit.request.form
        arn = form.get("PolicyArn", "")
        if arn.startswith(_PREFIX):
            hold(visit.account, arn)
        if visit.action in _INLINE and (dated := _dated(form.get("PolicyDocument", ""))):
            return self._moto.form(
                visit.request, form | {"PolicyDocument": dated}, visit.account, visit.action
            )
        return self._moto.answer(visit.request, visit.account, visit.action)


_INLINE = frozenset({"PutRolePolicy", "PutUserPolicy", "PutGroupPolicy"})


def _dated(text: str) -> str:
    """An inline policy that names no version, which moto refuses and AWS takes, with one; empty for any other."""
    try:
        document = json.loads(text)
    except ValueError:
        return ""
    if not isinstance(document, dict) or "Version" in document:
        return ""
    return json.dumps({"Version": "2012-10-17", **document})


def hold(account: str, arn: str) -> None:
    name = arn.rpartition("/")[2]
    held = iam_backends[account]["aws"].managed_policies
    if known_policies().get(name) == arn and arn not in held:
        make: Any = AWSManagedPolicy.from_data
        held[arn] = make(name, account, "us-east-1", _documents()[name])
