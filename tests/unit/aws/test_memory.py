"""1,000 groups of 60 rules, in one page as EC2 sends it, fit into a small machine."""

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LIMIT_MB = 500
"""For the whole process: both sides are read at the same time."""

READ_BOTH_SIDES = """
import pathlib, re, resource, sys
from concurrent.futures import ThreadPoolExecutor
import boto3
from twinwall.aws.clients import AwsSession
from twinwall.ec2.faults import Place
from twinwall.ec2.reader import Ec2Reader
from twinwall.model.wire import parse_snapshot

def read(side):
    raw = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-west-1")
    document = Ec2Reader(AwsSession(raw, Place(side), sys.argv[1])).read("vpc-1", ["SecurityGroups"])
    return parse_snapshot(document)

with ThreadPoolExecutor() as pool:
    snapshots = list(pool.map(read, ("source", "target")))
assert [sum(len(group.rules) for group in snapshot.groups) for snapshot in snapshots] == [60_000, 60_000]
status = pathlib.Path("/proc/self/status")
if status.exists():  # ru_maxrss would begin at the peak of the process that started this one
    print(int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1]) // 1024)
else:  # macOS, in bytes
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 // 1024)
"""


def group(number: int) -> str:
    permissions = "".join(
        f"<item><ipProtocol>tcp</ipProtocol><fromPort>{1000 + i}</fromPort><toPort>{1000 + i}</toPort><groups/>"
        f"<ipRanges><item><cidrIp>10.{number % 250}.{i}.0/24</cidrIp><description>rule {i} of group {number}"
        "</description></item></ipRanges><ipv6Ranges/><prefixListIds/></item>"
        for i in range(60)
    )
    return (
        f"<item><ownerId>111122223333</ownerId><groupId>sg-{number:017x}</groupId><groupName>group-{number}"
        "</groupName><groupDescription>d</groupDescription><vpcId>vpc-1</vpcId>"
        f"<ipPermissions>{permissions}</ipPermissions><ipPermissionsEgress/></item>"
    )


def test_reading_both_sides_stays_under_the_limit() -> None:
    page = (
        '<DescribeSecurityGroupsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><securityGroupInfo>'
        f"{''.join(map(group, range(1000)))}</securityGroupInfo></DescribeSecurityGroupsResponse>"
    ).encode()

    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        done = subprocess.run(
            [sys.executable, "-c", READ_BOTH_SIDES, endpoint], capture_output=True, text=True, check=False
        )
        server.shutdown()
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < LIMIT_MB
