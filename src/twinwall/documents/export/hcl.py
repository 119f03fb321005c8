"""Terraform's language, laid out as ``terraform fmt`` lays it out.

Two spaces a level; the equals signs of attributes that follow each other stand under each other, and an
attribute that opens a bracket stands outside of that (hclwrite's ``formatCells``).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

Lines = list[str]
Pairs = Iterable[tuple[str, str]]
"""(name, expression)"""

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")


def text(value: str) -> str:
    """A string; what would open a template is doubled."""
    escaped = "".join(_ESCAPES.get(char, char) for char in value)
    escaped = "".join(f"\\u{ord(char):04x}" if _is_control(char) else char for char in escaped)
    return f'"{escaped.replace("${", "$${").replace("%{", "%%{")}"'


def _is_control(char: str) -> bool:
    return ord(char) < 32 or ord(char) in (0x7F, 0x85, 0x2028, 0x2029)


def key(name: str) -> str:
    """A key of an object. What is not ASCII is escaped, so that its width is known."""
    if _IDENTIFIER.match(name):
        return name
    return "".join(
        char if ord(char) < 128 else f"\\U{ord(char):08x}" if ord(char) > 0xFFFF else f"\\u{ord(char):04x}"
        for char in text(name)
    )


class Expression(str):
    """Terraform's own words: a reference, a call."""

    __slots__ = ()


def value(given: Any) -> str:
    """A value on one line."""
    match given:
        case Expression():
            return str(given)
        case bool():
            return "true" if given else "false"
        case str():
            return text(given)
        case list() | tuple():
            return f"[{', '.join(map(value, given))}]"
        case dict():
            parts = (f"{key(name)} = {value(part)}" for name, part in given.items())
            return f"{{ {', '.join(parts)} }}" if given else "{}"
        case _:
            return str(given)


def heredoc(name: str, body: str, word: str = "JSON") -> Lines:
    """An attribute whose value is a text of several lines, as it stands."""
    lines = body.replace("${", "$${").replace("%{", "%%{").splitlines()
    return [f"{name} = <<-{word}", *(f"  {line}" for line in lines), word]


def attributes(pairs: Pairs) -> Lines:
    """One line each."""
    rows = list(pairs)
    width = max((len(name) for name, _ in rows), default=0)
    return [f"{name.ljust(width)} = {expression}" for name, expression in rows]


def mapping(name: str, pairs: Iterable[tuple[str, str]]) -> Lines:
    """An attribute that is an object of strings; nothing without any."""
    rows = attributes((key(one), text(value)) for one, value in pairs)
    return [f"{name} = {{", *_indented(rows), "}"] if rows else []


def block(head: str, *sections: Sequence[str]) -> Lines:
    """A block, an empty line between its sections; empty sections are left out."""
    filled = [section for section in sections if section]
    if not filled:
        return [f"{head} {{}}"]
    return [f"{head} {{", *_indented(joined(filled)), "}"]


def joined(sections: Iterable[Sequence[str]]) -> Iterator[str]:
    for index, section in enumerate(sections):
        if index:
            yield ""
        yield from section


def comment(words: str) -> Lines:
    """One line, whatever the words hold."""
    return [f"# {' '.join(words.split())}"]


def _indented(lines: Iterable[str]) -> Lines:
    return [f"  {line}" if line else "" for line in lines]
