"""Rows: a table's item ↔ ``Membership``; and what a row is worth at a moment.

The item's keys and ``ips`` are the published solution's, so that its tables can be read:

    region S · asg S · ips SS or NULL     as published: IPv4 /32 blocks
    ips6 SS · members L · released L · returned L · generation N · observed_at N (ms) · tombstone BOOL · writer S ·
    unheard N (ms)

                          known        claims                          may others revoke?
    fresh row             yes          what it lists                   yes
    older than T          no           drop: nothing · keep: its list  yes
    no generation, a list no           its list until T after it was   yes
                                       first found so (keep: for ever)
    no row, unreadable,   no           nothing                         drop: T after it was first found so
    untrusted, blank                                                   keep: never
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from twinwall.errors import ConfigError
from twinwall.mesh.settings import Mesh
from twinwall.model.members import Member, Membership, Release, Site, SiteKey, addresses_of
from twinwall.model.net import Cidr, parse_cidr

Item = Mapping[str, Any]
"""Numbers are ``int``, a string set is a set of ``str``, NULL is None."""

NO_CIDRS: frozenset[Cidr] = frozenset()
_cidr = lru_cache(maxsize=1 << 14)(parse_cidr)
"""A function reads the same addresses several times an event, and again at the next."""


class Unreadable(ValueError):
    """A row that cannot be read, or is not to be trusted."""


def item_of(row: Membership) -> dict[str, Any]:
    members = [
        {
            "address": str(m.address),
            "instance": m.instance,
            "since": _ms(m.missing_since),
            "readings": m.readings,
        }
        for m in row.members
    ]
    released = [{"instance": r.instance, "token": r.token, "at": _ms(r.at)} for r in row.released]
    listed = row.listed or addresses_of(row.members)
    item: dict[str, Any] = {
        "region": row.key.region,
        "asg": row.key.asg,
        "ips": {str(cidr) for cidr in listed if cidr.family == 4} or None,
        "ips6": {str(cidr) for cidr in listed if cidr.family == 6} or None,
        "members": members,
        "released": released,
        "generation": row.generation,
        "observed_at": None if row.observed_at is None else _ms(row.observed_at),
        "tombstone": row.tombstone,
        "writer": row.writer,
        "unheard": _ms(row.unheard),
    }
    if row.returned:
        item["returned"] = [{"instance": instance, "at": _ms(at)} for instance, at in row.returned]
    return item


def _ms(moment: float) -> int:
    return round(moment * 1000)


def key_of(item: Item) -> SiteKey:
    return SiteKey(str(item["region"]), str(item["asg"]))


def read_row(item: Item) -> Membership:
    """Raises ``Unreadable``."""
    try:
        listed = frozenset(_cidr(text) for name in ("ips", "ips6") for text in item.get(name) or ())
        observed = item.get("observed_at")
        return Membership(
            key=key_of(item),
            members=tuple(sorted(_member(part) for part in item.get("members") or ())),
            generation=_whole(item.get("generation")),
            observed_at=None if observed is None else int(observed) / 1000,
            released=tuple(sorted(_release(part) for part in item.get("released") or ())),
            tombstone=bool(item.get("tombstone")),
            writer=str(item.get("writer") or ""),
            unheard=int(item.get("unheard") or 0) / 1000,
            returned=tuple(
                sorted((str(p["instance"]), int(p["at"]) / 1000) for p in item.get("returned") or ())
            ),
            listed=listed,
        )
    except (ConfigError, KeyError, TypeError, ValueError, AttributeError) as wrong:
        raise Unreadable(
            f"the row of {item.get('region')}/{item.get('asg')} cannot be read: {wrong}"
        ) from None


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _member(part: Item) -> Member:
    since, readings = int(part.get("since") or 0) / 1000, int(part.get("readings") or 0)
    return Member(_cidr(part["address"]), str(part["instance"]), since, readings)


def _release(part: Item) -> Release:
    return Release(str(part["instance"]), str(part["token"]), int(part["at"]) / 1000)


# --- whom to believe


_LOCAL = tuple(
    parse_cidr(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/3",
    )
)
"""Not global unicast (IANA IPv4 Special-Purpose Address Registry); of IPv6 only 2000::/3 is."""
_GLOBAL_IPV6 = parse_cidr("2000::/3")


def check_trust(row: Membership, site: Site, most: int) -> None:
    """Only single hosts inside the site's ranges, and not too many. Raises ``Unreadable``."""
    if len(row.listed) > most:
        raise Unreadable(f"the row of {row.key} lists {len(row.listed)} addresses; allowed are {most}")
    for cidr in row.listed:
        if not trusted(cidr, site.ranges):
            raise Unreadable(
                f"the row of {row.key} lists {cidr}, which is no single host of the site's ranges"
            )


