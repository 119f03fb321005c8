"""Snapshots: files in EC2's own shapes → one document, and back.

A file is a snapshot (contract, chapter 3) or the plain answer of one ``aws ec2 describe-*`` call; several
files are merged section by section. Keys that nobody here knows are kept.

    key in a file          becomes
    ---------------------  --------------------------------------------------------------
    ManagedPrefixLists     PrefixLists
    Entries                the Entries of the list whose id stands in the file's name
    Reservations           Instances, the reservations unfolded
    anything else          itself; lists are joined, what has an id by its id
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from twinwall.documents.files import exists, json_text, read_object, write_private
from twinwall.errors import ConfigError, DocumentError
from twinwall.model.wire import check_raw_sections

Document = dict[str, Any]

_ID_KEYS = {
    "Vpcs": "VpcId",
    "Subnets": "SubnetId",
    "SecurityGroups": "GroupId",
    "NetworkAcls": "NetworkAclId",
    "PrefixLists": "PrefixListId",
    "NetworkInterfaces": "NetworkInterfaceId",
    "Instances": "InstanceId",
}
_OF_A_VPC = ("Vpcs", "SecurityGroups", "NetworkAcls", "Subnets", "NetworkInterfaces", "Instances")
_LIST_ID = re.compile(r"pl-[0-9a-f]+")


def load(spec: str) -> Document:
    """``spec``: a file, a folder of ``*.json``, or several of either joined by commas."""
    paths = [path for part in _parts(spec) for path in _files(part)]
    merged: Document = {}
    origin: dict[str, Path] = {}
    for path in paths:
        document = read_object(path, "the snapshot")
        _check_kind(document, path)
        _merge(merged, _sections(document, path), path, origin)
    _check_raw(merged, spec)
    _fill_in_place(merged)
    if not vpc_ids(merged):
        raise DocumentError(
            f"no VPC can be found in the snapshot {spec}: it holds {_keys(merged)}; wanted are SecurityGroups, "
            "NetworkAcls or Vpcs that say their VpcId, as aws ec2 describe-security-groups answers"
        )
    return merged


def _check_kind(document: Document, path: Path) -> None:
    """Files of ours that are taken for a snapshot most easily."""
    if {"changes", "digest"} <= document.keys():
        raise DocumentError(
            f"{path} is a plan, where a snapshot is wanted; twinwall apply carries it out, twinwall export --plan says "
            "its target, and twinwall snapshot makes a snapshot"
        )


def _check_raw(document: Document, spec: str) -> None:
    try:
        check_raw_sections(document)
    except ConfigError as wrong:
        raise DocumentError(
            f"the snapshot {spec}: {wrong}; it must be as aws ec2 describe-* answers"
        ) from None


def save(document: Mapping[str, Any], path: Path) -> None:
    write_private(path, json_text(document), "the snapshot")


def vpc_ids(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Every VPC that the document speaks of, in order of first mention."""
    found = (item.get("VpcId") for section in _OF_A_VPC for item in _objects(document.get(section)))
    return tuple(dict.fromkeys(str(vpc_id) for vpc_id in found if vpc_id))


def choose_vpc(document: Mapping[str, Any], wanted: str | None, spec: str, option: str) -> str:
    """The VPC that is meant: ``wanted``, or the only one. ``option`` is the way to name it."""
    known = vpc_ids(document)
    if wanted is None and len(known) == 1:
        return known[0]
    if wanted is None:
        raise ConfigError(f"{spec} holds {len(known)} VPCs ({', '.join(known)}); name one with {option} ID")
    if wanted not in known:
        raise ConfigError(f"{option} {wanted}: {spec} holds no such VPC; it holds {', '.join(known)}")
    return wanted


def narrow(document: Mapping[str, Any], vpc_id: str) -> Document:
    """The document with the things of one VPC only; what belongs to no VPC stays."""
    return {
        key: [item for item in _objects(value) if item.get("VpcId") == vpc_id] if key in _OF_A_VPC else value
        for key, value in document.items()
    }


def place_of(document: Mapping[str, Any], vpc_id: str) -> tuple[str, str]:
    """(account, Region) as far as the document says, each maybe empty."""
    owners = {
        str(group.get("OwnerId") or "") for group in _objects(narrow(document, vpc_id).get("SecurityGroups"))
    }
    account = str(document.get("OwnerId") or (owners.pop() if len(owners) == 1 else ""))
    return account, str(document.get("Region") or "")


# --- from a spec to files


def _parts(spec: str) -> list[str]:
    """A path that exists is one path, whatever commas it holds."""
    return [spec] if exists(Path(spec)) else [part for part in spec.split(",") if part]


def _files(part: str) -> list[Path]:
    path = Path(part)
    if not path.is_dir():
        return [path]
    files = sorted(path.glob("*.json"))
    if not files:
        raise DocumentError(
            f"the snapshot folder {path} holds no *.json file; make one with twinwall snapshot"
        )
    return files


# --- from a file to sections


