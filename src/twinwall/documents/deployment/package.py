"""The zip that a function runs: what its handler imports, found out by importing it in a clean process; nothing else.

The same bytes each time for the same sources: sorted, without dates, compiled in a process of its own. What is compiled
goes along, for a function's folder is read-only and would be compiled at each cold start; only the Python that made it
uses it. botocore is the runtime's own; the models that it reads are cut and stand in the package.
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import twinwall
from twinwall.documents.files import read_bytes
from twinwall.errors import ConfigError

HANDLER_FILE = "twinwall/lambdas/entry.py"
_MODELS = "twinwall/lambdas/models"
MOST_ZIPPED, MOST_UNPACKED = 50 * 1024 * 1024, 262_144_000
"""Bytes (Lambda quotas: deployment package)."""
_DATE = (1980, 1, 1, 0, 0, 0)
"""The first that a zip can hold."""

_IMPORTS = """
import json, sys
import twinwall.lambdas.entry
print(json.dumps(sorted(m.__file__ for n, m in sys.modules.items() if n.split(".")[0] == "twinwall" and m.__file__)))
"""
_COMPILES = """
import json, py_compile, sys
how = py_compile.PycInvalidationMode.UNCHECKED_HASH
for source, shown, made in json.load(sys.stdin):
    py_compile.compile(source, made, shown, doraise=True, invalidation_mode=how)
"""
_TIMES = """
import time
began = time.process_time()
import twinwall.lambdas.entry
print(time.process_time() - began)
"""


@dataclass(frozen=True)
class Package:
    """``python``: the runtime for which it is compiled, as Lambda calls it."""

    body: bytes
    modules: int
    python: str = ""

    @property
    def unpacked(self) -> int:
        """Bytes."""
        with zipfile.ZipFile(io.BytesIO(self.body)) as archive:
            return sum(item.file_size for item in archive.infolist())

    @property
    def digest(self) -> str:
        """As Lambda tells it: CodeSha256."""
        return b64encode(sha256(self.body).digest()).decode()

    @property
    def key(self) -> str:
        """Of the bucket's object: another package is another object."""
        return f"twinwall-{sha256(self.body).hexdigest()[:32]}.zip"


def build(models: Mapping[str, bytes]) -> Package:
    """``models``: path in botocore's folder of models → content."""
    root = Path(twinwall.__file__).parent.parent
    sources = [Path(name) for name in json.loads(_python(_IMPORTS, str(root)))]
    with tempfile.TemporaryDirectory(prefix="twinwall-") as folder:
        files = dict(_sources(sources, root))
        files |= dict(_compiled(sources, root, Path(folder)))
        files |= {f"{_MODELS}/{name}": content for name, content in models.items()}
        body = _zip(files)
    package = Package(body, len(sources), f"python{sys.version_info.major}.{sys.version_info.minor}")
    check(package, "the package")
    return package


def _sources(sources: Sequence[Path], root: Path) -> Iterator[tuple[str, bytes]]:
    for source in sources:
        yield source.relative_to(root).as_posix(), source.read_bytes()


def _compiled(sources: Sequence[Path], root: Path, folder: Path) -> Iterator[tuple[str, bytes]]:
    jobs, made = [], []
    for number, source in enumerate(sources):
        name = source.relative_to(root)
        beside = name.parent / "__pycache__" / f"{name.stem}.{sys.implementation.cache_tag}.pyc"
        jobs.append((str(source), f"/var/task/{name.as_posix()}", str(folder / str(number))))
        made.append((beside.as_posix(), folder / str(number)))
    _python(_COMPILES, str(root), json.dumps(jobs))
    for path, file in made:
        yield path, file.read_bytes()


def _zip(files: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # Unix, wherever it is made
            archive.writestr(entry, files[name], zipfile.ZIP_DEFLATED, 9)
    return made.getvalue()


def _python(code: str, path: str, given: str = "") -> str:
    """What a clean process prints: no site of the user, no variables but those that a process needs."""
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "SYSTEMROOT", "TMPDIR")}
    environment = kept | {"PYTHONPATH": path, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-s", "-P", "-c", code]
    done = subprocess.run(command, input=given, capture_output=True, text=True, env=environment, check=True)
    return done.stdout


def import_seconds(package: Package) -> float:
    """Processor time of importing the handler from the package, unpacked, in a clean process; the median of three."""
    with tempfile.TemporaryDirectory(prefix="twinwall-") as folder:
        unpack(package, Path(folder))
        return sorted(float(_python(_TIMES, folder)) for _ in range(3))[1]


def unpack(package: Package, folder: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(package.body)) as archive:
        archive.extractall(folder)


def read(path: Path) -> Package:
    """A package that was made before. Raises ``ConfigError``."""
    package = Package(read_bytes(path, "the package", MOST_UNPACKED), 0)
    check(package, f"the package {path}")
    names = _names(package)
    tags = sorted({name.split(".cpython-")[1].split(".")[0] for name in names if ".cpython-" in name})
    python = f"python3.{tags[0][1:]}" if len(tags) == 1 and tags[0][1:].isdigit() else ""
    modules = sum(name.endswith(".py") for name in names)
    return Package(package.body, modules, python)


def is_package(path: Path) -> bool:
    try:
        return HANDLER_FILE in _names(Package(path.read_bytes(), 0))
    except ConfigError:
        return False


def check(package: Package, what: str) -> None:
    """Raises ``ConfigError``: no zip, no handler, too large."""
    if len(package.body) > MOST_ZIPPED:
        raise ConfigError(
            f"{what} has {len(package.body):,} bytes, Lambda takes {MOST_ZIPPED:,}; make it with twinwall mesh package"
        )
    if HANDLER_FILE not in _names(package, what):
        raise ConfigError(f"{what} holds no {HANDLER_FILE}; make it with twinwall mesh package")
    if package.unpacked > MOST_UNPACKED:
        raise ConfigError(
            f"{what} has {package.unpacked:,} bytes unpacked, Lambda takes {MOST_UNPACKED:,}; "
            "make it with twinwall mesh package"
        )


def _names(package: Package, what: str = "the package") -> list[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(package.body)) as archive:
            return archive.namelist()
    except zipfile.BadZipFile:
        raise ConfigError(f"{what} is no zip; make it with twinwall mesh package") from None
