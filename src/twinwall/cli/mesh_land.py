"""The accounts that a mesh is deployed to: how each is reached, in the words of the command line."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import click

from twinwall.aws.deploying import AwsGround
from twinwall.aws.places import account_sessions
from twinwall.cli import output
from twinwall.cli.invocation import Invocation
from twinwall.cli.replicas import world_of
from twinwall.engine.deployment.ground import Ground, Land
from twinwall.errors import ConfigError
from twinwall.mesh.configure import Configured
from twinwall.model.members import Place

_ACCOUNT_DIGITS = 12


def ways(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--profile`` and ``--role-arn``, each repeatable."""
    role = click.option(
        "--role-arn", "role_arns", multiple=True, metavar="ARN",
        help="A role to deploy with in its own account; may be repeated.",
    )  # fmt: skip
    profile = click.option(
        "--profile", "profiles", multiple=True, metavar="[ACCOUNT=]NAME",
        help="Profile of the AWS configuration, for all accounts or for one; may be repeated.",
    )  # fmt: skip
    return profile(role(command))


def land_of(
    invocation: Invocation, configured: Configured, profiles: Sequence[str], role_arns: Sequence[str]
) -> Land:
    session = account_sessions(_profiles(profiles), _roles(role_arns))

    @cache
    def at(place: Place) -> Ground:
        return AwsGround(session(place.account), place)

    return Land(configured, at, world_of(invocation).clock, lambda line: output.remark(line, invocation))


def _profiles(given: Sequence[str]) -> dict[str, str]:
    """Account → profile; the empty account is all others."""
    found: dict[str, str] = {}
    for text in given:
        account, equals, name = text.rpartition("=")
        if equals and not (account.isdigit() and len(account) == _ACCOUNT_DIGITS):
            account, name = "", text
        if found.setdefault(account, name) != name:
            raise ConfigError(
                f"--profile {text}: {account or 'all accounts'} has the profile {found[account]} already; name one"
            )
    return found


def _roles(given: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for arn in given:
        parts = arn.split(":")
        if len(parts) < 6 or parts[2] != "iam" or not parts[5].startswith("role/"):
            raise ConfigError(f"--role-arn {arn}: that is none; write arn:aws:iam::ACCOUNT:role/NAME")
        if found.setdefault(parts[4], arn) != arn:
            raise ConfigError(
                f"--role-arn {arn}: the account {parts[4]} has {found[parts[4]]} already; name one"
            )
    return found
