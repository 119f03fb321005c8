"""What every test stands on: no AWS of the developer's own, the same random examples on each run."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parents[1]

settings.register_profile(
    "default",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "soak",
    deadline=None,
    derandomize=False,
    max_examples=5_000,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("default")


@pytest.fixture(scope="session", autouse=True)
def _no_aws_of_the_developer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No credential, profile, endpoint or Region of the environment reaches a test."""
    nowhere = tmp_path_factory.mktemp("aws")
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            environment.delenv(name)
        environment.setenv("AWS_EC2_METADATA_DISABLED", "true")
        environment.setenv("AWS_CONFIG_FILE", str(nowhere / "config"))
        environment.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nowhere / "credentials"))
        yield


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """The folder of real rule sets, which is handed out beside the repository and not with it."""
    folder = REPOSITORY.parent / "shared" / "cases"
    if not folder.is_dir():
        pytest.skip("the real rule sets (../shared/cases) are not here")
    return folder
