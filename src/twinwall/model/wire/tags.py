"""Tags, and the shapes all of this reads."""

from collections.abc import Iterable, Mapping
from typing import Any

from twinwall.model.firewall import make_tags
from twinwall.model.rules import Tags

Json = Mapping[str, Any]


def number(value: Any) -> int | None:
    return None if value is None else int(value)


def parse_tags(items: Iterable[Json] | None) -> Tags:
    return make_tags((str(item["Key"]), str(item.get("Value") or "")) for item in items or ())


def tag_list(tags: Tags) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags]
