"""The manual page, written from the commands themselves: ``python -m twinwall.cli.manual FILE``.

In the macros of man(7): ``.SH`` a chapter, ``.SS`` a command, ``.TP`` an option with its words indented.
"""

import sys
from collections.abc import Iterable, Iterator
from inspect import cleandoc
from pathlib import Path

import click

from twinwall.cli.lazy import sections
from twinwall.cli.main import root
from twinwall.cli.reference import EXIT_CODES, commands, synopsis

ENVIRONMENT = (
    ("AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL, …", "As the AWS CLI reads them; an option comes first."),
    ("NO_COLOR", "No colours, if it is set."),
    ("XDG_STATE_HOME", "Journals go to twinwall/journals in it."),
)
FILES = (
    ("twinwall.toml", "Named locations and replicas; of the working folder, or the file of --config."),
    ("~/.aws/config, ~/.aws/credentials", "As the AWS CLI reads them."),
)


def manual() -> str:
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield '.TH TWINWALL 1 "" twinwall "User Commands"'
    yield from _chapter(
        "NAME", r"twinwall \- " + _roff("copy a VPC's firewall, keep the copies in step, prove it")
    )
    yield from _chapter("SYNOPSIS", r"\fBtwinwall\fR \fICOMMAND\fR [\fIOPTIONS\fR]")
    yield from _chapter("DESCRIPTION", *_paragraphs(root.help or ""))
    yield ".SH COMMANDS"
    for command, context in commands():
        yield from _command(command, context)
    yield from _table("EXIT STATUS", ((str(code), words) for code, words in EXIT_CODES))
    yield from _table("ENVIRONMENT", ENVIRONMENT)
    yield from _table("FILES", FILES)
    yield from _chapter("SEE ALSO", r"\fBaws\fR(1)")


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f'.SS "{_roff(synopsis(command, context))}"'
    yield from _paragraphs(cleandoc(command.help or ""))
    for title, records in sections(command, context).items():
        yield ".PP"
        yield rf"\fI{_roff(title)}\fR"
        yield from _definitions(records)


def _definitions(records: Iterable[tuple[str, str]]) -> Iterator[str]:
    for names, words in records:
        yield ".TP"
        yield rf"\fB{_roff(names)}\fR"
        yield _roff(words)


def _table(title: str, records: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield f".SH {_quoted(title)}"
    yield from _definitions(records)


def _chapter(title: str, *lines: str) -> Iterator[str]:
    yield f".SH {_quoted(title)}"
    yield from lines


def _quoted(title: str) -> str:
    return f'"{title}"' if " " in title else title


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        yield ".PP"
        yield _roff(" ".join(paragraph.split()))


_ESCAPES = {"\\": r"\e", "-": r"\-", '"': r"\(dq", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"}
_ESCAPES |= {"…": "...", "→": r"\(->", "–": r"\(en"}


def _roff(text: str) -> str:
    """One line of text; no character of it means anything to roff."""
    escaped = "".join(_ESCAPES.get(char, char) for char in text.replace("\b\n", ""))
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(manual(), encoding="utf-8")
