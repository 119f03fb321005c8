"""Whole runs of the command line against the embedded AWS, in this process, and what stood in AWS before and
after.

``Stage`` is three accounts with a profile each; ``stage.run(...)`` is one command with its exit code, JSON and
stderr. EC2's throttle costs no real time: the clock of the runs passes by sleeping, not by waiting.
"""

import contextlib
import functools
import io
import ipaddress
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import ClientCreator
from botocore.loaders import JSONFileLoader

from twinwall.cli import main as cli
from twinwall.cli.world import World
from twinwall.emulator import seed
from twinwall.emulator.server import EmbeddedAws

A, B, C = "111111111111", "222222222222", "333333333333"
PROFILES = {A: "src", B: "dst", C: "third"}
HERE, THERE = "us-west-1", "eu-central-1"
Json = dict[str, Any]

FIREWALL_READS = frozenset({"DescribeSecurityGroups", "DescribeNetworkAcls"})
WRITES_ON_GROUPS_AND_ACLS = frozenset(
    {
        "CreateSecurityGroup",
        "DeleteSecurityGroup",
        "AuthorizeSecurityGroupIngress",
        "AuthorizeSecurityGroupEgress",
        "RevokeSecurityGroupIngress",
        "RevokeSecurityGroupEgress",
        "ModifySecurityGroupRules",
        "UpdateSecurityGroupRuleDescriptionsIngress",
        "UpdateSecurityGroupRuleDescriptionsEgress",
        "CreateNetworkAcl",
        "DeleteNetworkAcl",
        "CreateNetworkAclEntry",
        "ReplaceNetworkAclEntry",
        "DeleteNetworkAclEntry",
        "ReplaceNetworkAclAssociation",
        "CreateTags",
        "DeleteTags",
    }
)
WRITES = WRITES_ON_GROUPS_AND_ACLS | {
    "CreateManagedPrefixList",
    "ModifyManagedPrefixList",
    "DeleteManagedPrefixList",
    "AssociateSecurityGroupVpc",
}


@dataclass
class SleepingClock:
    """Real time, and on top of it all that was slept, at once."""

    slept: float = 0.0

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic() + self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += max(0.0, seconds)


@dataclass
class PureClock(SleepingClock):
    """No time passes but by sleeping: calls that take none, seen through the throttle."""

    def monotonic(self) -> float:
        return self.slept


@dataclass(frozen=True)
class Run:
    """One command line: how it ended and what it said."""

    arguments: tuple[str, ...]
    code: int
    stdout: str
    stderr: str
    calls: Counter[str] = field(default_factory=Counter)
    """The endpoint's own count of what this run sent, by operation."""

    @functools.cached_property
    def json(self) -> Json:
        try:
            return json.loads(self.stdout)
        except ValueError:
            raise AssertionError(f"{self}: stdout is not JSON:\n{self.stdout[:500]}") from None

    @property
    def locks(self) -> int:
        """How many targets were locked: each that was written to, and so has a journal. Two calls each."""
        journals = [line for line in self.stderr.splitlines() if line.startswith("journal: ")]
        return 0 if "--no-lock" in self.arguments else len(journals)

    @property
    def written(self) -> Counter[str]:
        """The writes to the firewall: without the lock's."""
        writes = Counter({name: count for name, count in self.calls.items() if name in WRITES})
        return writes - Counter({"CreateSecurityGroup": self.locks, "DeleteSecurityGroup": self.locks})

    @property
    def firewall_calls(self) -> int:
        """DescribeSecurityGroups, DescribeNetworkAcls and the writes on groups and ACLs, without the lock's."""
        counted = FIREWALL_READS | WRITES_ON_GROUPS_AND_ACLS
        return sum(count for name, count in self.calls.items() if name in counted) - 2 * self.locks

    @property
    def findings(self) -> list[Json]:
        return self.json["findings"]

    def finding_ids(self) -> set[str]:
        return {finding["id"] for finding in self.findings}

    def actions(self) -> list[str]:
        return [change["action"] for change in self.json["changes"]]

    def ended(self, code: int) -> "Run":
        assert self.code == code, f"exit {self.code}, not {code}: {self}\n{self.stderr[-3000:]}"
        return self

    def refused(self, code: int, *words: str) -> "Run":
        """Ended so, with one line that says these words, no traceback, and no write."""
        self.ended(code)
        line = self.line
        assert "Traceback" not in self.stderr
        assert "internal error" not in self.stderr
        for word in words:
            assert word in line, f"{word!r} is not in: {line}"
        assert not self.written, f"written: {self.written}"
        return self

    @property
    def line(self) -> str:
        """The one line that a failure gets; everything else on stderr must be announcement."""
        lines = [text for text in self.stderr.splitlines() if text.startswith("twinwall: ")]
        assert len(lines) == 1, f"{len(lines)} lines of failure:\n{self.stderr}"
        return lines[0]

    def __str__(self) -> str:
        return f"twinwall {' '.join(self.arguments)}"


