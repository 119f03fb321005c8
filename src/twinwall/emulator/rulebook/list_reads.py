"""Prefix lists as they are read, and the ones that AWS keeps in every Region (aws-facts chapter 4)."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from twinwall.emulator.refusal import Refusal
from twinwall.emulator.rulebook.filters import Values, page, select
from twinwall.emulator.rulebook.lists import at_version, find_list, naming, show_list
from twinwall.emulator.state import Answer, Call, ListState, Put
from twinwall.model.firewall import PrefixList, PrefixListEntry
from twinwall.model.net import parse_cidr
from twinwall.model.wire import list_entry_fields

AWS_NAMES: Mapping[str, tuple[int, tuple[str, ...]]] = {
    "{region}.s3": (4, ("192.0.2.0/25", "198.51.100.0/24")),
    "{region}.dynamodb": (4, ("192.0.2.128/25",)),
    "{region}.ec2-instance-connect": (4, ("198.51.100.240/29",)),
    "{region}.vpc-lattice": (4, ("169.254.171.0/24",)),
    "{region}.route53-healthchecks": (4, ("203.0.113.128/26",)),
    "{region}.ipv6.vpc-lattice": (6, ("fd00:ec2:80::/64",)),
    "global.cloudfront.origin-facing": (4, ("203.0.113.0/25", "203.0.113.192/26")),
    "global.ipv6.cloudfront.origin-facing": (6, ("2001:db8:cf::/48",)),
    "global.groundstation": (4, ("198.18.0.0/24",)),
}
"""Names as AWS gives them; blocks from the documentation ranges, for they change and belong to AWS."""


def aws_list_id(region: str, name: str) -> str:
    """Another id in each Region, the same one in each run."""
    return "pl-0" + hashlib.sha256(f"{region}/{name}".encode()).hexdigest()[:16]


def aws_lists(region: str, *, cloudfront: bool) -> list[ListState]:
    found = []
    for pattern, (family, blocks) in AWS_NAMES.items():
        if "cloudfront" in pattern and not cloudfront:
            continue
        name = "com.amazonaws." + pattern.format(region=region)
        entries = tuple(sorted(PrefixListEntry(parse_cidr(block)) for block in blocks))
        value = PrefixList(
            aws_list_id(region, name),
            name,
            6 if family == 6 else 4,
            "AWS",
            state="create-complete",
            entries=entries,
        )
        found.append(ListState(value))
    return found


LIST_FILTERS: Mapping[str, Values[ListState]] = {
    "owner-id": lambda state: [state.value.owner_id],
    "prefix-list-id": lambda state: [state.value.prefix_list_id],
    "prefix-list-name": lambda state: [state.value.name],
}
"""API: DescribeManagedPrefixListsRequest.Filters; tags as everywhere."""


def describe(call: Call) -> Answer:
    found = select(_asked(call), call.params.get("Filters"), LIST_FILTERS, lambda state: state.value.tags)
    output = page(found, call.params, "PrefixLists", lambda state: _document(call, state), least=1, most=100)
    return Answer(output, settle(found))


def _document(call: Call, state: ListState) -> dict[str, Any]:
    shown = show_list(call, state.value)
    return shown | {"StateMessage": state.message} if state.value.state.endswith("-failed") else shown


def _asked(call: Call) -> Iterable[ListState]:
    ids = call.params.get("PrefixListIds")
    if not ids:
        return call.here.lists.values()
    return [find_list(call, list_id) for list_id in dict.fromkeys(ids)]


def settle(seen: Iterable[ListState]) -> tuple[Put, ...]:
    """Work in progress was seen once and is done."""
    return tuple(Put(replace(s, value=s.becomes, becomes=None)) for s in seen if s.becomes is not None)


def describe_services(call: Call) -> Answer:
    """DescribePrefixLists: AWS's gateway services only, with their blocks (API)."""
    gateways = [
        state
        for state in _asked(call)
        if state.value.aws_managed and state.value.name.rpartition(".")[2] in ("s3", "dynamodb")
    ]
    found = select(gateways, call.params.get("Filters"), _SERVICE_FILTERS)
    return Answer(page(found, call.params, "PrefixLists", _service_document, least=1, most=1000))


_SERVICE_FILTERS = {key: LIST_FILTERS[key] for key in ("prefix-list-id", "prefix-list-name")}


def _service_document(state: ListState) -> dict[str, Any]:
    return {
        "Cidrs": [str(entry.cidr) for entry in state.value.entries or ()],
        "PrefixListId": state.key,
        "PrefixListName": state.value.name,
    }


def entries(call: Call) -> Answer:
    state = find_list(call, call.params["PrefixListId"])
    if state.value.entries is None or (
        state.value.aws_managed and not call.world.switches.aws_lists_readable
    ):
        raise Refusal("UnauthorizedOperation", "You are not authorized to perform this operation.", 403)
    shown = at_version(state, call.params.get("TargetVersion"))
    return Answer(page(shown, call.params, "Entries", list_entry_fields, least=1, most=100))


def associations(call: Call) -> Answer:
    """The groups that name the list. AWS-managed lists cannot be asked (API: customer-managed)."""
    state = find_list(call, call.params["PrefixListId"])
    users = naming(call, state.key)
    return Answer(
        page(
            users,
            call.params,
            "PrefixListAssociations",
            lambda group_id: {"ResourceId": group_id, "ResourceOwner": call.account},
            least=5,
            most=255,
        )
    )
