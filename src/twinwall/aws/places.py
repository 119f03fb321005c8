"""Sessions of a mesh's places: the function's own, and those of other accounts by their roles."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.loaders import Loader, create_loader
from botocore.session import Session

from twinwall.aws.credentials import given
from twinwall.aws.faults import faults
from twinwall.aws.models import loader_of
from twinwall.aws.parsing import read_quickly
from twinwall.errors import AwsError
from twinwall.mesh.configure import Configured, Way
from twinwall.model.members import Place

_QUICK = Config(connect_timeout=1, read_timeout=1.5, retries={"mode": "standard", "total_max_attempts": 1})
"""Of the call that assumes a role: it is a part of the first call there, which has 3 s in all."""


def sessions(
    configured: Configured, home: Place | None, profile: str | None = None, models: str | None = None
) -> Callable[[Place], Session]:
    """A place whose way names a role is reached by it, unless it is the function's own. ``models``: a folder of cut
    service models. One loader for all, so that each model, megabytes of it, is read once."""
    loader = loader_of(models) if models else create_loader(Session().get_config_variable("data_path"))
    base = _session(profile, loader)

    def session(place: Place) -> Session:
        way = configured.ways.get(str(place))
        if place == home or way is None or not way.role_arn:
            return base
        return _assumed(base, way.role_arn, loader, (home or place).region)

    return session


def account_sessions(
    profiles: Mapping[str, str], roles: Mapping[str, str], ways: Mapping[str, Way] | None = None
) -> Callable[[Place], Session]:
    """Ways into accounts by what the user said: account → profile (the empty account: all others) and account → role,
    which is taken on with the profile's credentials. ``ways``: those of the functions, for an account of which nothing
    was said and which is not the credentials' own; with them, credentials of another account raise ``AwsError``: a
    table of the same name there would be taken for the mesh's."""
    loader = create_loader(Session().get_config_variable("data_path"))

    @cache
    def own(profile: str | None, region: str) -> str:
        thing = f"the account of {f'profile {profile}' if profile else 'the environment'}"
        with faults("asking for", thing):
            sts: Any = _session(profile, loader).create_client("sts", region_name=region)
            return str(sts.get_caller_identity()["Account"])

    def session(place: Place) -> Session:
        profile, role = profiles.get(place.account, profiles.get("")), roles.get(place.account)
        base = _session(profile, loader)
        way = (ways or {}).get(str(place))
        if not role and place.account not in profiles and way and way.role_arn:
            role = way.role_arn if own(profile, place.region) != place.account else None
        if role:
            return _assumed(base, role, loader, place.region)
        if ways is not None and (found := own(profile, place.region)) != place.account:
            raise AwsError(
                f"reaching {place}: the credentials are of account {found}; way out: --profile {place.account}=NAME, "
                f"or --role-arn of a role in {place.account}"
            )
        return base

    return session


def _session(profile: str | None, loader: Loader) -> Session:
    made = Session(profile=profile)
    made.register_component("data_loader", loader)
    read_quickly(made)
    return made


def _assumed(source: Session, role_arn: str, loader: Loader, region: str | None = None) -> Session:
    """Credentials are fetched on first use, from the STS of this Region or of the profile's, and renew themselves."""
    make_sts = partial(source.create_client, region_name=region, config=_QUICK)
    fetcher = AssumeRoleCredentialFetcher(make_sts, source.get_credentials(), role_arn)
    made = _session(None, loader)
    given(made, DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role"))
    return made
