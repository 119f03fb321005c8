"""``twinwall drift``: all replicas of the configuration against their sources, for CI."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from twinwall import __version__
from twinwall.cli import collector, completing, output, reporting
from twinwall.cli import options as o
from twinwall.cli.failures import one_line
from twinwall.cli.invocation import Invocation
from twinwall.cli.progress import counted
from twinwall.cli.replicas import Ends, Options, Wish, asked_of, configuration_of, ends_of, wish_of, world_of
from twinwall.cli.results import worst
from twinwall.cli.sides import open_sides
from twinwall.cli.verify import compared, exit_code
from twinwall.cli.world import World
from twinwall.documents.configuration import DEFAULT_PATH, Configuration, ReplicaTable
from twinwall.engine.comparing import Compared
from twinwall.engine.sides import Side
from twinwall.errors import TwinwallError
from twinwall.report.drift import Drift, drift_document, drift_sarif, drift_text
from twinwall.report.junit import drift_junit

T = TypeVar("T")
Tell = Callable[[str], None]
Wishes = Mapping[str, Wish | TwinwallError]


@dataclass(frozen=True)
class _Seen:
    """``part``: what the HTML report has of it; what drifted holds both firewalls for that."""

    drift: Drift
    part: reporting.Make | None


@o.command("drift")
@click.argument("replicas", metavar="[REPLICA]…", nargs=-1, shell_complete=completing.replicas)
@o.endpoint_url
@click.option("--complete", is_flag=True, help="Exit with 2 also if anything was left out or not compared.")
@o.report
@o.general_for_ci
@click.pass_obj
def drift(invocation: Invocation, /, replicas: Sequence[str], complete: bool, **options: Any) -> int:
    """Are all replicas of the configuration in step? For CI.

    Compares each target of each replica (or of the REPLICAs named) with its source, as verify does. What keeps
    one from being compared is told and does not hide the others. Writes nothing. Exit code: 2 if one drifted,
    and the worst of all in the order 1, 3, 2, 0.
    """
    file = configuration_of(invocation)
    names = file.chosen(replicas)
    with collector.paused():
        seen = list(_seen(names, complete, options, invocation, file))
    drifts = [one.drift for one in seen]
    code = worst([one.exit_code for one in drifts])
    _show(drifts, code, file, invocation)
    reporting.write([one.part for one in seen if one.part], invocation)
    return code


def _seen(
    names: Sequence[str], complete: bool, options: Options, invocation: Invocation, file: Configuration
) -> Iterator[_Seen]:
    world = world_of(invocation)
    wishes = {name: _attempt(partial(_wish, name, options, file)) for name in names}
    opened = _opened(wishes, world)
    with counted(invocation, sum(len(file.replica(name).targets) for name in names)) as tell:
        for name in names:
            for seen in _replica(name, file.replica(name), opened[name], complete, world, tell):
                one = seen.drift
                if invocation.output != "text" and one.report:
                    output.remark(f"{one.replica}: {one.target}: {one.state}: {one.words}", invocation)
                yield seen if invocation.report else replace(seen, part=None)


def _wish(name: str, options: Options, file: Configuration) -> Wish:
    return wish_of(asked_of(name, {}, file), options, file)


# --- opening


def _attempt(work: Callable[[], T]) -> T | TwinwallError:
    """What keeps one replica from being compared must not hide the others."""
    try:
        return work()
    except TwinwallError as failure:
        return failure


def _opened(wishes: Wishes, world: World) -> dict[str, Ends | TwinwallError]:
    """All in one go, so that nobody is asked twice for a code; where one fails, each for itself."""
    every = [side for wish in wishes.values() if isinstance(wish, Wish) for side in wish.sides]
    opened = _attempt(lambda: open_sides(every, world))
    rest = None if isinstance(opened, TwinwallError) else iter(opened)
    found: dict[str, Ends | TwinwallError] = {}
    for name, wish in wishes.items():
        found[name] = wish if isinstance(wish, TwinwallError) else _attempt(partial(_ends, wish, rest, world))
    return found


def _ends(wish: Wish, opened: Iterator[Side] | None, world: World) -> Ends:
    sides = open_sides(wish.sides, world) if opened is None else [next(opened) for _ in wish.sides]
    return ends_of(wish, sides)


# --- comparing


def _replica(
    name: str, table: ReplicaTable, ends: Ends | TwinwallError, complete: bool, world: World, tell: Tell
) -> Iterator[_Seen]:
    if isinstance(ends, TwinwallError):
        for target in table.targets:
            tell(f"{name}: {target}")
            yield _failed(name, table.source, target, "", ends)
        return
    source = _attempt(lambda: world.engine.opened(ends.source))
    for side in ends.targets:
        tell(f"{name}: {side.label}")
        begun = world.clock.monotonic()
        found = (
            source
            if isinstance(source, TwinwallError)
            else _attempt(partial(compared, ends, source, side, world.engine))
        )
        if isinstance(found, TwinwallError):
            one = _failed(name, table.source, side.label, side.vpc_id or "", found)
        else:
            code = exit_code(found.report, complete)
            told = Drift(name, table.source, side.label, side.vpc_id or "", code, found.report)
            one = _Seen(told, _part(name, found, in_step=code == 0))
        yield replace(one, drift=replace(one.drift, seconds=world.clock.monotonic() - begun))


def _part(replica: str, found: Compared, *, in_step: bool) -> reporting.Make:
    if in_step:
        return partial(reporting.of_replica_in_step, replica, found.report, found.source, found.target)
    return partial(reporting.of_drift, replica, found)


def _failed(replica: str, source: str, target: str, vpc_id: str, failure: TwinwallError) -> _Seen:
    output.tell(f"twinwall: {replica}: {target}: {failure}")
    error = one_line(str(failure))
    part = partial(reporting.ended, f"{replica}: {target}", reporting.word_of(failure), error)
    return _Seen(Drift(replica, source, target, vpc_id, failure.exit_code, error=error), part)


# --- showing


def _show(drifts: Sequence[Drift], code: int, file: Configuration, invocation: Invocation) -> None:
    match invocation.output:
        case "json":
            output.document(drift_document(drifts, code))
        case "sarif":
            lines = {one.replica: file.line(one.replica) for one in drifts}
            output.document(drift_sarif(drifts, version=__version__, file=_from_here(file.path), lines=lines))
        case "junit":
            output.verbatim(drift_junit(drifts))
        case _:
            output.result(drift_text(drifts))


def _from_here(path: Path | None) -> str:
    """As a repository's checkout calls it, if it lies under the working folder."""
    path = path or DEFAULT_PATH
    whole = path.resolve()
    return (whole.relative_to(Path.cwd()) if whole.is_relative_to(Path.cwd()) else path).as_posix()
