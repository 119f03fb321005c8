"""One way after another of carrying W(G, R, N, E) over, each a real process over HTTP against the embedded AWS with its
throttle on and 40 ms for each call, in real time: nobody's sleeps are hurried, because boto3's cannot be.

The endpoint is asked every 10 ms how many writes it has seen; that is the clock of all of them alike, Ansible's
modules too, which say nothing of themselves. Refusals are the endpoint's count, what is right is read from its state.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import works
from twinwall.emulator import seed
from twinwall.emulator.pace import Pace
from twinwall.emulator.server import EmbeddedAws
from twinwall.model.firewall import SecurityGroup
from twinwall.model.throttle import is_read
from twinwall.model.wire import parse_snapshot

REGION = "us-east-1"
LATENCY_MS = 40.0
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Ended:
    """``seconds``: from the first write to the last. ``right``: of so many groups and ACLs ``of`` are as wanted."""

    calls: int
    refused: int
    seconds: float
    right: int
    of: int
    said: str = ""


class Watch:
    """When the endpoint saw its first write, and its last."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws, self.first, self.last = aws, 0.0, 0.0
        self._seen, self._over = 0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._over.wait(0.01):
            seen = self.writes()
            if seen > self._seen:
                self.last = time.monotonic()
                self.first = self.first or self.last
                self._seen = seen

    def writes(self) -> int:
        """Those that count: the lock's deletion is not timed."""
        counts = self.aws.counts.by_action(works.TARGET, REGION)
        return sum(count for action, count in counts.items() if not is_read(action) and action != _UNTIMED)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


_UNTIMED = "DeleteSecurityGroup"


@dataclass(frozen=True)
class Scene:
    """``path``: the source, read already."""

    aws: EmbeddedAws
    vpc: str
    document: works.Json
    path: Path

    def environment(self) -> dict[str, str]:
        key = self.aws.credentials(works.TARGET)
        return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
            "AWS_ENDPOINT_URL": self.aws.endpoint,
            "AWS_ACCESS_KEY_ID": key.id,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def run(self, command: Sequence[str], **more: str) -> Ended:
        with Watch(self.aws) as watch:
            done = subprocess.run(
                command, env=self.environment() | more, capture_output=True, text=True, check=False
            )
        counts = self.aws.counts.by_action(works.TARGET, REGION)
        said = "" if done.returncode == 0 else (done.stderr or done.stdout).strip()[-2000:]
        return Ended(
            counts.total(),
            self.aws.throttle.refused.total(),
            watch.last - watch.first + LATENCY_MS / 1000,
            *self._right(),
            said,
        )

    def _right(self) -> tuple[int, int]:
        held = self.aws.world.at(works.TARGET, REGION)
        names = {id_: group.group_name for id_, group in held.groups.items()}
        there = [told(group, names) for group in held.groups.values() if group.vpc_id == self.vpc]
        wanted = parse_snapshot(self.document)
        names = {group.group_id: group.group_name for group in wanted.groups}
        right = sum(told(group, names) in there for group in wanted.groups)
        lists = [frozenset(map(str, acl.entries)) for acl in held.acls.values() if acl.associations]
        acls = [frozenset(map(str, acl.entries)) for acl in wanted.acls or ()]
        return right + sum(acl in lists for acl in acls), len(wanted.groups) + len(acls)


def told(group: SecurityGroup, names: Mapping[str, str]) -> tuple[str, frozenset[str]]:
    """Descriptions aside."""
    rules = (
        f"{rule.direction} {rule.traffic} {names.get(str(rule.peer), str(rule.peer))}" for rule in group.rules
    )
    return group.group_name, frozenset(rules)


@contextmanager
def scene(groups: int, folder: Path) -> Iterator[Scene]:
    """An empty VPC with the source's subnets, every bucket full."""
    document = works.work(groups)
    path = folder / f"w{groups}.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with EmbeddedAws((works.TARGET,), pace=Pace(throttle=True, latency_ms=LATENCY_MS)) as aws:
        vpc = seed.empty_vpc(aws, works.TARGET, REGION, works.TARGET_CIDR, subnets=works.subnets(document))
        yield Scene(aws, vpc, document, path)


# --- who carries it over


def twinwall(at: Scene) -> Ended:
    arguments = ["--source", str(at.path), "--target", at.vpc, "--associate", "auto", "--yes", "--quiet"]
    arguments += ["--journal", str(at.path.with_suffix(".journal"))]
    return at.run([sys.executable, "-m", "twinwall", "migrate", *arguments])


def script(at: Scene, how: str) -> Ended:
    return at.run([sys.executable, str(HERE / "peers.py"), how, str(at.path), at.vpc, REGION])


def ansible(at: Scene, python: Path) -> Ended:
    """``python``: of an environment that has ``ansible`` and boto3."""
    variables = at.path.with_suffix(".vars.json")
    variables.write_text(json.dumps(playbook_variables(at, python)), encoding="utf-8")
    command = [str(python.parent / "ansible-playbook"), "-i", "localhost,", "-e", f"@{variables}"]
    home = str(at.path.parent)
    return at.run(
        [*command, str(HERE / "playbook.yml")],
        HOME=home,
        ANSIBLE_HOME=home,
        ANSIBLE_LOCALHOST_WARNING="false",
    )


def ansible_version(python: Path) -> str:
    code = "from importlib.metadata import version; print(version('ansible'))"
    return subprocess.run([python, "-c", code], capture_output=True, check=True, text=True).stdout.strip()


def playbook_variables(at: Scene, python: Path) -> works.Json:
    names = {group["GroupId"]: group["GroupName"] for group in at.document["SecurityGroups"]}
    return {
        "ansible_python_interpreter": str(python),
        "vpc": at.vpc,
        "target_region": REGION,
        "groups_wanted": [
            {
                "name": group["GroupName"],
                "description": group["Description"],
                "tags": {tag["Key"]: tag["Value"] for tag in group["Tags"]},
                "rules": [_rule(p, names) for p in group["IpPermissions"]],
                "rules_egress": [_rule(p, names) for p in group["IpPermissionsEgress"]],
            }
            for group in at.document["SecurityGroups"]
        ],
        "acls_wanted": [
            {
                "name": acl["Tags"][0]["Value"],
                "ingress": [_entry(e) for e in acl["Entries"] if not e["Egress"]],
                "egress": [_entry(e) for e in acl["Entries"] if e["Egress"]],
            }
            for acl in at.document["NetworkAcls"]
        ],
    }


def _rule(permission: works.Json, names: Mapping[str, str]) -> works.Json:
    rule: works.Json = {"proto": permission["IpProtocol"] if permission["IpProtocol"] != "-1" else "all"}
    if "FromPort" in permission:
        rule |= {"from_port": permission["FromPort"], "to_port": permission["ToPort"]}
    for block in permission.get("IpRanges") or ():
        rule["cidr_ip"] = block["CidrIp"]
        if "Description" in block:
            rule["rule_desc"] = block["Description"]
    for pair in permission.get("UserIdGroupPairs") or ():
        rule["group_name"] = names[pair["GroupId"]]
    return rule


def _entry(entry: works.Json) -> list[object]:
    ports = entry["PortRange"]
    return [
        entry["RuleNumber"], "tcp", entry["RuleAction"], entry["CidrBlock"], None, None, ports["From"], ports["To"]
    ]  # fmt: skip
