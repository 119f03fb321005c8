"""When credentials end, and what then: no renewal, no question, one clear line."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from pathlib import Path

import botocore.session
import pytest
from botocore.credentials import Credentials, ReadOnlyCredentials, RefreshableCredentials

from twinwall.aws.credentials import Ready, remaining_seconds
from twinwall.aws.profiles import devices, sso_token_ends
from twinwall.ec2.faults import Place
from twinwall.errors import CredentialsError

PLACE = Place(side="source", profile="dev")
KEYS = ReadOnlyCredentials("AKID", "secret", "token", None)
NOW = datetime.now(UTC)


def refreshing(ends: datetime) -> RefreshableCredentials:
    def never() -> dict[str, str]:
        raise AssertionError("nobody was to renew these")

    return RefreshableCredentials("a", "b", "c", ends, never, "test", advisory_timeout=0, mandatory_timeout=0)


@pytest.mark.parametrize("seconds", [1, 900, 3600, 43200, 86400 * 30])
def test_what_remains_is_found_to_the_second(seconds: int) -> None:
    found = remaining_seconds(refreshing(datetime.now(UTC) + timedelta(seconds=seconds)))
    assert found is not None
    assert seconds - 2 <= found <= seconds


def test_what_has_expired_has_nothing_left() -> None:
    assert remaining_seconds(refreshing(NOW - timedelta(hours=1))) == 0


def test_lasting_keys_have_no_end() -> None:
    assert remaining_seconds(Credentials("a", "b")) is None


def test_frozen_credentials_serve_until_their_end_and_then_say_so(caplog: pytest.LogCaptureFixture) -> None:
    good = Ready.frozen(
        KEYS, datetime.now(UTC) + timedelta(minutes=9), PLACE, "made with an MFA code"
    ).guarded(PLACE)
    assert good.get_frozen_credentials().token == "token"
    assert caplog.records == []  # botocore would try to renew them a quarter of an hour before
    over = Ready.frozen(KEYS, NOW - timedelta(seconds=1), PLACE, "made with an MFA code").guarded(PLACE)
    with pytest.raises(
        CredentialsError, match=r"made with an MFA code have expired; way out: .*nothing is lost"
    ):
        over.get_frozen_credentials()


def test_a_renewal_that_brings_nothing_new_is_told_in_our_words() -> None:
    ends = (NOW - timedelta(hours=1)).isoformat()
    stale = {"access_key": "a", "secret_key": "b", "token": "c", "expiry_time": ends}
    inner = RefreshableCredentials.create_from_metadata(stale, lambda: stale, "custom-process")
    with pytest.raises(CredentialsError, match="profile dev"):
        Ready(inner, None, PLACE).guarded(PLACE).get_frozen_credentials()


@pytest.fixture
def core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> botocore.session.Session:
    monkeypatch.setenv("HOME", str(tmp_path))
    config = tmp_path / "config"
    config.write_text(
        "[sso-session corp]\nsso_start_url = https://corp/start\nsso_region = eu-west-1\n"
        "[profile dev]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = r\n"
        "[profile top]\nrole_arn = arn:top\nsource_profile = dev\n"
        "[profile keys]\naws_access_key_id = a\naws_secret_access_key = b\nmfa_serial = s0\n"
        "[profile one]\nrole_arn = arn:one\nsource_profile = keys\nmfa_serial = s1\n"
        "[profile two]\nrole_arn = arn:two\nsource_profile = one\n"
        "[profile self]\nrole_arn = arn:self\nsource_profile = self\nmfa_serial = s2\n"
        "aws_access_key_id = a\naws_secret_access_key = b\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    return botocore.session.Session()


@pytest.mark.parametrize("profile", ["dev", "top"])
@pytest.mark.parametrize("renews", [True, False])
def test_an_sso_token_ends_unless_it_renews_itself(
    core: botocore.session.Session, tmp_path: Path, profile: str, renews: bool
) -> None:
    core.set_config_variable("profile", profile)
    assert sso_token_ends(core) is None
    token = {"accessToken": "t", "expiresAt": "2030-01-02T03:04:05UTC"} | (
        {"refreshToken": "r"} if renews else {}
    )
    cache = tmp_path / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    (cache / f"{sha1(b'corp').hexdigest()}.json").write_text(json.dumps(token))
    assert sso_token_ends(core) == (None if renews else datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC))


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("keys", ()),
        ("one", (("s1", "arn:one"),)),
        ("two", (("s1", "arn:one"),)),
        ("self", (("s2", "arn:self"),)),
        ("dev", ()),
    ],
)
def test_the_devices_of_a_chain(
    core: botocore.session.Session, profile: str, expected: tuple[tuple[str, str], ...]
) -> None:
    core.set_config_variable("profile", profile)
    assert devices(core) == expected
