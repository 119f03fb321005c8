"""Reading and writing whole files. What is written is readable by its owner only, and there whole or not
at all."""

import contextlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from twinwall.errors import ConfigError, DocumentError

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def read_text(path: Path, what: str) -> str:
    """The file's text. ``what`` says in messages what was to be read: ``the snapshot``."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise DocumentError(
            f"{what} {path} is not UTF-8 text (byte {wrong.start}); it was cut, or is another kind of file"
        ) from None
    except OSError as failed:
        raise DocumentError(
            f"{what} {path} cannot be read: {failed.strerror or failed}; check its name"
        ) from None


def read_object(path: Path, what: str) -> dict[str, Any]:
    """The file's JSON object."""
    text = read_text(path, what)
    if not text.strip():
        raise DocumentError(f"{what} {path} is empty; make it again")
    try:
        document = _decoded(text, f"{what} {path}")
    except RecursionError:
        raise DocumentError(f"{what} {path} is nested too deeply to be one; make it again") from None
    if not isinstance(document, dict):
        raise DocumentError(f"{what} {path} holds {_kind(document)} where an object {{…}} is wanted")
    return document


def _decoded(text: str, what: str) -> Any:
    """msgspec takes half the time; what it refuses, the standard library reads after all or explains better."""
    with contextlib.suppress(msgspec.DecodeError):
        return msgspec.json.decode(text)
    try:
        document = json.loads(text)
    except ValueError as wrong:
        raise DocumentError(f"{what} is cut short or not JSON ({wrong}); make it again") from None
    if (place := next(_halves(document), None)) is not None:
        raise DocumentError(f"{what}: {place} holds half a character (a lone \\uD8…\\uDF…); correct it")
    return document


_LONE = re.compile("[\ud800-\udfff]")


def _halves(value: Any, place: str = "") -> Iterator[str]:
    """Where strings cannot be written again: JSON's escapes allow half a surrogate pair, UTF-8 does not."""
    match value:
        case str() if _LONE.search(value):
            yield place
        case dict():
            for key, one in value.items():
                if _LONE.search(key):
                    yield f"a key of {place or 'it'}"
                yield from _halves(one, f"{place}.{key}" if place else key)
        case list():
            for index, one in enumerate(value):
                yield from _halves(one, f"{place}[{index}]")
        case _:
            pass


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case list():
            return "a list"
        case str():
            return "a string"
        case _:
            return "a bare value"


def write_private(path: Path, text: str, what: str) -> None:
    """Writes the file whole: beside it first, then in its place."""
    write_private_bytes(path, text.encode(), what)


def write_private_bytes(path: Path, content: bytes, what: str) -> None:
    with _told(path, what), _beside(path) as (temporary, descriptor):
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)


def check_writable(path: Path, what: str) -> None:
    """Raises ``ConfigError`` where ``write_private`` would, as far as that can be told without writing."""
    folder = path.absolute().parent
    if path.is_dir():
        raise ConfigError(f"{what} {path} is a folder; name a file")
    if not folder.is_dir():
        raise ConfigError(
            f"{what} {path} cannot be written: there is no folder {folder}; make it, or name another"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(f"{what} {path} cannot be written: {folder} may not be written to; name another")


def make_folder(path: Path, what: str) -> None:
    """The folder and its parents; what did not exist is its owner's only."""
    with _told(path, what):
        for folder in (*reversed(path.parents), path):
            if not folder.exists():
                folder.mkdir(PRIVATE_FOLDER, exist_ok=True)
        if not path.is_dir():
            raise ConfigError(f"{what} {path} is a file; name a folder")


@contextlib.contextmanager
def _told(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except OSError as failed:
        raise ConfigError(
            f"{what} {path} cannot be written: {failed.strerror or failed}; name another place"
        ) from None


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[tuple[Path, int]]:
    """A new empty file in the same folder, removed again if it was not moved away."""
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        yield temporary, descriptor
    finally:
        temporary.unlink(missing_ok=True)


def json_text(document: Any) -> str:
    """The one spelling of a JSON file: two spaces, as ordered, no escapes for what is not ASCII."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
