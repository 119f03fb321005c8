"""What is read has an end, and what is written takes nobody else's place."""

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from twinwall.documents.files import (
    MOST_BYTES,
    check_writable,
    holding,
    read_bytes,
    read_object,
    read_stream,
    read_text,
    saying,
    write_private,
)
from twinwall.errors import ConfigError, DocumentError


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


# --- reading


def test_a_device_without_end_is_one_line() -> None:
    with pytest.raises(
        DocumentError, match="the snapshot /dev/zero holds a NUL where text is wanted; name another"
    ):
        read_text(Path("/dev/zero"), "the snapshot")
    with pytest.raises(DocumentError, match="/dev/urandom"):
        read_text(Path("/dev/urandom"), "the plan")
    with pytest.raises(DocumentError, match="has more than the 1,000 bytes that are read"):
        read_bytes(Path("/dev/zero"), "the package", 1000)


def test_a_file_larger_than_any_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)  # sparse
    with pytest.raises(DocumentError, match=r"large.json has 536,870,913 bytes, 536,870,912 are read; name"):
        read_text(path, "the journal")


def test_a_pipe_without_end_is_one_line() -> None:
    with pytest.raises(DocumentError, match="the log on stdin goes on beyond the 10 bytes that are read"):
        read_stream(io.StringIO("y" * 11), "the log on stdin", 10)
    assert read_stream(io.StringIO("y" * 10), "the log on stdin", 10) == "y" * 10
    wrong = io.TextIOWrapper(io.BytesIO(b"\xff\xfe"), encoding="utf-8")
    with pytest.raises(DocumentError, match="the log on stdin is not UTF-8 text"):
        read_stream(wrong, "the log on stdin")


def test_a_pipe_that_ends_is_read_whole(pipe: Path) -> None:
    text = '\ufeff{"a": "é"}' + " " * 3_000_000
    writer = threading.Thread(target=pipe.write_text, args=(text, "utf-8"))
    writer.start()
    assert read_object(pipe, "the plan") == {"a": "é"}
    writer.join()


# --- writing


def test_a_file_of_another_kind_stays(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    ours = holding("a", "b")
    for other in ('{"a": 1}', "[]", "my words", '{"a": 1, "b":'):
        path.write_text(other)
        for act in (
            lambda: write_private(path, "{}", "the plan", ours),
            lambda: check_writable(path, "the plan", ours),
        ):
            with pytest.raises(ConfigError, match="no plan of twinwall; name another"):
                act()
        assert path.read_text() == other
    for own in ('{"b": 1, "a": 2, "c": 3}', ""):
        path.write_text(own)
        write_private(path, '{"a": 3, "b": 4}', "the plan", ours)
        assert read_object(path, "the plan") == {"a": 3, "b": 4}


def test_a_file_is_told_by_what_it_says_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "main.tf"
    path.write_text("# written by me\n")
    assert not saying("written by twinwall")(path)
    path.write_text("# The firewall, written by twinwall export\n")
    assert saying("written by twinwall")(path)
    path.write_text("#" * 2000 + "written by twinwall")
    assert not saying("written by twinwall")(path), "only at its head"


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    place, link = tmp_path / "kept" / "plan.json", tmp_path / "latest.json"
    link.symlink_to(place)
    for text in ("once", "twice"):
        check_writable(link, "the plan")
        write_private(link, text, "the plan")
        assert (link.is_symlink(), place.read_text()) == (True, text)


def test_links_in_a_circle_are_no_trouble(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.symlink_to(there)
    there.symlink_to(here)
    with pytest.raises(DocumentError, match="here cannot be read: Too many levels of symbolic links"):
        read_text(here, "the plan")
    check_writable(here, "the plan")
    write_private(here, "words", "the plan")
    assert here.read_text() == "words"


def test_a_pipe_takes_what_is_written_and_stays_one(pipe: Path) -> None:
    """So do /dev/stdout and /dev/null, of which a user with all rights has but one."""
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    check_writable(pipe, "the report", saying("never"))
    write_private(pipe, "words", "the report", saying("never"))
    reader.join()
    assert (read, pipe.is_fifo()) == (["words"], True)


def test_stdout_by_its_name_is_written_to() -> None:
    code = (
        "from pathlib import Path; from twinwall.documents.files import write_private as w; "
        "w(Path('/dev/stdout'), 'words', 'the plan')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("words", 0), done.stderr
