"""No line of a mesh's policies is idle: without any action of any line something of the mesh breaks, and with it again
nothing does. On a served endpoint with IAM enforced, the handler in the Lambda runtime, run by invocations alone."""

import base64
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from mesh_site import Mesh, Region, Served, give, served

from twinwall.documents.deployment import settings as stack
from twinwall.documents.mesh_permissions import Role, roles_of
from twinwall.mesh.configure import configure

ACCOUNTS = ("111111111111", "222222222222")
PLACES = {
    "plain": ((0, "eu-west-1"), (0, "us-east-1")),
    "doors": ((0, "eu-west-1"), (1, "us-east-1")),
}
"""Two Regions of one account; two accounts, each entered by a role."""


def mesh_of(stage: Served, name: str) -> Mesh:
    regions = [
        Region(stage.endpoint, ACCOUNTS[account], region, number, name)
        for number, (account, region) in enumerate(PLACES[name], 1)
    ]
    mesh = Mesh(stage.endpoint, name, regions)
    if name == "doors":
        mesh.ways = {account: f"arn:aws:iam::{account}:role/doors-door" for account in ACCOUNTS}
    return mesh


@dataclass(frozen=True)
class Case:
    """An action of a line of a role. The first node's function is the one that acts: as itself, and at the second
    node by the role that the second account has for it."""

    mesh: str
    role: str
    sid: str
    action: str

    def __str__(self) -> str:
        return f"{self.mesh}-{self.role}-{self.sid}-{self.action.partition(':')[2]}"


def cases() -> list[Case]:
    found = []
    for name, places in PLACES.items():
        sites = [
            {"region": region, "asg": name, "account": ACCOUNTS[account], "group": f"sg-{number:08x}"}
            for number, (account, region) in enumerate(places)
        ]
        if name == "doors":
            sites = [
                {**site, "role_arn": f"arn:aws:iam::{site['account']}:role/doors-door"} for site in sites
            ]
        configured = configure(name, {"sites": sites})
        first, second = (roles_of(configured, node) for node in configured.mesh.nodes)
        acting: dict[str, Role | None] = {
            "function": first.function,
            "schedule": first.schedule,
            "neighbours": second.neighbours,
        }
        for kind, role in acting.items():
            for line in role.lines if role else ():
                found += [Case(name, kind, line.sid, action) for action in line.actions]
    return found


CASES = cases()
SAMPLED = random.Random(5).sample(CASES, 5)


@dataclass
class Ground:
    """Deployed, and asleep: only an invocation runs it."""

    stage: Served
    meshes: dict[str, Mesh] = field(default_factory=dict)

    def mesh(self, name: str) -> Mesh:
        if name not in self.meshes:
            mesh = mesh_of(self.stage, name)
            for at in mesh.regions:
                at.build()
            for at in mesh.regions:
                mesh.deploy(at, awake=False)
            for at in mesh.regions:
                mesh.invoke(at, {"trueup": True})
            self.meshes[name] = mesh
        return self.meshes[name]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with served(tmp_path_factory.mktemp("served"), "--enforce-iam") as running:
        yield Ground(running)


# --- what breaks


def members(mesh: Mesh, _: Served) -> bool:
    """One comes and goes again; both groups know, and the hooks are answered."""
    here, there = mesh.regions
    here.scale(1)
    _attempt(mesh, here)
    came = here.in_service(1) and here.rules() == there.rules() == here.addresses()
    here.scale(0)
    _attempt(mesh, here)
    return came and not here.states() and here.rules() == set()


def _attempt(mesh: Mesh, at: Region) -> str:
    """A true-up; the end of its log."""
    answer = at.client("lambda").invoke(
        FunctionName=mesh.table_name, Payload=b'{"trueup": true}', LogType="Tail"
    )
    return base64.b64decode(answer["LogResult"]).decode()


def hidden(mesh: Mesh, _: Served) -> bool:
    """Somebody has the lease: the message comes back when it is over."""
    here = mesh.regions[0]
    sqs = here.client("sqs")
    url = sqs.get_queue_url(QueueName=mesh.table_name)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    held = {"token": {"S": "somebody"}, "until": {"N": str(round((time.time() + 60) * 1000))}}
    lease = {"region": {"S": "-"}, "asg": {"S": "twinwall"}}
    here.client("dynamodb").put_item(TableName=mesh.table_name, Item={**lease, **held})
    body = json.dumps({"detail-type": "Scheduled Event"})
    mesh.forget(here, here.site)  # so that there is something to do
    record = {"eventSource": "aws:sqs", "messageId": "m", "body": body}
    record["receiptHandle"] = message["ReceiptHandle"]
    answer = here.client("lambda").invoke(
        FunctionName=mesh.table_name, Payload=json.dumps({"Records": [record]}), LogType="Tail"
    )
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    log = base64.b64decode(answer["LogResult"]).decode()
    assert "another handler has the lease" in log
    return "not-hidden" not in log


