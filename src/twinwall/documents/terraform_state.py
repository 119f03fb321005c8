"""Which things Terraform keeps: read from a state file, or from what ``terraform show -json`` prints.

a state file, version 4            {"version": 4, "resources": [{"type", "instances": [{"attributes"}]}]}
terraform show -json               {"format_version", "values": {"root_module": {"resources", "child_modules"}}}
terraform show -json PLAN          {"format_version", "prior_state": {"values": …}}

(Terraform documentation, "JSON Output Format"; the state file's is Terraform's own and has been 4 since 0.12.)
Read only; nothing of it is kept but ids and addresses.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from twinwall.documents.files import read_object
from twinwall.errors import DocumentError

Json = Mapping[str, Any]
Owned = tuple[tuple[str, str], ...]
"""(id of a group, an ACL, a list or a subnet, address in Terraform)"""

WHAT = "the Terraform state"

_IDS: Mapping[str, tuple[str, ...]] = {
    "aws_security_group": ("id",),
    "aws_default_security_group": ("id",),
    "aws_security_group_rule": ("security_group_id",),
    "aws_vpc_security_group_ingress_rule": ("security_group_id",),
    "aws_vpc_security_group_egress_rule": ("security_group_id",),
    "aws_network_acl": ("id", "subnet_ids"),
    "aws_default_network_acl": ("id", "subnet_ids"),
    "aws_network_acl_rule": ("network_acl_id",),
    "aws_network_acl_association": ("subnet_id",),
    "aws_ec2_managed_prefix_list": ("id",),
    "aws_ec2_managed_prefix_list_entry": ("prefix_list_id",),
}
"""Types of the provider hashicorp/aws, and the attributes that say what the resource keeps: a thing, its
rules, or which ACL a subnet has."""


def load_all(paths: Sequence[str]) -> Owned:
    """Raises ``DocumentError`` for a file that is none of these. A thing itself comes before its rules."""
    found: dict[str, str] = {}
    for path in paths:
        for id_, address in sorted(_owned(Path(path)), key=_rules_last):
            found.setdefault(id_, address)
    return tuple(sorted(found.items()))


def _rules_last(pair: tuple[str, str]) -> tuple[bool, str]:
    return "_rule." in pair[1] or "_entry." in pair[1], pair[1]


def _owned(path: Path) -> Iterator[tuple[str, str]]:
    document = read_object(path, WHAT)
    if "encrypted_data" in document:
        raise DocumentError(f"{WHAT} {path} is encrypted; give what `tofu show -json` prints")
    try:
        resources = list(
            _state_resources(document) if "version" in document else _shown_resources(document, path)
        )
        for type_, address, attributes in resources:
            if not isinstance(address, str):
                raise TypeError(f"the address of a resource is {address!r}")
            for key in _IDS.get(type_, ()):
                yield from ((str(id_), address) for id_ in _each(attributes.get(key)))
    except (KeyError, TypeError, AttributeError) as wrong:
        why = f"it has no key {wrong}" if isinstance(wrong, KeyError) else str(wrong)
        raise DocumentError(f"{WHAT} {path} is not as Terraform writes it: {why}; make it again") from None
    except _OtherVersion as wrong:
        raise DocumentError(
            f"{WHAT} {path} is of version {wrong}; version 4 is read (Terraform 0.12 and newer write it)"
        ) from None


class _OtherVersion(Exception):
    """``str()`` is the version."""


def _each(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _state_resources(document: Json) -> Iterator[tuple[str, str, Json]]:
    if document["version"] != 4:
        raise _OtherVersion(repr(document["version"]))
    for resource in document["resources"]:
        if resource["mode"] != "managed":
            continue
        address = ".".join(filter(None, (resource.get("module"), resource["type"], resource["name"])))
        for instance in resource["instances"]:
            yield resource["type"], f"{address}{_index(instance.get('index_key'))}", instance["attributes"]


def _index(key: Any) -> str:
    return "" if key is None else f'["{key}"]' if isinstance(key, str) else f"[{key}]"


def _shown_resources(document: Json, path: Path) -> Iterator[tuple[str, str, Json]]:
    if "format_version" not in document:
        raise DocumentError(
            f"{path} is no Terraform state: give a state file, or what `terraform show -json` prints"
        )
    values = document.get("prior_state", document).get("values")
    modules = [values["root_module"]] if values else []
    while modules:
        module = modules.pop()
        modules += module.get("child_modules", [])
        for resource in module.get("resources", []):
            if resource["mode"] == "managed":
                yield resource["type"], resource["address"], resource["values"]
