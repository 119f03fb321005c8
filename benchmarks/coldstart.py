"""What a mesh's function costs to start and to run, beside a bare handler that makes the three stock boto3 clients.
``make bench`` runs it and writes the figures into docs/performance.md.

Both run in fresh processes, one after the other in turn, against a server of fixed answers on the loopback; what is
counted is the processor time of the process, without the interpreter's own start. The package is unpacked as Lambda
unpacks it, read-only.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from measure import note, table, write, yardstick
from twinwall.aws.models import cut_models
from twinwall.documents.deployment.package import Package, build, unpack

ROUNDS = 11
ACCOUNT, REGION, GROUP = "111122223333", "eu-west-1", "sg-0123456789abcdef0"
ASG_XML = "http://autoscaling.amazonaws.com/doc/2011-01-01/"
EC2_XML = "http://ec2.amazonaws.com/doc/2016-11-15/"
SETTING = {
    "ports": ["tcp/7000"],
    "rules_per_group": 1000,
    "sites": [{"region": REGION, "account": ACCOUNT, "asg": "web", "group": GROUP}],
}

TEXT = """\
## The function of a mesh

The package has {size:,} bytes. Start, in ms of processor time over a bare interpreter, medians of {rounds} in turn: a
bare handler that makes the stock boto3 clients for EC2, Auto Scaling and DynamoDB, then reads once with each call that
a true-up makes; and the package, which then deals with a true-up. Load of the machine meanwhile: {load:.1f} on
{processors} processors."""

BARE = """
import boto3
session = boto3.Session()
ec2, scaling, dynamodb = (session.client(name) for name in ("ec2", "autoscaling", "dynamodb"))
"""
BARE_CALLS = """
scaling.describe_auto_scaling_groups(AutoScalingGroupNames=["web"])
ec2.describe_instances(Filters=[{"Name": "tag:aws:autoscaling:groupName", "Values": ["web"]}], MaxResults=1000)
ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": ["sg-1"]}], MaxResults=1000)
dynamodb.scan(TableName="twinwall-web", ConsistentRead=True)
"""
OURS = """
from twinwall.lambdas.entry import mesh
"""
OURS_CALL = """
mesh({"detail-type": "Scheduled Event", "id": "1"}, None)
"""
WARM = """
import json, pathlib, sys, time
from twinwall.lambdas.entry import mesh
event = json.loads(sys.stdin.read())
for _ in range(3):
    mesh(event, None)
spent = []
for _ in range(10):
    began = time.process_time()
    mesh(event, None)
    spent.append(time.process_time() - began)
