"""Shells complete our command lines: asked of the shells themselves, where they are installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
TOML = """\
[locations.production]
vpc = "vpc-1"
[locations.preview]
snapshot = "x.json"
[replicas.staging]
source = "production"
targets = ["preview"]
"""


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        shutil.which(program) is None, reason=f"{program} is asked, and it is not installed"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "twinwall.toml").write_text(TOML)
    return tmp_path


def say(shell: list[str], script: str, folder: Path) -> str:
    environment = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(folder)}
    done = subprocess.run(
        [*shell, script], capture_output=True, text=True, check=False, cwd=folder, env=environment
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


CASES = [
    ("twinwall ver", {"verify"}),
    ("twinwall plan --outside f", {"fail", "follow"}),
    ("twinwall plan --map-v", {"--map-vpc-cidr"}),
    ("twinwall verify --source pr", {"production", "preview"}),
    ("twinwall verify --replica ", {"staging"}),
    ("twinwall drift st", {"staging"}),
    ("twinwall permissions ap", {"apply"}),
    ("twinwall completion ", {"bash", "zsh", "fish"}),
    ("twinwall nonsense x", set()),
]


BASH = """\
complete() { :; }
compopt() { :; }
source <(twinwall completion bash)
ask() {
  COMPREPLY=() COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
  _twinwall_completion twinwall
  echo "${COMPREPLY[*]}"
}
"""
ZSH = """\
compdef() { : }
_describe() { local -a all=("${(@P)3}"); print -l -- ${all%%:*} }
compadd() { print -l -- ${(@P)${@[-1]}} }
eval "$(twinwall completion zsh)"
ask() { words=("$@") CURRENT=$#; _twinwall_completion }
"""


def words_of(line: str) -> str:
    """As the shell would have them: a blank at the end begins a word."""
    return f"{line}''" if line.endswith(" ") else line


@needs("bash")
def test_bash_offers_what_fits(folder: Path) -> None:
    asked = "\n".join(f"ask {words_of(line)}" for line, _ in CASES)
    found = [set(line.split()) for line in say(["bash", "-c"], BASH + asked, folder).splitlines()]
    assert found == [wanted for _, wanted in CASES]


@needs("fish")
def test_fish_offers_what_fits(folder: Path) -> None:
    for line, wanted in CASES[:4]:
        told = say(["fish", "-c"], f"twinwall completion fish | source; complete -C {line!r}", folder)
        assert {row.partition("\t")[0] for row in told.splitlines()} == wanted


@needs("zsh")
def test_zsh_offers_what_fits(folder: Path) -> None:
    """Its completion needs a terminal; here its function is called with what the terminal would have."""
    for line, wanted in CASES[:4]:
        assert set(say(["zsh", "-f", "-c"], f"{ZSH}ask {words_of(line)}", folder).split()) == wanted


def complete(folder: Path, line: str, word: int) -> list[str]:
    """What click answers the scripts of bash."""
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(word), "_TWINWALL_COMPLETE": "bash_complete"}
    done = subprocess.run(
        [BIN / "twinwall"],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **asked},
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("twinwall snapshot --source ./sn", ["file,./sn"]),
        ("twinwall plan -o ", ["file,"]),
        ("twinwall apply pl", ["file,pl"]),
        ("twinwall --config ", ["file,"]),
    ],
)
def test_files_are_left_to_the_shell(folder: Path, line: str, offered: list[str]) -> None:
    assert complete(folder, line, len(line.split()) - (not line.endswith(" "))) == offered


def test_another_configuration_and_a_wrong_one(folder: Path) -> None:
    (folder / "other.toml").write_text('[locations.elsewhere]\nvpc = "vpc-2"\n')
    assert complete(folder, "twinwall --config other.toml lint --at e", 5) == ["plain,elsewhere"]
    (folder / "twinwall.toml").write_text("[")
    assert complete(folder, "twinwall drift ", 2) == []


def test_an_unknown_shell_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    from twinwall.cli.main import run

    assert run(["completion", "tcsh"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in line
