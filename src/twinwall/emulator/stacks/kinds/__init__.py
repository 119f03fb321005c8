"""Every type that a stack may hold."""

from collections.abc import Mapping

from twinwall.emulator.stacks.kind import Kind
from twinwall.emulator.stacks.kinds import (
    acls,
    events,
    functions,
    groups,
    identity,
    network,
    scaling,
    storage,
    watching,
)

KINDS: Mapping[str, Kind] = {
    kind.type: kind
    for room in (acls, events, functions, groups, identity, network, scaling, storage, watching)
    for kind in room.KINDS
}
