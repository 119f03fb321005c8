"""The three tongues, and what has to be said beside what they say."""

from collections.abc import Callable, Mapping
from typing import Literal

from twinwall.documents.export.blueprint import Blueprint
from twinwall.documents.export.cloudformation import MAX_BODY, cloudformation_text, without_egress
from twinwall.documents.export.script import script_text
from twinwall.documents.export.terraform import terraform_text

Format = Literal["terraform", "cloudformation", "cli"]

_WRITERS: Mapping[Format, Callable[[Blueprint, str], str]] = {
    "terraform": terraform_text,
    "cloudformation": cloudformation_text,
    "cli": script_text,
}
FORMATS: tuple[Format, ...] = tuple(_WRITERS)


def export_text(made: Blueprint, format_: Format) -> str:
    """Raises ``QuotaExceeded`` for what CloudFormation cannot hold."""
    return _WRITERS[format_](made, f"The firewall of {made.at}, written by twinwall export")


def remarks(made: Blueprint, format_: Format, text: str) -> list[str]:
    """What the reader should know and would not see at once."""
    told = [f"{one.words} is not part of the export: its reader names one" for one in made.outside]
    if not (made.ruled or made.acls or made.lists or made.default_acl):
        told.append("there is nothing to make: a default group and a default ACL are in every VPC")
    if format_ == "cloudformation":
        told += [
            f"security group {group.resource} has no egress rule of its own that names addresses or a list; "
            "CloudFormation would let everything out, so it gets one that fits no packet (icmp 252:86 to "
            "255.255.255.255/32)"
            for group in without_egress(made)
        ]
        if (size := len(text.encode())) > MAX_BODY:
            told.append(
                f"the template has {size:,} bytes; over {MAX_BODY:,} it must come from S3 (--template-url)"
            )
    return told
