"""Tags, and the shapes all of this reads."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from twinwall.errors import ConfigError
from twinwall.model.firewall import make_tags
from twinwall.model.rules import Tags

Json = Mapping[str, Any]


def number(value: Any, key: str = "the number") -> int | None:
    """A whole number, or one in digits. ``key`` names it in what is said of anything else."""
    if value is None or type(value) is int:
        return value
    whole = isinstance(value, str) or (isinstance(value, float) and value.is_integer())
    with suppress(ValueError):
        if whole:
            return int(value)
    raise ConfigError(f"{key} is {value!r}; a whole number is wanted")


def parse_tags(items: Iterable[Json] | None) -> Tags:
    return _made(tuple([(str(item["Key"]), str(item.get("Value") or "")) for item in items or ()]))


@lru_cache(maxsize=1 << 10)
def _made(pairs: tuple[tuple[str, str], ...]) -> Tags:
    """The rules of a mesh have the same tags a thousand times over."""
    return make_tags(pairs)


def tag_list(tags: Tags) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags]
