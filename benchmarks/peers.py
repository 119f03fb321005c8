"""How others would carry W(G, R, N, E) over, as scripts on boto3: run as a process of its own, on a source that was
read already (a snapshot document), against whatever endpoint the environment names.

    naive        a rule at a time, as most scripts found on the web do: no batches, one call after the other
    sequential   well written: as few calls as there can be, one after the other
    threads      the same calls from 16 threads, with boto3's adaptive retries: all groups first, then their rules

    peers.py naive DOCUMENT VPC REGION

Prints {"seconds": from the first write to the last, "calls": sent, "failed": what gave up}.
"""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

Json = dict[str, Any]
WORKERS = 16
BORN = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]


class Script:
    """Counts and times what it sends."""

    def __init__(self, document: Json, vpc: str, region: str, retries: Json) -> None:
        self.document, self.vpc = document, vpc
        self.ec2 = boto3.client("ec2", region, config=Config(retries=retries, max_pool_connections=WORKERS))
        self.ec2.meta.events.register("before-send.ec2", self._sent)
        self.ids: dict[str, str] = {}
        self.calls, self.first, self.last = 0, 0.0, 0.0
        self.failed: list[str] = []
        self._lock = threading.Lock()

    def _sent(self, **_: Any) -> None:
        with self._lock:
            self.calls += 1

    def write(self, action: str, **params: Any) -> Json:
        self.first = self.first or time.monotonic()
        try:
            return dict(getattr(self.ec2, action)(**params))
        finally:
            self.last = time.monotonic()

    # --- one object

    def create(self, group: Json) -> None:
        made = self.write(
            "create_security_group",
            GroupName=group["GroupName"],
            Description=group["Description"],
            VpcId=self.vpc,
            TagSpecifications=[{"ResourceType": "security-group", "Tags": group["Tags"]}],
        )
        self.ids[group["GroupId"]] = made["GroupId"]

    def permissions(self, group: Json, key: str) -> list[Json]:
        return [
            {**permission, "UserIdGroupPairs": [{"GroupId": self.ids[pair["GroupId"]]} for pair in pairs]}
            if (pairs := permission.get("UserIdGroupPairs"))
            else permission
            for permission in group[key]
        ]

    def fill(self, group: Json) -> None:
        """One call each way."""
        here = self.ids[group["GroupId"]]
        if group["IpPermissionsEgress"] != BORN:
            self.write("revoke_security_group_egress", GroupId=here, IpPermissions=BORN)
            wanted = self.permissions(group, "IpPermissionsEgress")
            self.write("authorize_security_group_egress", GroupId=here, IpPermissions=wanted)
        wanted = self.permissions(group, "IpPermissions")
        self.write("authorize_security_group_ingress", GroupId=here, IpPermissions=wanted)

    def acl(self, acl: Json, associations: dict[str, str]) -> None:
        id_ = self.write("create_network_acl", VpcId=self.vpc)["NetworkAcl"]["NetworkAclId"]
        for entry in acl["Entries"]:
            self.write("create_network_acl_entry", NetworkAclId=id_, **entry)
        name = acl["Tags"][0]["Value"]
        self.write("replace_network_acl_association", AssociationId=associations[name], NetworkAclId=id_)

    def associations(self) -> dict[str, str]:
        """By the subnet's name."""
        here = [{"Name": "vpc-id", "Values": [self.vpc]}]
        names = {
            subnet["SubnetId"]: next(tag["Value"] for tag in subnet["Tags"] if tag["Key"] == "Name")
            for subnet in self.ec2.describe_subnets(Filters=here)["Subnets"]
        }
        acls = self.ec2.describe_network_acls(Filters=here)["NetworkAcls"]
        found = [a for acl in acls for a in acl["Associations"]]
        return {names[a["SubnetId"]]: a["NetworkAclAssociationId"] for a in found}

    # --- told

    def told(self) -> Json:
        return {"seconds": self.last - self.first, "calls": self.calls, "failed": self.failed[:3]}


def naive(script: Script) -> None:
    for group in script.document["SecurityGroups"]:
        name = [{"Name": "group-name", "Values": [group["GroupName"]]}]
        if not script.ec2.describe_security_groups(Filters=name)["SecurityGroups"]:
            script.create(group)
    for group in script.document["SecurityGroups"]:
        here = script.ids[group["GroupId"]]
        if group["IpPermissionsEgress"] != BORN:
            script.write("revoke_security_group_egress", GroupId=here, IpPermissions=BORN)
            for one in script.permissions(group, "IpPermissionsEgress"):
                script.write("authorize_security_group_egress", GroupId=here, IpPermissions=[one])
        for one in script.permissions(group, "IpPermissions"):
            script.write("authorize_security_group_ingress", GroupId=here, IpPermissions=[one])
    for acl in script.document["NetworkAcls"]:
        script.acl(acl, script.associations())


def sequential(script: Script) -> None:
    associations = script.associations()
    for group in script.document["SecurityGroups"]:
        script.create(group)
    for group in script.document["SecurityGroups"]:
        script.fill(group)
    for acl in script.document["NetworkAcls"]:
        script.acl(acl, associations)


def threads(script: Script) -> None:
    associations = script.associations()
    with ThreadPoolExecutor(WORKERS) as pool:
        acls = [pool.submit(script.acl, acl, associations) for acl in script.document["NetworkAcls"]]
        _all(script, pool, script.create)
        _all(script, pool, script.fill)
        script.failed += [str(job.exception()) for job in acls if job.exception()]


def _all(script: Script, pool: ThreadPoolExecutor, work: Callable[[Json], None]) -> None:
    jobs: Iterable[Any] = [pool.submit(work, group) for group in script.document["SecurityGroups"]]
    script.failed += [str(job.exception()) for job in jobs if job.exception()]


SCRIPTS: dict[str, tuple[Callable[[Script], None], Json]] = {
    "naive": (naive, {"mode": "standard", "max_attempts": 12}),
    "sequential": (sequential, {"mode": "standard", "max_attempts": 12}),
    "threads": (threads, {"mode": "adaptive", "max_attempts": 30}),
}


def main() -> None:
    how, document, vpc, region = sys.argv[1:]
    run, retries = SCRIPTS[how]
    script = Script(json.loads(Path(document).read_text(encoding="utf-8")), vpc, region, retries)
    try:
        run(script)
    except ClientError as error:
        script.failed.append(str(error))
    sys.stdout.write(json.dumps(script.told()) + "\n")


if __name__ == "__main__":
    main()
