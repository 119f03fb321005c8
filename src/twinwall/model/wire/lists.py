"""Prefix lists: ``ManagedPrefixList`` with its ``Entries``, and what DescribePrefixLists answers."""

from typing import Any

from twinwall.errors import ConfigError
from twinwall.model.firewall import PrefixList, PrefixListEntry
from twinwall.model.net import parse_cidr
from twinwall.model.wire.shape import text
from twinwall.model.wire.tags import Json, number, parse_tags, tag_list


def parse_prefix_list(item: Json) -> PrefixList:
    entries = item.get("Entries")
    if entries is None and item.get("Cidrs") is not None:  # the shape of DescribePrefixLists
        entries = [{"Cidr": cidr} for cidr in item["Cidrs"]]
    parsed = None if entries is None else tuple(sorted(map(parse_list_entry, entries), key=_entry_order))
    name = str(item.get("PrefixListName") or "")
    return PrefixList(
        prefix_list_id=str(item["PrefixListId"]),
        name=name,
        family=_list_family(item, parsed),
        owner_id=text(item, "OwnerId") or ("AWS" if name.startswith("com.amazonaws.") else ""),
        max_entries=number(item.get("MaxEntries"), "MaxEntries"),
        version=number(item.get("Version"), "Version"),
        state=str(item.get("State") or ""),
        entries=parsed,
        tags=parse_tags(item.get("Tags")),
        ipam_managed=bool(item.get("IpamPrefixListResolverTargetId")),
        users=_users(item.get("PrefixListAssociations")),
    )


def _users(associations: Any) -> tuple[str, ...] | None:
    """As GetManagedPrefixListAssociations answers."""
    return None if associations is None else tuple(sorted(str(item["ResourceId"]) for item in associations))


_FAMILIES = {"ipv4": 4, "4": 4, "ipv6": 6, "6": 6}


def _list_family(item: Json, entries: tuple[PrefixListEntry, ...] | None) -> Any:
    if (found := item.get("AddressFamily")) not in (None, ""):
        if (family := _FAMILIES.get(str(found).lower())) is None:
            raise ConfigError(f"AddressFamily is {found!r}; IPv4 or IPv6 is wanted")
        return family
    return entries[0].cidr.family if entries else 4


def parse_list_entry(item: Json) -> PrefixListEntry:
    return PrefixListEntry(parse_cidr(str(item["Cidr"])), str(item.get("Description") or ""))


def _entry_order(entry: PrefixListEntry) -> tuple[PrefixListEntry, str]:
    """Of a block that a dump gives twice, as EC2 never does, the same one comes first in whatever order it is given."""
    return entry, entry.description


def list_entry_fields(entry: PrefixListEntry) -> dict[str, Any]:
    return {"Cidr": str(entry.cidr)} | ({"Description": entry.description} if entry.description else {})


def prefix_list_document(item: PrefixList) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "PrefixListId": item.prefix_list_id,
        "PrefixListName": item.name,
        "AddressFamily": f"IPv{item.family}",
        "OwnerId": item.owner_id,
        "State": item.state,
        "MaxEntries": item.max_entries,
        "Version": item.version,
        "Tags": tag_list(item.tags),
    }
    if item.entries is not None:
        fields["Entries"] = [list_entry_fields(entry) for entry in item.entries]
    return {key: value for key, value in fields.items() if value not in (None, "")}
