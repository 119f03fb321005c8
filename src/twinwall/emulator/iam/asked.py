"""What a request of any service but EC2 asks for: its operation and parameters, whichever protocol carries them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.session import get_session

from twinwall.emulator.http import Request
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
    found = _rest(service, request) if action.startswith(f"{request.method} ") else None
    if found is not None:
        return Asked(service, found[0], found[1], account, region)
    params = _json(request) if "x-amz-target" in request.headers else dict(request.form)
    return Asked(service, action, params, account, region)


def _json(request: Request) -> dict[str, Any]:
    try:
        found = json.loads(request.body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


# --- REST


def _rest(service: str, request: Request) -> tuple[str, dict[str, Any]] | None:
    for method, path, query, name in _routes(service):
        found = path.fullmatch(request.path.rstrip("/") or "/")
        given = parse_qs(request.query, keep_blank_values=True)
        if method == request.method and found and query <= given.keys():
            labels = {key: unquote(value) for key, value in found.groupdict().items()}
            return name, {**_json(request), **labels}
    return None


@cache
def _routes(service: str) -> tuple[tuple[str, re.Pattern[str], frozenset[str], str], ...]:
    """Method, path, and the query's fixed keys of every operation; the most particular first."""
    return tuple(sorted(_routes_of(service), key=lambda route: (-len(route[2]), -len(route[1].pattern))))


def _routes_of(service: str) -> Iterator[tuple[str, re.Pattern[str], frozenset[str], str]]:
    if service not in get_session().get_available_services():
        return
    model = get_session().get_service_model(service)
    for name in model.operation_names:
        http = model.operation_model(name).http
        path, _, query = str(http.get("requestUri", "")).partition("?")
        parts = re.split(r"\{(\w+)(\+?)\}", path.rstrip("/") or "/")
        pattern = re.escape(parts[0])
        for label, greedy, after in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
            pattern += f"(?P<{label}>{'.+' if greedy else '[^/]+'})" + re.escape(after)
        yield str(http.get("method")), re.compile(pattern), frozenset(parse_qs(query, True)), name
