"""Options in text → ``replica.settings``: parsed and checked once, here.

The command line and ``twinwall.toml`` spell them alike, so both come as one mapping from the option's name
(``map_cidr``) to its text, texts or flag. A wrong value is a ``ConfigError`` that says where it stood.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, get_args

from twinwall.errors import ConfigError
from twinwall.model.net import Cidr, parse_cidr
from twinwall.planning.flow_grammar import FlowPattern, parse_flow
from twinwall.planning.passage import parse_ports
from twinwall.replica.cidrs import check_maps
from twinwall.replica.settings import (
    Associate,
    CidrMap,
    GroupMap,
    Limits,
    Outside,
    Policy,
    Rename,
    Selection,
    Settings,
    Translation,
)

Options = Mapping[str, Any]
Where = Callable[[str], str]

SELECTION = ("group", "tag", "nacl", "exclude", "only")
TRANSLATION = (
    "map_cidr",
    "map_vpc_cidr",
    "map_group",
    "map_account",
    "map_prefix_list",
    "match_by_name",
    "match_cloudformation",
    "outside",
    "rename",
    "associate",
    "copy_tag",
    "rule_tags",
)
LIMITS = (
    "policy",
    "adopt",
    "adopt_managed",
    "prune",
    "max_change",
    "force",
    "protect",
    "strict",
    "allow_gap",
    "client_ports",
)
NAMES = frozenset((*SELECTION, *TRANSLATION, *LIMITS))

REPEATED = frozenset(
    {
        "group",
        "tag",
        "nacl",
        "exclude",
        "map_cidr",
        "map_group",
        "map_account",
        "map_prefix_list",
        "rename",
        "associate",
        "copy_tag",
        "adopt",
        "protect",
    }
)


def option_name(name: str) -> str:
    """``map_cidr`` → ``--map-cidr``."""
    return "--" + name.replace("_", "-")


def given(options: Options) -> dict[str, Any]:
    """What the user said: names of settings only, without what was left out."""
    return {
        name: value for name, value in options.items() if name in NAMES and value not in (None, (), [], False)
    }


def parse_settings(options: Options, where: Where = option_name) -> Settings:
    """``where`` names an option's place in messages."""
    parsed = {name: _parse(name, value, where) for name, value in given(options).items()}

    def fields(names: Iterable[str]) -> dict[str, Any]:
        return {_FIELDS.get(name, name): parsed[name] for name in names if name in parsed}

    return Settings(
        selection=Selection(**fields(SELECTION)),
        translation=Translation(**fields(TRANSLATION)),
        limits=Limits(**fields(LIMITS)),
    )


_FIELDS = {"group": "groups", "tag": "tags", "nacl": "acls"}


def _parse(name: str, value: Any, where: Where) -> Any:
    parser = _PARSERS.get(name)
    if parser is None:
        return tuple(value) if name in REPEATED else value
    try:
        return parser(value)
    except ConfigError as wrong:
        raise ConfigError(f"{where(name).removesuffix(':')}: {wrong}") from None


# --- words


def _pair(text: str, form: str) -> tuple[str, str]:
    left, equals, right = text.partition("=")
    if not (equals and left.strip() and right.strip()):
        raise ConfigError(f"{text!r} is not of the form {form}")
    return left.strip(), right.strip()


def _once(pairs: Iterable[tuple[str, str]], what: str) -> tuple[tuple[str, str], ...]:
    seen: dict[str, str] = {}
    for left, right in pairs:
        if seen.setdefault(left, right) != right:
            raise ConfigError(f"{left} is given twice, as {seen[left]} and as {right}; {what}")
    return tuple(seen.items())


