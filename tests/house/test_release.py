"""What is published: what stands in it, and that there is one version."""

import re
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from twinwall import __version__

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder), "-t", "sdist", "-t", "wheel"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


def test_the_wheel_holds_the_package_its_licence_and_its_manual_page(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = Parser().parsestr(
            archive.read(f"twinwall-{__version__}.dist-info/METADATA").decode("utf-8")
        )
    assert {name.split("/")[0] for name in names} == {
        "twinwall",
        f"twinwall-{__version__}.data",
        f"twinwall-{__version__}.dist-info",
    }
    assert f"twinwall-{__version__}.data/data/share/man/man1/twinwall.1" in names
    assert f"twinwall-{__version__}.dist-info/licenses/LICENSE" in names
    modules = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src" / "twinwall").rglob("*.py")}
    assert modules <= set(names)
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "emulator" in metadata.get_all("Provides-Extra", [])
    needed = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert not [line for line in needed if re.match(r"moto|flask|werkzeug|greenlet|jinja2", line)]


def test_the_sdist_holds_what_the_tests_need(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = ("Makefile", "SECURITY.md", "CHANGELOG.md", "LICENSE", "requirements/dev.txt", "docs/index.md")
    assert set(wanted) <= names
    assert not [name for name in names if name.startswith((".venv", "site/", "dist/", ".soak"))]


def test_there_is_one_source_of_the_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", __version__)
    holders = subprocess.run(
        ["git", "grep", "-lF", f'"{__version__}"', "--", "*.toml", "*.py", "*.cfg", "Containerfile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    assert [name for name in holders if not name.startswith("tests/")] == ["src/twinwall/__init__.py"]


def test_the_container_runs_as_a_user_without_rights() -> None:
    lines = (ROOT / "Containerfile").read_text("utf-8").splitlines()
    last = lines[max(i for i, line in enumerate(lines) if line.startswith("FROM ")) :]
    users = [line.split()[1] for line in last if line.startswith("USER ")]
    assert users
    assert users[-1] not in ("0", "root")
    assert not [line for line in lines if "://" in line and not line.startswith("#")]
