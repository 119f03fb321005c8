"""The tables of ``twinwall.toml``, checked: a wrong key or value is a ``ConfigError`` with file, line and key."""

import difflib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from twinwall.documents.configuration import Configuration, LocationTable, ReplicaTable, place_of
from twinwall.documents.settings import parse_settings
from twinwall.errors import ConfigError, DocumentError
from twinwall.mesh.configure import Configured, configure

Table = TypeVar("Table", bound=msgspec.Struct)


def read(path: Path, text: str) -> Configuration:
    """``text`` is the file's. Raises ``DocumentError`` for what is not TOML, ``ConfigError`` for the rest."""
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
            header = ("meshes", name, "sites") if _of_a_site(key, raw, str(wrong)) else ("meshes", name)
            known = key in raw or len(header) == 3
            raise self.wrong(header, key if known else "", str(wrong)) from None

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
        return ConfigError(f"{place_of(self.path, self.text, header, key)} {why}")


def _of_a_site(key: str, raw: dict[str, Any], why: str) -> bool:
    """A key that no site knows stands where it is written; a wrong value may be any site's."""
    sites = raw.get("sites")
    tables = [site for site in sites if isinstance(site, dict)] if isinstance(sites, list) else []
    return "is no key of a site" in why and any(key in site for site in tables)


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
