"""The quick reading of answers gives what botocore's own gives, value for value."""

from typing import Any
from xml.sax.saxutils import escape

import pytest
from botocore.model import ListShape, OperationModel, Shape, StructureShape
from botocore.parsers import EC2QueryParser, QueryParser
from botocore.session import Session
from hypothesis import given, settings
from hypothesis import strategies as st

from twinwall.aws.parsing import read_quickly

SESSION = Session()
read_quickly(SESSION)
QUICK = SESSION.get_component("response_parser_factory")
STOCK = {"ec2": EC2QueryParser(), "query": QueryParser()}
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=4)


def operation(service: str, name: str) -> OperationModel:
    return SESSION.get_service_model(service).operation_model(name)


def tagged(name: str, inner: str) -> str:
    return f"<{name}>{inner}</{name}>" if inner else f"<{name}/>"


def written(shape: Shape, depth: int) -> st.SearchStrategy[str]:
    """What may stand between a node's tags."""
    if isinstance(shape, StructureShape):
        members = [] if depth == 0 else list(shape.members.items())
        parts = [member(name, part, depth) for name, part in members] or [st.just("")]
        some = st.lists(st.sampled_from(range(len(parts))), max_size=5, unique=True)
        return some.flatmap(lambda chosen: st.tuples(*(parts[n] for n in chosen)).map("".join))
    if isinstance(shape, ListShape):
        name = shape.member.serialization.get("name", "member")
        return st.lists(written(shape.member, depth - 1), max_size=2 if depth > 0 else 0).map(
            lambda items: "".join(tagged(name, item) for item in items)
        )
    kinds: dict[str, st.SearchStrategy[str]] = {
        "boolean": st.sampled_from(["true", "false", ""]),
        "integer": st.integers(-1, 10**6).map(str),
        "long": st.integers(-1, 10**12).map(str),
        "double": st.sampled_from(["0.5", "1"]),
        "float": st.sampled_from(["0.5", "1"]),
        "timestamp": st.just("2026-01-01T00:00:00.000Z"),
        "blob": st.just("YQ=="),
    }
    return kinds.get(shape.type_name, TEXTS.map(escape))


def member(name: str, shape: Shape, depth: int) -> st.SearchStrategy[str]:
    tag = str(shape.serialization.get("name", name))
    return st.deferred(lambda: written(shape, depth - 1)).map(lambda inner: tagged(tag, inner))


def answers(service: str, name: str) -> st.SearchStrategy[bytes]:
    shape = operation(service, name).output_shape
    assert shape is not None
    result = shape.serialization.get("resultWrapper")

    def whole(inner: str) -> bytes:
        inner = tagged(result, inner) if result else inner
        more = "<unheardOf><item>1</item></unheardOf><requestId>r-1</requestId>"
        return f'<?xml version="1.0"?><{name}Response xmlns="http://x/{service}/">{inner}{more}</{name}Response>'.encode()

    return written(shape, 6).map(whole)


CASES = [
    ("ec2", "ec2", "DescribeSecurityGroupRules"),
    ("ec2", "ec2", "DescribeInstances"),
    ("ec2", "ec2", "AuthorizeSecurityGroupIngress"),
    ("query", "autoscaling", "DescribeAutoScalingGroups"),
    ("query", "sts", "AssumeRole"),
]


@pytest.mark.parametrize(("protocol", "service", "name"), CASES)
@settings(max_examples=40)
@given(data=st.data())
def test_the_quick_reading_is_botocore_s(protocol: str, service: str, name: str, data: Any) -> None:
    body = data.draw(answers(service, name))
    response = {"body": body, "status_code": 200, "headers": {}}
    shape = operation(service, name).output_shape
    assert QUICK.create_parser(protocol).parse(response, shape) == STOCK[protocol].parse(response, shape)


@pytest.mark.parametrize("protocol", ["ec2", "query"])
def test_errors_are_read_by_botocore(protocol: str) -> None:
    error = "<Error><Code>InvalidGroup.NotFound</Code><Message>no</Message></Error>"
    body = {"ec2": f"<Response><Errors>{error}</Errors><RequestID>r</RequestID></Response>"}.get(
        protocol, f"<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>"
    )
    response = {"body": body.encode(), "status_code": 400, "headers": {}}
    shape = operation("ec2", "DescribeInstances").output_shape
    quick = QUICK.create_parser(protocol).parse(response, shape)
    assert quick == STOCK[protocol].parse(response, shape)
    assert quick["Error"]["Code"] == "InvalidGroup.NotFound"


def test_other_protocols_are_botocore_s() -> None:
    assert type(QUICK.create_parser("json")).__module__ == "botocore.parsers"
