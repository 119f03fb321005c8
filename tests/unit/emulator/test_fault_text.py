"""A fault in words: each row of the grammar, and what is no fault."""

import pytest

from twinwall.emulator.fault_text import parse_fault
from twinwall.emulator.faults import Kind
from twinwall.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "action", "region", "skip", "times", "kind", "code", "status", "seconds"),
    [
        ("CreateTags=InternalError", "CreateTags", None, 0, 1, Kind.REFUSED, "InternalError", 500, 0),
        ("A:5=503:InvalidGroup.NotFound", "A", None, 4, 1, Kind.REFUSED, "InvalidGroup.NotFound", 503, 0),
        ("A:3+=UnauthorizedOperation", "A", None, 2, None, Kind.REFUSED, "UnauthorizedOperation", 403, 0),
        ("A=Strange", "A", None, 0, 1, Kind.REFUSED, "Strange", 400, 0),
        ("A:7=drop", "A", None, 6, 1, Kind.LOST, None, None, 0),
        ("A=cut", "A", None, 0, 1, Kind.CUT, None, None, 0),
        ("A@eu-west-1:2=late:20", "A", "eu-west-1", 1, 1, Kind.LATE, None, None, 20),
        ("Describe*:1+=slow:2.5", "Describe*", None, 0, None, Kind.SLOW, None, None, 2.5),
        ("*@eu-west-1:1+=unreachable", "*", "eu-west-1", 0, None, Kind.UNSENT, None, None, 0),
    ],
)
def test_a_fault(
    text: str,
    action: str,
    region: str | None,
    skip: int,
    times: int | None,
    kind: Kind,
    code: str | None,
    status: int | None,
    seconds: float,
) -> None:
    fault = parse_fault(text)
    assert (fault.action, fault.region, fault.skip, fault.times) == (action, region, skip, times)
    assert (fault.kind, fault.seconds) == (kind, seconds)
    refusal = fault.refusal
    assert (refusal.code if refusal else None, refusal.status if refusal else None) == (code, status)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A",
        "A=",
        "=drop",
        "A:0=drop",
        "A:x=drop",
        "A=late",
        "A=slow:",
        "A=late:-1",
        "A=503:",
        "A@=drop",
        "A=9x",
    ],
)
def test_what_is_no_fault(text: str) -> None:
    with pytest.raises(ConfigError, match="the fault"):
        parse_fault(text)
