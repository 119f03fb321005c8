"""What the user calls a side → the side: a live VPC behind its doors, or a snapshot.

vpc-…                        a live VPC, by --SIDE-profile and the rest
NAME of the configuration    its VPC or snapshot; options of the command line come first
anything with a file there   a snapshot
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twinwall.cli.world import Doors, Way, World
from twinwall.documents import snapshots
from twinwall.documents.configuration import Configuration, LocationTable
from twinwall.engine.sides import FileSide, LiveSide, Side
from twinwall.errors import ConfigError, Refused
from twinwall.model.firewall import Endpoint

_VPC_ID = re.compile(r"vpc-[0-9A-Za-z-]+\Z")
_WAY = ("profile", "region", "role_arn", "external_id")
_BOTH_SIDES = ("endpoint_url", "throttle_share")


@dataclass(frozen=True)
class Wanted:
    """A side before it is opened: a VPC and the way to it, or a snapshot's files."""

    label: str
    vpc_id: str | None
    way: Way
    snapshot: str | None = None

    @property
    def option(self) -> str:
        return f"--{self.way.side}"


def wanted(text: str, side: str, options: Mapping[str, Any], configuration: Configuration) -> Wanted:
    """``options`` are the command's; of them those that begin with the side's name count."""
    vpc = options.get(f"{side}_vpc")
    way = _way(side, options)
    location = configuration.locations.get(text)
    if location is not None:
        return _located(text, vpc, way, location, configuration)
    if _VPC_ID.match(text):
        if vpc not in (None, text):
            raise ConfigError(f"--{side} {text}: --{side}-vpc says {vpc}; name one of them")
        return Wanted(text, text, way)
    if _is_file(text):
        return Wanted(text, vpc, way, text)
    raise ConfigError(
        f"--{side} {text}: neither a VPC id (vpc-…) nor a file, and {configuration.known_locations()}"
    )


def _way(side: str, options: Mapping[str, Any]) -> Way:
    said = {key: options.get(f"{side}_{key}") for key in _WAY}
    return Way(side, **{key: options.get(key) for key in _BOTH_SIDES}, **said)


def _located(text: str, vpc: str | None, way: Way, location: LocationTable, file: Configuration) -> Wanted:
    if location.snapshot is not None:
        folder = file.path.parent if file.path else Path()
        parts = [str(folder / part) for part in location.snapshot.split(",")]
        return Wanted(text, vpc or location.vpc, way, ",".join(parts))
    if vpc not in (None, location.vpc):
        raise ConfigError(
            f"--{way.side} {text} is {location.vpc}; --{way.side}-vpc says {vpc}; name one of them"
        )
    said = {key: getattr(way, key) or getattr(location, key) for key in (*_WAY, *_BOTH_SIDES)}
    return Wanted(text, location.vpc, Way(way.side, **said))


def _is_file(text: str) -> bool:
    """A path that exists, or that was meant to be one: it is then told as a file that cannot be read."""
    parts = [Path(part) for part in text.split(",") if part]
    return Path(text).exists() or any(
        part.exists() or part.suffix == ".json" or "/" in str(part) for part in parts
    )


def wanted_of_plan(said: Endpoint, options: Mapping[str, Any], file: Configuration) -> Wanted:
    """A plan's target, by the plan's own name for it where the configuration knows that; else by its VPC id, in its
    Region unless the command line names another (which is then refused as not the plan's)."""
    if said.label in file.locations:
        return wanted(said.label, "target", options, file)
    region = options.get("target_region") or said.region or None
    return wanted(said.vpc_id, "target", {**options, "target_region": region}, file)


# --- opening


def open_sides(sides: Sequence[Wanted], world: World) -> list[Side]:
    """In their order. Files first; then the credentials of all live ones, one after the other."""
    files = {index: _open_file(side) for index, side in enumerate(sides) if side.snapshot is not None}
    live = [side for side in sides if side.snapshot is None]
    doors = iter(world.connect([side.way for side in live], world.clock) if live else ())
    return [
        files[index] if index in files else _open_live(side, next(doors)) for index, side in enumerate(sides)
    ]


def _open_live(side: Wanted, doors: Doors) -> LiveSide:
    return LiveSide(side.label, str(side.vpc_id), doors.reader, doors.account, doors.writer, doors.pace)


def _open_file(side: Wanted) -> FileSide:
    spec = str(side.snapshot)
    for key in ("profile", "role_arn", "external_id"):
        if getattr(side.way, key):
            raise ConfigError(
                f"--{side.way.side} {spec} is a snapshot: --{side.way.side}-{key.replace('_', '-')} means nothing "
                "to it; leave it out"
            )
    document = snapshots.load(spec)
    vpc_id = snapshots.choose_vpc(document, side.vpc_id, spec, f"{side.option}-vpc")
    return FileSide(side.label, _in_region(document, side, spec), vpc_id)


def _in_region(document: dict[str, Any], side: Wanted, spec: str) -> dict[str, Any]:
    """Plain answers do not say their Region; ``--SIDE-region`` may."""
    said, found = side.way.region, document.get("Region")
    if said and found and said != found:
        raise ConfigError(f"{side.option}-region {said}: {spec} is of {found}; leave the option out")
    return document | {"Region": said} if said else document


def refuse_same(source: Side, target: Side) -> None:
    """A firewall is not a copy of itself."""
    if source.vpc_id != target.vpc_id:
        return
    places = zip(place_of(source), place_of(target), strict=True)
    if all(not mine or not other or mine == other for mine, other in places):
        raise Refused(
            f"source ({source.label}) and target ({target.label}) are the same VPC, {target.vpc_id}; "
            "name another target"
        )


def check_apart(targets: Sequence[Side]) -> None:
    """One VPC may have two names; it is one target."""
    seen: dict[tuple[str, ...], str] = {}
    for target in targets:
        place = (*place_of(target), target.vpc_id or "")
        if place in seen:
            raise ConfigError(f"--target {seen[place]} and --target {target.label} are one VPC; name it once")
        seen[place] = target.label


def place_of(side: Side) -> tuple[str, str]:
    """(account, Region), as far as a snapshot says."""
    if isinstance(side, FileSide):
        return snapshots.place_of(side.document, side.vpc_id or "")
    identity = side.account.identity()
    return identity.account, identity.region


def described(role: str, side: Side) -> str:
    """The line that stands on stderr before a write."""
    if isinstance(side, FileSide):
        return f"{role}: {side.vpc_id} in the snapshot {side.label}"
    identity = side.account.identity()
    name = "" if side.label == side.vpc_id else f"{side.label}, "
    through = f" through {identity.endpoint}" if identity.endpoint else ""
    return f"{role}: {name}{side.vpc_id} in {identity.account}/{identity.region}, as {identity.arn}{through}"


def must_be_live(side: Side, command: str) -> LiveSide:
    if isinstance(side, FileSide):
        raise ConfigError(
            f"twinwall {command} --target {side.label}: a snapshot cannot be written to; name a VPC, or make a "
            "plan with twinwall plan"
        )
    return side
