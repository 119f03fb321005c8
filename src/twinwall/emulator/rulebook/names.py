"""Ids, names, descriptions and tags: what may be written (aws-facts 1.2)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from twinwall.emulator.refusal import invalid, missing, refuse, unsuitable
from twinwall.emulator.state import Call
from twinwall.emulator.switches import TAGS_PER_RESOURCE
from twinwall.model.firewall import make_tags
from twinwall.model.rules import Tags

_NAME = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}\Z")
_RULE_TEXT = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}\Z")
_ID = re.compile(r"[a-z]+-[0-9a-f]{8}(?:[0-9a-f]{9})?\Z")


def check_group_name(name: str) -> str:
    """API: CreateSecurityGroupRequest.GroupName. Returns it as EC2 keeps it, trailing spaces cut."""
    kept = name.rstrip(" ")
    if kept.lower() == "default":
        refuse("InvalidGroup.Reserved", f"The security group '{kept}' is reserved")
    if kept.lower().startswith("sg-"):
        invalid(
            f"Value ({name}) for parameter GroupName is invalid. Group names may not be in the format sg-*"
        )
    if not _NAME.match(kept):
        invalid(
            f"Value ({name}) for parameter GroupName is invalid. Valid names are 1 to 255 characters from "
            "a-z, A-Z, 0-9, spaces and ._-:/()#,@[]+=&;{}!$*"
        )
    return kept


def check_group_description(text: str) -> str:
    """API: CreateSecurityGroupRequest.Description: required, same set as the name."""
    if not _NAME.match(text):
        invalid(
            "Invalid security group description. Valid descriptions are strings less than 256 characters "
            "from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
        )
    return text


def check_rule_description(text: str, ampersand: bool = True) -> str:
    """API: IpRange.Description. ``ampersand``: see ``Switches.ampersand_in_peer_descriptions``."""
    if not _RULE_TEXT.match(text) or ("&" in text and not ampersand):
        invalid(
            "Invalid rule description. Valid descriptions are strings less than 256 characters "
            "from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
        )
    return text


def check_group_id(id_: str) -> None:
    """aws-facts 3.5: InvalidGroupId.Malformed."""
    if not (id_.startswith("sg-") and _ID.match(id_)):
        refuse("InvalidGroupId.Malformed", f'Invalid id: "{id_}" (expecting "sg-...")')


def parse_tag_items(items: Iterable[Mapping[str, Any]]) -> Tags:
    """API: Tag. Keys and values within their length, no ``aws:``, no key twice."""
    pairs = [(str(item.get("Key") or ""), str(item.get("Value") or "")) for item in items]
    for key, value in pairs:
        check_tag(key, value)
    if len({key for key, _ in pairs}) < len(pairs):
        invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    return make_tags(pairs)


def check_tag(key: str, value: str) -> None:
    if not key:
        missing("Tag.Key")
    if key.lower().startswith("aws:"):
        invalid(
            f"Value ( {key} ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for "
            "internal use"
        )
    if len(key) > 127:
        invalid(f"Tag key exceeds the maximum length of 127 characters: {key[:40]}")
    if len(value) > 256:
        invalid(f"Tag value exceeds the maximum length of 256 characters, at key {key}")


def check_tag_count(call: Call, tags: Tags) -> Tags:
    """50 per resource; EC2's own ``aws:`` tags do not count (aws-facts 1.2, 3.5)."""
    most = call.quota(TAGS_PER_RESOURCE)
    if sum(not key.startswith("aws:") for key, _ in tags) > most:
        refuse("TagLimitExceeded", f"The maximum number of tags for a resource is {most}")
    return tags


def tags_for(call: Call, kind: str) -> Tags:
    """API: TagSpecification: what a create call says of its one kind of resource."""
    specifications: Sequence[Mapping[str, Any]] = call.params.get("TagSpecifications") or ()
    if not specifications:
        return ()
    for specification in specifications:
        given = specification.get("ResourceType")
        if given is None:
            missing("TagSpecification.ResourceType")
        if given != kind:
            invalid(f"'{given}' is not a valid taggable resource type for this operation.")
    if len(specifications) > 1:
        unsuitable(f"The resource type {kind} is specified more than once")
    found = [item for specification in specifications for item in specification.get("Tags") or ()]
    return check_tag_count(call, parse_tag_items(found))
