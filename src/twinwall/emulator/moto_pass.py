"""moto as a WSGI application called in process, with its answers made presentable."""

import io
import logging
import re
from typing import Any
from urllib.parse import urlsplit

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from twinwall.emulator.http import Request, Response
from twinwall.emulator.refusal import Refusal

LOG = logging.getLogger("twinwall.emulator")


class Moto:
    def __init__(self) -> None:
        self._application = DomainDispatcherApplication(create_backend_app)

    def answer(self, request: Request, account: str, action: str) -> Response:
        told: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
            told[:] = [int(status.split(maxsplit=1)[0]), headers]

        try:
            parts = self._application(_environ(request, account), start_response)
            content = b"".join(parts)
        except (NotImplementedError, ModuleNotFoundError) as missing:
            LOG.warning("%s: %s", action, missing)
            raise _unknown(action) from None
        status, headers = told
        kind = {name.lower(): value for name, value in headers}.get("content-type", "")
        if "html" in kind and content.lstrip()[:1] == b"<" and b"<html" in content[:200].lower():
            raise _unknown(action)
        kept = tuple((n, v) for n, v in headers if n.lower() in _KEPT or n.lower().startswith("x-amz"))
        return Response(status, _UNKNOWN_VPC.sub(_ec2_words, content.replace(*_IPV6_STATE)), kept)


_IPV6_STATE = (b"<state>{'State': 'associated'}</state>", b"<state>associated</state>")
"""moto 5.2.5 writes a subnet's Ipv6CidrBlockState as Python would print it."""

_UNKNOWN_VPC = re.compile(rb"VpcID \{?(?:'|&#39;|&apos;)?([\w-]+)[^<]*? does not exist\.?")
"""moto 5.2.5 names unknown VPCs as Python would print a set; EC2 names the first."""


def _ec2_words(found: re.Match[bytes]) -> bytes:
    return b"The vpc ID '" + found[1] + b"' does not exist"


_KEPT = frozenset({"content-type", "etag", "location", "last-modified"})


def _unknown(action: str) -> Refusal:
    LOG.warning("%s: no such operation in the embedded AWS", action)
    return Refusal("InvalidAction", f"The action {action} is not implemented by the embedded AWS.")


def _environ(request: Request, account: str) -> dict[str, Any]:
    """The WSGI environment moto reads: the account from a header of its own, the Region from the signature
    alone (it would believe a User-Agent first)."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": urlsplit(request.path).path,
        "RAW_URI": request.path + (f"?{request.query}" if request.query else ""),
        "QUERY_STRING": request.query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        if name == "content-type":
            environ["CONTENT_TYPE"] = value
        elif name not in ("content-length", "user-agent", "x-moto-account-id", "connection"):
            environ["HTTP_" + name.upper().replace("-", "_")] = value
    environ["HTTP_X_MOTO_ACCOUNT_ID"] = account
    return environ
