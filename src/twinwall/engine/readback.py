"""One reading of what was written: made again until everything that was added shows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from twinwall.boundary import Clock
from twinwall.engine.settling import Look
from twinwall.errors import AwsError, Interfered, Throttled
from twinwall.model.firewall import NetworkAcl, PrefixList
from twinwall.model.net import Cidr
from twinwall.model.rules import Direction, NetworkAclEntry, SecurityGroupRule

VISIBLE_SECONDS = 60.0
"""How long EC2 may take to show everywhere what was written (aws-facts 3.2: seconds, seldom a minute)."""
MEETING_SECONDS = VISIBLE_SECONDS / 4
"""How long what may be gone is looked for."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
"""Seconds before something is tried again; doubled each time."""

Rules = Mapping[SecurityGroupRule, SecurityGroupRule]
EntryKey = tuple[Direction, int]


@dataclass(frozen=True)
class Reading:
    """``at``: monotonic seconds, before it began. ``acls`` is None where no ACL was asked for; of the lists that were
    asked for, those are None that are not there. ``looks``: how many it took until everything showed."""

    at: float
    rules: Mapping[str, Rules]
    acls: Mapping[str, NetworkAcl] | None = None
    lists: Mapping[str, PrefixList | None] = field(default_factory=dict)
    looks: int = 1


@dataclass(frozen=True)
class Wanted:
    """What a reading has to show: rules by group, entries by ACL and number (None: none), ACLs by subnet, entries by
    list and whether they are there. Groups without a rule are read all the same. ``met``: ACLs and lists
    that are there or were once: they are given ``MEETING_SECONDS`` to show."""

    rules: Mapping[str, frozenset[SecurityGroupRule]]
    entries: Mapping[str, Mapping[EntryKey, NetworkAclEntry | None]]
    acl_of: Mapping[str, str]
    lists: Mapping[str, Mapping[Cidr, bool]]
    acls_too: bool = False
    met: frozenset[str] = frozenset()

    def read(self, look: Look, clock: Clock) -> Reading:
        """Once everything is visible, and EC2 lets it be read. Raises ``Interfered``, and ``AwsError``'s children."""
        started, pause, looks = clock.monotonic(), FIRST_PAUSE, 0
        while True:
            looks += 1
            missing, over = "", clock.monotonic() + pause - started > VISIBLE_SECONDS
            try:
                reading = self._once(look, clock)
                missing = next(self._missing(reading), "")
                if not missing and not (
                    self._unmet(reading) and started + MEETING_SECONDS > clock.monotonic()
                ):
                    return replace(reading, looks=looks)
            except Throttled:
                started, over = clock.monotonic(), False
            except AwsError as error:
                if over or not error.transient:
                    raise
            if over:
                raise Interfered(
                    f"reading back what was written to {look.vpc_id}: {missing} is not there "
                    f"{VISIBLE_SECONDS:.0f} s later, so somebody else is at work there; "
                    "see who, then resume or undo by the journal"
                )
            clock.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _once(self, look: Look, clock: Clock) -> Reading:
        at = clock.monotonic()
        acls = look.acls() if self.acls_too else None
        held = look.lists(self.lists) if self.lists else {}
        return Reading(at, look.rules(self.rules), acls, {id_: held.get(id_) for id_ in self.lists})

    def _missing(self, reading: Reading) -> Iterator[str]:
        for id_, rules in self.rules.items():
            yield from (f"{rule} of {id_}" for rule in sorted(rules) if rule not in reading.rules[id_])
        if reading.acls is not None:
            yield from self._missing_in(reading.acls)
        for id_, entries in self.lists.items():
            found = reading.lists.get(id_)
            held = {entry.cidr for entry in found.entries or ()} if found else set()
            yield from (f"{cidr} of {id_}" for cidr, there in entries.items() if (cidr in held) is not there)

    def _unmet(self, reading: Reading) -> bool:
        lists = any(reading.lists[id_] is None for id_ in self.met & self.lists.keys())
        acls = {id_ for id_ in self.met if id_.startswith("acl-")} if reading.acls is not None else set()
        return lists or bool(acls - (reading.acls or {}).keys())

    def _missing_in(self, acls: Mapping[str, NetworkAcl]) -> Iterator[str]:
        for id_, entries in self.entries.items():
            acl = acls.get(id_)
            held = {entry.key: entry for entry in acl.entries} if acl else {}
            yield from (
                f"{entry or f'a free number {key[1]}'} of {id_}"
                for key, entry in entries.items()
                if held.get(key) != entry
            )
        has = {a.subnet_id: acl.network_acl_id for acl in acls.values() for a in acl.associations}
        yield from (f"{id_} at {subnet}" for subnet, id_ in self.acl_of.items() if has.get(subnet) != id_)
