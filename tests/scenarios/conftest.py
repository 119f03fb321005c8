"""One embedded AWS for a file of scenarios, empty at the start of each."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from worlds import Stage, stage


@pytest.fixture(scope="module")
def _stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture
def world(_stage: Stage) -> Stage:
    _stage.aws.reset()
    return _stage


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is such a place: a journal waits for its disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as found:
        yield Path(found)
