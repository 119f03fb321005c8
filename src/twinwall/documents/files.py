"""Reading and writing whole files. What is written is readable by its owner only, and there whole or not
at all."""

import contextlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import msgspec

from twinwall.errors import ConfigError, DocumentError

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
MOST_BYTES = 512 * 1024 * 1024
"""What is read of one file; a thousand groups of 60 rules take some 20 MB."""

Ours = Callable[[Path], bool]
"""Whether a file that is there already is of the kind that is to take its place."""


def exists(path: Path) -> bool:
    """A name longer than the system takes (ENAMETOOLONG), which several names joined may be, is no file's."""
    try:
        return path.exists()
    except OSError:
        return False


def is_folder(name: str) -> bool:
    """Is one, or is to be one: ``name/``."""
    return name.endswith("/") or Path(name).is_dir()


def read_text(path: Path, what: str) -> str:
    """The file's text. ``what`` says in messages what was to be read: ``the snapshot``."""
    try:
        with path.open(encoding="utf-8-sig") as stream:
            return _whole(stream, f"{what} {path}")
    except UnicodeDecodeError as wrong:
        raise DocumentError(
            f"{what} {path} is not UTF-8 text (byte {wrong.start}); it was cut, or is another kind of file"
        ) from None
    except OSError as failed:
        raise _unreadable(path, what, failed) from None


def read_bytes(path: Path, what: str, most: int) -> bytes:
    """The file's bytes, of which there may be ``most``."""
    try:
        with path.open("rb") as stream:
            found = stream.read(most + 1)
    except OSError as failed:
        raise _unreadable(path, what, failed) from None
    if len(found) > most:
        raise _too_large(f"{what} {path}", f"has more than the {most:,} bytes that are read")
    return found


def read_stream(stream: TextIO, what: str, most: int = MOST_BYTES) -> str:
    """What a pipe gives, ``most`` characters of it. ``what`` names it: ``the log on stdin``."""
    try:
        return _in_parts(stream, what, most)
    except UnicodeDecodeError:
        raise DocumentError(f"{what} is not UTF-8 text; it was cut, or is another kind of file") from None


def check_readable(path: Path, what: str) -> None:
    """Raises ``DocumentError`` where ``read_text`` would, as far as that can be told without reading."""
    try:
        if not path.is_dir() and os.access(path, os.R_OK):
            return
        path.open("rb").close()
    except OSError as failed:
        raise _unreadable(path, what, failed) from None


def _unreadable(path: Path, what: str, failed: OSError) -> DocumentError:
    return DocumentError(f"{what} {path} cannot be read: {failed.strerror or failed}; check its name")


def _whole(stream: TextIO, what: str) -> str:
    """A file says its size; a pipe or a device may never end."""
    found = os.fstat(stream.fileno())
    if not stat.S_ISREG(found.st_mode):
        return _in_parts(stream, what)
    if found.st_size > MOST_BYTES:
        raise _too_large(what, f"has {found.st_size:,} bytes, {MOST_BYTES:,} are read")
    return stream.read()


def _in_parts(stream: TextIO, what: str, most: int = MOST_BYTES) -> str:
    parts: list[str] = []
    size = 0
    while part := stream.read(_PART):
        size += len(part)
        if "\0" in part:
            raise DocumentError(f"{what} holds a NUL where text is wanted; name another file")
        if size > most:
            raise _too_large(what, f"goes on beyond the {most:,} bytes that are read")
        parts.append(part)
    return "".join(parts)


_PART = 1024 * 1024


def _too_large(what: str, found: str) -> DocumentError:
    return DocumentError(f"{what} {found}; name another file, or parts of it")


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


def anything(_path: Path) -> bool:
    """``Ours`` of what may take any file's place."""
    return True


def saying(pattern: str) -> Ours:
    """Files with this at their head."""
    wanted = re.compile(pattern.encode())

    def is_one(path: Path) -> bool:
        with path.open("rb") as stream:
            return bool(wanted.search(stream.read(_HEAD)))

    return is_one


def holding(*keys: str, opening: str = r"\A\Z") -> Ours:
    """JSON objects with all these keys, and what opens as one but was cut."""
    opens = saying(opening)

    def is_one(path: Path) -> bool:
        try:
            return set(keys) <= read_object(path, "").keys()
        except DocumentError:
            return opens(path)

    return is_one


_HEAD = 1024


def write_private(path: Path, text: str, what: str, ours: Ours = anything) -> None:
    """Writes the file whole: beside it first, then in its place. Raises ``ConfigError`` where a file is that is not
    ``ours``. A pipe or a device takes it as it comes."""
    write_private_bytes(path, text.encode(), what, ours)


def write_private_bytes(path: Path, content: bytes, what: str, ours: Ours = anything) -> None:
    with _told(path, what):
        _check_place(path, what, ours)
        if _is_passage(path):
            path.write_bytes(content)
            return
        place = _real(path)
        with _beside(place) as (temporary, descriptor):
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(place)


def check_writable(path: Path, what: str, ours: Ours = anything) -> None:
    """Raises ``ConfigError`` where ``write_private`` would, as far as that can be told without writing."""
    with _told(path, what):
        _check_place(path, what, ours)
        if _is_passage(path):
            return
        folder = _real(path).parent
    if not folder.is_dir():
        raise ConfigError(
            f"{what} {path} cannot be written: there is no folder {folder}; make it, or name another"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(f"{what} {path} cannot be written: {folder} may not be written to; name another")


def _check_place(path: Path, what: str, ours: Ours) -> None:
    if path.is_dir():
        raise ConfigError(f"{what} {path} is a folder; name a file")
    if path.is_file() and path.stat().st_size and not ours(path):
        raise ConfigError(
            f"{what} {path} cannot be written: there is a file already that is no {what.removeprefix('the ')} of "
            "twinwall; name another"
        )


def _real(path: Path) -> Path:
    """A link stays one; links in a circle lead nowhere and give way."""
    return Path(os.path.realpath(path))


def _is_passage(path: Path) -> bool:
    """A pipe, a terminal, /dev/null: another file in its place would be none."""
    return path.exists() and not path.is_file()


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
