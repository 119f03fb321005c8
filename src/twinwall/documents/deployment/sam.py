"""What a template of CloudFormation's and SAM's is put together from."""

from collections.abc import Mapping
from typing import Any

from twinwall.documents.files import json_text
from twinwall.errors import QuotaExceeded

Json = dict[str, Any]

MAX_RESOURCES, MAX_BYTES = 500, 1_000_000
"""CloudFormation User Guide, "CloudFormation quotas"."""


def template_text(template: Json) -> str:
    text = json_text(template)
    for what, count, most in (
        ("resources", len(template["Resources"]), MAX_RESOURCES),
        ("bytes", len(text.encode()), MAX_BYTES),
    ):
        if count > most:
            raise QuotaExceeded(
                f"writing {template['Description']!r}: {count} {what}, a template may have {most}; split the mesh"
            )
    return text


def ref(name: str) -> Json:
    return {"Ref": name}


def get(name: str, attribute: str) -> Json:
    return {"Fn::GetAtt": [name, attribute]}


def either(condition: str, yes: Any, no: Any) -> Json:
    return {"Fn::If": [condition, yes, no]}


def made(type_: str, properties: Mapping[str, Any]) -> Json:
    return {"Type": type_, "Properties": dict(properties)}


def goes(resource: Json) -> Json:
    """Said in so many words: it goes with the stack."""
    return {**resource, "DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}
