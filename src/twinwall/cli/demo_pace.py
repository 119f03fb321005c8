"""How the served demo behaves: throttled, slow, with faults, with policies enforced."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from twinwall.cli.numbers import Finite
from twinwall.errors import ConfigError

if TYPE_CHECKING:
    from twinwall.emulator.faults import Fault
    from twinwall.emulator.pace import Pace

_OPTIONS = (
    click.option(
        "--throttle",
        is_flag=True,
        help="With --serve: EC2's documented token buckets, one for each action, account and Region.",
    ),
    click.option(
        "--latency-ms",
        type=Finite(0),
        default=0.0,
        metavar="N",
        help="With --serve: each call takes N ms more.",
    ),
    click.option(
        "--fault",
        "faults",
        multiple=True,
        metavar="SPEC",
        help="With --serve: what befalls a call, as ACTION[@REGION][:N[+]]=WHAT: the Nth call of ACTION (with + "
        "every later one too). WHAT is an error code, STATUS:CODE, drop (done, the answer is lost), cut (not done, "
        "no answer), late:SECONDS, slow:SECONDS or unreachable. Repeatable.",
    ),
    click.option(
        "--time-scale",
        type=Finite(0, min_open=True),
        default=1.0,
        metavar="K",
        help="With --serve: buckets, latency, heartbeats, schedules and the seconds of faults run K times as fast.",
    ),
    click.option(
        "--enforce-iam",
        is_flag=True,
        help="With --serve: users and roles may do what their IAM policies allow; the keys that are printed, "
        "everything.",
    ),
)


def options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@dataclass(frozen=True)
class Served:
    """``--serve``'s own options."""

    port: int = 0
    throttle: bool = False
    latency_ms: float = 0.0
    faults: tuple[str, ...] = ()
    time_scale: float = 1.0
    enforce_iam: bool = False

    def check(self, *, serve: bool) -> None:
        if not serve and self != Served():
            raise ConfigError(
                "--port, --throttle, --latency-ms, --fault, --time-scale and --enforce-iam are of --serve; say "
                "--serve too, or none"
            )

    def pace(self) -> "Pace":
        from twinwall.emulator.pace import Pace  # noqa: PLC0415 - not needed for --help

        return Pace(throttle=self.throttle, latency_ms=self.latency_ms, time_scale=self.time_scale)

    def troubles(self) -> "list[Fault]":
        """Raises ``ConfigError`` for one that cannot be read."""
        from twinwall.emulator.fault_text import parse_fault  # noqa: PLC0415 - likewise

        return [parse_fault(text) for text in self.faults]
