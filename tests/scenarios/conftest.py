"""One embedded AWS for a file of scenarios, empty at the start of each."""

from collections.abc import Iterator

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
