"""The journal of an apply: JSON Lines, append-only, on disk before each call returns.

    {"event": "journal", "version": 1, "seq": 0, "time": …, "sum": …}      each run opens with one
    {"event": …, "seq": 1, "time": …, …the fields of the event, "sum": …}  what the run tells

``sum`` is a checksum of the line and of the sum before it, so that a line that was edited, taken out or put in is
told. A line that a crash cut off stands alone: the next run starts on a line of its own.
"""

import hashlib
import json
import os
import re
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from platformdirs import user_state_dir

from twinwall import __version__
from twinwall.boundary import Clock
from twinwall.documents.files import PRIVATE_FILE, make_folder, read_text
from twinwall.documents.plans import file_stem
from twinwall.errors import ConfigError, DocumentError

JOURNAL_VERSION = 1


class FileJournal:
    """``boundary.Journal`` on a file. Safe to call from several threads."""

    def __init__(self, path: Path, clock: Clock) -> None:
        make_folder(path.absolute().parent, "the folder for the journal")
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._seq = 0
        torn, self._sum = _check_ours(path)
        try:
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
            _sync_folder(path)
        except OSError as failed:
            raise _unwritable(path, failed) from None
        if torn:
            os.write(self._descriptor, b"\n")
        self.record("journal", {"version": JOURNAL_VERSION, "twinwall": __version__})

    @property
    def path(self) -> str:
        return str(self._path)

    def record(self, event: str, fields: Mapping[str, Any]) -> None:
        self.record_all([(event, fields)])

    def record_all(self, events: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        with self._lock:
            lines = [self._line(event, fields) for event, fields in events]
            try:
                _write_all(self._descriptor, "".join(lines).encode())
                os.fsync(self._descriptor)
            except OSError as failed:
                raise _unwritable(self._path, failed) from None

    def _line(self, event: str, fields: Mapping[str, Any]) -> str:
        head = {"event": event, "seq": self._seq, "time": _time(self._clock.now())}
        text = json.dumps(head | dict(fields), ensure_ascii=False, separators=(",", ":"))
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
        self._seq, self._sum = self._seq + 1, _chained(self._sum, text)
        return f'{text[:-1]},"sum":"{self._sum}"}}\n'

    def close(self) -> None:
        os.close(self._descriptor)


def default_path(label: str, clock: Clock) -> Path:
    """In the user's state directory, named by the time and the target; a name that nobody has yet."""
    folder = Path(user_state_dir("twinwall")) / "journals"
    stamp = datetime.fromtimestamp(clock.now(), UTC).strftime("%Y%m%dT%H%M%SZ")
    return _free(folder / f"{stamp}-{file_stem(label)}.jsonl")


def paths_for(labels: Sequence[str], wanted: Path | None, clock: Clock) -> list[Path]:
    """Where each target's journal goes. For one, ``wanted`` is the file; for several, their folder."""
    if wanted is not None and len(labels) == 1 and not wanted.is_dir():
        return [wanted]
    stems = [file_stem(label) for label in labels]
    if len(set(stems)) != len(stems):
        raise ConfigError(
            f"two of the targets {', '.join(labels)} would share a journal; give them other names"
        )
    return [wanted / f"{stem}.jsonl" if wanted else default_path(stem, clock) for stem in stems]


def read_journal(path: Path) -> list[dict[str, Any]]:
    """The records of every run. A line that was cut off is left out. Raises ``DocumentError`` for a file that is
    somebody else's, of another version, or edited."""
    return _read(path)[0]


def _read(path: Path) -> tuple[list[dict[str, Any]], str]:
    """The records, and the last sum."""
    lines = read_text(path, "the journal").split("\n")
    if lines == [""]:
        raise DocumentError(
            f"the journal {path} is empty: nothing was begun, so nothing is to be resumed or undone; name "
            "another journal"
        )
    if not lines[0].startswith(_OPENING):
        raise _foreign(path)
    records: list[dict[str, Any]] = []
    sum_, torn = "", 0
    for number, line in enumerate(lines, 1):
        match = _SUM.search(line)
        text = f"{line[: match.start()]}}}" if match else ""
        if match is None or (torn and not line.startswith(_OPENING)):
            _check_version(records or [_loose(line)], path)
            torn = torn or (number if line else 0)
            if torn and number < len(lines) and not lines[number].startswith(_OPENING) and lines[number]:
                raise _edited(path, torn)
            continue
        if match.group(1) != _chained(sum_, text):
            _check_version(records or [_loose(line)], path)
            raise _edited(path, number)
        sum_, torn = match.group(1), 0
        records.append(json.loads(text))
    _check_version(records or [{}], path)
    return records, sum_


def _loose(line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        return {"version": JOURNAL_VERSION}
    return record if isinstance(record, dict) else {}


def _check_version(records: Sequence[Mapping[str, Any]], path: Path) -> None:
    version = records[0].get("version")
    if version != JOURNAL_VERSION:
        raise DocumentError(
            f"the journal {path} is of version {version!r}, this twinwall reads {JOURNAL_VERSION}; use the "
            "twinwall that wrote it"
        )


_OPENING = '{"event":"journal",'
_SUM = re.compile(r',"sum":"([0-9a-f]{16})"\}\Z')


def _chained(before: str, text: str) -> str:
    return hashlib.sha256(f"{before}{text}".encode()).hexdigest()[:16]


def _check_ours(path: Path) -> tuple[bool, str]:
    """Refuses a file that is somebody else's, or was edited. (was its last line cut off, its last sum)"""
    if path.is_dir():
        raise ConfigError(f"the journal {path} is a folder; name a file")
    if path.exists() and not path.is_file():
        raise ConfigError(
            f"the journal {path} would not keep what is written to it (it is a pipe or a device); name a file"
        )
    if not path.exists() or path.stat().st_size == 0:
        return False, ""
    with path.open("rb") as stream:
        if not stream.readline(4096).startswith(_OPENING.encode()):
            raise _foreign(path)
        stream.seek(-1, os.SEEK_END)
        torn = stream.read(1) != b"\n"
    return torn, _read(path)[1]


def _edited(path: Path, line: int) -> DocumentError:
    return DocumentError(
        f"the journal {path} was edited: line {line} is not what was written; with a journal that is not its own word "
        "for word nothing can be resumed or undone"
    )


def _foreign(path: Path) -> DocumentError:
    return DocumentError(f"{path} is not a journal of twinwall; it stays untouched, name another file")


def _unwritable(path: Path, failed: OSError) -> ConfigError:
    return ConfigError(
        f"the journal {path} cannot be written: {failed.strerror or failed}; name another with --journal"
    )


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _sync_folder(path: Path) -> None:
    """A new file's name is on disk only when its folder is."""
    descriptor = os.open(path.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _free(path: Path) -> Path:
    number, candidate = 2, path
    while candidate.exists():
        candidate = path.with_stem(f"{path.stem}-{number}")
        number += 1
    return candidate


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
