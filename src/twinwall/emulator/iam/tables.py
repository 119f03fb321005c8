"""The rights that a DynamoDB request needs: on each table it names, with the keys it touches (aws-facts 9.2).

There is no right to a transaction: it needs those of its parts, with ``dynamodb:EnclosingOperation``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from moto.dynamodb.models import dynamodb_backends

from twinwall.emulator.iam.asked import Asked
from twinwall.emulator.iam.policies import Right

_PARTS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "Get": "GetItem"}
"""What IAM calls the parts of a transaction; a check is ``ConditionCheckItem``."""


def rights(asked: Asked) -> Iterator[Right]:
    params = asked.params
    match asked.action:
        case "TransactWriteItems" | "TransactGetItems":
            for item in params.get("TransactItems") or ():
                for part, body in item.items():
                    keys: dict[str, tuple[str, ...]] = {"dynamodb:enclosingoperation": (asked.action,)}
                    yield _on(asked, _PARTS.get(part, "ConditionCheckItem"), body, keys)
        case "BatchGetItem" | "BatchWriteItem":
            for table, requests in (params.get("RequestItems") or {}).items():
                yield _on(asked, asked.action, {"TableName": table, **_batch(requests)}, {})
        case _ if params.get("TableName"):
            yield _on(asked, asked.action, params, {})
        case _:
            yield Right(f"dynamodb:{asked.action}", _other(asked))


def _other(asked: Asked) -> str:
    """A stream's own ARN, also within an iterator of it; backups and lists of tables: anything."""
    named = asked.params.get("StreamArn") or asked.params.get("ResourceArn")
    iterator = str(asked.params.get("ShardIterator") or "")
    return str(named or (iterator.partition("|")[0] if iterator.startswith("arn:") else "*"))


def _on(asked: Asked, action: str, body: Mapping[str, Any], keys: dict[str, tuple[str, ...]]) -> Right:
    table = str(body["TableName"])
    arn = asked.arn(table if table.startswith("arn:") else f"table/{table}")
    if body.get("IndexName"):
        arn += f"/index/{body['IndexName']}"
    leading = _leading(body, _hash_key(asked, table))
    found = {"dynamodb:leadingkeys": leading, "dynamodb:attributes": _attributes(body)}
    return Right(f"dynamodb:{action}", arn, {key: value for key, value in found.items() if value} | keys)


def _batch(requests: Any) -> dict[str, Any]:
    """The items of one table of a batch, each as ``Key`` or ``Item``."""
    if isinstance(requests, Mapping):
        return {"Keys": requests.get("Keys") or ()}
    bodies = [body for request in requests for body in request.values()]
    return {"Keys": [body.get("Key") or body.get("Item") or {} for body in bodies]}


def _hash_key(asked: Asked, table: str) -> str:
    held = dynamodb_backends[asked.account][asked.region].tables.get(table.rpartition("/")[2])
    return held.hash_key_attr if held else ""


def _items(body: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    return [item for item in (body.get("Key"), body.get("Item"), *(body.get("Keys") or ())) if item]


def _leading(body: Mapping[str, Any], hash_key: str) -> tuple[str, ...]:
    values = [item[hash_key] for item in _items(body) if hash_key in item]
    values += [value for name, value in _equalities(body) if name == hash_key]
    return tuple(str(text) for value in values for text in value.values())


def _equalities(body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """``#r = :region`` of a KeyConditionExpression, as (attribute, value)."""
    names, values = body.get("ExpressionAttributeNames") or {}, body.get("ExpressionAttributeValues") or {}
    for name, value in re.findall(r"([#\w.-]+)\s*=\s*(:\w+)", str(body.get("KeyConditionExpression") or "")):
        if value in values:
            yield names.get(name, name), values[value]


def _attributes(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The top-level attributes that items and keys name, and those asked for."""
    names = body.get("ExpressionAttributeNames") or {}
    projected = re.split(r"[,.\[\]\s]+", str(body.get("ProjectionExpression") or ""))
    found = [*(key for item in _items(body) for key in item), *(body.get("AttributesToGet") or ())]
    return tuple(dict.fromkeys([*found, *(names.get(name, name) for name in projected if name)]))
