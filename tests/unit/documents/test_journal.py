"""A journal is on disk line by line, its owner's only, and nobody else's file."""

import json
import stat
import threading
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from twinwall.documents.journal import FileJournal, default_path, paths_for, read_journal
from twinwall.documents.schemas import journal_schema
from twinwall.errors import ConfigError, DocumentError


class Clock:
    def now(self) -> float:
        return 1_700_000_000.5

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


CLOCK = Clock()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_records_are_lines_in_order(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "journal.jsonl"
    journal = FileJournal(path, CLOCK)
    journal.record("call", {"action": "CreateTags", "größe": [1, None]})
    assert journal.path == str(path)
    opening, call = lines(path)
    assert (opening["event"], opening["version"], opening["seq"]) == ("journal", 1, 0)
    assert call == {
        "event": "call",
        "seq": 1,
        "time": "2023-11-14T22:13:20.500Z",
        "action": "CreateTags",
        "größe": [1, None],
        "sum": call["sum"],
    }


def test_each_line_follows_the_schema(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path / "j", CLOCK)
    journal.record("call", {"a": 1})
    for line in lines(tmp_path / "j"):
        jsonschema.Draft202012Validator(journal_schema()).validate(line)


def test_it_is_its_owners_only(tmp_path: Path) -> None:
    FileJournal(tmp_path / "sub" / "j", CLOCK)
    assert stat.S_IMODE((tmp_path / "sub" / "j").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "sub").stat().st_mode) == 0o700


def test_a_second_run_is_appended(tmp_path: Path) -> None:
    FileJournal(tmp_path / "j", CLOCK).record("call", {})
    FileJournal(tmp_path / "j", CLOCK)
    assert [line["event"] for line in lines(tmp_path / "j")] == ["journal", "call", "journal"]


def test_a_line_that_was_cut_off_stands_alone(tmp_path: Path) -> None:
    path = tmp_path / "j"
    FileJournal(path, CLOCK)
    with path.open("a", encoding="utf-8") as stream:
        stream.write('{"event":"ca')
    FileJournal(path, CLOCK)
    assert [record["event"] for record in read_journal(path)] == ["journal", "journal"]


@pytest.mark.parametrize("text", ["hello\n", '{"event": "other"}\n', "\x00\x01"])
def test_somebody_elses_file_stays_untouched(tmp_path: Path, text: str) -> None:
    path = tmp_path / "j"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DocumentError, match="is not a journal of twinwall"):
        FileJournal(path, CLOCK)
    with pytest.raises(DocumentError, match="is not a journal of twinwall"):
        read_journal(path)
    assert path.read_text(encoding="utf-8") == text


def test_an_empty_file_becomes_a_journal(tmp_path: Path) -> None:
    (tmp_path / "j").touch()
    FileJournal(tmp_path / "j", CLOCK)
    assert len(lines(tmp_path / "j")) == 1


def test_a_place_that_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder; name a file"):
        FileJournal(tmp_path, CLOCK)


def test_a_journal_of_another_version(tmp_path: Path) -> None:
    (tmp_path / "j").write_text('{"event":"journal","version":9}\n', encoding="utf-8")
    with pytest.raises(DocumentError, match="is of version 9"):
        read_journal(tmp_path / "j")


def test_threads_share_it(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path / "j", CLOCK)
    threads = [threading.Thread(target=journal.record, args=("call", {"n": n})) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [line["seq"] for line in lines(tmp_path / "j")] == list(range(9))


def test_where_it_goes_if_nobody_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = default_path("my target", CLOCK)
    assert path.name == "20231114T221320Z-my_target.jsonl"
    FileJournal(path, CLOCK)
    assert default_path("my target", CLOCK).name == "20231114T221320Z-my_target-2.jsonl"


def test_where_it_goes_if_somebody_does(tmp_path: Path) -> None:
    assert paths_for(["a"], tmp_path / "j", CLOCK) == [tmp_path / "j"]
    assert paths_for(["a"], tmp_path, CLOCK) == [tmp_path / "a.jsonl"]
    assert paths_for(["a", "b"], tmp_path / "j", CLOCK) == [
        tmp_path / "j" / "a.jsonl",
        tmp_path / "j" / "b.jsonl",
    ]


def test_a_device_keeps_no_journal() -> None:
    with pytest.raises(ConfigError, match="/dev/zero would not keep what is written to it"):
        FileJournal(Path("/dev/zero"), CLOCK)
    with pytest.raises(DocumentError, match="the journal /dev/zero holds a NUL"):
        read_journal(Path("/dev/zero"))