@lru_cache(maxsize=1 << 14)
def trusted(cidr: Cidr, ranges: tuple[Cidr, ...]) -> bool:
    if cidr.length != cidr.bits:
        return False
    if ranges:
        return any(block.contains(cidr) for block in ranges)
    if cidr.family == 6:
        return _GLOBAL_IPV6.contains(cidr)
    return not any(block.contains(cidr) for block in _LOCAL)


# --- what it is worth


@dataclass(frozen=True)
class Standing:
    """A configured site as a table shows it at a moment. ``readable`` False: there is no list at all."""

    site: Site
    row: Membership | None
    claims: frozenset[Cidr] = NO_CIDRS
    known: bool = True
    readable: bool = True
    alarm: str = ""
    trusted: bool = True
    """False: there is a row, and it is not to be believed."""


@dataclass(frozen=True)
class Roster:
    """All sites. ``unknown``: since when each site that has no moment of its own is unknown; ``may_revoke``: every
    site could be read, or could not for longer than T."""

    standings: tuple[Standing, ...]
    unknown: Mapping[str, float]
    may_revoke: bool
    strangers: tuple[Membership, ...] = ()
    """Rows of sites that the configuration does not name, and that have no tombstone yet."""

    @property
    def claims(self) -> frozenset[Cidr]:
        return NO_CIDRS.union(*(standing.claims for standing in self.standings))

    @property
    def claimed(self) -> tuple[object, ...]:
        """What another pass is needed for when it has changed."""
        return tuple((s.site.key, s.claims, s.readable) for s in self.standings), self.may_revoke

    def row(self, key: SiteKey) -> Membership | None:
        return next((s.row for s in self.standings if s.site.key == key), None)

    @property
    def alarms(self) -> tuple[str, ...]:
        return tuple(standing.alarm for standing in self.standings if standing.alarm)


def judge(items: Iterable[Item], mesh: Mesh, now: float, unknown: Mapping[str, float]) -> Roster:
    """``unknown``: what the table keeps of ``Roster.unknown``."""
    by_key = {key_of(item): item for item in items}
    standings, since, suspended = [], {}, False
    for site in mesh.sites:
        first = unknown.get(str(site.key), now)
        standing = _standing(by_key.get(site.key), site, mesh, now, first)
        standings.append(standing)
        if not standing.readable or (
            standing.row and standing.row.observed_at is None and not standing.known
        ):
            since[str(site.key)] = first
        if not standing.readable:
            suspended |= mesh.policy == "keep" or now - first < mesh.expiry
    return Roster(tuple(standings), since, not suspended, _strangers(by_key, mesh))


def _strangers(by_key: Mapping[SiteKey, Item], mesh: Mesh) -> tuple[Membership, ...]:
    configured = {site.key for site in mesh.sites}
    found = []
    for key, item in sorted(by_key.items()):
        if key not in configured and not item.get("tombstone"):
            generation = item.get("generation")
            found.append(Membership(key, generation=generation if isinstance(generation, int) else None))
    return tuple(found)


def _standing(item: Item | None, site: Site, mesh: Mesh, now: float, first: float) -> Standing:
    if item is None:
        return Standing(site, None, known=False, readable=False, alarm=f"{site.key} has no row")
    try:
        row = _believed(item, site, mesh.max_members)
    except Unreadable as wrong:
        return Standing(site, None, known=False, readable=False, alarm=str(wrong), trusted=False)
    if row.observed_at is None or row.tombstone:
        return _undated(row, site, mesh, now, first)
    if now - row.observed_at <= mesh.expiry:
        ahead = row.observed_at > now + mesh.skew
        return Standing(
            site, row, row.listed, alarm=f"{site.key} was observed in the future" if ahead else ""
        )
    claims = row.listed if mesh.policy == "keep" else NO_CIDRS
    age = round(now - row.observed_at)
    return Standing(site, row, claims, known=False, alarm=f"{site.key} is unknown: its row is {age} s old")


_met: dict[int, tuple[Item, Site, int, Membership]] = {}
_MOST_MET = 256


def _believed(item: Item, site: Site, most: int) -> Membership:
    """An event has its tables' rows looked at four times, and most stay what they are: the same item (a table's door
    hands out no other while nothing changed, and nobody changes one) is read once. Raises ``Unreadable``."""
    known = _met.get(id(item))
    if known is not None and known[0] is item and known[1:3] == (site, most):
        return known[3]
    row = read_row(item)
    check_trust(row, site, most)
    if len(_met) >= _MOST_MET:
        _met.clear()
    _met[id(item)] = (item, site, most, row)
    return row


def _undated(row: Membership, site: Site, mesh: Mesh, now: float, first: float) -> Standing:
    """A row that nobody of ours wrote, or that stands for a site that was removed and is back."""
    alarm = f"{site.key} is unknown: its row has no moment"
    if row.tombstone or not row.listed:
        return Standing(site, row, known=False, readable=False, alarm=alarm)
    lasts = mesh.policy == "keep" or now - first < mesh.expiry
    return Standing(site, row, row.listed if lasts else NO_CIDRS, known=False, alarm=alarm)
