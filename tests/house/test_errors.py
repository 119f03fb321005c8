"""Every error says a way out: read from the sources, so that a new one cannot leave it out.

What counts: something after a semicolon, or words that say what is allowed or what to give. A message that ends with
what it quotes (``…: {wrong}``) leaves the way out to that.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from twinwall import errors

SOURCES = Path(__file__).resolve().parents[2] / "src" / "twinwall"
TYPES = {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.TwinwallError)
}
WAY_OUT = re.compile(
    r";|\b(?:allowed|known) (?:are|is)|(?:is|are) wanted|\b(?:such as|either|neither|none of)\b"
    r"|\b(?:as --port|is needed|must say|from 0 to)\b"
    r"|\b(?:[Ss]ay|give|name|write|go(?:es)? with|take|leave|run|use|make it)\b|lower (?:port comes )?first"
)
INNER = {
    "emulator": "the embedded AWS answers in EC2's own words",
    "model": "what is read there is told with the file, the line and the way out around it",
    "mesh/events.py": "nobody typed an event: its sender gets it back, and the audit line says which it was",
    "planning/recorded.py": "told within: the plan is not what a plan should be, make it again",
    "aws": "AWS's own words, with what one table adds to them",
    "engine/answers.py": "told within: resume or undo",
}
"""Where a message is only a part of what the user reads, and why."""


def words(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=values):
            return "".join(words(value) for value in values)
        case ast.BinOp(left=left, right=right):
            return words(left) + words(right)
        case ast.IfExp(body=body):
            return words(body)
        case _:
            return "{}"


def messages() -> Iterator[tuple[str, str]]:
    for module in sorted(SOURCES.rglob("*.py")):
        place = module.relative_to(SOURCES).as_posix()
        if place.startswith(tuple(INNER)):
            continue
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in TYPES
                and node.args
            ):
                yield place, words(node.args[0])


MESSAGES = sorted(set(messages()))


def test_there_are_messages_to_read() -> None:
    assert len(MESSAGES) > 150


@pytest.mark.parametrize(("place", "text"), MESSAGES)
def test_an_error_says_a_way_out(place: str, text: str) -> None:
    assert text.rstrip().endswith("{}") or WAY_OUT.search(text), f"{place}: {text}"
