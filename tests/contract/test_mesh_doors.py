"""The doors of the mesh: the table's conditions on every table there is, EC2 and its user agent over HTTP."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import boto3
import botocore.session
import pytest

from twinwall.aws.mesh_doors import AwsMeshDoors
from twinwall.aws.places import sessions
from twinwall.aws.timed import CONFIG, Connections, Timed
from twinwall.boundary import MemberTable
from twinwall.emulator.mesh.table import MemoryTable
from twinwall.emulator.server import EmbeddedAws
from twinwall.errors import AlreadyExists, AwsError, NotFound
from twinwall.mesh.configure import Configured, configure
from twinwall.mesh.rows import item_of, read_row
from twinwall.model.members import Member, Membership, Place, Release, SiteKey
from twinwall.model.net import parse_cidr
from twinwall.model.rules import CidrPeer, Direction, SecurityGroupRule, make_traffic

ACCOUNT = "777788889999"
HOME = Place(ACCOUNT, "eu-west-1")
KEY = SiteKey("eu-west-1", "web")
WITHIN = 5.0


def document(group: str = "sg-0123456789abcdef0") -> dict[str, Any]:
    site = {"region": "eu-west-1", "asg": "web", "account": ACCOUNT, "group": group}
    return {"ports": ["tcp/443"], "sites": [site]}


def row(generation: int, observed: float = 1000.0, *addresses: str) -> dict[str, Any]:
    members = tuple(sorted(Member(parse_cidr(text), f"i-{text}") for text in addresses))
    released = (Release("i-gone", "token", 900.5),)
    return item_of(Membership(KEY, members, generation, observed, released, writer="node"))


@dataclass
class InMemory:
    """``MemoryTable`` without a wire."""

    table: MemoryTable

    def __getattr__(self, name: str) -> Any:
        return lambda *given, **named: getattr(self.table, name)(*given[:-1] if given else (), **named)


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws((ACCOUNT,)) as aws, pytest.MonkeyPatch.context() as environment:
        key = aws.credentials(ACCOUNT)
        environment.setenv("AWS_ACCESS_KEY_ID", key.id)
        environment.setenv("AWS_SECRET_ACCESS_KEY", key.secret)
        environment.setenv("AWS_ENDPOINT_URL", aws.endpoint)
        yield aws


def doors(group: str = "sg-0123456789abcdef0") -> AwsMeshDoors:
    session = botocore.session.Session()
    return AwsMeshDoors(configure("web", document(group)), lambda _place: session, home=HOME)


@pytest.fixture(params=["memory", "server"])
def table(request: pytest.FixtureRequest) -> Iterator[MemberTable]:
    if request.param == "memory":
        yield InMemory(MemoryTable())  # type: ignore[misc]
        return
    request.getfixturevalue("aws")
    client = boto3.Session().client("dynamodb", region_name="eu-west-1")
    keys = [("region", "HASH"), ("asg", "RANGE")]
    client.create_table(
        TableName="twinwall-web",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    yield doors().table(str(HOME))
    client.delete_table(TableName="twinwall-web")


def test_a_lease_is_one_handlers_until_it_is_given_back_or_over(table: MemberTable) -> None:
    assert table.take("a", 100.0, 135.0, WITHIN) is None
    assert table.take("b", 101.0, 136.0, WITHIN) == 135.0
    assert table.take("a", 102.0, 137.0, WITHIN) is None, "its own success, met by a retry"
    table.release("b", {"x": 1.0}, WITHIN)
    assert table.take("b", 103.0, 138.0, WITHIN) == 137.0
    table.release("a", {"us-east-1/web": 99.5}, WITHIN)
    assert table.read(WITHIN).unknown == {"us-east-1/web": 99.5}
    assert table.take("b", 104.0, 139.0, WITHIN) is None
    assert table.take("c", 139.0, 170.0, WITHIN) is None, "the lease was over"
    assert table.read(WITHIN).unknown == {"us-east-1/web": 99.5}


def test_rows_are_written_by_the_holder_of_the_lease_on_top_of_what_he_read(table: MemberTable) -> None:
    table.take("a", 100.0, 135.0, WITHIN)
    assert table.write([(row(1, 1000.0, "203.0.113.1/32"), None)], "a", WITHIN)
    assert not table.write([(row(2), None)], "a", WITHIN), "there is a row by now"
    assert not table.write([(row(2), 1)], "b", WITHIN), "not his lease"
    assert table.write([(row(5), 1)], "a", WITHIN)
    assert not table.write([(row(6), 1)], "a", WITHIN), "the row has moved"
    (standing,) = table.read(WITHIN).rows
    assert read_row(standing) == read_row(row(5))


def test_a_row_comes_back_as_it_was_pushed(table: MemberTable) -> None:
    full = row(3, 1000.25, "203.0.113.1/32", "2001:db8::1/128")
    assert table.push([full], WITHIN) == [None]
    (standing,) = table.read(WITHIN).rows
    assert read_row(standing) == read_row(full)
    assert standing["ips"] == {"203.0.113.1/32"}


@pytest.mark.parametrize(
    ("generation", "observed", "is_taken"),
    [(4, 999.0, True), (3, 1000.5, True), (3, 1000.0, False), (3, 999.0, False), (2, 2000.0, False)],
)
def test_a_push_is_taken_if_it_is_newer(
    table: MemberTable, generation: int, observed: float, is_taken: bool
) -> None:
    table.push([row(3, 1000.0, "203.0.113.1/32")], WITHIN)
    (standing,) = table.push([row(generation, observed)], WITHIN)
    assert (standing is None) is is_taken
    if standing is not None:
        assert read_row(standing).generation == 3, "the refused one hears what stands there"


def of(asg: str, generation: int) -> dict[str, Any]:
    return {**row(generation), "asg": asg}


def test_of_several_rows_each_is_taken_or_refused_for_itself(table: MemberTable) -> None:
    """More of them than one transaction holds; those that are older hear what stands there."""
    names = [f"asg-{number:02}" for number in range(23)]
    assert table.push([of(name, 3) for name in names], WITHIN) == [None] * 23
    newer = {name: 2 + number % 3 for number, name in enumerate(names)}
    found = table.push([of(name, newer[name]) for name in names], WITHIN)
    assert [other is None for other in found] == [newer[name] == 4 for name in names]
    assert {other["generation"] for other in found if other is not None} == {3}
    stands = {one["asg"]: one["generation"] for one in table.read(WITHIN).rows}
    assert stands == {name: max(3, generation) for name, generation in newer.items()}


def test_a_tombstone_takes_nothing(table: MemberTable) -> None:
    table.take("a", 100.0, 135.0, WITHIN)
    buried = item_of(Membership(KEY, generation=7, tombstone=True, writer="node"))
    assert table.write([(buried, None)], "a", WITHIN)
    (standing,) = table.push([row(9)], WITHIN)
    assert standing is not None
    assert read_row(standing).tombstone


def test_a_row_of_the_published_solution_is_read_and_gives_way(table: MemberTable) -> None:
    table.push([{"region": "eu-west-1", "asg": "web", "ips": {"203.0.113.9/32"}}], WITHIN)
    (standing,) = table.read(WITHIN).rows
    found = read_row(standing)
    assert (found.listed, found.generation) == (frozenset({parse_cidr("203.0.113.9/32")}), None)
    assert table.push([row(1)], WITHIN) == [None]


def test_the_rules_of_a_group_over_http(aws: EmbeddedAws) -> None:
    client = boto3.Session().client("ec2", region_name="eu-west-1")
    vpc = client.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = client.create_security_group(GroupName="guard", Description="a site", VpcId=vpc)["GroupId"]
    door = doors(group).ec2(HOME)
    rules = [
        SecurityGroupRule(Direction.INGRESS, make_traffic(6, 443, 443), CidrPeer(parse_cidr(text)))
        for text in ("203.0.113.1/32", "2001:db8::1/128")
    ]
    door.authorize(group, rules, (("twinwall:mesh", "web"),), WITHIN)
    with pytest.raises(AlreadyExists):
        door.authorize(group, rules[:1], (), WITHIN)
    found = [rule for rule in door.rules([group], WITHIN)[group] if rule.direction is Direction.INGRESS]
    assert sorted(found) == sorted(rules)
    assert {rule.tags for rule in found} == {(("twinwall:mesh", "web"),)}
    door.revoke(group, [rule.rule_id for rule in found], WITHIN)
    with pytest.raises(NotFound):
        door.revoke(group, [found[0].rule_id], WITHIN)


@pytest.fixture
def silence() -> Iterator[tuple[str, list[str]]]:
    """An endpoint that answers nothing for ten seconds, and keeps the user agents it saw."""
    agents: list[str] = []
    over = threading.Event()

    class Silent(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            agents.append(self.headers["User-Agent"])
            over.wait(10)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", agents
    over.set()
    server.shutdown()
    server.server_close()


def test_a_call_ends_within_its_time_and_says_why_it_was_made(silence: tuple[str, list[str]]) -> None:
    endpoint, agents = silence
    session = boto3.Session("key", "secret", region_name="eu-west-1")
    client = session.client("ec2", endpoint_url=endpoint, config=CONFIG)
    timed = Timed(client, Connections(), lambda: "mesh/web event/e-1")
    began = time.monotonic()
    with pytest.raises(Exception, match=r"timed out|Read timeout"):
        timed("describe_instances", 1.0)
    assert time.monotonic() - began < 4.5  # the limit of CONFIG is 5 s
    assert agents[0].endswith("mesh/web event/e-1")
    assert len(agents) == 1, "sent once"


def in_two_accounts() -> Configured:
    sites = [
        {
            "region": region,
            "asg": "web",
            "account": account,
            "group": f"sg-{number:08x}",
            "role_arn": ROLE.format(account),
        }
        for number, (account, region) in enumerate(
            [(ACCOUNT, "eu-west-1"), (ACCOUNT, "us-east-1"), ("888899990000", "eu-west-3")]
        )
    ]
    return configure("web", {"ports": ["tcp/443"], "sites": sites})


ROLE = "arn:aws:iam::{}:role/twinwall-door"


def test_a_role_that_nobody_gives_ends_in_time_too(
    silence: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", silence[0])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    configured = in_two_accounts()
    began = time.monotonic()
    with pytest.raises(AwsError, match="reading the table twinwall-web"):
        AwsMeshDoors(configured, sessions(configured, HOME), home=HOME).table("888899990000/eu-west-3").read(
            3.0
        )
    assert time.monotonic() - began < 4.5


def test_no_endpoint_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with pytest.raises(AwsError, match="reading the table twinwall-web"):
        doors().table(str(HOME)).read(1.0)
