"""How the firewall stood a moment ago: for reads that lag behind, and for rules not yet in force everywhere.

EC2 is eventually consistent (aws-facts 3.2) and applies rules "as quickly as possible" (1.10): neither the order
nor the time is promised. Kept are the versions of each group, ACL, list and association of the last ``keep``
seconds, and the one before.
"""

from bisect import bisect_right
from collections.abc import Iterable
from copy import copy
from dataclasses import replace

from twinwall.emulator.state import (
    Drop,
    Effect,
    Holdings,
    Put,
    Remember,
    Retag,
    Rewrite,
    Value,
    World,
    apply,
    standing,
)
from twinwall.model.firewall import NetworkAcl, SecurityGroup

Key = tuple[str, str, str, str]
"""(account, Region, kind, id)"""


class Past:
    def __init__(self, keep: float) -> None:
        """``keep``: seconds; 0 keeps nothing."""
        self.keep = keep
        self._times: dict[Key, list[float]] = {}
        self._values: dict[Key, list[Value | None]] = {}

    def record(self, held: Holdings, effects: Iterable[Effect], now: float) -> None:
        """Called before the effects are carried out."""
        for effect in effects if self.keep else ():
            if not isinstance(effect, Remember | Retag):
                self._record(held, effect, now)

    def _record(self, held: Holdings, effect: Put | Drop | Rewrite, now: float) -> None:
        key = _key(held, effect.value)
        times = self._times.setdefault(key, [float("-inf")])
        values = self._values.setdefault(key, [standing(held, effect.value)])
        times.append(max(now, times[-1]))
        values.append(None if isinstance(effect, Drop) else effect.value)
        old = bisect_right(times, now - self.keep) - 1
        del times[:old], values[:old]

    def versions(self, key: Key) -> list[tuple[float, Value | None]]:
        """When each came to be, oldest first; empty where nothing changed of late."""
        return list(zip(self._times.get(key, ()), self._values.get(key, ()), strict=True))

    def ids(self, account: str, region: str, kind: str) -> list[str]:
        """Those that have changed of late."""
        return [key[3] for key in self._times if key[:3] == (account, region, kind)]

    def world_at(self, world: World, region: str, moment: float) -> World:
        """The Region as it stood then, in all accounts; ``world`` itself where nothing has changed since."""
        late = [key for key, times in self._times.items() if key[1] == region and times[-1] > moment]
        if not late:
            return world
        views = {place: _copied(held) for place, held in world.holdings.items() if place[1] == region}
        for key in late:
            self._set_back(views[key[0], key[1]], key, moment)
        return replace(world, holdings=world.holdings | views)

    def _set_back(self, held: Holdings, key: Key, moment: float) -> None:
        values = self._values[key]
        value = values[bisect_right(self._times[key], moment) - 1]
        if value is not None:
            apply(held, [Put(value)])
            return
        shown = next(version for version in reversed(values) if version is not None)
        apply(held, [Drop(shown)])


def _copied(held: Holdings) -> Holdings:
    twin = copy(held)
    twin.groups, twin.acls, twin.lists = dict(held.groups), dict(held.acls), dict(held.lists)
    twin.associations, twin.rule_owner = dict(held.associations), dict(held.rule_owner)
    twin.indexes = {}
    return twin


def _key(held: Holdings, value: Value) -> Key:
    return held.account, held.region, *kind_and_id(value)


def kind_and_id(value: Value) -> tuple[str, str]:
    match value:
        case SecurityGroup(group_id=id_):
            return "sg", id_
        case NetworkAcl(network_acl_id=id_):
            return "acl", id_
        case _:
            return type(value).__name__, str(value.key)
