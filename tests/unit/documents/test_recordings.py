"""A recording of a mesh is read back as it was written; what is none is told in one line, whatever it holds."""

import contextlib
import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinwall.cli.main import run
from twinwall.documents.recordings import load
from twinwall.errors import DocumentError, TwinwallError
from twinwall.mesh.configure import configure
from twinwall.mesh.status import status

GROUP = "sg-0123456789abcdef0"
RECORDING: dict[str, Any] = {
    "at": 1000.0,
    "tables": {
        "111111111111/eu-west-1": {
            "rows": [
                {
                    "region": "eu-west-1",
                    "asg": "ring",
                    "ips": ["198.51.100.7/32"],
                    "members": [{"address": "198.51.100.7/32", "instance": "i-1", "since": 0, "readings": 0}],
                    "released": [],
                    "generation": 7,
                    "observed_at": 999_000,
                    "writer": "111111111111/eu-west-1",
                }
            ],
            "unknown": {},
        }
    },
    "groups": {
        GROUP: [
            {"IpProtocol": "-1", "IsEgress": True, "CidrIpv4": "0.0.0.0/0", "Tags": []},
            {
                "IpProtocol": "tcp",
                "FromPort": 7000,
                "ToPort": 7001,
                "IsEgress": False,
                "CidrIpv4": "198.51.100.7/32",
                "Tags": [{"Key": "twinwall:mesh", "Value": "ring"}],
            },
            {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "ReferencedGroupInfo": {"GroupId": GROUP}},
        ]
    },
}
SITE = {"account": "111111111111", "region": "eu-west-1", "asg": "ring", "group": GROUP}
MESH = configure("ring", {"ports": ["tcp/7000-7001"], "sites": [SITE]})


def at(folder: Path, document: object) -> Path:
    path = folder / "r.json"
    path.write_text(json.dumps(document))
    return path


def test_what_was_recorded_is_read(tmp_path: Path) -> None:
    assert load(at(tmp_path, RECORDING)) == RECORDING
    assert status(MESH.mesh, RECORDING)["right"] is True


def places(value: object) -> list[tuple[Any, Any]]:
    """Each (holder, key) under the value."""
    found: list[tuple[Any, Any]] = []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in pairs:
        found += [(value, key), *places(part)]
    return found


WRONG = st.sampled_from(["", "x", None, True, -1, 1.5, [], {}, [1], [None], {"a": 1}, "0.0.0.0/0", [[]]])


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_whatever_is_wrong_in_it_ends_in_our_words(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    document = copy.deepcopy(RECORDING)
    for _ in range(data.draw(st.integers(1, 2))):
        found = places(document)
        holder, key = found[data.draw(st.integers(0, len(found) - 1))]
        if data.draw(st.booleans()):
            holder[key] = copy.deepcopy(data.draw(WRONG))
        else:
            del holder[key]
            if not document:
                break
    with contextlib.suppress(TwinwallError):
        status(MESH.mesh, load(at(tmp_path_factory.getbasetemp(), document)))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("at", "yesterday"),
        ("tables", []),
        ("tables", {"n": {"rows": [{}]}}),
        ("tables", {"n": {"rows": 7}}),
        ("groups", {"sg-1": [{"IpProtocol": "tcp"}]}),
        ("groups", {"sg-1": [{"IpProtocol": 6, "CidrIpv4": "0.0.0.0/0"}]}),
    ],
)
def test_the_place_is_named(tmp_path: Path, key: str, value: object) -> None:
    with pytest.raises(DocumentError, match=rf"is none of a mesh: .* - at `\$\.{key}.*mesh status --record"):
        load(at(tmp_path, {**RECORDING, key: value}))


def test_a_log_that_is_none_is_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``mesh audit``: of whatever AWS, or somebody else, has put into the file."""
    good = {"event": "added", "at": 5.0, "node": "n", "addresses": ["198.51.100.7/32"]}
    wrong = [{**good, "at": "x"}, {**good, "at": 1e300}, {**good, "addresses": [7]}, {**good, "addresses": 7}]
    events = [{"message": json.dumps(one)} for one in (*wrong, good)]
    path = at(tmp_path, {"events": [7, ["x"], None, {}, *events]})
    assert run(["mesh", "audit", str(path), "--address", "198.51.100.7/32"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "1970-01-01 00:00:05  n: added: addresses 198.51.100.7/32"
    ]