def logged(mesh: Mesh, _: Served) -> bool:
    here = mesh.regions[0]
    _renew(mesh, here)
    answer = here.client("lambda").invoke(FunctionName=mesh.table_name, Payload=b'{"trueup": true}')
    id_ = answer["ResponseMetadata"]["RequestId"]
    return any(id_ in line for line in mesh.lines(here))


def _renew(mesh: Mesh, at: Region) -> None:
    """The next invocation starts a process, which has no credentials of others yet and no log."""
    at.client("lambda").update_function_configuration(
        FunctionName=mesh.table_name, Description=str(time.time())
    )


def fed_by_queue(mesh: Mesh, stage: Served) -> bool:
    here = mesh.regions[0]
    sqs, functions = here.client("sqs"), here.client("lambda")
    url = sqs.get_queue_url(QueueName=mesh.table_name)["QueueUrl"]
    try:
        mapping = mesh.listen_to_queue(here, _queue_arn(mesh, here))
    except functions.exceptions.InvalidParameterValueException:
        return False
    sqs.send_message(QueueUrl=url, MessageBody='{"Event": "autoscaling:TEST_NOTIFICATION"}')
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def is_empty() -> bool:
        left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return all(number == "0" for number in left.values())

    done = _soon(is_empty)
    functions.delete_event_source_mapping(UUID=mapping)
    if not done:  # what was received comes back, and is taken away
        stage.control("POST", "advance", {"seconds": stack.VISIBILITY + 1})
        for message in sqs.receive_message(QueueUrl=url).get("Messages", ()):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return done


def _queue_arn(mesh: Mesh, at: Region) -> str:
    return f"arn:aws:sqs:{at.region}:{at.account}:{mesh.table_name}"


def fed_by_stream(mesh: Mesh, _: Served) -> bool:
    here, there = mesh.regions
    tables, functions = here.client("dynamodb"), here.client("lambda")
    stream = tables.describe_table(TableName=mesh.table_name)["Table"]["LatestStreamArn"]
    try:
        mapping = mesh.listen_to_stream(here, stream)
    except functions.exceptions.InvalidParameterValueException:
        return False
    before = _runs(mesh, here)
    tables.update_item(
        TableName=mesh.table_name,
        Key={"region": {"S": there.region}, "asg": {"S": there.asg}},
        UpdateExpression="SET probe = :now",
        ExpressionAttributeValues={":now": {"S": str(time.time())}},
    )
    done = _soon(lambda: _runs(mesh, here) > before)
    functions.delete_event_source_mapping(UUID=mapping)
    return done


def scheduled(mesh: Mesh, stage: Served) -> bool:
    before = _runs(mesh, mesh.regions[0])
    stage.control("POST", "advance", {"seconds": 300})
    return _soon(lambda: _runs(mesh, mesh.regions[0]) > before)


def _runs(mesh: Mesh, at: Region) -> int:
    return sum(line.startswith("START ") for line in mesh.lines(at))


def _soon(true: Any) -> bool:
    end = time.monotonic() + 6.0
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


PROBES = {
    "FindStream": fed_by_stream,
    "HideMessages": hidden,
    "ReadStream": fed_by_stream,
    "TakeMessages": fed_by_queue,
    "TrueUp": scheduled,
    "WriteLog": logged,
}


def check(ground: Ground, case: Case) -> None:
    mesh = ground.mesh(case.mesh)
    here, there = mesh.regions
    kinds = mesh.roles(there if case.role == "neighbours" else here)
    role = getattr(kinds, case.role)
    iam = (there if case.role == "neighbours" else here).client("iam")
    probe = PROBES.get(case.sid, members)
    give(iam, role.name, without(role.policy, case))
    try:
        if case.sid == "ComeToOthers":
            _renew(mesh, here)
        assert not probe(mesh, ground.stage), f"nothing misses {case}"
    finally:
        give(iam, role.name, role.policy)
        mesh.forget(here, "-/twinwall")  # a lease that could not be given back
        for at in mesh.regions:
            mesh.invoke(at, {"trueup": True})
    assert probe(mesh, ground.stage), f"what {case} broke is still broken with it"
    mesh.forget(here, "-/twinwall")


def without(policy: dict[str, Any], case: Case) -> dict[str, Any]:
    statements = []
    for statement in policy["Statement"]:
        left = [a for a in statement["Action"] if (statement["Sid"], a) != (case.sid, case.action)]
        statements += [{**statement, "Action": left}] if left else []
    if not statements:  # IAM takes no policy without a statement
        statements = [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]
    return {**policy, "Statement": statements}


@pytest.mark.parametrize("case", SAMPLED, ids=str)
def test_a_line_is_missed(ground: Ground, case: Case) -> None:
    check(ground, case)


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(PLACES))
def test_every_line_is_missed(ground: Ground, name: str) -> None:
    for case in CASES:
        if case.mesh == name:
            check(ground, case)
