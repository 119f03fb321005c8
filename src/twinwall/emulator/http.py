"""A request and an answer, apart from any web server."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def url(self) -> str:
        return f"http://{self.headers.get('host', '')}{self.path}" + (f"?{self.query}" if self.query else "")

    @property
    def form(self) -> dict[str, str]:
        text = self.body.decode("utf-8", "replace") if self.method == "POST" else self.query
        return dict(parse_qsl(text, keep_blank_values=True))


@dataclass(frozen=True)
class Response:
    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/xml;charset=UTF-8"),)
    lost: bool = False
    """Carried out, but the answer never arrives: the connection is cut."""


JSON = (("Content-Type", "application/x-amz-json-1.1"),)