@dataclass
class Stage:
    aws: EmbeddedAws
    folder: Path
    clock: SleepingClock = field(default_factory=SleepingClock)
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    # --- what stands in AWS

    def load(self, document: Mapping[str, Any], account: str = A, region: str = HERE) -> list[str]:
        """A document as ``account``'s own, with its very ids."""
        return seed.load_document(self.aws, account, region, document)

    def empty(
        self,
        cidr: str = "10.20.0.0/16",
        ipv6: str | None = None,
        account: str = B,
        region: str = THERE,
        subnets: Sequence[tuple[str, str, str]] = (),
    ) -> str:
        return seed.empty_vpc(self.aws, account, region, cidr, ipv6, subnets)

    def client(self, account: str = B, region: str = THERE) -> Any:
        if (account, region) not in self._clients:
            key = self.aws.credentials(account)
            self._clients[account, region] = boto3.client(
                "ec2",
                region,
                endpoint_url=self.aws.endpoint,
                aws_access_key_id=key.id,
                aws_secret_access_key=key.secret,
            )
        return self._clients[account, region]

    def groups(self, vpc: str, account: str = B, region: str = THERE) -> list[Json]:
        filters = [{"Name": "vpc-id", "Values": [vpc]}]
        return self.client(account, region).describe_security_groups(Filters=filters)["SecurityGroups"]

    def group(self, name: str, vpc: str, account: str = B, region: str = THERE) -> Json:
        (found,) = [g for g in self.groups(vpc, account, region) if g["GroupName"] == name]
        return found

    def acls(self, vpc: str, account: str = B, region: str = THERE) -> list[Json]:
        filters = [{"Name": "vpc-id", "Values": [vpc]}]
        return self.client(account, region).describe_network_acls(Filters=filters)["NetworkAcls"]

    def lists(self, account: str = B, region: str = THERE) -> list[Json]:
        """The account's own lists, each with its entries."""
        client = self.client(account, region)
        found = client.describe_managed_prefix_lists()["PrefixLists"]
        return [
            {**item, "Entries": _entries(client, item["PrefixListId"])}
            for item in found
            if item["OwnerId"] != "AWS"
        ]

    def everything(self, account: str = B, region: str = THERE) -> Json:
        """The account's whole firewall in a Region, as EC2 describes it."""
        client = self.client(account, region)
        return {
            "groups": client.describe_security_groups()["SecurityGroups"],
            "acls": client.describe_network_acls()["NetworkAcls"],
            "rules": client.describe_security_group_rules()["SecurityGroupRules"],
            "lists": self.lists(account, region),
        }

    # --- runs

    def run(self, *arguments: str, clock: SleepingClock | None = None) -> Run:
        out, err = io.StringIO(), io.StringIO()
        before = self.aws.counts.by_action()
        world = World(clock=clock or self.clock)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.run([str(argument) for argument in arguments], world)
        calls = self.aws.counts.by_action() - before
        return Run(tuple(map(str, arguments)), code, out.getvalue(), err.getvalue(), calls)

    def ways(self, source: tuple[str, str] | None, target: tuple[str, str] | None) -> list[str]:
        """``--SIDE-profile`` and ``--SIDE-region`` of (account, Region)."""
        found: list[str] = []
        for side, place in (("source", source), ("target", target)):
            if place is not None:
                found += [f"--{side}-profile", PROFILES[place[0]], f"--{side}-region", place[1]]
        return found

    def command(
        self,
        name: str,
        source: str | Path,
        *targets: str,
        options: Sequence[str] = (),
        source_at: tuple[str, str] = (A, HERE),
        target_at: tuple[str, str] = (B, THERE),
        clock: SleepingClock | None = None,
    ) -> Run:
        """``name --source … --target …`` with JSON; a source that is no VPC id is a file."""
        live = str(source).startswith("vpc-")
        arguments = [name, "--source", str(source)]
        for target in targets:
            arguments += ["--target", target]
        arguments += [*self.ways(source_at if live else None, target_at), *options]
        arguments += ["--yes"] if name == "migrate" else []
        return self.run(*arguments, "--output", "json", "--quiet", clock=clock)

    def migrate(self, source: str | Path, *targets: str, options: Sequence[str] = (), **more: Any) -> Run:
        return self.command("migrate", source, *targets, options=options, **more)

    def verify(self, source: str | Path, *targets: str, options: Sequence[str] = (), **more: Any) -> Run:
        return self.command("verify", source, *targets, options=options, **more)

    def plan(self, source: str | Path, *targets: str, options: Sequence[str] = (), **more: Any) -> Run:
        return self.command("plan", source, *targets, options=options, **more)

    def save(self, document: Mapping[str, Any], name: str = "snapshot.json") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document))
        return path


