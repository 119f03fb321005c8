"""What a request of any service but EC2 asks for: its operation and parameters, whichever protocol carries them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twinwall.emulator import wire
from twinwall.emulator.http import Request
from twinwall.emulator.iam import buckets
from twinwall.emulator.state import partition


@dataclass(frozen=True)
class Asked:
    """``service``: the name that requests are signed for, which is also IAM's prefix of its actions."""

    service: str
    action: str
    params: Mapping[str, Any]
    account: str
    region: str

    def arn(self, resource: str, *, service: str = "", region: str | None = None, account: str = "") -> str:
        """``resource`` itself if it is an ARN already."""
        if resource.startswith("arn:"):
            return resource
        where = self.region if region is None else region
        return f"arn:{partition(self.region)}:{service or self.service}:{where}:{account or self.account}:{resource}"


def read(service: str, action: str, request: Request, account: str, region: str) -> Asked:
    """``action``: what the request itself says; a REST request says it by method and path alone."""
    if service == "s3":
        action, resource = buckets.asked_of(request)
        return Asked(service, action, {"Resource": resource}, account, region)
    if "x-amz-target" in request.headers:
        return Asked(service, action, _json(request), account, region)
    if "Action" in request.form:
        return Asked(service, action, dict(request.form), account, region)
    found, labels = wire.rest_action(service, request)
    return Asked(service, found or action, {**_json(request), **labels}, account, region)


def _json(request: Request) -> dict[str, Any]:
    try:
        found = json.loads(request.body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
