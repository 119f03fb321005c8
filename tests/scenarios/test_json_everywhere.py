"""``--output json`` on every command there is: JSON alone on stdout, whatever else is said goes to stderr; and where a
command fails, stdout stays empty and the one line on stderr says a way out."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from twinwall.cli.demo import _no_aws_of_the_user, two_accounts
from twinwall.cli.main import root, run

SITE = '[[meshes.web.sites]]\nregion = "{}"\nasg = "web"\naccount = "111111111111"\ngroup = "sg-0123456789abcde0{}"\n'
MESH = "[meshes.web]\n" + SITE.format("eu-west-1", 1) + SITE.format("us-east-1", 2)
RECORDING = {"at": 0.0, "tables": {}, "groups": {}}
SIDES = ("--replica", "shop")
WAY = ("--target-profile", "target")
JOURNAL = "journal.jsonl"
AT_ONCE = ("--settle", "0")

STORY: list[tuple[str, tuple[str, ...], tuple[int, ...]]] = [
    ("snapshot", ("--source", "source"), (0,)),
    ("lint", ("--at", "source"), (0,)),
    (
        "explain",
        ("--at", "source", "--from", "192.0.2.1", "--to", "edge", "--protocol", "tcp", "--port", "443"),
        (2,),
    ),
    ("export", ("--at", "source", "--format", "terraform"), (0,)),
    ("verify", SIDES, (2,)),
    ("drift", (), (2,)),
    ("plan", (*SIDES, "-o", "plan.json"), (0,)),
    ("apply", ("plan.json", "--yes", "--journal", JOURNAL, *AT_ONCE), (0,)),
    ("resume", (JOURNAL, "--yes", *WAY, *AT_ONCE), (0,)),
    ("undo", (JOURNAL, "--yes", "--journal", "undo.jsonl", *WAY, *AT_ONCE), (0,)),
    ("migrate", (*SIDES, "--yes", "--journal", "again.jsonl", *AT_ONCE), (0,)),
    ("unlock", ("--target", "target", "--yes"), (0,)),
    ("permissions", ("migrate",), (0,)),
    ("completion", ("bash",), (0,)),
    ("mesh status", ("--from", "recording.json"), (2,)),
    ("mesh true-up", ("--from", "recording.json"), (2,)),
    ("mesh audit", ("recording.json",), (0,)),
    ("mesh template", ("--node", "111111111111/eu-west-1"), (0,)),
    ("mesh package", ("-o", "mesh.zip"), (0,)),
    ("mesh permissions", (), (0,)),
    ("mesh simulate", ("--calls", "20"), (0,)),
]
"""In this order: a plan is applied, undone, and made again. The exit codes that are right."""

MESH_STEPS = (0, 0, 2, 0, 0)
"""Of the demo: deployed, scaled out, a dead Region, back, scaled in."""

ELSEWHERE = ("demo", "mesh deploy", "mesh remove", "mesh adopt")
"""The demo is a process of its own, below; meshes are deployed, removed and adopted, and their JSON looked at, in
``test_mesh_deploy.py`` and ``test_mesh_adopt.py``."""


def commands(command: click.Command, name: str = "") -> Iterator[str]:
    if not isinstance(command, click.Group):
        yield name
        return
    context = click.Context(command)
    for one in command.list_commands(context):
        found = command.get_command(context, one)
        assert found is not None
        yield from commands(found, f"{name} {one}".strip())


def test_every_command_is_asked() -> None:
    assert sorted([*ELSEWHERE, *(name for name, _, _ in STORY)]) == sorted(commands(root))


def test_the_demo_tells_its_story_as_json_too(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "twinwall", "demo", "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True, timeout=120)
    told = json.loads(done.stdout)
    assert told["as_told"] is True
    assert [step["exit_code"] for step in told["steps"]] == [2, 0, 2, 0, 0, *MESH_STEPS]
    assert told["steps"][7]["result"]["right"] is False, "while a Region is dead"
    assert told["steps"][2]["result"]["differences"][0]["flow"]["ports"] == [22, 22]


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of the demo's two accounts, with a mesh besides; the folder is the working folder."""
    folder = tmp_path_factory.mktemp("json")
    with _no_aws_of_the_user(), two_accounts() as stage, pytest.MonkeyPatch.context() as here:
        for name, value in stage.environment.items():
            here.setenv(name, value)
        here.chdir(folder)
        (folder / "recording.json").write_text(json.dumps(RECORDING))
        text = (stage.folder / "twinwall.toml").read_text()
        (folder / "all.toml").write_text(text + MESH)
        yield str(folder / "all.toml")


def test_json_alone_on_stdout(configuration: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name, arguments, codes in STORY:
        code = run([*name.split(), *arguments, "--output", "json", "--config", configuration])
        out, err = capsys.readouterr()
        assert code in codes, (name, code, err)
        assert isinstance(json.loads(out), dict | list), name
        assert "Traceback" not in err


WRONG: dict[str, tuple[str, ...]] = {
    "demo": ("--port", "7"),
    "snapshot": ("--source", "nowhere"),
    "lint": ("--at", "nowhere"),
    "explain": (
        "--at",
        "source",
        "--from",
        "192.0.2.999",
        "--to",
        "edge",
        "--protocol",
        "tcp",
        "--port",
        "1",
    ),
    "export": ("--at", "nowhere", "--format", "terraform"),
    "verify": ("--source", "source"),
    "drift": ("nothing",),
    "plan": ("--replica", "nothing"),
    "apply": ("nothing.json",),
    "resume": ("nothing.jsonl",),
    "undo": ("nothing.jsonl",),
    "migrate": ("--source", "source", "--target", "source"),
    "unlock": ("--target", "nowhere"),
    "permissions": ("nothing",),
    "completion": ("nothing",),
    "mesh status": ("--from", "nothing.json"),
    "mesh true-up": ("--mesh", "nothing"),
    "mesh audit": ("nothing.log",),
    "mesh template": ("--node", "nothing"),
    "mesh package": ("-o", "nowhere/mesh.zip"),
    "mesh permissions": ("--mesh", "nothing"),
    "mesh deploy": ("--mesh", "nothing"),
    "mesh remove": ("--mesh", "nothing"),
    "mesh adopt": ("--mesh", "nothing"),
    "mesh simulate": ("--sites", "99"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_one_line_and_no_json(
    name: str, configuration: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run([*name.split(), *WRONG[name], "--output", "json", "--config", configuration])
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if not line.startswith(("source:", "target:"))]
    assert (code in (1, 3), out, len(lines)) == (True, "", 1), err
    assert lines[0].startswith("twinwall: ")


def test_nothing_is_left_out_of_what_is_wrong() -> None:
    assert sorted(WRONG) == sorted(commands(root))