def _entries(client: Any, list_id: str) -> list[Json]:
    pages = client.get_paginator("get_managed_prefix_list_entries").paginate(PrefixListId=list_id)
    return [entry for page in pages for entry in page["Entries"]]


@contextlib.contextmanager
def models_read_once() -> Iterator[None]:
    """botocore reads its 4 MB of EC2's model anew for each session, and makes its 700 methods anew for each
    client; in tests once is enough."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", lambda _, path: _model(path))
        patch.setattr(ClientCreator, "_create_methods", _methods)
        yield


_load_file, _create_methods = JSONFileLoader.load_file, ClientCreator._create_methods
_known_methods: dict[str, Json] = {}


@functools.cache
def _model(path: str) -> Any:
    return _load_file(JSONFileLoader(), path)


def _methods(creator: ClientCreator, service_model: Any) -> Json:
    name = service_model.service_name
    if name not in _known_methods:
        _known_methods[name] = _create_methods(creator, service_model)
    return dict(_known_methods[name])


@contextlib.contextmanager
def stage(folder: Path, **how: Any) -> Iterator[Stage]:
    """Three accounts, a profile for each, and an environment in which only they exist."""
    how.setdefault("seed", 11)
    with (
        models_read_once(),
        EmbeddedAws((A, B, C), **how) as aws,
        pytest.MonkeyPatch.context() as environment,
    ):
        environment.setenv("HOME", str(folder))
        environment.setenv("XDG_STATE_HOME", str(folder / "state"))
        environment.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
        environment.setenv("AWS_CONFIG_FILE", str(folder / "config"))
        environment.setenv("AWS_ENDPOINT_URL", aws.endpoint)
        (folder / "credentials").write_text(credentials(aws))
        yield Stage(aws, folder)


def credentials(aws: EmbeddedAws) -> str:
    """A shared credentials file with a profile for each account."""
    text = ""
    for account, profile in PROFILES.items():
        key = aws.credentials(account)
        text += f"[{profile}]\naws_access_key_id = {key.id}\naws_secret_access_key = {key.secret}\n"
    return text


# --- what a copy should hold, reckoned here and not by the product

Rule = tuple[Any, ...]
"""(direction, protocol, first, last, peer)"""


def another_block(cidr: str) -> str:
    """A block of the same size elsewhere."""
    length = ipaddress.ip_network(cidr, strict=False).prefixlen
    found = str(ipaddress.ip_network(f"10.77.77.0/{length}", strict=False))
    return found if found != cidr else str(ipaddress.ip_network(f"172.27.77.0/{length}", strict=False))


def moved(cidr: str, maps: Mapping[str, str]) -> str:
    """The block at the same place of the block it lies in; itself where it lies in none."""
    block = ipaddress.ip_network(cidr, strict=False)
    for source, target in maps.items():
        whole, other = ipaddress.ip_network(source), ipaddress.ip_network(target)
        if block.version == whole.version and block.subnet_of(whole):
            shift = int(block.network_address) - int(whole.network_address)
            kind = ipaddress.ip_network
            return str(kind((int(other.network_address) + shift, block.prefixlen)))
    return str(block)


NUMBERS = {"icmp": "1", "tcp": "6", "udp": "17", "icmpv6": "58", "all": "-1"}


def flat_rules(group: Mapping[str, Any]) -> Iterator[tuple[Rule, Json]]:
    """Each rule of a described group, its peer as ``(kind, value)``, and the peer's own fields."""
    for direction, key in (("in", "IpPermissions"), ("out", "IpPermissionsEgress")):
        for permission in group.get(key) or ():
            traffic = flat_traffic(permission)
            for item in permission.get("IpRanges") or ():
                yield (direction, *traffic, ("cidr", _canonical(item["CidrIp"]))), item
            for item in permission.get("Ipv6Ranges") or ():
                yield (direction, *traffic, ("cidr", _canonical(item["CidrIpv6"]))), item
            for item in permission.get("PrefixListIds") or ():
                yield (direction, *traffic, ("list", item["PrefixListId"])), item
            for item in permission.get("UserIdGroupPairs") or ():
                yield (direction, *traffic, ("group", item.get("GroupId") or item["GroupName"])), item


