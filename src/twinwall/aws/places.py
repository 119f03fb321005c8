"""Sessions of a mesh's places: the function's own, and those of other accounts by their roles."""

from collections.abc import Callable
from functools import partial

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

from twinwall.aws.credentials import given
from twinwall.mesh.configure import Configured
from twinwall.model.members import Place

_LOADER = "data_loader"
"""botocore's component that reads service models and keeps them: megabytes each, read once for all sessions."""

_QUICK = Config(connect_timeout=1, read_timeout=1.5, retries={"mode": "standard", "total_max_attempts": 1})
"""Of the call that assumes a role: it is a part of the first call there, which has 3 s in all."""


def sessions(
    configured: Configured, home: Place | None, profile: str | None = None
) -> Callable[[Place], boto3.Session]:
    """A place whose way names a role is reached by it, unless it is the function's own."""
    core = botocore.session.Session(profile=profile)
    base = boto3.Session(botocore_session=core, region_name=home.region if home else None)

    def session(place: Place) -> boto3.Session:
        way = configured.ways.get(str(place))
        if place == home or way is None or not way.role_arn:
            return base
        return _assumed(core, way.role_arn, place, home or place)

    return session


def _assumed(source: botocore.session.Session, role_arn: str, place: Place, asked: Place) -> boto3.Session:
    """Credentials are fetched on first use, from the Region of ``asked``, and renew themselves."""
    make_sts = partial(source.create_client, region_name=asked.region, config=_QUICK)
    fetcher = AssumeRoleCredentialFetcher(make_sts, source.get_credentials(), role_arn)
    core = botocore.session.get_session()
    core.register_component(_LOADER, source.get_component(_LOADER))
    given(core, DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role"))
    return boto3.Session(botocore_session=core, region_name=place.region)
