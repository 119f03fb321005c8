"""What EC2 says no with: its error code, its words, its HTTP status; and that it says nothing."""

from collections.abc import Mapping
from typing import Any, NoReturn


class Refusal(Exception):
    """EC2 refuses the request. Codes are those of EC2's errors-overview page."""

    done: tuple[Any, ...] = ()
    """Effects that stay all the same, where a switch says that EC2 does not take back what it had begun."""

    more: Mapping[str, str] = {}
    """What a JSON service says beside code and message."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class NoAnswer(Exception):
    """The client hears nothing. ``sent``: the call left, and may have been carried out, or may still be."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__("no answer")
        self.sent = sent


def refuse(code: str, message: str) -> NoReturn:
    raise Refusal(code, message)


def invalid(message: str) -> NoReturn:
    raise Refusal("InvalidParameterValue", message)


def missing(parameter: str) -> NoReturn:
    raise Refusal("MissingParameter", f"The request must contain the parameter {parameter}")


def unsuitable(message: str) -> NoReturn:
    """Parameters that do not go together."""
    raise Refusal("InvalidParameterCombination", message)


_NOT_FOUND = {
    "sg": ("InvalidGroup.NotFound", "The security group '{}' does not exist"),
    "sgr": ("InvalidSecurityGroupRuleId.NotFound", "The security group rule ID '{}' does not exist"),
    "acl": ("InvalidNetworkAclID.NotFound", "The networkAcl ID '{}' does not exist"),
    "aclassoc": ("InvalidAssociationID.NotFound", "The association ID '{}' does not exist"),
    "pl": ("InvalidPrefixListID.NotFound", "The prefix list ID '{}' does not exist"),
    "vpc": ("InvalidVpcID.NotFound", "The vpc ID '{}' does not exist"),
    "subnet": ("InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist"),
    "eni": ("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '{}' does not exist"),
    "pcx": ("InvalidVpcPeeringConnectionID.NotFound", "The vpcPeeringConnection ID '{}' does not exist"),
}


def not_found(prefix: str, id_: str) -> NoReturn:
    """The code that EC2 has for an unknown id of this kind (aws-facts 3.5, chapters 2 and 4)."""
    code, message = _NOT_FOUND.get(prefix, ("InvalidID", "The ID '{}' is not valid"))
    raise Refusal(code, message.format(id_))