def _one_of(allowed: Sequence[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ConfigError(f"{text!r} is none of {', '.join(allowed)}")
        return text

    return parse


def _some(texts: Sequence[str]) -> tuple[str, ...]:
    if not all(text.strip() for text in texts):
        raise ConfigError("an empty text selects nothing; name an id, a name or a glob")
    return tuple(texts)


# --- selection


def _tags(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple(_tag(text) for text in texts)


def _tag(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (equals and key):
        raise ConfigError(f"{text!r} is not of the form KEY=VALUE; give both")
    return key, value


def _ids(prefix: str, what: str) -> Callable[[Sequence[str]], tuple[str, ...]]:
    def parse(texts: Sequence[str]) -> tuple[str, ...]:
        for text in texts:
            if not text.startswith(prefix):
                raise ConfigError(f"{text!r} is not the id of {what} ({prefix}…); give one")
        return tuple(texts)

    return parse


# --- translation


def _cidr_maps(texts: Sequence[str]) -> tuple[CidrMap, ...]:
    pairs = (map(parse_cidr, _pair(text, "FROM=TO, two CIDR blocks")) for text in texts)
    maps = tuple(CidrMap(source, target) for source, target in pairs)
    check_maps(maps)
    return maps


_LOOKS_LIKE_CIDR = re.compile(r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:.]*)(?:/.*)?\Z")


def _group_maps(texts: Sequence[str]) -> tuple[GroupMap, ...]:
    pairs = _once((_pair(text, "SRC=DST") for text in texts), "a group has one counterpart")
    return tuple(_group_map(source, target) for source, target in pairs)


def _group_map(source: str, target: str) -> GroupMap:
    parts = [part.strip() for part in target.split(",")]
    if not any(_LOOKS_LIKE_CIDR.match(part) for part in parts):
        return GroupMap(source, target=target)
    cidrs: tuple[Cidr, ...] = tuple(dict.fromkeys(map(parse_cidr, parts)))
    return GroupMap(source, cidrs=cidrs)


_ACCOUNT = re.compile(r"[0-9]{12}\Z")


def _account_maps(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    pairs = _once((_pair(text, "A=B, two account ids") for text in texts), "an account has one counterpart")
    for account in (account for pair in pairs for account in pair):
        if not _ACCOUNT.match(account):
            raise ConfigError(f"{account!r} is not an account id of 12 digits; give one")
    return pairs


def _list_maps(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return _once((_pair(text, "SRC=DST, two prefix lists") for text in texts), "a list has one counterpart")


def _renames(texts: Sequence[str]) -> tuple[Rename, ...]:
    pairs = _once((_pair(text, "GLOB=PATTERN") for text in texts), "a glob has one pattern")
    for _, pattern in pairs:
        if pattern.lower().startswith("sg-"):
            raise ConfigError(
                f"the pattern {pattern!r} makes a name that starts with sg-, which EC2 refuses; begin it otherwise"
            )
    return tuple(Rename(glob, pattern) for glob, pattern in pairs)


def _associate(texts: Sequence[str] | str) -> Associate:
    words = [texts] if isinstance(texts, str) else list(dict.fromkeys(texts))
    if words == ["none"]:
        return "none"
    if words == ["auto"]:
        return "auto"
    if {"none", "auto"} & set(words):
        raise ConfigError(f"{', '.join(words)} exclude each other; say none, auto, or SUBNET=SUBNET for each")
    pairs = _once(
        (_pair(word, "none, auto or SUBNET=SUBNET") for word in words), "a subnet has one counterpart"
    )
    _check_subnets(pairs)
    return pairs


def _check_subnets(pairs: tuple[tuple[str, str], ...]) -> None:
    sources: dict[str, str] = {}
    for source, target in pairs:
        if sources.setdefault(target, source) != source:
            raise ConfigError(
                f"{target} is to get the ACL of {sources[target]} and of {source}; a subnet has exactly one"
            )


# --- limits


def _percent(value: Any) -> float:
    text = str(value).strip().removesuffix("%")
    try:
        percent = float(text)
    except ValueError:
        raise ConfigError(f"{value!r} is not a number of percent; give one from 0 to 100") from None
    if not 0 <= percent <= 100:
        raise ConfigError(f"{value} percent is not between 0 and 100; --force allows any change")
    return percent


def _flows(texts: Sequence[str]) -> tuple[FlowPattern, ...]:
    return tuple(map(parse_flow, texts))


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "group": _some,
    "exclude": _some,
    "adopt": _some,
    "tag": _tags,
    "nacl": _ids("acl-", "a network ACL"),
    "only": _one_of(("groups", "nacls")),
    "map_cidr": _cidr_maps,
    "map_group": _group_maps,
    "map_account": _account_maps,
    "map_prefix_list": _list_maps,
    "outside": _one_of(get_args(Outside)),
    "rename": _renames,
    "associate": _associate,
    "policy": _one_of(get_args(Policy)),
    "max_change": _percent,
    "protect": _flows,
    "client_ports": parse_ports,
}
