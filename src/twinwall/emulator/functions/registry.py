"""The functions there are, and how a request names one: by name, by part of an ARN, by ARN."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from twinwall.emulator.functions.function import LATEST, Function, InvokeConfig, Key, function_missing
from twinwall.emulator.functions.policy import Permission
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.visit import Visit

_NAMED = re.compile(
    r"(?:arn:aws[\w-]*:lambda:(?P<region>[\w-]+):)?(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[\w-]+)(?::(?P<qualifier>\$LATEST|[\w-]+))?"
)


@dataclass
class Registry:
    """``reserved``: concurrency; ``updated``: functions whose last change nobody has looked at yet."""

    functions: dict[Key, Function] = field(default_factory=dict)
    permissions: dict[Key, dict[str, Permission]] = field(default_factory=dict)
    configs: dict[Key, InvokeConfig] = field(default_factory=dict)
    reserved: dict[Key, int] = field(default_factory=dict)
    tags: dict[Key, dict[str, str]] = field(default_factory=dict)

    def get(self, key: Key) -> Function:
        """Raises ``Refusal``."""
        found = self.functions.get(key)
        if found is None:
            raise function_missing(key.arn)
        return found

    def named(self, visit: Visit, name: str, qualifier: str | None = None) -> Function:
        """The function that a request names. Raises ``Refusal``."""
        key, in_name = key_of(visit, name)
        if (qualifier or in_name or LATEST) != LATEST:
            raise function_missing(f"{key.arn}:{qualifier or in_name}")
        return self.get(key)

    def mine(self, visit: Visit, given: Mapping[str, Any]) -> Function:
        """The function that ``FunctionName`` and ``Qualifier`` name, of the caller's own account."""
        function = self.named(visit, given["FunctionName"], given.get("Qualifier"))
        if function.key.account != visit.account:
            raise Refusal(
                "AccessDeniedException",
                f"User: {visit.caller.arn} is not authorized to perform this on resource: {function.key.arn}",
                403,
            )
        return function

    def drop(self, key: Key) -> None:
        for held in (self.functions, self.permissions, self.configs, self.reserved, self.tags):
            held.pop(key, None)


def key_of(visit: Visit, name: str) -> tuple[Key, str | None]:
    """The key, and the qualifier behind the name."""
    found = _NAMED.fullmatch(name)
    if found is None:
        raise Refusal("ValidationException", f"{name} names no function")
    region = found["region"] or visit.region
    if region != visit.region:
        raise Refusal(
            "ResourceNotFoundException",
            f"Functions from '{region}' are not reachable in this region ('{visit.region}')",
            404,
        )
    return Key(found["account"] or visit.account, region, found["name"]), found["qualifier"]


def lives(key: Key, visit: Visit) -> bool:
    """Is it of the caller's account and Region?"""
    return (key.account, key.region) == (visit.account, visit.region)
