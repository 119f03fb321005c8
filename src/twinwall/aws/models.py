"""Service models cut to the operations that a mesh's function calls, as botocore's own loader reads them.

EC2's model alone is most of what a client's start costs (3.7 MB). What a client asks the loader for, and nothing
else: the model, the rules of its endpoints, and what all services share.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any

from botocore.loaders import Loader

Json = dict[str, Any]

OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "autoscaling": ("CompleteLifecycleAction", "DescribeAutoScalingGroups"),
    "dynamodb": ("PutItem", "Scan", "TransactWriteItems", "UpdateItem"),
    "ec2": (
        "AuthorizeSecurityGroupIngress",
        "DescribeInstances",
        "DescribeSecurityGroupRules",
        "RevokeSecurityGroupIngress",
    ),
    "sqs": ("ChangeMessageVisibility",),
    "sts": ("AssumeRole",),
}
"""What ``mesh_doors``, ``mesh_table`` and ``places`` call."""

PARTS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "autoscaling": {
        "AutoScalingGroup": frozenset({"AutoScalingGroupName", "Instances"}),
        "Instance": frozenset({"InstanceId", "LifecycleState"}),
    },
    "ec2": {
        "Instance": frozenset(
            {
                "InstanceId",
                "Ipv6Address",
                "NetworkInterfaces",
                "PrivateIpAddress",
                "PublicIpAddress",
                "State",
                "Tags",
            }
        ),
        "InstanceNetworkInterface": frozenset({"Ipv6Addresses", "PrivateIpAddresses"}),
        "Reservation": frozenset({"Instances"}),
    },
}
"""Service → shape of an answer → what of it is read: the rest of a thousand instances is most of their text."""

_SHARED = ("_retry", "partitions", "sdk-default-configuration")


def cut_models() -> dict[str, bytes]:
    """Path in the loader's folder → JSON. The same bytes for the same botocore."""
    loader = Loader()
    found = {f"{name}.json": _bytes(loader.load_data(name)) for name in _SHARED}
    found["endpoints.json"] = _bytes(_endpoints(loader.load_data("endpoints")))
    for service, operations in OPERATIONS.items():
        version = loader.determine_latest_version(service, "service-2")
        folder = f"{service}/{version}"
        model = loader.load_service_model(service, "service-2", version)
        found[f"{folder}/service-2.json"] = _bytes(_as_it_is(cut(model, operations, PARTS.get(service, {}))))
        rules = loader.load_service_model(service, "endpoint-rule-set-1", version)
        found[f"{folder}/endpoint-rule-set-1.json"] = _bytes(rules)
    return found


def loader_of(folder: str) -> Loader:
    """One that knows this folder and no other, and so needs not look through four hundred services."""
    return Loader(extra_search_paths=[folder], include_default_search_paths=False)


def _bytes(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":"), sort_keys=False).encode()


def _endpoints(document: Json) -> Json:
    partitions = [
        {**partition, "services": {s: e for s, e in partition["services"].items() if s in OPERATIONS}}
        for partition in document["partitions"]
    ]
    return {**document, "partitions": partitions}


def cut(model: Mapping[str, Any], operations: Collection[str], parts: Mapping[str, Collection[str]]) -> Json:
    """A service model with these operations, the shapes that they reach, and no documentation. ``parts``: the members
    that are kept of a shape, where not all are."""
    kept = {name: model["operations"][name] for name in sorted(operations)}
    shapes: dict[str, Any] = {}
    left = [shape for operation in kept.values() for shape in _shapes_of(operation)]
    while left:
        name = left.pop()
        if name not in shapes:
            shapes[name] = _narrowed(model["shapes"][name], parts.get(name))
            left += _members_of(shapes[name])
    rest = {key: part for key, part in model.items() if key not in ("operations", "shapes")}
    ordered = {name: shapes[name] for name in sorted(shapes)}
    said: Json = _wordless({**rest, "operations": kept, "shapes": ordered})
    return said


def _as_it_is(model: Json) -> Json:
    """DynamoDB's values are written and read as ``mesh_table`` has them, which is JSON's own form of them; botocore
    would check each part of each. Blobs, which would differ, are in no row."""
    if "AttributeValue" in model["shapes"]:
        model["shapes"]["AttributeValue"] = {"type": "structure", "members": {}, "document": True}
    return model


def _narrowed(shape: Json, members: Collection[str] | None) -> Json:
    if members is None:
        return shape
    return {**shape, "members": {name: part for name, part in shape["members"].items() if name in members}}


def _shapes_of(operation: Mapping[str, Any]) -> list[str]:
    named = [operation[key]["shape"] for key in ("input", "output") if key in operation]
    return [*named, *(error["shape"] for error in operation.get("errors") or ())]


def _members_of(shape: Mapping[str, Any]) -> list[str]:
    parts = list(shape.get("members", {}).values()) + [
        shape[k] for k in ("member", "key", "value") if k in shape
    ]
    return [part["shape"] for part in parts]


def _wordless(value: Any) -> Any:
    """A member may be called ``documentation``, and then is no text."""
    match value:
        case dict():
            return {
                key: _wordless(part)
                for key, part in value.items()
                if not (key == "documentation" and isinstance(part, str))
            }
        case list():
            return [_wordless(part) for part in value]
        case _:
            return value
