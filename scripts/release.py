"""Builds what is published, and proves that it can be installed.

    scripts/release.py build      dist/: wheel and sdist, the wheel made twice, and a list of what they need (SBOM)
    scripts/release.py install    installs the wheel by pip on every Python that starts, and by pipx, and runs it
    scripts/release.py audit      known holes in what is pinned, where the data can be reached

Each step says in one line what it found. The wheel is built once from the tree and once from the sdist's own
copy of it, so a file that the sdist lacks, or a byte that depends on where or when it was made, stops here.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
TOOLS = ROOT / ".venv-release" / "bin"
PYTHONS = ("3.11", "3.12", "3.13")
AUDITED = ("runtime", "dev")
AUDIT = (TOOLS / "pip-audit", "--disable-pip", "--require-hashes", "--timeout", "10")
UNREACHABLE = ("ConnectionError", "Max retries", "ConnectTimeout", "ServiceError", "HTTPError")


def run(*command: object, cwd: Path = ROOT, **more: str) -> str:
    """The command's output; a command that fails ends this one, with what it said."""
    environment = os.environ | {"AWS_EC2_METADATA_DISABLED": "true"} | more
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def hatch(source: Path, into: Path, *targets: str) -> None:
    run(sys.executable, "-m", "hatchling", "build", "-d", into, *targets, cwd=source)


# --- build


def build() -> None:
    shutil.rmtree(DIST, ignore_errors=True)
    hatch(ROOT, DIST, "-t", "sdist", "-t", "wheel")
    (sdist,), (wheel,) = DIST.glob("*.tar.gz"), DIST.glob("*.whl")
    with tempfile.TemporaryDirectory() as folder:
        shutil.unpack_archive(sdist, folder)
        again = Path(folder) / "again"
        hatch(next(Path(folder).glob("twinwall-*")), again, "-t", "sdist", "-t", "wheel")
        for made in (sdist, wheel):
            if (again / made.name).read_bytes() != made.read_bytes():
                sys.exit(f"{made.name}, made from the sdist, is not what was made from the tree")
    for made in (sdist, wheel):
        print(f"{made.relative_to(ROOT)}: {made.stat().st_size / 1e6:.2f} MB, the same bytes twice")
    materials(wheel)


def materials(wheel: Path) -> None:
    """CycloneDX, from an environment that holds the wheel and what it needs, nothing else."""
    listing = wheel.with_suffix(".cdx.json")
    with tempfile.TemporaryDirectory() as folder:
        python = environment(Path(folder), sys.executable)
        pip(python, f"{wheel}[emulator]")
        run(
            *(TOOLS / "cyclonedx-py", "environment", python, "--output-reproducible"),
            *("--pyproject", ROOT / "pyproject.toml", "--of", "JSON", "--sv", "1.6", "-o", listing),
        )
    print(f"{listing.relative_to(ROOT)}: {listing.read_text().count('bom-ref') - 1} components")


# --- install


def environment(folder: Path, python: str) -> Path:
    """An empty one: not even pip is in it."""
    run(python, "-m", "venv", "--without-pip", folder / "env")
    return folder / "env" / "bin" / "python"


def pip(python: Path, what: str) -> None:
    own = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    run(*own, "--python", python, "install", "-qq", what)


def pythons() -> Iterator[tuple[str, str]]:
    """(version, interpreter) of those that start."""
    for version in PYTHONS:
        found = next((path for path in candidates(version) if starts(path, version)), None)
        if found is None:
            print(f"Python {version}: not tried, none starts here")
        else:
            yield version, found


def candidates(version: str) -> Iterator[str]:
    yield sys.executable
    if (path := shutil.which(f"python{version}")) is not None:
        yield path
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    yield from (str(path / "bin" / "python3") for path in sorted(root.glob(f"{version}.*"), reverse=True))


def starts(path: str, version: str) -> bool:
    told = subprocess.run(
        [path, "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() == version


def install() -> None:
    wheel = next(DIST.glob("*.whl"), None)
    if wheel is None:
        sys.exit("dist/ holds no wheel: make dist")
    for version, python in pythons():
        with tempfile.TemporaryDirectory() as folder:
            inside = environment(Path(folder), python)
            pip(inside, str(wheel))
            check(inside.parent / "twinwall", wheel)
            pip(inside, f"{wheel}[emulator]")
            run(inside.parent / "twinwall", "demo", cwd=Path(folder))
            print(f"Python {version}: installed by pip, `twinwall demo` runs")
    by_pipx(wheel)


def by_pipx(wheel: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        places = {
            "PIPX_HOME": f"{folder}/home",
            "PIPX_BIN_DIR": f"{folder}/bin",
            "PIPX_MAN_DIR": f"{folder}/man",
        }
        run(TOOLS / "pipx", "install", "--quiet", "--python", sys.executable, wheel, **places)
        check(Path(folder) / "bin" / "twinwall", wheel)
        if not (Path(folder) / "man" / "man1" / "twinwall.1").exists():
            sys.exit("pipx put no manual page in its place")
    print("pipx: installed, with the manual page")


def check(command: Path, wheel: Path) -> None:
    """Without the emulator: it starts, says its version, and tells what the demo lacks."""
    version = wheel.name.split("-")[1]
    if version not in run(command, "--version"):
        sys.exit(f"{command} --version does not say {version}")
    run(command, "plan", "--help")
    done = subprocess.run([command, "demo"], capture_output=True, text=True, check=False)
    if done.returncode != 1 or "twinwall[emulator]" not in done.stderr or "Traceback" in done.stderr:
        sys.exit(f"without its extra, `twinwall demo` says:\n{done.stdout}{done.stderr}")


# --- audit


def audit() -> None:
    for name in AUDITED:
        done = subprocess.run(
            [*AUDIT, "-r", ROOT / "requirements" / f"{name}.txt"],
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        if done.returncode and any(word in said for word in UNREACHABLE):
            print(f"{name}: not audited, the data on holes cannot be reached from here")
        elif done.returncode:
            sys.exit(f"{name}: known holes\n{said}")
        else:
            print(f"{name}: {said.strip().splitlines()[-1]}")


STEPS = {"build": build, "install": install, "audit": audit}


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Builds what is published, and proves that it can be installed."
    )
    parser.add_argument("steps", nargs="+", choices=STEPS)
    for step in parser.parse_args().steps:
        STEPS[step]()


if __name__ == "__main__":
    main()
