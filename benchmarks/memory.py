"""How much memory reading a large firewall takes: ``benchmarks/memory.py [GROUPS [RULES]]``. ``make bench`` runs it and
writes the figure into docs/performance.md.

An embedded AWS in this process holds one VPC of 1,000 groups of 60 rules; a process of its own reads it over HTTP,
live, through the product's own doors and workflow, and says its peak resident set. The goal (issue 2, *Speed*):
less than 500 MB.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import note, write
from twinwall.emulator import seed
from twinwall.emulator.server import EmbeddedAws

ACCOUNT, REGION, VPC = "555555555555", "eu-west-1", "vpc-large"
GOAL_MB = 500
LARGE = (1000, 60)
Json = dict[str, Any]

TEXT = """\
## Reading a large firewall

`twinwall snapshot` of 1,000 groups with 60 rules each, live over HTTP, held {megabytes:.0f} MB at most (goal: {goal})
and took {seconds:.1f} s, the embedded AWS beside it."""

READER = """
import pathlib, re, resource, sys, time
from twinwall.cli.main import run
started = time.monotonic()
code = run(sys.argv[1:])
status = pathlib.Path("/proc/self/status")
if status.exists():  # ru_maxrss would begin at the peak of the process that started this one
    peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1]) / 1024
else:  # macOS, in bytes
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / 1024
print(peak, time.monotonic() - started, file=sys.stderr)
sys.exit(code)
"""


def document(groups: int, rules: int) -> Json:
    """Each group with rules of all kinds: mostly blocks, some of other groups."""
    return {
        "Region": REGION,
        "OwnerId": ACCOUNT,
        "Vpcs": [{"VpcId": VPC, "CidrBlock": "10.0.0.0/8", "OwnerId": ACCOUNT}],
        "SecurityGroups": [_group(number, groups, rules) for number in range(groups)],
    }


def _group(number: int, groups: int, rules: int) -> Json:
    blocks = rules - rules // 10
    permissions: list[Json] = [
        {
            "IpProtocol": "tcp",
            "FromPort": 1024 + n,
            "ToPort": 1024 + n,
            "IpRanges": [
                {"CidrIp": f"10.{number % 256}.{n}.0/24", "Description": f"rule {n} of group {number}"}
            ],
        }
        for n in range(blocks)
    ]
    permissions += [
        {
            "IpProtocol": "udp",
            "FromPort": 2048 + n,
            "ToPort": 2048 + n,
            "UserIdGroupPairs": [{"GroupId": f"sg-{(number + n) % groups:08x}", "UserId": ACCOUNT}],
        }
        for n in range(rules - blocks)
    ]
    return {
        "GroupId": f"sg-{number:08x}",
        "GroupName": f"application-{number}",
        "Description": f"application {number}",
        "OwnerId": ACCOUNT,
        "VpcId": VPC,
        "IpPermissions": permissions,
        "IpPermissionsEgress": [],
        "Tags": [{"Key": "Name", "Value": f"application-{number}"}],
    }


def peak(groups: int, rules: int, *command: str) -> tuple[float, float]:
    """(MB, seconds) of a process that reads the firewall. ``command``: another one than ``snapshot``."""
    with EmbeddedAws((ACCOUNT,)) as aws, tempfile.TemporaryDirectory() as folder:
        seed.load_document(aws, ACCOUNT, REGION, document(groups, rules))
        key = aws.credentials(ACCOUNT)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
            "AWS_ENDPOINT_URL": aws.endpoint,
            "AWS_ACCESS_KEY_ID": key.id,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        arguments = command or ("snapshot", "--source", VPC, "-o", str(Path(folder, "large.json")), "--quiet")
        run = subprocess.run(
            [sys.executable, "-c", READER, *arguments],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if run.returncode:
            sys.exit(run.stderr)
    megabytes, seconds = run.stderr.splitlines()[-1].split()
    return float(megabytes), float(seconds)


def main() -> None:
    said = [int(text) for text in sys.argv[1:]]
    groups, rules = (*said, *LARGE[len(said) :])
    started = time.monotonic()
    megabytes, seconds = peak(groups, rules)
    told = {
        "groups": groups,
        "rules": rules,
        "peak_mb": round(megabytes),
        "goal_mb": GOAL_MB,
        "seconds": round(seconds, 1),
    }
    if (groups, rules) == LARGE:
        note("reading 1,000 groups of 60 rules", megabytes, "MB")
        write(__file__, [*TEXT.format(megabytes=megabytes, seconds=seconds, goal=GOAL_MB).splitlines(), ""])
    sys.stdout.write(json.dumps({**told, "all_seconds": round(time.monotonic() - started, 1)}) + "\n")
    sys.exit(megabytes >= GOAL_MB)


if __name__ == "__main__":
    main()
