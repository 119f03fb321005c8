"""What an operation of Lambda works on, and its form."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from twinwall.emulator.functions.code import CodeStore
from twinwall.emulator.functions.fleet import Fleet
from twinwall.emulator.functions.registry import Registry
from twinwall.emulator.inside import Inside
from twinwall.emulator.roles import Roles
from twinwall.emulator.visit import Visit

Params = Mapping[str, Any]
Output = dict[str, Any]


class Lambda(Protocol):
    registry: Registry
    store: CodeStore
    fleet: Fleet
    roles: Roles
    inside: Inside


Operation = Callable[[Lambda, Visit, Params], Output]
