"""Every command and every option is documented, and so is every key of the configuration."""

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest
import yaml

from twinwall.cli.first_tool import parser
from twinwall.cli.lazy import LazyGroup
from twinwall.cli.main import COMMANDS, root
from twinwall.cli.manual import manual
from twinwall.cli.reference import PAGES
from twinwall.documents.configuration import LocationTable, ReplicaTable

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("page", PAGES)
def test_the_reference_is_what_the_program_says(page: str) -> None:
    assert (DOCS / page).read_text("utf-8") == PAGES[page](), "make reference"


def test_the_manual_page_is_what_the_commands_say() -> None:
    assert (DOCS / "twinwall.1").read_text("utf-8") == manual(), "make reference"


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff, which reads the page, is not installed")
def test_the_manual_page_is_read_without_a_warning() -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", DOCS / "twinwall.1"], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    shown = re.sub(r".\x08|\x1b\[[0-9;]*m", "", done.stdout)
    assert all(f"twinwall {name} " in shown for name in COMMANDS)
    assert "--map-vpc-cidr" in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_documented(name: str) -> None:
    assert isinstance(root, LazyGroup)
    command = root.get_command(click.Context(root), name)
    assert command is not None
    text = (DOCS / "commands.md").read_text("utf-8")
    section = text.partition(f"## twinwall {name}\n")[2].partition("\n## ")[0]
    options = [
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    ]
    assert not [option for option in options if option.startswith("-") and option not in section]
    assert all(parameter.help for parameter in command.params if isinstance(parameter, click.Option))


@pytest.mark.parametrize("table", [LocationTable, ReplicaTable])
def test_every_key_of_the_configuration_is_documented(table: type) -> None:
    text = (DOCS / "configuration.md").read_text("utf-8")
    assert not [key for key in table.__struct_fields__ if f"`{key}`" not in text]


def test_every_flag_of_the_first_tool_is_documented() -> None:
    text = (DOCS / "first-tool.md").read_text("utf-8")
    flags = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", parser().format_help())) - {"-h", "--sr", "--dr"}
    assert "--srcnacl_id_association" in flags
    assert not [flag for flag in sorted(flags) if f"`{flag}" not in text]


def test_the_workflow_and_the_hook_call_commands_that_are_there() -> None:
    """What CI systems are given to copy is YAML, and every option in it exists."""
    (workflow,) = re.findall(r"```yaml\n(name: .*?)```", (DOCS / "drift.md").read_text("utf-8"), re.DOTALL)
    steps = yaml.safe_load(workflow)["jobs"]["drift"]["steps"]
    (hook,) = yaml.safe_load((DOCS.parent / ".pre-commit-hooks.yaml").read_text("utf-8"))
    lines = [step["run"] for step in steps if str(step.get("run", "")).startswith("twinwall")] + [
        hook["entry"]
    ]
    assert len(lines) == 2
    for line in lines:
        command, *arguments = line.partition(" >")[0].split()[1:]
        assert isinstance(root, LazyGroup)
        found = root.get_command(click.Context(root), command)
        assert found is not None
        found.make_context(command, arguments, resilient_parsing=False)
