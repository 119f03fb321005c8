"""The published JSON Schemas (2020-12) of the files that other programs read: plan and journal.

``docs/schemas/*.json`` is what ``python -m twinwall.documents.schemas FOLDER`` writes; a test holds both
against each other and against real files.
"""

import sys
from pathlib import Path
from typing import Any, get_args

from twinwall.documents.files import json_text
from twinwall.documents.journal import JOURNAL_VERSION
from twinwall.model.firewall import ResourceType
from twinwall.planning.findings import Severity
from twinwall.planning.plan import PLAN_VERSION
from twinwall.planning.relation import Relation

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}


def _object(properties: Schema, *, required: tuple[str, ...] | None = None, more: bool = False) -> Schema:
    """Every property is required unless ``required`` names them."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties if required is None else required),
        "additionalProperties": more,
    }


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _counts() -> Schema:
    return {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


_ID: Schema = {
    "description": "An id, or the name of what the plan will create.",
    "oneOf": [TEXT, _object({"ref": TEXT})],
}
_RESOURCE = _object({"type": {"enum": list(get_args(ResourceType))}, "id": _ref("id"), "name": TEXT})
_ENDPOINT = _object({"label": TEXT, "account": TEXT, "region": TEXT, "vpc_id": TEXT})
_NULL_OR_TEXT: Schema = {"type": ["string", "null"]}
_FINDING = _object(
    {
        "id": TEXT,
        "severity": {"enum": list(get_args(Severity))},
        "resource": _ref("resource"),
        "rule": _NULL_OR_TEXT,
        "message": TEXT,
        "way_out": TEXT,
    }
)
_NOT_COMPARED = _object({"resource": _ref("resource"), "rule": _NULL_OR_TEXT, "why": TEXT})
_CHANGE = _object(
    {
        "action": {"type": "string", "description": "The EC2 operation's name."},
        "resource": _ref("resource"),
        "reason": TEXT,
        "request": {"type": "object", "description": "What the operation takes, as boto3 spells it."},
        "before": {
            "type": "object",
            "description": "The ACL entry that is deleted, or what a modified rule was.",
        },
        "missing_ok": {"const": True, "description": "The rule may not be there; then nothing is to do."},
    },
    required=("action", "resource", "reason", "request"),
)
_FLOW = _object(
    {
        "direction": {"enum": ["ingress", "egress"]},
        "protocol": {
            "type": "string",
            "description": "tcp, udp, icmp, icmpv6, a number, -1 for all; 0-5 for several numbers in a row.",
        },
        "ports": _list(COUNT),
        "icmp": _list({"type": "integer"}),
        "peer": TEXT,
        "group": TEXT,
        "subnet": TEXT,
        "in_part": {"const": True, "description": "Not all of it is meant: the rest stays as it is."},
    },
    required=("direction", "protocol", "peer"),
)
_RELATION: Schema = {"enum": list(get_args(Relation))}
_MOMENTS = ("may_cut_live", "lingers", "briefly_open")
_TOUCHED = ("groups", "referenced", "acls", "lists", "subnets", "absent_names", "absent_marks")
_DESIRED = _object(
    {
        "SecurityGroups": _list({"type": "object"}),
        "NetworkAcls": _list({"type": "object"}),
        "PrefixLists": _list({"type": "object"}),
        "associations": _list(
            _object(
                {"subnet": _ref("resource"), "NetworkAclId": _ref("id"), "source_subnet": _ref("resource")}
            )
        ),
        "delete_groups": _list(TEXT),
        "delete_acls": _list(TEXT),
        "delete_lists": _list(TEXT),
        "findings": _list(_ref("finding")),
        "not_compared": _list(_ref("not_compared")),
        "sources": _list(_object({"id": _ref("id"), "source": _ref("resource")})),
        "adopted": _list(TEXT),
    }
)


_STEP: Schema = {
    "description": "A call, by its position in changes, and the positions in order that are done before it; "
    "without call: a barrier, at which all before it is read back and settles.",
    "type": "object",
    "properties": {"call": COUNT, "after": _list(COUNT)},
    "required": ["after"],
    "additionalProperties": False,
}


def plan_schema() -> Schema:
    properties = _plan_properties()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Twinwall plan",
        "description": "What twinwall plan writes and twinwall apply reads.",
        **_object(properties, required=tuple(name for name in properties if name != "quotas")),
        "$defs": {
            "id": _ID,
            "resource": _RESOURCE,
            "endpoint": _ENDPOINT,
            "finding": _FINDING,
            "not_compared": _NOT_COMPARED,
            "change": _CHANGE,
            "flow": _FLOW,
        },
    }


def _plan_properties() -> Schema:
    return {
        "version": {"const": PLAN_VERSION},
        "source": _ref("endpoint"),
        "target": _ref("endpoint"),
        "changes": _list(_ref("change")),
        "order": _list(_STEP),
        "api_calls": _counts(),
        "summary": _object(dict.fromkeys(("create", "update", "delete", "unchanged"), COUNT)),
        **dict.fromkeys(("opens", "closes", *_MOMENTS), _list(_ref("flow"))),
        **dict.fromkeys(("than_before", "than_source"), _RELATION),
        "findings": _list(_ref("finding")),
        "estimated_seconds": {"type": "number", "minimum": 0},
        "reads": _counts(),
        "quotas": {
            **_counts(),
            "description": "The account's quotas that the plan was held to, where they are not AWS's defaults.",
        },
        "not_compared": _list(_ref("not_compared")),
        "digest": TEXT,
        "parts": {"type": "object", "additionalProperties": TEXT},
        "touched": _object(dict.fromkeys(_TOUCHED, _list(TEXT))),
        "desired": _DESIRED,
        "checksum": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
    }


def journal_schema() -> Schema:
    """Of one line."""
    sum_ = {
        "type": "string",
        "pattern": "^[0-9a-f]{16}$",
        "description": "Of the line, and the sum before it.",
    }
    head = {"event": TEXT, "seq": COUNT, "time": {"type": "string", "format": "date-time"}, "sum": sum_}
    opening = {"event": {"const": "journal"}, "version": {"const": JOURNAL_VERSION}, "twinwall": TEXT}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "One line of a Twinwall journal",
        "description": "JSON Lines, append-only. Each run opens with an event named journal.",
        **_object(head, more=True),
        "if": {"properties": {"event": {"const": "journal"}}},
        "then": _object(opening, more=True),
    }


SCHEMAS = {"plan.schema.json": plan_schema, "journal.schema.json": journal_schema}


def write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in SCHEMAS.items():
        (folder / name).write_text(json_text(schema()), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
