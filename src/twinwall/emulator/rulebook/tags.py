"""CreateTags, DeleteTags, DescribeTags for groups, rules, ACLs and lists (aws-facts 1.2)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from twinwall.emulator.refusal import invalid, missing, not_found, refuse
from twinwall.emulator.rulebook.filters import Values, page, select
from twinwall.emulator.rulebook.names import check_tag_count, parse_tag_items
from twinwall.emulator.state import Answer, Call, Put, Retag, Value
from twinwall.emulator.switches import IDS_PER_TAG_CALL
from twinwall.model.firewall import SecurityGroup, make_tags
from twinwall.model.rules import Tags

OURS = {"sg": "security-group", "sgr": "security-group-rule", "acl": "network-acl", "pl": "prefix-list"}
_KINDS = OURS | {
    "vpc": "vpc",
    "subnet": "subnet",
    "i": "instance",
    "eni": "network-interface",
    "pcx": "vpc-peering-connection",
    "rtb": "route-table",
    "igw": "internet-gateway",
    "lt": "launch-template",
}


def is_ours(resource_id: str) -> bool:
    return resource_id.partition("-")[0] in OURS


def create(call: Call) -> Answer:
    """Adds or overwrites; on all of the ids or on none."""
    given = parse_tag_items(call.params["Tags"])
    return _retag(call, lambda tags: check_tag_count(call, make_tags((*tags, *given))))


def delete(call: Call) -> Answer:
    """By key, by key and value, or all of the user's own (API: DeleteTagsRequest.Tags)."""
    items = call.params.get("Tags")
    wanted = {str(item.get("Key")): item.get("Value") for item in items or ()}

    def kept(tag: tuple[str, str]) -> bool:
        if items is None:
            return tag[0].startswith("aws:")
        return tag[0] not in wanted or wanted[tag[0]] not in (None, tag[1])

    return _retag(call, lambda tags: tuple(filter(kept, tags)))


def _retag(call: Call, change: Callable[[Tags], Tags]) -> Answer:
    ids = call.params.get("Resources") or missing("resourceIdSet")
    if len(ids) > IDS_PER_TAG_CALL:
        invalid(f"At most {IDS_PER_TAG_CALL} resources may be tagged in one request")
    changed: dict[str, Value] = {}
    for resource_id in filter(is_ours, dict.fromkeys(ids)):
        key, value = _retagged(call, resource_id, change, changed)
        changed[key] = value
    around = [Retag(id_, change(_tags_around(call, id_))) for id_ in dict.fromkeys(ids) if not is_ours(id_)]
    return Answer({}, (*map(Put, changed.values()), *around))


def _tags_around(call: Call, resource_id: str) -> Tags:
    if resource_id.startswith("aclassoc-"):  # no resource type of its own (API: ResourceType)
        refuse("InvalidID", f"The ID '{resource_id}' is not valid")
    call.network.check_exists(call.account, call.region, resource_id)
    return make_tags(call.network.tags(call.account, call.region).get(resource_id, {}).items())


def _retagged(
    call: Call, id_: str, change: Callable[[Tags], Tags], changed: Mapping[str, Value]
) -> tuple[str, Value]:
    prefix = id_.partition("-")[0]
    here = call.here
    if prefix == "sgr":
        owner = here.rule_owner.get(id_) or not_found("sgr", id_)
        group = changed.get(owner, here.groups[owner])
        assert isinstance(group, SecurityGroup)
        rules = (replace(r, tags=change(r.tags)) if r.rule_id == id_ else r for r in group.rules)
        return owner, replace(group, rules=tuple(rules))
    if prefix == "sg":
        group = changed.get(id_) or here.groups.get(id_) or not_found("sg", id_)
        assert isinstance(group, SecurityGroup)
        return id_, replace(group, tags=change(group.tags))
    if prefix == "acl":
        acl = here.acls.get(id_) or not_found("acl", id_)
        return id_, replace(acl, tags=change(acl.tags))
    state = here.lists.get(id_) or not_found("pl", id_)
    later = state.becomes and replace(state.becomes, tags=change(state.becomes.tags))
    return id_, replace(state, value=replace(state.value, tags=change(state.value.tags)), becomes=later)


Tagged = tuple[str, str, str]
"""(resource id, key, value)."""


def describe(call: Call) -> Answer:
    """Of everything in the Region: ours, and the rest as moto holds it."""
    found = select(sorted(_all(call)), call.params.get("Filters"), _FILTERS, lambda t: ((t[1], t[2]),))
    return Answer(page(found, call.params, "Tags", _document, least=5, most=1000))


def _all(call: Call) -> Iterator[Tagged]:
    here = call.here
    held: list[tuple[str, Tags]] = [(g.group_id, g.tags) for g in here.groups.values()]
    held += [(rule.rule_id, rule.tags) for g in here.groups.values() for rule in g.rules]
    held += [(acl.network_acl_id, acl.tags) for acl in here.acls.values()]
    held += [(state.key, state.value.tags) for state in here.lists.values()]
    for id_, tags in held:
        yield from ((id_, key, value) for key, value in tags)
    for id_, others in call.network.tags(call.account, call.region).items():
        if not is_ours(id_):
            yield from ((id_, key, value) for key, value in others.items())


def kind_of(resource_id: str) -> str:
    prefix = resource_id.rpartition("-")[0]
    return _KINDS.get(prefix, prefix)


_FILTERS: Mapping[str, Values[Tagged]] = {
    "key": lambda tagged: [tagged[1]],
    "value": lambda tagged: [tagged[2]],
    "resource-id": lambda tagged: [tagged[0]],
    "resource-type": lambda tagged: [kind_of(tagged[0])],
}


def _document(tagged: Tagged) -> dict[str, Any]:
    return {
        "ResourceId": tagged[0],
        "ResourceType": kind_of(tagged[0]),
        "Key": tagged[1],
        "Value": tagged[2],
    }
