"""``--map-cidr`` and ``--map-vpc-cidr``: address arithmetic, most specific first."""

from collections.abc import Sequence
from dataclasses import dataclass

from twinwall.errors import ConfigError
from twinwall.model.net import Cidr
from twinwall.replica.settings import CidrMap


def check_maps(maps: Sequence[CidrMap]) -> None:
    """Refuses unequal families and prefix lengths, a FROM given twice, two FROM onto overlapping TO: only
    without these is a map reversible. Raises ``ConfigError``."""
    for index, item in enumerate(maps):
        _check_pair(item)
        for known in maps[:index]:
            _check_apart(known, item)


def _check_pair(item: CidrMap) -> None:
    source, target = item.source, item.target
    if source.family != target.family:
        raise ConfigError(
            f"{source}={target} maps IPv{source.family} onto IPv{target.family}; both must be of one family"
        )
    if source.length != target.length:
        raise ConfigError(
            f"{source}={target} maps a /{source.length} onto a /{target.length}; the prefix lengths must be equal"
        )


def _check_apart(known: CidrMap, new: CidrMap) -> None:
    if known.source == new.source:
        raise ConfigError(
            f"{new.source} is mapped twice, onto {known.target} and onto {new.target}; keep one of them"
        )
    if known.target.overlaps(new.target):
        raise ConfigError(
            f"{known.source} and {new.source} are mapped onto overlapping blocks, {known.target} and "
            f"{new.target}; give each a block of its own"
        )


@dataclass(frozen=True)
class CidrMapper:
    """Checked maps, the most specific first."""

    maps: tuple[CidrMap, ...]

    @classmethod
    def of(cls, maps: Sequence[CidrMap]) -> "CidrMapper":
        check_maps(maps)
        return cls(tuple(sorted(maps, key=lambda item: (-item.source.length, item.source))))

    def map(self, cidr: Cidr) -> Cidr:
        """The block at the same place of the most specific TO; itself where no FROM holds it."""
        for item in self.maps:
            if item.source.contains(cidr):
                return Cidr(cidr.family, item.target.first + (cidr.first - item.source.first), cidr.length)
        return cidr

    def split_by(self, cidr: Cidr) -> CidrMap | None:
        """The widest map whose FROM lies strictly inside the block, so that the block cannot follow it. The whole
        address space means "anybody" and follows nothing."""
        if not self.maps or cidr.length == 0:
            return None
        inside = (item for item in self.maps if cidr != item.source and cidr.contains(item.source))
        return min(inside, key=lambda item: item.source.length, default=None)