def _sections(raw: Document, path: Path) -> Document:
    """One file's object with its sections under the names of the contract."""
    if raw.get("NextToken"):
        raise DocumentError(
            f"the snapshot {path} is one page of several (it holds a NextToken); read all pages, as aws ec2 describe-* "
            "does without --max-items"
        )
    document = {key: value for key, value in raw.items() if key not in ("NextToken", "ResponseMetadata")}
    if "Entries" in document:
        item = {"PrefixListId": _list_of(path), "Entries": document.pop("Entries")}
        document["PrefixLists"] = [*_list(document, "PrefixLists", path), item]
    if "ManagedPrefixLists" in document:
        managed = _list(document, "ManagedPrefixLists", path)
        del document["ManagedPrefixLists"]
        document["PrefixLists"] = [*_list(document, "PrefixLists", path), *managed]
    if "Reservations" in document:
        reservations = _objects(document.pop("Reservations"))
        document["Instances"] = [item for one in reservations for item in _objects(one.get("Instances"))]
    for section in _ID_KEYS:
        if document.get(section) is not None:
            _check_ids(section, _list(document, section, path), path)
    _check_texts(document, path)
    return document


def _check_ids(section: str, items: list[Any], path: Path) -> None:
    """What an item is merged by, and what says whose it is, must be strings."""
    for index, item in enumerate(items):
        for key in (_ID_KEYS[section], "OwnerId"):
            value = item.get(key) if isinstance(item, dict) else None
            if value is not None and not isinstance(value, str):
                raise DocumentError(f"{path}: {section}[{index}].{key} is {value!r}; a string is wanted")


def _check_texts(document: Document, path: Path) -> None:
    for key in ("OwnerId", "Region"):
        if not isinstance(document.get(key, ""), str | None):
            raise DocumentError(f"{path}: {key} is {document[key]!r}; a string is wanted")
    if "SecurityGroups" in document and document["SecurityGroups"] is None:
        raise DocumentError(f"{path}: SecurityGroups is null; a list is wanted, or no such key")


def _list_of(path: Path) -> str:
    match = _LIST_ID.search(path.name)
    if not match:
        raise DocumentError(
            f"{path} holds the entries of a prefix list and does not say of which; put the list's id into the "
            "file's name: pl-0123abcd.json"
        )
    return match.group()


def _list(document: Document, section: str, path: Path) -> list[Any]:
    value = document.get(section)
    if value is not None and not isinstance(value, list):
        raise DocumentError(
            f"{path}: {section} is not a list, as aws ec2 describe-* answers it; take the answer as it is"
        )
    return value or []


# --- from sections to one document


def _merge(merged: Document, more: Document, path: Path, origin: dict[str, Path]) -> None:
    _check_account(merged, more, path, origin)
    for key, value in more.items():
        if key in _ID_KEYS and value is not None:
            merged[key] = _joined(_objects(merged.get(key)) if merged.get(key) else [], value, key, path)
        elif isinstance(value, list) and isinstance(merged.get(key), list):
            merged[key] = merged[key] + [item for item in value if item not in merged[key]]
        elif merged.get(key) in (None, ""):
            merged[key] = value


def _check_account(merged: Document, more: Document, path: Path, origin: dict[str, Path]) -> None:
    """A snapshot is of one account and one Region; files of two do not make one."""
    for key, what, value in (
        ("OwnerId", "account", _account_of(more)),
        ("Region", "Region", more.get("Region")),
    ):
        if not value:
            continue
        known = merged.get(key)
        if known and known != value:
            raise DocumentError(
                f"{origin.get(key)} is of the {what} {known} and {path} of {value}: a snapshot is of one {what}; "
                "name the files of one"
            )
        merged[key] = value
        origin.setdefault(key, path)


def _account_of(document: Document) -> str:
    owners = {str(group.get("OwnerId") or "") for group in _objects(document.get("SecurityGroups"))}
    return str(document.get("OwnerId") or (owners.pop() if len(owners) == 1 else ""))


def _joined(known: list[Document], more: list[Any], section: str, path: Path) -> list[Any]:
    """Both lists, what has the same id once. A prefix list may come in parts: its frame, its entries."""
    key = _ID_KEYS[section]
    result: list[Any] = list(known)
    places = {item.get(key): index for index, item in enumerate(known)}
    for item in more:
        id_ = item.get(key) if isinstance(item, dict) else None
        if id_ is None or id_ not in places:
            places[id_] = len(result)
            result.append(item)
        elif section == "PrefixLists":
            result[places[id_]] = _list_parts(result[places[id_]], item)
        elif result[places[id_]] != item:
            raise DocumentError(
                f"{path} describes {id_} otherwise than the files before it; name one answer for each thing"
            )
    return result


def _list_parts(known: Document, more: Document) -> Document:
    entries = [*(known.get("Entries") or [])]
    entries += [entry for entry in more.get("Entries") or [] if entry not in entries]
    parts = known | {key: value for key, value in more.items() if value is not None}
    return parts | {"Entries": entries} if "Entries" in parts else parts


def _fill_in_place(document: Document) -> None:
    """Account and Region of plain answers, which do not say them, as far as ARNs and zones do."""
    if not document.get("Region"):
        regions = {
            region for item in _objects(document.get("SecurityGroups")) if (region := _region_in(item))
        }
        regions |= {region for item in _objects(document.get("Subnets")) if (region := _region_in(item))}
        if len(regions) == 1:
            document["Region"] = regions.pop()


_ZONE = re.compile(r"([a-z]{2}(?:-[a-z]+)+-[0-9])[a-z]\Z")


def _region_in(item: Mapping[str, Any]) -> str:
    for key in ("SecurityGroupArn", "SubnetArn"):
        parts = str(item.get(key) or "").split(":")
        if len(parts) > 4:
            return parts[3]
    zone = _ZONE.match(str(item.get("AvailabilityZone") or ""))
    return zone.group(1) if zone else ""


def _objects(value: Any) -> list[Document]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _keys(document: Iterable[str]) -> str:
    return ", ".join(sorted(document)) or "nothing"
