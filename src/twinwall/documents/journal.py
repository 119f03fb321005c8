"""The journal of an apply: JSON Lines, append-only, on disk before each call returns.

    {"event": "journal", "version": 1, "seq": 0, "time": …}      each run opens with one
    {"event": …, "seq": 1, "time": …, …the fields of the event}  what the run tells

A line that a crash cut off stands alone: the next run starts on a line of its own.
"""

import json
import os
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
        torn = _check_ours(path)
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
        with self._lock:
            head = {"event": event, "seq": self._seq, "time": _time(self._clock.now())}
            line = json.dumps(head | dict(fields), ensure_ascii=False, separators=(",", ":")) + "\n"
            try:
                _write_all(self._descriptor, line.encode("utf-8", "backslashreplace"))
                os.fsync(self._descriptor)
            except OSError as failed:
                raise _unwritable(self._path, failed) from None
            self._seq += 1

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
    """The records of every run. A line that was cut off is left out."""
    records = []
    for line in read_text(path, "the journal").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            records.append(record)
    if not records or records[0].get("event") != "journal":
        raise _foreign(path)
    if records[0].get("version") != JOURNAL_VERSION:
        raise DocumentError(
            f"the journal {path} is of version {records[0].get('version')!r}, this twinwall reads {JOURNAL_VERSION}"
        )
    return records


def _check_ours(path: Path) -> bool:
    """Refuses a file that is somebody else's. True if its last line was cut off."""
    if path.is_dir():
        raise ConfigError(f"the journal {path} is a folder; name a file")
    if not path.exists() or path.stat().st_size == 0:
        return False
    with path.open("rb") as stream:
        first = stream.readline(4096)
        stream.seek(-1, os.SEEK_END)
        torn = stream.read(1) != b"\n"
    if not first.startswith(b'{"event":"journal",'):
        raise _foreign(path)
    return torn


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
