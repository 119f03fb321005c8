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

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from twinwall.documents.files import read_text
from twinwall.documents.settings import NAMES
from twinwall.errors import ConfigError

if TYPE_CHECKING:
    from twinwall.mesh.configure import Configured

DEFAULT_PATH = Path("twinwall.toml")


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
    meshes: dict[str, "Configured"] = field(default_factory=dict)
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

    def mesh(self, name: str | None) -> "Configured":
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
        return place_of(self.path or DEFAULT_PATH, self.text, ("replicas", replica), key)

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
    from twinwall.documents.tables import read  # noqa: PLC0415 - most runs have no such file

    return read(path, text)


def place_of(path: Path, text: str, header: tuple[str, ...], key: str) -> str:
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
