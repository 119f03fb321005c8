"""How each account of a mesh is reached by hand: ``--profile`` and ``--role-arn``, each repeatable."""

from collections.abc import Callable, Sequence
from typing import Any

import click

from twinwall.errors import ConfigError

_ACCOUNT_DIGITS = 12


def ways(command: Callable[..., Any]) -> Callable[..., Any]:
    role = click.option(
        "--role-arn", "role_arns", multiple=True, metavar="ARN",
        help="A role to take on in its own account; may be repeated.",
    )  # fmt: skip
    profile = click.option(
        "--profile", "profiles", multiple=True, metavar="[ACCOUNT=]NAME",
        help="Profile of the AWS configuration, for all accounts or for one; may be repeated.",
    )  # fmt: skip
    return profile(role(command))


def profiles_of(given: Sequence[str]) -> dict[str, str]:
    """Account → profile; the empty account is all others."""
    found: dict[str, str] = {}
    for text in given:
        account, equals, name = text.rpartition("=")
        if equals and not (account.isdigit() and len(account) == _ACCOUNT_DIGITS):
            account, name = "", text
        if found.setdefault(account, name) != name:
            raise ConfigError(
                f"--profile {text}: {account or 'all accounts'} has the profile {found[account]} already; leave one out"
            )
    return found


def roles_of(given: Sequence[str]) -> dict[str, str]:
    """Account → role."""
    found: dict[str, str] = {}
    for arn in given:
        parts = arn.split(":")
        if len(parts) < 6 or parts[2] != "iam" or not parts[5].startswith("role/"):
            raise ConfigError(f"--role-arn {arn}: that is none; write arn:aws:iam::ACCOUNT:role/NAME")
        if found.setdefault(parts[4], arn) != arn:
            raise ConfigError(
                f"--role-arn {arn}: the account {parts[4]} has {found[parts[4]]} already; leave one out"
            )
    return found
