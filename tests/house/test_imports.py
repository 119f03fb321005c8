"""The arrows of the house point downward: read twice, by import-linter and by a plain walk of the sources."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = REPOSITORY / "src"

PURE_FLOORS = {"errors", "mesh", "model", "packets", "planning", "replica"}
IMPURE = {
    "boto3",
    "botocore",
    "datetime",
    "io",
    "msgspec",
    "os",
    "pathlib",
    "platformdirs",
    "random",
    "threading",
    "time",
}

# What is imported -> the only rooms that may import it.
KEPT_TO_ROOMS = {
    "boto3": {"aws", "emulator"},
    "botocore": {"aws", "emulator"},
    "click": {"cli", "report"},
    "rich": {"cli", "report"},
    "flask": {"emulator"},
    "flask_cors": {"emulator"},
    "moto": {"emulator"},
    "samtranslator": {"emulator"},
    "werkzeug": {"emulator"},
    "yaml": {"emulator"},
    "twinwall.emulator": {"cli", "emulator"},
    "twinwall.aws": {"aws", "cli", "lambdas"},
}

MODULES = sorted((SOURCES / "twinwall").rglob("*.py"))


def room_of(module: Path) -> str:
    return module.relative_to(SOURCES / "twinwall").parts[0].removesuffix(".py")


def name_of(module: Path) -> str:
    return ".".join(module.relative_to(SOURCES).with_suffix("").parts).removesuffix(".__init__")


def imports_of(source: str, package: str) -> Iterator[str]:
    """Full names of all that a module imports, at its head or inside a function."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*parents, *([node.module] if node.module else [])])
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def imports_of_file(module: Path) -> set[str]:
    name = name_of(module)
    package = name if module.name == "__init__.py" else name.rpartition(".")[0]
    return set(imports_of(module.read_text(encoding="utf-8"), package))


def within(imported: str, name: str) -> bool:
    return imported == name or imported.startswith(f"{name}.")


def test_the_contracts_of_import_linter_hold() -> None:
    """In a process of its own: import-linter sets up logging anew and silences the loggers it finds."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-logo", "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_modules_to_read() -> None:
    assert SOURCES / "twinwall" / "__init__.py" in MODULES


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_module_imports_only_what_its_room_may_know(module: Path) -> None:
    room, imported = room_of(module), imports_of_file(module)
    strangers = {
        name
        for name, rooms in KEPT_TO_ROOMS.items()
        if room not in rooms and any(within(one, name) for one in imported)
    }
    assert not strangers, f"{name_of(module)} imports {', '.join(sorted(strangers))}"


@pytest.mark.parametrize("module", [m for m in MODULES if room_of(m) in PURE_FLOORS], ids=name_of)
def test_a_pure_floor_imports_no_world(module: Path) -> None:
    world = {one for one in imports_of_file(module) if one.partition(".")[0] in IMPURE}
    assert not world, f"{name_of(module)} imports {', '.join(sorted(world))}"


@pytest.mark.parametrize(
    ("source", "imported"),
    [
        ("import os.path", {"os.path"}),
        ("def f():\n    from time import sleep", {"time", "time.sleep"}),
        ("from . import net", {"twinwall.model", "twinwall.model.net"}),
        ("from .net import Cidr", {"twinwall.model.net", "twinwall.model.net.Cidr"}),
        ("from ..aws import ec2", {"twinwall.aws", "twinwall.aws.ec2"}),
        ("from twinwall import emulator", {"twinwall", "twinwall.emulator"}),
    ],
)
def test_the_walk_sees_every_way_to_import(source: str, imported: set[str]) -> None:
    assert set(imports_of(source, "twinwall.model")) == imported
