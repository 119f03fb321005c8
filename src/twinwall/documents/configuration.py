"""``twinwall.toml``: named locations, replicas and meshes.

    [locations.staging]                      [replicas.staging]
    vpc = "vpc-0abc"                         source = "production"
    profile = "staging"                      targets = ["staging", "vpc-0def"]
    region = "eu-west-1"                     map_vpc_cidr = true
                                             outside = "skip"
    [locations.production]
    snapshot = "production/"                 [meshes.web]
                                             …

A wrong key or value is a ``ConfigError`` with the file, the line and the key. In a replica every option of
selection, translation and policy is a key, without its dashes: ``--map-cidr`` is ``map_cidr``.
"""

import difflib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from twinwall.documents.files import read_text
from twinwall.documents.settings import NAMES, parse_settings
from twinwall.errors import ConfigError, DocumentError
from twinwall.mesh.configure import Configured, configure

DEFAULT_PATH = Path("twinwall.toml")
Table = TypeVar("Table", bound=msgspec.Struct)


class LocationTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One place: a VPC and the way to it, or a snapshot."""

    vpc: str | None = None
    snapshot: str | None = None
    profile: str | None = None
    region: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    endpoint_url: str | None = None
    throttle_share: float | None = None


class ReplicaTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One source, its targets, and the options between them, spelled as on the command line."""

    source: str
    targets: list[str]
    group: list[str] = []
    tag: list[str] = []
    nacl: list[str] = []
    exclude: list[str] = []
    only: str | None = None
    map_cidr: list[str] = []
    map_vpc_cidr: bool = False
    map_group: list[str] = []
    map_account: list[str] = []
    map_prefix_list: list[str] = []
    match_by_name: bool = False
    match_cloudformation: bool = False
    outside: str | None = None
    rename: list[str] = []
    associate: str | list[str] | None = None
    copy_tag: list[str] = []
    rule_tags: bool = False
    policy: str | None = None
    adopt: list[str] = []
    adopt_managed: bool = False
    prune: bool = False
    max_change: float | None = None
    force: bool = False
    protect: list[str] = []
    strict: bool = False
    allow_gap: bool = False
    terraform_state: list[str] = []
    client_ports: str | None = None

    def options(self) -> dict[str, Any]:
        """What the table says, as the command line would."""
        return {name: getattr(self, name) for name in sorted(NAMES)}


@dataclass(frozen=True)
class Configuration:
    """``path`` is None where there is no file; then there are no names."""

    path: Path | None = None
    locations: dict[str, LocationTable] = field(default_factory=dict)
    replicas: dict[str, ReplicaTable] = field(default_factory=dict)
    meshes: dict[str, Configured] = field(default_factory=dict)
    text: str = ""

    def replica(self, name: str) -> ReplicaTable:
        if name not in self.replicas:
            raise ConfigError(f"replica {name}: {self._known('replica', list(self.replicas))}")
        return self.replicas[name]

    def chosen(self, names: Sequence[str]) -> list[str]:
        """The replicas named, or all; each once. Raises ``ConfigError`` for a name that is none."""
        wanted = list(dict.fromkeys(names or self.replicas))
        for name in wanted:
            self.replica(name)
        if not wanted:
            raise ConfigError(f"there is no replica to look at: {self._known('replica', [])}")
        return wanted

    def terraform_states(self, replica: str) -> list[str]:
        """The replica's state files, from the configuration's own folder."""
        folder = self.path.parent if self.path else Path()
        return [str(folder / name) for name in self.replica(replica).terraform_state]

    def line(self, replica: str) -> int:
        """The line of the replica's table."""
        return line_of(self.text, ("replicas", replica), "")

    def mesh(self, name: str | None) -> Configured:
        """The mesh named, or the only one."""
        if name is None and len(self.meshes) == 1:
            return next(iter(self.meshes.values()))
        if name is None:
            raise ConfigError(f"--mesh NAME is needed: {self._known('mesh', list(self.meshes))}")
        if name not in self.meshes:
            raise ConfigError(f"--mesh {name}: {self._known('mesh', list(self.meshes))}")
        return self.meshes[name]

    def place(self, replica: str, key: str) -> str:
        """Where a replica's key stands, for a message."""
        return _place(self.path or DEFAULT_PATH, self.text, ("replicas", replica), key)

    def known_locations(self) -> str:
        return self._known("location", list(self.locations))

    def _known(self, what: str, names: list[str]) -> str:
        if self.path is None:
            return (
                f"there is no {DEFAULT_PATH} here that could name a {what}; name the file with --config FILE"
            )
        return f"{self.path} names no such {what}; it names {', '.join(names) or 'none'}"