def flat_traffic(permission: Mapping[str, Any]) -> tuple[str, int | None, int | None]:
    protocol = str(permission["IpProtocol"]).lower()
    protocol = NUMBERS.get(protocol, protocol)
    first, last = permission.get("FromPort"), permission.get("ToPort")
    if protocol in ("6", "17"):
        return (protocol, 0, 65535) if first in (None, -1) else (protocol, int(first), int(last))
    if protocol in ("1", "58"):
        return protocol, -1 if first is None else int(first), -1 if last is None else int(last)
    return protocol, None, None


def _canonical(cidr: str) -> str:
    return str(ipaddress.ip_network(cidr, strict=False))


def flat_entry(entry: Mapping[str, Any], maps: Mapping[str, str]) -> tuple[Any, ...]:
    protocol = NUMBERS.get(str(entry["Protocol"]), str(entry["Protocol"]))
    ports: tuple[Any, ...] = ()
    if protocol in ("6", "17"):
        spoken = entry.get("PortRange") or {"From": 0, "To": 65535}
        ports = (spoken["From"], spoken["To"])
    if protocol in ("1", "58"):
        spoken = entry.get("IcmpTypeCode") or {"Type": -1, "Code": -1}
        ports = (spoken.get("Type", -1), spoken.get("Code", -1))
    block = moved(str(entry.get("CidrBlock") or entry["Ipv6CidrBlock"]), maps)
    return bool(entry["Egress"]), entry["RuleNumber"], protocol, ports, entry["RuleAction"].lower(), block


def flat_acl(acl: Mapping[str, Any], maps: Mapping[str, str] | None = None) -> set[tuple[Any, ...]]:
    """The entries, EC2's own final denies left out."""
    entries = acl.get("Entries") or ()
    return {flat_entry(entry, maps or {}) for entry in entries if entry["RuleNumber"] < 32767}


def tags_of(item: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in item.get("Tags") or ()}


def source_of(item: Mapping[str, Any]) -> str:
    """The id that a mark names; empty without a mark."""
    return tags_of(item).get("twinwall:source", "").rpartition("/")[2]


@dataclass
class Reckoned:
    """What a copy of one VPC must hold: groups and ACLs by source id, and what cannot come along."""

    groups: dict[str, Json]
    acls: dict[str, Json]
    rules: dict[str, dict[Rule, Json]] = field(default_factory=dict)
    left_out: list[tuple[str, Rule]] = field(default_factory=list)


