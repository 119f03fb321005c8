"""Sessions of a mesh's places: the function's own, and those of other accounts by their roles."""

from collections.abc import Callable

import boto3
import botocore.session
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

from twinwall.aws.credentials import given
from twinwall.mesh.configure import Configured
from twinwall.model.members import Place


def sessions(
    configured: Configured, home: Place | None, profile: str | None = None
) -> Callable[[Place], boto3.Session]:
    """A place whose way names a role is reached by it, unless it is the function's own."""
    base = boto3.Session(profile_name=profile, region_name=home.region if home else None)

    def session(place: Place) -> boto3.Session:
        way = configured.ways.get(str(place))
        if place == home or way is None or not way.role_arn:
            return base
        return _assumed(way.role_arn, place, profile)

    return session


def _assumed(role_arn: str, place: Place, profile: str | None) -> boto3.Session:
    """Credentials are fetched on first use and renew themselves."""
    source = botocore.session.Session(profile=profile)
    fetcher = AssumeRoleCredentialFetcher(source.create_client, source.get_credentials(), role_arn)
    core = botocore.session.get_session()
    given(core, DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role"))
    return boto3.Session(botocore_session=core, region_name=place.region)
