"""Live sides: the doors on AWS. The only module of the command line that loads boto3."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial

from twinwall.aws.account import AwsAccount
from twinwall.aws.clients import AwsSession
from twinwall.aws.faults import faults
from twinwall.aws.sessions import Side, resolve
from twinwall.boundary import Clock
from twinwall.cli.world import Doors, Located, Way
from twinwall.ec2.paced import Paced
from twinwall.ec2.reader import Ec2Reader
from twinwall.ec2.writer import Ec2Writer
from twinwall.engine.pace import Paces
from twinwall.errors import NotFound


def connect(ways: Sequence[Way], clock: Clock) -> Sequence[Doors]:
    """Equal ways share one session, so that nobody is asked twice for a code; equal accounts and Regions share what
    EC2's throttle allows there."""
    distinct = list(dict.fromkeys(ways))
    sides = [_side(way) for way in distinct]
    sessions = resolve(sides, now=clock.now, fallback_region=os.environ.get("AWS_REGION"))
    paces = Paces(clock)
    doors = {way: _doors(session, way, paces) for way, session in zip(distinct, sessions, strict=True)}
    return [doors[way] for way in ways]


def _side(way: Way) -> Side:
    fields = asdict(way)
    fields.pop("throttle_share")
    return Side(label=fields.pop("side"), **fields)


def _doors(session: AwsSession, way: Way, paces: Paces) -> Doors:
    identity = session.identity()
    share = (way.throttle_share or 100) / 100
    pace = paces.of(identity.account, identity.region, share)
    ec2 = Paced(session, pace.wait)
    reader, writer = Ec2Reader(ec2), Ec2Writer(ec2, paces.clock)
    return Doors(reader, writer, AwsAccount(session), partial(_locate, session), pace)


def _locate(session: AwsSession, id_: str) -> Located:
    client = session.reading()
    if id_.startswith("sg-"):
        with faults("looking up the security group", id_, at=session.place):
            group = client.describe_security_groups(GroupIds=[id_])["SecurityGroups"][0]
        return Located(group["VpcId"], group["GroupId"])
    key = "association.association-id" if id_.startswith("aclassoc-") else "network-acl-id"
    with faults("looking up the network ACL", id_, at=session.place):
        found = client.describe_network_acls(Filters=[{"Name": key, "Values": [id_]}])["NetworkAcls"]
    if not found:
        raise NotFound(
            f"looking up {id_} in {session.region}: there is no network ACL with this id or association; "
            "check the id, the profile and the Region"
        )
    return Located(found[0]["VpcId"], found[0]["NetworkAclId"])