def reckon(
    document: Mapping[str, Any], vpc: str, maps: Mapping[str, str], lists: Mapping[str, str]
) -> Reckoned:
    """``lists``: source list id → target list id. A rule's peer becomes ``("copy", source group id)``; rules
    that name another VPC's group, a group that is gone, AWS's own group or an unknown list are left out."""
    groups = {g["GroupId"]: g for g in document.get("SecurityGroups") or () if g["VpcId"] == vpc}
    defaults = [g for g in groups.values() if g["GroupName"] == "default"]
    described = [g for g in defaults if g["Description"] == "default VPC security group"]
    for second in defaults:
        if second is not (described or defaults)[0]:
            del groups[second["GroupId"]]
    acls = {a["NetworkAclId"]: a for a in document.get("NetworkAcls") or () if a["VpcId"] == vpc}
    found = Reckoned(groups, acls)
    for id_, group in groups.items():
        found.rules[id_] = {}
        for rule, item in flat_rules(group):
            *head, (kind, value) = rule
            match kind:
                case "cidr":
                    peer = ("cidr", moved(value, maps))
                case "list" if value in lists:
                    peer = ("list", lists[value])
                case "group" if value in groups:
                    peer = ("copy", value)
                case _:
                    found.left_out.append((id_, rule))
                    continue
            found.rules[id_].setdefault((*head, peer), item)
    return found


def check_copy(
    wanted: Reckoned, run: Run, groups: Sequence[Json], acls: Sequence[Json], maps: Mapping[str, str]
) -> None:
    """The target, as EC2 describes it, is the copy that was reckoned; what was left out is told, rule by rule."""
    copies = {source_of(group): group for group in groups if source_of(group)}
    assert set(copies) == set(wanted.groups), (set(copies) ^ set(wanted.groups), run.findings)
    back = {group["GroupId"]: id_ for id_, group in copies.items()}
    for id_, group in copies.items():
        source = wanted.groups[id_]
        had = {_with_copy(rule, back): item for rule, item in flat_rules(group)}
        lacking, too_many = set(wanted.rules[id_]) - set(had), set(had) - set(wanted.rules[id_])
        told = f"{source['GroupName']!r} lacks {lacking}, has besides {too_many}"
        assert not lacking, told
        assert not too_many, told
        for rule, item in had.items():
            assert item.get("Description", "") == wanted.rules[id_][rule].get("Description", "")
        assert group["GroupName"] == source["GroupName"].rstrip(" ")
        assert group["Description"] == source["Description"]
        _check_tags(source, group)
    twins = {source_of(acl): acl for acl in acls if source_of(acl)}
    assert set(twins) == set(wanted.acls)
    for id_, acl in twins.items():
        assert flat_acl(acl) == flat_acl(wanted.acls[id_], maps)
        _check_tags(wanted.acls[id_], acl)
    check_left_out(wanted, run)


def _with_copy(rule: Rule, back: Mapping[str, str]) -> Rule:
    *head, (kind, value) = rule
    return (*head, ("copy", back[value])) if kind == "group" else rule


NOT_COPIED = ("aws:", "twinwall:", "kubernetes.io/cluster/")


def _check_tags(source: Mapping[str, Any], copy: Mapping[str, Any]) -> None:
    along = {key: value for key, value in tags_of(source).items() if not key.startswith(NOT_COPIED)}
    held = {key: value for key, value in tags_of(copy).items() if key != "twinwall:source"}
    assert held == along


def check_left_out(wanted: Reckoned, run: Run) -> None:
    """Every rule left out stands in ``not_compared``, each with its finding."""
    told = [item for item in run.json["verify"]["not_compared"] if item["rule"] is not None]
    assert Counter(item["resource"]["id"] for item in told) == Counter(id_ for id_, _ in wanted.left_out)
    check_told(run)
    assert run.json["verify"]["complete"] is (not run.json["verify"]["not_compared"])


def check_told(run: Run) -> None:
    found = {(finding["resource"]["id"], finding["rule"]) for finding in run.findings}
    for item in run.json["verify"]["not_compared"]:
        assert (item["resource"]["id"], item["rule"]) in found, item
        assert item["why"]
