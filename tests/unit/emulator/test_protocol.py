"""EC2's wire form: read and written by the model, understood by botocore's own parser."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.parsers import EC2QueryParser
from botocore.serialize import EC2Serializer
from hypothesis import given
from hypothesis import strategies as st

from twinwall.emulator.protocol import operation, parse_input, write_answer, write_refusal
from twinwall.emulator.refusal import Refusal

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), min_size=1, max_size=12)


def form(action: str, params: dict[str, Any]) -> dict[str, str]:
    """The form that botocore sends."""
    body: dict[str, Any] = EC2Serializer().serialize_to_request(params, operation(action))["body"]
    text = {True: "true", False: "false"}
    return {key: text[value] if isinstance(value, bool) else str(value) for key, value in body.items()}


def parsed(action: str, body: bytes, status: int = 200) -> dict[str, Any]:
    answer = {"body": body, "headers": {}, "status_code": status}
    shape = operation(action).output_shape
    assert shape is not None
    found: dict[str, Any] = EC2QueryParser().parse(answer, shape)
    found.pop("ResponseMetadata")
    return found


REQUESTS = st.fixed_dictionaries(
    {
        "GroupId": TEXT,
        "IpPermissions": st.lists(
            st.fixed_dictionaries(
                {
                    "IpProtocol": TEXT,
                    "FromPort": st.integers(-1, 65535),
                    "IpRanges": st.lists(
                        st.fixed_dictionaries({"CidrIp": TEXT, "Description": TEXT}), min_size=1, max_size=3
                    ),
                    "UserIdGroupPairs": st.lists(
                        st.fixed_dictionaries({"GroupId": TEXT}), min_size=1, max_size=2
                    ),
                }
            ),
            min_size=1,
            max_size=12,
        ),
        "DryRun": st.booleans(),
    }
)


@given(REQUESTS)
def test_what_botocore_writes_is_read(params: dict[str, Any]) -> None:
    action = "AuthorizeSecurityGroupIngress"
    assert parse_input(action, {"Action": action, "Version": "v", **form(action, params)}) == params


@given(st.lists(st.fixed_dictionaries({"Key": TEXT, "Value": TEXT}), max_size=4), TEXT)
def test_what_is_written_botocore_reads(tags: list[dict[str, str]], name: str) -> None:
    group = {"GroupId": "sg-1", "GroupName": name, "Tags": tags, "IpPermissions": [{"FromPort": 0}]}
    written = write_answer("DescribeSecurityGroups", {"SecurityGroups": [group]}, "id-1")
    assert parsed("DescribeSecurityGroups", written) == {"SecurityGroups": [group]}


def test_a_refusal_as_ec2_writes_it() -> None:
    body = write_refusal(Refusal("A.B", "it's <wrong> & so on"), "id-1")
    found = parsed("DescribeSecurityGroups", body, 400)
    assert found["Error"] == {"Code": "A.B", "Message": "it's <wrong> & so on"}


def test_an_answer_without_a_shape() -> None:
    assert b"<return>true</return>" in write_answer("CreateNetworkAclEntry", {}, "id-1")


def test_moments() -> None:
    """EC2's timestamps, in UTC."""
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    written = write_answer("DescribeVolumes", {"Volumes": [{"CreateTime": moment}]}, "id-1")
    assert b"<createTime>2026-11-21T00:00:00.000Z</createTime>" in written


@pytest.mark.parametrize(
    ("action", "given_form", "code"),
    [
        ("NoSuchAction", {}, "InvalidAction"),
        ("CreateSecurityGroup", {"GroupDescription": "d"}, "MissingParameter"),
        ("DescribeSecurityGroups", {"Colour": "red"}, "UnknownParameter"),
        ("DescribeSecurityGroups", {"MaxResults": "many"}, "InvalidParameterValue"),
        ("DescribeSecurityGroups", {"DryRun": "perhaps"}, "InvalidParameterValue"),
        ("DescribeSecurityGroups", {"Filter.one.Name": "x"}, "UnknownParameter"),
        ("DescribeSecurityGroups", {"GroupId": "x", "GroupId.1": "y"}, "MalformedQueryString"),
    ],
)
def test_forms_that_are_refused(action: str, given_form: dict[str, str], code: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse_input(action, given_form)
    assert caught.value.code == code