def load(path: Path | None) -> Configuration:
    """The file named, or ``twinwall.toml`` of the working folder if there is one."""
    if path is None:
        if not DEFAULT_PATH.is_file():
            return Configuration()
        path = DEFAULT_PATH
    text = read_text(path, "the configuration")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise DocumentError(f"the configuration {path} is not TOML: {wrong}; correct it") from None
    return _Reader(path, text).configuration(document)


@dataclass(frozen=True)
class _Reader:
    path: Path
    text: str

    def configuration(self, document: dict[str, Any]) -> Configuration:
        for key in document:
            if key not in ("locations", "replicas", "meshes"):
                raise self.wrong((), key, "is none of locations, replicas, meshes")
        locations = self.tables(document, "locations", LocationTable)
        replicas = self.tables(document, "replicas", ReplicaTable)
        meshes = {name: self.mesh(name, raw) for name, raw in self.tables_only(document, "meshes").items()}
        self.check_meshes(meshes)
        for name, location in locations.items():
            self.check_location(name, location)
        configuration = Configuration(self.path, locations, replicas, meshes, self.text)
        for name, replica in replicas.items():
            self.check_replica(name, replica, configuration)
        return configuration

    def tables_only(self, document: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
        tables = document.get(kind, {})
        if not isinstance(tables, dict):
            raise self.wrong((), kind, f"is not a table; write [{kind}.NAME]")
        for name, table in tables.items():
            if not isinstance(table, dict):
                raise self.wrong((kind,), name, f"is not a table; write [{kind}.NAME]")
        return tables

    def tables(self, document: dict[str, Any], kind: str, type_: type[Table]) -> dict[str, Table]:
        raw = self.tables_only(document, kind)
        return {name: self.table((kind, name), table, type_) for name, table in raw.items()}

    def table(self, header: tuple[str, ...], raw: dict[str, Any], type_: type[Table]) -> Table:
        try:
            return msgspec.convert(raw, type_, strict=True)
        except msgspec.ValidationError as wrong:
            key, why = _explain(str(wrong), type_.__struct_fields__)
            raise self.wrong(header, key, why) from None

    def check_location(self, name: str, location: LocationTable) -> None:
        header = ("locations", name)
        if name.startswith("vpc-") or "," in name:
            raise self.wrong(
                header, "", "is a name that can never be meant; choose one that is no VPC id or list"
            )
        if location.vpc is None and location.snapshot is None:
            raise self.wrong(header, "", "says neither vpc nor snapshot; say which of them it is")
        if location.vpc is not None and not location.vpc.startswith("vpc-"):
            raise self.wrong(header, "vpc", f"is {location.vpc!r}; a VPC id (vpc-…) is wanted")
        if location.external_id and not location.role_arn:
            raise self.wrong(header, "external_id", "means nothing without role_arn")
        share = location.throttle_share
        if share is not None and not 1 <= share <= 100:
            raise self.wrong(header, "throttle_share", f"is {share:g}; a percentage from 1 to 100 is wanted")
        for key in ("profile", "region", "role_arn", "endpoint_url", "throttle_share"):
            if location.snapshot is not None and getattr(location, key) is not None:
                raise self.wrong(
                    header, key, "means nothing beside snapshot: a file needs no way to an account"
                )

    def check_replica(self, name: str, replica: ReplicaTable, configuration: Configuration) -> None:
        header = ("replicas", name)
        if not replica.targets:
            raise self.wrong(header, "targets", "is empty; name at least one target")
        if len(set(replica.targets)) != len(replica.targets):
            raise self.wrong(header, "targets", "names a target twice")
        parse_settings(replica.options(), lambda key: configuration.place(name, key))

    def mesh(self, name: str, raw: dict[str, Any]) -> Configured:
        try:
            return configure(name, raw)
        except ConfigError as wrong:
            key = str(wrong).partition(" ")[0]
            raise self.wrong(("meshes", name), key if key in raw else "", str(wrong)) from None

    def check_meshes(self, meshes: dict[str, Configured]) -> None:
        """One group belongs to one mesh, and so does one Auto Scaling group."""
        seen: dict[str, str] = {}
        for name, found in meshes.items():
            for site in found.mesh.sites:
                for thing in (*site.groups, f"{site.account}/{site.key}"):
                    other = seen.setdefault(thing, name)
                    if other != name:
                        raise self.wrong(
                            ("meshes", name), "sites", f"names {thing}, which is the mesh {other}'s"
                        )

    def wrong(self, header: tuple[str, ...], key: str, why: str) -> ConfigError:
        return ConfigError(f"{_place(self.path, self.text, header, key)} {why}")


# --- what msgspec says, in our words


_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_MISSING = re.compile(r"Object missing required field `(.*)`")
_WRONG_TYPE = re.compile(r"Expected `(.*)`, got `(.*)` - at `\$\.([^.\[`]+)")
_TYPE_WORDS = {"str": "a text", "array": "a list of texts", "bool": "true or false", "float": "a number"}


def _explain(message: str, known: tuple[str, ...]) -> tuple[str, str]:
    """(key, what is wrong with it)."""
    if match := _UNKNOWN.match(message):
        key = match.group(1)
        close = difflib.get_close_matches(key.replace("-", "_"), known, 1)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
        return key, f"is no key of this table; {hint}"
    if match := _MISSING.match(message):
        return "", f"has no key {match.group(1)}"
    if match := _WRONG_TYPE.match(message):
        wanted, found, key = match.groups()
        words = " or ".join(
            _TYPE_WORDS.get(word.strip(), word) for word in wanted.split("|") if word.strip() != "null"
        )
        return key, f"is of the type {found}; {words} is wanted"
    return "", message


# --- where a key stands


def _place(path: Path, text: str, header: tuple[str, ...], key: str) -> str:
    """``twinwall.toml, line 12, [locations.prod] vpc``"""
    table = f"[{'.'.join(header)}]" if header else ""
    words = " ".join(part for part in (table, key) if part)
    return f"{path}, line {line_of(text, header, key)}, {words}:"


def line_of(text: str, header: tuple[str, ...], key: str) -> int:
    """The line of a key, else of its table's header, else 1. TOML lets a key be written in several ways;
    what is found by none of them is the table's line."""
    found, inside = 0, not header
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("["):
            names = _names(line.strip().strip("[]").split("]")[0])
            inside = names == header
            if inside or names == (*header, key):
                found = number
            if names == (*header, key):
                return number
            continue
        name = _names(line.partition("=")[0]) if "=" in line else ()
        if key and inside and name[:1] == (key,):
            return number
        if header and name and name[: len(header)] == header[:1] and not found:
            found = number
    return found or 1


_NAME = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*(?:\.|\Z)""")


def _names(text: str) -> tuple[str, ...]:
    """A dotted TOML key as its names: ``locations."my prod"`` → ("locations", "my prod")."""
    return tuple(next(name for name in match if name) for match in _NAME.findall(text.strip()) if any(match))
