"""A ``Page`` → the text of an HTML file.

All words are escaped where they are put in (Jinja's autoescape), and what scripts read is JSON in which no ``<`` is
left. The file's own content policy lets only the scripts and styles run whose hashes it names, and lets nothing be
fetched or sent.
"""

import base64
import re
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from twinwall.report.html.page import Page

_ROOM = files("twinwall.report.html")
_TABLES = ("vendor/sortable.min.js", "vendor/sortable.a11y.min.js")
_GRAPH = ("vendor/cytoscape.min.js", "vendor/cytoscape-dagre.min.js")
"""Only where there is one: they are most of a page."""
_OURS = ("static/report.js",)
_STYLES = ("static/report.css",)
_CYTOSCAPE = ".__________cytoscape_container { position: relative; }"
"""Cytoscape would put this style in by itself, which the policy forbids; it looks for its id first."""
_LICENCES = (
    ("Cytoscape.js 3.34.4", "vendor/cytoscape.LICENSE"),
    ("cytoscape-dagre 4.0.1", "vendor/cytoscape-dagre.LICENSE"),
    ("Dagre, within cytoscape-dagre", "vendor/dagre.LICENSE"),
    ("sortable-tablesort 4.1.7", "vendor/sortable.LICENSE"),
)
_SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)
"""A browser's tools would look for it beside the report."""


@dataclass(frozen=True)
class _Inline:
    """A script or style as it stands in the page, to the letter."""

    text: str

    @property
    def markup(self) -> Markup:
        return Markup(self.text)

    @property
    def hash(self) -> str:
        digest = base64.b64encode(sha256(self.text.encode()).digest()).decode()
        return f"'sha256-{digest}'"


def render(page: Page) -> str:
    scripts = _inlines((*_TABLES, *(_GRAPH if page.has_graph else ()), *_OURS))
    styles = (*_inlines(_STYLES), _Inline(_CYTOSCAPE))
    text = (
        _templates()
        .get_template("page.html")
        .render(
            page=page,
            scripts=scripts,
            styles=styles[:-1],
            cytoscape=styles[-1],
            policy=_policy(scripts, styles),
            licences=[
                (name, _read(path)) for name, path in (_LICENCES if page.has_graph else _LICENCES[-1:])
            ],
        )
    )
    return text.encode("utf-8", "replace").decode("utf-8")


def _policy(scripts: tuple[_Inline, ...], styles: tuple[_Inline, ...]) -> str:
    script, style = (" ".join(one.hash for one in inlines) for inlines in (scripts, styles))
    return (
        f"default-src 'none'; script-src {script}; style-src {style}; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("twinwall.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _inlines(paths: tuple[str, ...]) -> tuple[_Inline, ...]:
    return tuple(_Inline(_SOURCE_MAP.sub("", _read(path))) for path in paths)


def _read(path: str) -> str:
    return _ROOM.joinpath(path).read_text("utf-8")