peak = pathlib.Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
print(sorted(spent)[5], peak, file=sys.stderr)
"""
_TIMED = "import time\nbegan = time.process_time()\n{}\nimport sys\nprint(time.process_time() - began, file=sys.stderr)"


class Answers:
    """A site with so many members, all admitted; the row comes back as it was written."""

    def __init__(self, members: int) -> None:
        self.addresses = [f"198.18.{number // 250}.{number % 250 + 1}" for number in range(members)]
        self.items: dict[str, Any] = {}

    def to(self, target: str, body: str) -> str:
        if target:
            return self._dynamodb(target.rpartition(".")[2], json.loads(body))
        action = next((name for name in self._xml if f"Action={name}" in body), "")
        if action == "DescribeInstances" and "instance-id" in body:
            return self._instances(self.addresses[:1])
        return self._xml[action]() if action else "<Response><CompleteLifecycleActionResult/></Response>"

    def _dynamodb(self, action: str, request: Mapping[str, Any]) -> str:
        if action == "Scan":
            return json.dumps({"Items": list(self.items.values())})
        for part in request.get("TransactItems") or ():
            if "Put" in part:
                item = part["Put"]["Item"]
                self.items[item["region"]["S"] + item["asg"]["S"]] = item
        return "{}"

    def _states(self) -> str:
        members = "".join(
            f"<member><InstanceId>i-{number:08x}</InstanceId><LifecycleState>InService</LifecycleState></member>"
            for number in range(len(self.addresses))
        )
        group = f"<member><AutoScalingGroupName>web</AutoScalingGroupName><Instances>{members}</Instances></member>"
        name = "DescribeAutoScalingGroups"
        inner = f"<{name}Result><AutoScalingGroups>{group}</AutoScalingGroups></{name}Result>"
        return f'<{name}Response xmlns="{ASG_XML}">{inner}</{name}Response>'

    def _instances(self, addresses: Sequence[str] | None = None) -> str:
        """All, unless one is asked for by its id: the first."""
        items = "".join(
            f"<item><instanceId>i-{number:08x}</instanceId><ipAddress>{address}</ipAddress>"
            "<instanceState><code>16</code><name>running</name></instanceState></item>"
            for number, address in enumerate(self.addresses if addresses is None else addresses)
        )
        inner = f"<reservationSet><item><instancesSet>{items}</instancesSet></item></reservationSet>"
        return f'<DescribeInstancesResponse xmlns="{EC2_XML}">{inner}</DescribeInstancesResponse>'

    def _rules(self) -> str:
        tags = "<tagSet><item><key>twinwall:mesh</key><value>web</value></item></tagSet>"
        items = "".join(
            f"<item><securityGroupRuleId>sgr-{number:08x}</securityGroupRuleId><groupId>{GROUP}</groupId>"
            f"<isEgress>false</isEgress><ipProtocol>tcp</ipProtocol><fromPort>7000</fromPort><toPort>7000</toPort>"
            f"<cidrIpv4>{address}/32</cidrIpv4>{tags}</item>"
            for number, address in enumerate(self.addresses)
        )
        inner = f"<securityGroupRuleSet>{items}</securityGroupRuleSet>"
        return f'<DescribeSecurityGroupRulesResponse xmlns="{EC2_XML}">{inner}</DescribeSecurityGroupRulesResponse>'

    @property
    def _xml(self) -> dict[str, Callable[[], str]]:
        return {
            "DescribeAutoScalingGroups": self._states,
            "DescribeInstances": self._instances,
            "DescribeSecurityGroupRules": self._rules,
        }


@contextmanager
def served(members: int) -> Iterator[str]:
    answers = Answers(members)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            answer = answers.to(self.headers.get("X-Amz-Target", ""), body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def environment(endpoint: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
        "PYTHONDONTWRITEBYTECODE": "1",
        "TWINWALL_MESH": json.dumps({"name": "web", "table": SETTING}),
        "TWINWALL_NODE": f"{ACCOUNT}/{REGION}",
    }


def run(code: str, endpoint: str, path: str = "", given: str = "") -> list[float]:
    """The figures that it prints on stderr."""
    variables = environment(endpoint) | ({"PYTHONPATH": path} if path else {})
    done = subprocess.run(
        [sys.executable, "-s", "-P", "-c", code],
        input=given,
        capture_output=True,
        text=True,
        env=variables,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return [float(word) for word in done.stderr.split()]


def starts(endpoint: str, path: str) -> dict[str, float]:
    """Medians of ms, each kind in turn, so that a busy moment meets all alike."""
    kinds = {
        "bare": (BARE, ""),
        "bare, first calls": (BARE + BARE_CALLS, ""),
        "ours": (OURS, path),
        "ours, first event": (OURS + OURS_CALL, path),
    }
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(ROUNDS):
        for name, (code, at) in kinds.items():
            found[name] += run(_TIMED.format(code), endpoint, at)
    return {name: 1000 * statistics.median(times) for name, times in found.items()}


def warm(members: int, path: str) -> tuple[float, float]:
    """ms of processor time for one launch event dealt with, all passes and calls; MB at most."""
    detail = {
        "AutoScalingGroupName": "web",
        "LifecycleHookName": "twinwall-launch",
        "EC2InstanceId": "i-00000000",
        "LifecycleActionToken": "0" * 36,
    }
    event = {
        "detail-type": "EC2 Instance-launch Lifecycle Action",
        "id": "1",
        "time": "2026-01-01T00:00:00Z",
        "region": REGION,
        "detail": detail,
    }
    with served(members) as endpoint:
        spent, peak = run(WARM, endpoint, path, json.dumps(event))
    return 1000 * spent, peak / 1024


START, SIZE, EVENT, MEMORY = 0.65, 3_000_000, 60.0, 128.0
"""Of the bare handler's start; bytes; ms of an event up to a hundred members; MB at a thousand."""


def check_goals(size: int, start: float, runs: Mapping[int, tuple[float, float]]) -> None:
    """Fails with one line that names what was missed."""
    missed = [
        *([f"the package has {size:,} bytes, allowed are {SIZE:,}"] if size > SIZE else []),
        *(
            [f"start and first event take {start:.2f} of the bare handler's, allowed is {START}"]
            if start > START
            else []
        ),
        *(
            f"an event takes {ms:.0f} ms at {n} members"
            for n, (ms, _) in runs.items()
            if n <= 100 and ms > EVENT
        ),
        *(f"the process holds {mb:.0f} MB at {n} members" for n, (_, mb) in runs.items() if mb > MEMORY),
    ]
    if missed:
        raise SystemExit("; ".join(missed))


def measured(package: Package) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="twinwall-") as folder:
        unpack(package, Path(folder))
        with served(1) as endpoint:
            ms = starts(endpoint, folder)
        runs = {members: warm(members, folder) for members in (10, 100, 1000)}
    bare = ms["bare, first calls"]
    check_goals(len(package.body), ms["ours, first event"] / bare, runs)
    rows = [[name, f"{value:.0f}", f"{value / bare:.2f}"] for name, value in ms.items()]
    note("start and first event", ms["ours, first event"], "ms", beside=bare)
    for members, (spent, peak) in runs.items():
        note(f"one launch event, {members:,} members", spent, "ms", beside=yardstick())
        note(f"one launch event, {members:,} members, memory", peak, "MB")
    events = [[f"{members:,}", f"{spent:.0f}", f"{peak:.0f}"] for members, (spent, peak) in runs.items()]
    return [
        *TEXT.format(
            size=len(package.body), rounds=ROUNDS, load=os.getloadavg()[0], processors=os.cpu_count()
        ).splitlines(),
        "",
        *table(["", "ms", "of bare with first calls"], rows),
        "One launch event in a warm process, with all its passes and calls, and the most memory that the process held:",
        "",
        *table(["members", "ms", "MB"], events),
        "",
    ]


if __name__ == "__main__":
    write(__file__, measured(build(cut_models())))
