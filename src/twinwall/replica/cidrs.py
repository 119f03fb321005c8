"""``--map-cidr`` and ``--map-vpc-cidr``: address arithmetic, most specific first."""

from collections.abc import Sequence
from dataclasses import dataclass

from twinwall.errors import ConfigError
from twinwall.model.net import Cidr
from twinwall.replica.settings import CidrMap


def check_maps(maps: Sequence[CidrMap]) -> None:
    """Refuses unequal families and prefix lengths, a FROM given twice, two FROM onto overlapping TO."""
    for item in maps:
        if item.source.family != item.target.family:
            raise ConfigError(
                f"CIDR map {item.source}={item.target}: both sides must be of one address family"
            )
        if item.source.length != item.target.length:
            raise ConfigError(
                f"CIDR map {item.source}={item.target}: the prefix lengths /{item.source.length} and "
                f"/{item.target.length} differ; give two blocks of one size"
            )
    for index, one in enumerate(maps):
        for other in maps[:index]:
            if one.source == other.source:
                raise ConfigError(
                    f"CIDR maps {other.source}={other.target} and {one.source}={one.target}: the same FROM twice"
                )
            if one.target.overlaps(other.target):
                raise ConfigError(
                    f"CIDR maps {other.source}={other.target} and {one.source}={one.target}: their targets overlap"
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
        """A map whose FROM lies strictly inside the block, so that the block cannot follow it. The whole
        address space means "anybody" and follows nothing."""
        if not self.maps or cidr.length == 0:
            return None
        return next((item for item in self.maps if cidr != item.source and cidr.contains(item.source)), None)
