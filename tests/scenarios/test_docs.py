"""Every command of the README and of the documentation runs word for word against ``twinwall demo --serve``: the
blocks marked ``sh``, page by page in the order they stand there, in a folder in which the page's files (blocks whose
first line is a comment with the file's name) have been written. A command whose line ends with a comment about its
exit code ends with that; every other one ends with 0. ``<!-- after PAGE -->`` says that another page's commands go
first, ``<!-- FILE: TEXT -->`` what another program would have written."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"# ([\w.-]+\.(?:toml|json|tf))\n")
AFTER = re.compile(r"^<!-- after (\S+) -->$", re.MULTILINE)
GIVEN = re.compile(r"^<!-- ([\w.-]+\.json): (.*) -->$", re.MULTILINE)
ENDS = re.compile(r"  # exit code (\d+)\b.*$")


def blocks(page: Path) -> list[tuple[str, str]]:
    return BLOCK.findall(page.read_text("utf-8"))


def commands(page: Path) -> list[str]:
    return [line for kind, text in blocks(page) if kind == "sh" for line in text.splitlines()]


PAGES = {
    str(page.relative_to(ROOT)): commands(page)
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if commands(page)
}


@pytest.fixture
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A served demo, and what its output tells another terminal to export."""
    home = tmp_path_factory.mktemp("home")
    base = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(home), "XDG_STATE_HOME": str(home)}
    with subprocess.Popen(
        [str(BIN / "twinwall"), "demo", "--serve"], stdout=subprocess.PIPE, text=True, env=base, cwd=home
    ) as served:
        exports = {}
        assert served.stdout is not None
        for line in served.stdout:
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                exports[name] = value
            if "Running until stopped" in line:
                break
        yield base | exports
        served.send_signal(signal.SIGTERM)
        served.stdout.read()
        assert served.wait(20) == 0


@pytest.mark.parametrize("page", PAGES)
def test_every_command_runs_word_for_word(page: str, environment: dict[str, str], tmp_path: Path) -> None:
    run(ROOT / page, environment, tmp_path)


def run(page: Path, environment: dict[str, str], tmp_path: Path) -> None:
    text = page.read_text("utf-8")
    for before in AFTER.findall(text):
        run(ROOT / "docs" / before, environment, tmp_path)
    for name, given in GIVEN.findall(text):
        (tmp_path / name).write_text(given)
    for kind, text in blocks(page):
        if named := FILE.match(text):
            (tmp_path / named[1]).write_text(text)
        elif kind == "sh":
            for command in text.splitlines():
                check(command, environment, tmp_path)


def check(command: str, environment: dict[str, str], folder: Path) -> None:
    expected = int(ends[1]) if (ends := ENDS.search(command)) else 0
    done = subprocess.run(
        ["bash", "-c", command],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        cwd=folder,
        timeout=60,
    )
    assert done.returncode == expected, f"{command}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr


def test_readme_and_tutorial_are_not_without_commands() -> None:
    assert len(PAGES["README.md"]) > 6
    assert len(PAGES["docs/tutorial.md"]) > 6
