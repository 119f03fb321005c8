"""Prefix lists: made, modified, deleted (aws-facts chapter 4)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from twinwall.emulator.refusal import invalid, missing, not_found, refuse, unsuitable
from twinwall.emulator.rulebook.counting import cost
from twinwall.emulator.rulebook.names import check_rule_description, tags_for
from twinwall.emulator.rulebook.permissions import read_cidr
from twinwall.emulator.rulebook.tokens import once
from twinwall.emulator.state import Answer, Call, Drop, ListState, Put
from twinwall.emulator.switches import ENTRIES_PER_CALL, ENTRIES_PER_LIST, LISTS_PER_REGION, RULES_PER_GROUP
from twinwall.model.firewall import PrefixList, PrefixListEntry
from twinwall.model.rules import PrefixListPeer
from twinwall.model.wire import prefix_list_document, tag_list

FAMILIES: Mapping[str, Any] = {"IPv4": 4, "IPv6": 6}
Entries = tuple[PrefixListEntry, ...]


def find_list(call: Call, list_id: str) -> ListState:
    return call.here.lists.get(list_id) or not_found("pl", list_id)


def show_list(call: Call, value: PrefixList) -> dict[str, Any]:
    """API: ManagedPrefixList; AWS's own have neither MaxEntries nor Version."""
    document = prefix_list_document(replace(value, entries=None))
    owner = "aws" if value.aws_managed else call.account
    arn = call.arn("prefix-list", value.prefix_list_id).replace(f":{call.account}:", f":{owner}:")
    return document | {"PrefixListArn": arn, "Tags": tag_list(value.tags)}


def create(call: Call) -> Answer:
    return once(call, "CreateManagedPrefixList", _create)


def _create(call: Call) -> Answer:
    params = call.params
    name = _check_name(params["PrefixListName"])
    family = FAMILIES.get(params["AddressFamily"]) or invalid(
        f"Value ({params['AddressFamily']}) for parameter AddressFamily is invalid. Valid values: IPv4, IPv6"
    )
    tags = tags_for(call, "prefix-list")
    most = _check_max_entries(call, params["MaxEntries"])
    entries = _check_size(_read_entries(params.get("Entries") or (), family), most)
    own = sum(not state.value.aws_managed for state in call.here.lists.values())
    if own >= call.quota(LISTS_PER_REGION):
        refuse("PrefixListLimitExceeded", "You've reached the limit of prefix lists for this Region.")
    value = PrefixList(
        call.world.ids("pl"), name, family, call.account, most, 1, "create-complete", entries, tags
    )
    return _under_way(call, ListState(value, ((1, entries),)), "create-in-progress", version=1)


def _under_way(call: Call, state: ListState, during: str, version: int | None) -> Answer:
    """The answer shows the work in progress and the old version; with ``slow_states`` so does the next
    read (aws-facts 4)."""
    passing = replace(state.value, state=during, version=version)
    kept = state
    if call.world.switches.slow_states:
        kept = replace(state, value=passing, becomes=state.value)
    return Answer({"PrefixList": show_list(call, passing)}, (Put(kept),))


def modify(call: Call) -> Answer:
    state = _changeable(call, call.params["PrefixListId"])
    add, remove = call.params.get("AddEntries") or (), call.params.get("RemoveEntries") or ()
    most = call.params.get("MaxEntries")
    if most is not None and (add or remove):
        unsuitable("You cannot modify the entries of a prefix list and its size at the same time")
    name = call.params.get("PrefixListName")
    if name is not None:
        state = replace(state, value=replace(state.value, name=_check_name(name)))
    if most is not None:
        return _resize(call, state, _check_max_entries(call, most))
    version = state.value.version
    _check_version(call, version)
    if add or remove:
        state = _with_entries(state, _changed_entries(state.value, add, remove))
    return _under_way(call, _in_state(state, "modify-complete"), "modify-in-progress", version)


def restore(call: Call) -> Answer:
    """API: RestoreManagedPrefixListVersion: an old version's entries, as a new version (aws-facts 4). They must
    still fit into the list."""
    state = _changeable(call, call.params["PrefixListId"])
    version, wanted = state.value.version, int(call.params["PreviousVersion"])
    if call.params["CurrentVersion"] != version:
        refuse("PrefixListVersionMismatch", "The prefix list has the incorrect version number")
    entries = _check_size(at_version(state, wanted), state.value.max_entries or 0)
    restored = _in_state(_with_entries(state, entries), "restore-complete")
    return _under_way(call, restored, "restore-in-progress", version)


def at_version(state: ListState, version: int | None) -> Entries:
    """The entries then; of the newest version if none is named."""
    if version is None or version == state.value.version:
        return state.value.entries or ()
    for number, held in state.history:
        if number == version:
            return held
    return invalid(f"The prefix list {state.key} has no version {version}")


def _changeable(call: Call, list_id: str) -> ListState:
    state = find_list(call, list_id)
    if state.value.aws_managed:
        refuse("OperationNotPermitted", f"The prefix list {list_id} is managed by AWS")
    if state.value.ipam_managed:
        refuse("OperationNotPermitted", f"The prefix list {list_id} is managed by IPAM")
    if state.value.state.endswith("-in-progress"):
        refuse("IncorrectState", f"The prefix list {list_id} is in the incorrect state ({state.value.state})")
    return state


