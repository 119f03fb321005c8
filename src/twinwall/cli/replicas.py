"""From options to the two ends of a replica, opened: what plan, migrate and verify start with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from twinwall.cli.invocation import Invocation
from twinwall.cli.sides import Wanted, check_apart, open_sides, wanted
from twinwall.cli.world import World
from twinwall.documents import configuration as configurations
from twinwall.documents import terraform_state
from twinwall.documents.configuration import Configuration
from twinwall.documents.settings import given, option_name, parse_settings
from twinwall.engine.sides import Side
from twinwall.errors import ConfigError
from twinwall.replica.settings import Settings

Options = Mapping[str, Any]
Asked = tuple[str, Sequence[str], Settings]
"""Source, targets, and what was asked between them, as the user calls them."""


@dataclass(frozen=True)
class Ends:
    """One source, its targets, and what was asked between them."""

    source: Side
    targets: tuple[Side, ...]
    settings: Settings


def world_of(invocation: Invocation) -> World:
    if invocation.world is None:
        invocation.world = World()
    return invocation.world


def configuration_of(invocation: Invocation) -> Configuration:
    return configurations.load(Path(invocation.config) if invocation.config else None)


def open_ends(options: Options, invocation: Invocation) -> Ends:
    """Everything that is wrong with the input is told before any credential is looked for."""
    file = configuration_of(invocation)
    wish = wish_of(_asked(options, file), options, file)
    return ends_of(wish, open_sides(wish.sides, world_of(invocation)))


@dataclass(frozen=True)
class Wish:
    """Ends before they are opened: the source, then its targets."""

    sides: tuple[Wanted, ...]
    settings: Settings


def wish_of(asked: Asked, options: Options, file: Configuration) -> Wish:
    source, targets, settings = asked
    sides = [wanted(source, "source", options, file)]
    sides += [wanted(target, "target", options, file) for target in targets]
    _check_distinct(sides[1:])
    return Wish(tuple(sides), settings)


def ends_of(wish: Wish, opened: Sequence[Side]) -> Ends:
    check_apart(opened[1:])
    return Ends(opened[0], tuple(opened[1:]), wish.settings)


def _asked(options: Options, file: Configuration) -> Asked:
    source, targets, name = options["source"], options["target"], options["replica"]
    if name is None:
        if source is None or not targets:
            missing = "--source" if source is None else "--target"
            raise ConfigError(
                f"{missing} is missing; name both sides with --source X --target Y, or --replica NAME"
            )
        return source, targets, _with_states(parse_settings(options), options.get("terraform_state"))
    if source is not None or targets:
        raise ConfigError(f"--replica {name} names source and targets; leave --source and --target out")
    return asked_of(name, options, file)


def asked_of(name: str, options: Options, file: Configuration) -> Asked:
    """What a replica of the configuration says, and what the command line says besides."""
    table = file.replica(name)
    settings = _overridden(options, table.options(), _places(options, file, name))
    if "terraform_state" in options:
        settings = _with_states(settings, options["terraform_state"] or file.terraform_states(name))
    return table.source, table.targets, settings


def _with_states(settings: Settings, states: Sequence[str] | None) -> Settings:
    """Only where something is planned: a command that writes nothing has no use for them."""
    if not states:
        return settings
    return replace(settings, limits=replace(settings.limits, terraform=terraform_state.load_all(states)))


def _overridden(options: Options, said: Mapping[str, Any], where: Callable[[str], str]) -> Settings:
    """An option of the command line takes the place of the replica's key of that name."""
    return parse_settings({**said, **given(options)}, where)


def _places(options: Options, file: Configuration, replica: str) -> Callable[[str], str]:
    on_command_line = given(options)

    def where(name: str) -> str:
        return option_name(name) if name in on_command_line else file.place(replica, name)

    return where


def _check_distinct(targets: Sequence[Wanted]) -> None:
    seen: dict[tuple[Any, ...], str] = {}
    for target in targets:
        key = (target.vpc_id, target.way, target.snapshot)
        if key in seen:
            raise ConfigError(f"--target {target.label} and --target {seen[key]} are the same; name it once")
        seen[key] = target.label
