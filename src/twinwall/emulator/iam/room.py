"""IAM's calls, which are moto's but for three things: AWS's own managed policies are there, an inline policy needs no
version, as the ones that AWS's SAM translator writes have none, and what a principal may do can be asked."""

import json
from dataclasses import replace
from urllib.parse import urlencode

from twinwall.emulator import wire
from twinwall.emulator.http import Request, Response
from twinwall.emulator.iam.holders import offer_aws_managed
from twinwall.emulator.iam.simulation import Simulator
from twinwall.emulator.visit import Room, Visit

_INLINE = frozenset({"PutRolePolicy", "PutUserPolicy", "PutGroupPolicy"})


def make_room(by_moto: Room, simulator: Simulator) -> Room:
    def answer(visit: Visit) -> Response:
        if visit.action == "SimulatePrincipalPolicy":
            params = wire.parse("iam", visit.action, visit.request, "query")
            wire.check("iam", visit.action, params, "ValidationError")
            output = simulator.answer(visit.account, params)
            return wire.write("iam", visit.action, output, visit.id, "query")
        offer_aws_managed(visit.account, visit.request.form.get("PolicyArn", ""))
        return by_moto(replace(visit, request=_dated(visit.request)) if visit.action in _INLINE else visit)

    return answer


def _dated(request: Request) -> Request:
    """With the version that a policy without one is read as."""
    form = request.form
    try:
        document = json.loads(form.get("PolicyDocument", ""))
    except ValueError:
        return request
    if not isinstance(document, dict) or "Version" in document:
        return request
    dated = json.dumps({"Version": "2012-10-17", **document})
    return replace(request, body=urlencode(form | {"PolicyDocument": dated}).encode())
