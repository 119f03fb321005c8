"""The few shapes that every report is made of, and how a report becomes plain text."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from twinwall.model.firewall import Endpoint, Resource, ref_name

WIDTH = 80

STYLES = {
    "create": "green",
    "update": "yellow",
    "delete": "red",
    "error": "red",
    "warning": "yellow",
    "note": "cyan",
}


def plain(text: RenderableType, width: int = WIDTH) -> str:
    """The report as a pipe gets it: no colours, no blanks at the ends of lines."""
    console = Console(
        file=StringIO(), width=width, color_system=None, highlight=False, markup=False, emoji=False
    )
    with console.capture() as captured:
        console.print(text, crop=False)
    return "".join(line.rstrip() + "\n" for line in captured.get().splitlines())


def heading(words: str) -> Text:
    return Text(words, style="bold")


def block(title: str, rows: Iterable[RenderableType]) -> RenderableType:
    """A heading with its rows under it; nothing at all without rows."""
    lines = list(rows)
    return (
        Group(Text(), heading(title), *(Padding(line, (0, 0, 0, 2)) for line in lines)) if lines else Group()
    )


def columns(rows: Iterable[Sequence[str | Text]], styles: Sequence[str] = ()) -> Table:
    """Cells under each other. Only the last column breaks its lines."""
    table = Table.grid(padding=(0, 2))
    lines = list(rows)
    for index in range(max(map(len, lines), default=0)):
        last = index == max(map(len, lines)) - 1
        table.add_column(
            no_wrap=not last, overflow="fold", style=styles[index] if index < len(styles) else ""
        )
    for line in lines:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in line))
    return table


def folded(text: str, style: str = "") -> Text:
    return Text(text, style=style, overflow="fold")


@dataclass(frozen=True)
class Hung:
    """A text whose further lines stand ``indent`` columns in, so that one sees where the next thing begins."""

    text: Text
    indent: int = 4

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        first = self.text.wrap(console, options.max_width, overflow="fold")[0]
        yield first
        rest = _without_lead(self.text[len(first.plain) :])
        if rest.plain:
            narrow = max(options.max_width - self.indent, 1)
            lines = map(_without_lead, rest.wrap(console, narrow, overflow="fold"))
            yield from (Padding(line, (0, 0, 0, self.indent)) for line in lines if line.plain)


def _without_lead(text: Text) -> Text:
    return text[len(text.plain) - len(text.plain.lstrip()) :]


def hung(text: str, style: str = "", indent: int = 4) -> Hung:
    return Hung(folded(text, style), indent)


def thing_words(resource: Resource) -> str:
    """``web (sg-1)``; ``web (new)`` for what does not exist yet."""
    ref = ref_name(resource.id)
    return str(resource) if ref is None else f"{resource.name or ref} (new)"


def place_words(endpoint: Endpoint) -> str:
    """``staging, vpc-1 in 111111111111/eu-west-1``. What a run undoes to has no VPC: ``before j.jsonl``."""
    where = "/".join(part for part in (endpoint.account, endpoint.region) if part)
    vpc = f"{endpoint.vpc_id}{f' in {where}' if where else ''}"
    label = "" if endpoint.label == endpoint.vpc_id else endpoint.label
    return ", ".join(word for word in (label, vpc) if word)


def uncut(text: str) -> Text:
    """A path or another thing to copy: it stays on one line, however long."""
    return Text(text, no_wrap=True, overflow="ignore")


def without_refs(text: str) -> str:
    """A rule's or a flow's words with the plain name of what does not exist yet."""
    return _REF.sub("", text)


_REF = re.compile(r"\bnew:(?:security-group|network-acl|prefix-list):")

TYPE_WORDS = {
    "security-group": "group",
    "network-acl": "ACL",
    "prefix-list": "prefix list",
    "subnet": "subnet",
    "vpc": "VPC",
}


def counted(number: int, one: str, many: str = "") -> str:
    """``1 call``, ``2 calls``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def about(seconds: float) -> str:
    """``in about 42 s``."""
    return f"in {'about ' if seconds >= 1 else ''}{seconds_words(seconds)}"


def seconds_words(seconds: float) -> str:
    """``less than a second``, ``42 s``, ``3 min 20 s``."""
    if seconds < 1:
        return "less than a second"
    whole = round(seconds)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60} s"