def _check_version(call: Call, version: int | None) -> None:
    """Entries change only against the version one has read (aws-facts 4)."""
    given = call.params.get("CurrentVersion")
    if given is None and (call.params.get("AddEntries") or call.params.get("RemoveEntries")):
        missing("CurrentVersion")
    if given is not None and given != version:
        refuse("PrefixListVersionMismatch", "The prefix list has the incorrect version number")


def _changed_entries(value: PrefixList, add: Sequence[Any], remove: Sequence[Any]) -> Entries:
    added = _read_entries(add, value.family)
    removed = {entry.cidr for entry in _read_entries(remove, value.family)}
    standing = {entry.cidr: entry for entry in value.entries or ()}
    if removed & {entry.cidr for entry in added}:
        invalid("The same CIDR may not be added and removed in one request")
    for cidr in removed:
        if cidr not in standing:
            invalid(f"The CIDR {cidr} is not in the prefix list")
    for entry in added:
        if entry.cidr in standing:
            invalid(f"The CIDR {entry.cidr} is in the prefix list already")
    kept = [entry for cidr, entry in standing.items() if cidr not in removed]
    return _check_size(tuple(sorted((*kept, *added))), value.max_entries or 0)


def _with_entries(state: ListState, entries: Entries) -> ListState:
    version = (state.value.version or 0) + 1
    return replace(
        state,
        value=replace(state.value, entries=entries, version=version),
        history=(*state.history[-999:], (version, entries)),
    )


def _in_state(state: ListState, name: str) -> ListState:
    return replace(state, value=replace(state.value, state=name), message="")


def _resize(call: Call, state: ListState, most: int) -> Answer:
    """No new version. Fails where a group that names the list would go over its quota (API)."""
    value = state.value
    if most < len(value.entries or ()):
        invalid(f"The prefix list has {len(value.entries or ())} entries; MaxEntries may not be {most}")
    grown = replace(state, value=replace(value, max_entries=most))
    if crowded := _crowded(call, grown):
        failed = replace(_in_state(state, "modify-failed"), message=_too_many(crowded))
        return _under_way(call, failed, "modify-in-progress", value.version)
    return _under_way(call, _in_state(grown, "modify-complete"), "modify-in-progress", value.version)


def _too_many(group_ids: Sequence[str]) -> str:
    """API: ModifyManagedPrefixList.MaxEntries: the message names the first ten."""
    return f"The rules quota would be exceeded for: {', '.join(group_ids[:10])}"


def _crowded(call: Call, grown: ListState) -> list[str]:
    """The groups that could not hold the list at its new size."""
    lists = call.here.lists | {grown.key: grown}
    after = replace(call.here, lists=lists)
    limit = call.quota(RULES_PER_GROUP)
    return [
        group_id
        for group_id in naming(call, grown.key)
        if any(
            max(cost(tally, after, call.world.switches)) > limit
            for tally in call.here.index(call.here.groups[group_id]).tallies.values()
        )
    ]


def naming(call: Call, list_id: str) -> list[str]:
    """Ids of the groups with a rule that names this list."""
    peer = PrefixListPeer(list_id)
    return [
        group.group_id
        for group in call.here.groups.values()
        if any(rule.peer == peer for rule in group.rules)
    ]


def delete(call: Call) -> Answer:
    state = _changeable(call, call.params["PrefixListId"])
    if naming(call, state.key):
        refuse("DependencyViolation", f"The prefix list {state.key} is referenced and cannot be deleted")
    going = replace(state.value, state="delete-in-progress")
    return Answer({"PrefixList": show_list(call, going)}, (Drop(state),))


# --- checked


def _check_name(name: str) -> str:
    if name.startswith("com.amazonaws"):
        invalid("The prefix list name cannot start with com.amazonaws")
    if not 1 <= len(name) <= 255:
        invalid("The prefix list name must have 1 to 255 characters")
    return name


def _check_max_entries(call: Call, most: int) -> int:
    limit = call.quota(ENTRIES_PER_LIST)
    if not 1 <= most <= limit:
        invalid(f"Value ({most}) for parameter MaxEntries is invalid. Valid values: 1 to {limit}")
    return most


def _read_entries(items: Iterable[Mapping[str, Any]], family: int) -> Entries:
    given = [
        PrefixListEntry(
            read_cidr(item.get("Cidr") or missing("Cidr"), family),
            check_rule_description(item.get("Description") or ""),
        )
        for item in items
    ]
    if len(given) > ENTRIES_PER_CALL:
        invalid(f"A request may hold at most {ENTRIES_PER_CALL} entries")
    if len(set(given)) < len(given):
        invalid("The same CIDR must not appear multiple times")
    return tuple(sorted(given))


def _check_size(entries: Entries, most: int) -> Entries:
    if len(entries) > most:
        refuse(
            "PrefixListMaxEntriesExceeded",
            "You've reached the maximum number of entries for the prefix list.",
        )
    return entries
