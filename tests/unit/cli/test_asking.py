"""Yes is asked for on a terminal, and only there."""

import io
import sys

import pytest

from twinwall.cli.asking import confirm
from twinwall.errors import NotConfirmed


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("answer", ["y\n", "yes\n", " YES \n"])
def test_yes(answer: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    confirm("making 3 calls", yes=False)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "Making 3 calls: go on? [y/N] ")


@pytest.mark.parametrize("answer", ["\n", "n\n", "maybe\n", ""])
def test_anything_else_is_no(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    with pytest.raises(NotConfirmed, match="nothing was written") as told:
        confirm("making 3 calls", yes=False)
    assert told.value.exit_code == 3


def test_nobody_is_asked_with_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    confirm("making 3 calls", yes=True)


def test_nobody_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(NotConfirmed, match="no terminal to ask on; say --yes"):
        confirm("making 3 calls", yes=False)
