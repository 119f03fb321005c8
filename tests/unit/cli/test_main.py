"""The root: help, wrong usage, failures that become one line, and nothing else on stdout."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import url2pathname

import click
import pytest
import sample_plans as sample
from command_line import Stage

from twinwall import __version__
from twinwall.cli import reference
from twinwall.cli.failures import told
from twinwall.cli.invocation import Invocation
from twinwall.cli.lazy import LazyGroup
from twinwall.cli.main import COMMANDS, root
from twinwall.errors import AwsError, QuotaExceeded

SIDES = ("--source", "vpc-1", "--target", "vpc-2")


def test_help_and_version(stage: Stage) -> None:
    assert "migrate" in stage.run("--help").out
    assert stage.run("-h").code == 0
    assert stage.run("--version").out == f"twinwall {__version__}\n"
    assert "--map-cidr FROM=TO" in stage.run("plan", "--help").out


def test_the_table_of_commands_says_what_the_commands_say() -> None:
    assert isinstance(root, LazyGroup)
    context = click.Context(root)
    for name, lazy in COMMANDS.items():
        command = root.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert command.get_short_help_str(100) == lazy.help


def test_a_configuration_that_is_not_there_is_wrong_for_every_command(stage: Stage) -> None:
    """Also for one that has no use for it, as mesh simulate."""
    for command, context in reference.commands():
        if isinstance(command, click.Group):
            continue
        words = context.command_path.split()[1:]
        ran = stage.run(*words, "--config", "nowhere.toml")
        told = "the configuration nowhere.toml cannot be read: No such file or directory; check its name"
        assert (ran.code, ran.out, ran.err) == (1, "", f"twinwall: {told}\n"), words
    ran = stage.run("mesh", "simulate", "--config", ".")
    assert (ran.code, "the configuration . cannot be read: Is a directory" in ran.line) == (1, True)


def test_no_command_is_wrong_usage(stage: Stage) -> None:
    ran = stage.run()
    assert (ran.code, ran.out) == (1, "")
    assert "Commands:" in ran.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("mirror",), "twinwall: No such command 'mirror'"),
        (("plna",), "twinwall: No such command 'plna'. (Did you mean 'plan'?) See twinwall --help"),
        (("mesh", "statsu"), "No such command 'statsu'. (Did you mean 'status'?) See twinwall mesh --help"),
        (("plan", "--sauce", "x"), "No such option '--sauce'"),
        (("plan", "--outside", "hide", *SIDES), "'hide' is not one of 'fail', 'follow', 'skip', 'keep'"),
        (("plan", "--report"), "Option '--report' requires an argument. See twinwall plan --help"),
        (("apply",), "Missing argument 'PLAN…'"),
        (("snapshot",), "Missing option '--source'"),
        (("permissions", "demo"), "'demo' is not one of"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_1(
    stage: Stage, arguments: tuple[str, ...], words: str
) -> None:
    ran = stage.run(*arguments)
    assert ran.code == 1
    assert words in ran.line
    assert "--help" in ran.line
    assert ran.out == ""


@pytest.mark.parametrize(
    ("failure", "code", "line"),
    [
        (AwsError("EC2 said no"), 1, "twinwall: EC2 said no"),
        (AwsError("two\nlines"), 1, "twinwall: two lines"),
        (QuotaExceeded("61 of 60 rules"), 3, "twinwall: 61 of 60 rules"),
    ],
)
def test_an_error_of_ours(stage: Stage, failure: Any, code: int, line: str) -> None:
    stage.engine.plans["vpc-2"] = failure
    ran = stage.run("plan", *SIDES)
    assert (ran.code, ran.line, ran.out) == (code, line, "")
    assert "Traceback" not in ran.err
    assert "Traceback" in stage.run("plan", *SIDES, "--debug").err
    assert "Traceback" in stage.run("--debug", "plan", *SIDES).err


def test_what_nobody_expected(stage: Stage) -> None:
    stage.engine.plans["vpc-2"] = 7
    ran = stage.run("plan", *SIDES)
    assert ran.code == 1
    assert ran.line.startswith("twinwall: internal error: AttributeError: ")
    assert "--debug" in ran.line


def test_choices_are_told_without_tabs(stage: Stage) -> None:
    assert "Choose from: snapshot, plan, apply" in stage.run("permissions").line


def test_a_port_that_is_taken_is_one_line(stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = stage.run("demo", "--serve", "--port", str(taken.getsockname()[1]))
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"{ran.line}\n"
    assert "name a free port, or none" in ran.line


def test_a_saved_plan_says_how_to_apply_it_the_same_way(stage: Stage) -> None:
    way = ("--target-profile", "my target", "--target-region", "us-east-1", "--endpoint-url", "http://aws")
    assert (
        "carry it out with: twinwall apply 'a plan.json' --target-profile 'my target' "
        "--target-region us-east-1 --endpoint-url http://aws\n"
    ) in stage.run("plan", *SIDES, *way, "-o", "a plan.json").err


def test_ctrl_c_before_any_write() -> None:
    assert told(KeyboardInterrupt(), Invocation()) == 130


def test_general_options_stand_before_or_behind_the_command(stage: Stage) -> None:
    assert (
        stage.run("--output", "json", "plan", *SIDES).json
        == stage.run("plan", *SIDES, "--output", "json").json
    )


def test_a_reader_that_went_away_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "twinwall", "permissions", "migrate"]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False, text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_snapshot_to_stdout_and_to_a_file(stage: Stage, tmp_path: Path) -> None:
    assert stage.run("snapshot", "--source", "vpc-1").json == {"SecurityGroups": [], "Größe": "1"}
    ran = stage.run("snapshot", "--source", "vpc-1", "-o", "s.json", "--group", "web-*")
    assert (ran.out, ran.err) == ("", "snapshot saved: s.json\n")
    assert "Größe" in (tmp_path / "s.json").read_text("utf-8")
    assert stage.engine.seen[1].selection.groups == ("web-*",)


def test_permissions_of_both_sides_or_of_one(stage: Stage) -> None:
    both = stage.run("permissions", "migrate").json
    assert set(both) == {"source", "target"}
    assert stage.run("permissions", "migrate", "--side", "target").json == both["target"]
    narrowed = stage.run("permissions", "migrate", "--side", "target", "--target-region", "eu-west-1").json
    assert narrowed != both["target"]
    ran = stage.run("permissions", "snapshot", "--side", "target")
    assert (ran.code, "has no target" in ran.line) == (1, True)


def test_the_demo_is_served_until_it_is_stopped(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "twinwall", "demo", "--serve"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith("Running"):
            break
    process.send_signal(signal.SIGTERM)
    process.stdout.close()
    assert process.wait(30) == 0
    assert lines[0].startswith("endpoint: http://127.0.0.1:")
    assert any(line.startswith("export AWS_ENDPOINT_URL=http://127.0.0.1:") for line in lines)
    assert any(line.startswith("twinwall migrate --source vpc-") for line in lines)
    folder = next(line for line in lines if line.startswith("export AWS_CONFIG_FILE=")).partition("=")[2]
    assert not Path(folder).exists()


def test_the_demo_tells_its_story_to_the_end(tmp_path: Path) -> None:
    """Whatever profile, Region and proxy the user has set."""
    environment = {**os.environ, "AWS_PROFILE": "nobody", "AWS_DEFAULT_REGION": "eu-south-2"}
    environment |= {"http_proxy": "http://127.0.0.1:9", "NO_PROXY": "example.org"}
    command = [sys.executable, "-m", "twinwall", "demo", "--report", "seen/demo.html"]
    (tmp_path / "seen").mkdir()
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "only the target admits tcp/22 from " in done.stdout
    assert "\nEach step ended as told.\n" in done.stdout
    seen = [Path(url2pathname(path)) for path in re.findall(r"file://(\S+)", done.stdout)]
    migrated, opened, mesh = seen
    assert set(seen) == set((tmp_path / "seen").iterdir())
    assert '<h1 id="t1-title">Equal</h1>' in migrated.read_text()
    assert migrated.read_text().count("<code>CreateNetworkAclEntry</code></td>") == 13, (
        "each call, and their count"
    )
    assert '<h1 id="t1-title">Different</h1>' in opened.read_text()
    assert "ring-us" in mesh.read_text()
    proofs = re.findall(r"proof: EC2 holds in (.+) rules for exactly the running members: (.+)", done.stdout)
    assert [(groups, addresses.count("/32")) for groups, addresses in proofs] == [
        ("ring-eu and ring-us", 3),  # scaled out
        ("ring-eu", 4),  # the other Region is dead
        ("ring-eu and ring-us", 4),  # it is back
        ("ring-eu and ring-us", 2),  # scaled in
    ]
    assert "unpublished" not in done.stderr


def test_a_port_goes_with_serve(stage: Stage) -> None:
    assert stage.run("demo", "--port", "7").code == 1


def test_names_of_a_plan_are_shown_as_they_are(stage: Stage) -> None:
    stage.engine.plans["vpc-2"] = sample.FULL
    assert "group db [old] (sg-9)" in stage.run("plan", *SIDES).out


def test_ctrl_c_while_the_command_line_loads() -> None:
    """As Python does it: in the middle of an import, which a module that is not there yet stands for."""
    code = (
        "import builtins\n"
        "real = builtins.__import__\n"
        "def stop(name, *rest):\n"
        "    if name == 'click': raise KeyboardInterrupt\n"
        "    return real(name, *rest)\n"
        "builtins.__import__ = stop\n"
        "from twinwall.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (
        130,
        "",
        "twinwall: stopped; nothing was written\n",
    )
