"""A recording of a mesh: what its tables and groups held at a moment. Read from a file, so anything may stand in it.

{"at": 1767225600.0,
 "tables": {"ACCOUNT/REGION": {"rows": [...], "unknown": {...}}, "ACCOUNT/REGION": null},   null: not readable
 "groups": {"sg-...": [...], "sg-...": null},                          rules as DescribeSecurityGroupRules has them
 "failed": {"ACCOUNT/REGION": "why"}}                                                      left out: nothing failed
"""

from collections.abc import Mapping
from typing import Any

from twinwall.errors import ConfigError, DocumentError
from twinwall.model.rules import SecurityGroupRule
from twinwall.model.wire import parse_rule

Document = Mapping[str, Any]


def check(recorded: Document) -> None:
    """Raises ``DocumentError`` for the first thing that is not as it should be."""
    if not isinstance(recorded.get("tables"), Mapping) or not isinstance(recorded.get("groups"), Mapping):
        raise DocumentError("a recording of a mesh has tables and groups; this document has not")
    _need(_is_number(recorded.get("at", 0.0)), "at", "a number of seconds")
    for node, table in recorded["tables"].items():
        if table is not None:
            _check_table(table, f"tables.{node}")
    for group_id, rules in recorded["groups"].items():
        _need(rules is None or isinstance(rules, list), f"groups.{group_id}", "a list of rules, or null")
    failed = recorded.get("failed") or {}
    _need(isinstance(failed, Mapping), "failed", "an object of reasons by place")


def _check_table(table: Any, where: str) -> None:
    _need(isinstance(table, Mapping), where, "an object with rows, or null")
    _need(isinstance(table.get("rows"), list), f"{where}.rows", "a list")
    for number, row in enumerate(table["rows"]):
        keys = [row.get(key) if isinstance(row, Mapping) else None for key in ("region", "asg")]
        _need(
            all(isinstance(key, str) for key in keys), f"{where}.rows[{number}]", "a row with region and asg"
        )
    unknown = table.get("unknown") or {}
    moments = unknown.values() if isinstance(unknown, Mapping) else ("",)
    _need(all(map(_is_number, moments)), f"{where}.unknown", "an object of moments by site")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _need(is_so: bool, where: str, wanted: str) -> None:
    if not is_so:
        raise DocumentError(
            f"the recording's {where} is not {wanted}; make it again with twinwall mesh status --record FILE"
        )


def rules_of(recorded: Document, group_id: str) -> list[SecurityGroupRule] | None:
    """None: the group could not be read. Raises ``DocumentError``."""
    raw = recorded["groups"].get(group_id)
    if raw is None:
        return None
    found = []
    for number, item in enumerate(raw):
        try:
            found.append(parse_rule(item))
        except (ConfigError, KeyError, TypeError, ValueError, AttributeError):
            _need(False, f"groups.{group_id}[{number}]", "a rule as DescribeSecurityGroupRules has it")
    return found
