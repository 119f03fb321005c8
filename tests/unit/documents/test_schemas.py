"""The published schemas are those of the code, and are schemas."""

import json
from pathlib import Path

import jsonschema
import pytest

from twinwall.documents.schemas import SCHEMAS, write

PUBLISHED = Path(__file__).resolve().parents[3] / "docs" / "schemas"


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_is_published_is_what_the_code_says(name: str, tmp_path: Path) -> None:
    write(tmp_path)
    assert (PUBLISHED / name).read_text("utf-8") == (tmp_path / name).read_text("utf-8"), (
        "python -m twinwall.documents.schemas docs/schemas"
    )


@pytest.mark.parametrize("name", SCHEMAS)
def test_they_are_schemas(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads((PUBLISHED / name).read_text("utf-8")))
