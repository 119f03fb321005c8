"""Regions, accounts, roles, policies, and what is recorded (emulators' table; aws-facts 9)."""

import json
from typing import Any

from probes.registry import probe
from probes.trial import ABROAD, HOME, Json, Trial

Statement = Json


def _trust(account: str, **condition: Any) -> str:
    statement: Json = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": account}}
    return _policy({**statement, **({"Condition": condition} if condition else {})})


def _policy(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _role(t: Trial, account: int = 0, trust: str = "", allow: str = "") -> str:
    """Its ARN. ``allow``: the action that it may do."""
    iam, name = t.client("iam", account=account), t.name("role")
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust or _trust(t.account))["Role"]
    if allow:
        statement = {"Effect": "Allow", "Action": allow, "Resource": "*"}
        iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=_policy(statement))
    return str(made["Arn"])


def _assumed(t: Trial, role: str, **more: Any) -> Json:
    given = t.client("sts").assume_role(RoleArn=role, RoleSessionName="probe", **more)
    return dict(given["Credentials"])


@probe("table", "what is made in one Region is not there in another", "EC2DG")
def regions_apart(t: Trial) -> None:
    group = t.group()
    t.refused("InvalidGroup.NotFound", t.described, group, ABROAD)


@probe(
    "table", "an access key is of one account; one that nobody gave out is refused", "IAM; ERR AuthFailure"
)
def unknown_key(t: Trial) -> None:
    t.same(t.client("sts").get_caller_identity()["Account"], t.account)
    nobody = {"AccessKeyId": "AKIAAAAAAAAAAAAAAAAA", "SecretAccessKey": "wrong"}
    t.refused("AuthFailure", t.client_with("ec2", nobody).describe_vpcs)


@probe("9.3", "a role of another account is taken on: its identity, and a state of its own", "B AssumeRole")
def assume_role(t: Trial) -> None:
    key = _assumed(t, _role(t, 1, allow="ec2:*"))
    who = t.client_with("sts", key).get_caller_identity()
    t.same(who["Account"], t.other_account)
    t.true(":assumed-role/" in who["Arn"], who["Arn"])
    t.same(
        t.client_with("ec2", key).describe_vpcs()["Vpcs"], t.client("ec2", account=1).describe_vpcs()["Vpcs"]
    )


@probe("table", "a role that is not there is AccessDenied", "IAM troubleshoot_access-denied")
def assume_missing_role(t: Trial) -> None:
    t.refused("AccessDenied", _assumed, t, f"arn:aws:iam::{t.other_account}:role/no-such-role")


@probe("9.3", "a role that trusts others is AccessDenied", "B AssumeRole")
def assume_untrusting_role(t: Trial) -> None:
    t.refused("AccessDenied", _assumed, t, _role(t, 1, _trust("999999999999")))


@probe("9.3", "a role may ask for an external id", "B AssumeRole.ExternalId")
def external_id(t: Trial) -> None:
    role = _role(t, 1, _trust(t.account, StringEquals={"sts:ExternalId": "secret-1"}))
    t.refused("AccessDenied", _assumed, t, role)
    t.refused("AccessDenied", _assumed, t, role, ExternalId="secret-2")
    _assumed(t, role, ExternalId="secret-1")


@probe(
    "9.3", "a session lasts 900 to 43,200 s, and at most what the role allows", "B AssumeRole.DurationSeconds"
)
def session_length(t: Trial) -> None:
    role = _role(t, 1)
    for wrong in (899, 43201, 7200):
        t.refused("ValidationError", _assumed, t, role, DurationSeconds=wrong)


@probe("table", "a role without rights may do nothing in EC2: UnauthorizedOperation", "B; IAM")
def policies_enforced(t: Trial) -> None:
    key = _assumed(t, _role(t, 1))
    said = t.refused("UnauthorizedOperation", t.client_with("ec2", key).describe_vpcs)
    t.true("ec2:DescribeVpcs" in said, said)


@probe("9.2", "a role may do what its policy names, on the resources it names", "PS ec2")
def policies_allow(t: Trial) -> None:
    ec2 = t.client_with("ec2", _assumed(t, _role(t, 1, allow="ec2:Describe*")))
    ec2.describe_vpcs()
    t.refused("UnauthorizedOperation", ec2.create_vpc, CidrBlock="10.0.0.0/16")


@probe("9.3", "a session's policy narrows what its role may do", "B AssumeRole.Policy")
def session_policy(t: Trial) -> None:
    only = _policy({"Effect": "Allow", "Action": "ec2:DescribeVpcs", "Resource": "*"})
    ec2 = t.client_with("ec2", _assumed(t, _role(t, 1, allow="ec2:*"), Policy=only))
    ec2.describe_vpcs()
    t.refused("UnauthorizedOperation", ec2.describe_subnets)


@probe("1.1", "DryRun tells one who may not: UnauthorizedOperation", "B DryRun")
def dry_run_denied(t: Trial) -> None:
    ec2 = t.client_with("ec2", _assumed(t, _role(t, 1, allow="ec2:DescribeVpcs")))
    t.refused("DryRunOperation", ec2.describe_vpcs, DryRun=True)
    t.refused("UnauthorizedOperation", ec2.describe_subnets, DryRun=True)


# --- recorded


@probe("table", "CloudTrail keeps what was called: LookupEvents", "B cloudtrail LookupEvents")
def events_looked_up(t: Trial) -> None:
    group = t.group()
    trail = t.client("cloudtrail")
    attribute = [{"AttributeKey": "EventName", "AttributeValue": "CreateSecurityGroup"}]

    def found() -> list[Json]:
        events = trail.lookup_events(LookupAttributes=attribute, MaxResults=50)["Events"]
        return [event for event in events if group in event["CloudTrailEvent"]]

    (event,) = t.eventually(found, "the call is recorded")
    record = json.loads(event["CloudTrailEvent"])
    t.same((event["EventName"], event["EventSource"]), ("CreateSecurityGroup", "ec2.amazonaws.com"))
    t.same((record["awsRegion"], record["recipientAccountId"]), (HOME, t.account))


@probe("table", "a trail is made and starts to log", "B cloudtrail CreateTrail, StartLogging")
def trail_logs(t: Trial) -> None:
    bucket, name = t.name("bucket"), t.name("trail")
    s3, trail = t.client("s3"), t.client("cloudtrail")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": HOME})
    trail.create_trail(Name=name, S3BucketName=bucket)
    trail.start_logging(Name=name)
    t.same(trail.get_trail_status(Name=name)["IsLogging"], True)
