"""AWS::DynamoDB, AWS::SQS, AWS::S3, AWS::SSM."""

import json
from typing import Any

from twinwall.emulator.stacks.desk import Desk, Props
from twinwall.emulator.stacks.kind import Kind, words
from twinwall.emulator.stacks.resolver import Made

# --- table

_TABLE = words(
    "AttributeDefinitions BillingMode DeletionProtectionEnabled GlobalSecondaryIndexes KeySchema LocalSecondaryIndexes "
    "OnDemandThroughput ProvisionedThroughput TableClass"
)


def _encryption(given: Any) -> dict[str, Any] | None:
    """A template says SSEEnabled where the API says Enabled."""
    if given is None:
        return None
    rest = {key: value for key, value in given.items() if key != "SSEEnabled"}
    return {"Enabled": given.get("SSEEnabled", False), **rest}


def _streaming(given: Any) -> dict[str, Any] | None:
    return None if given is None else {"StreamEnabled": True, **given}


def _create_table(desk: Desk, p: Props) -> Made:
    name = p.get("TableName") or desk.name()
    desk.call(
        "dynamodb", "CreateTable", TableName=name, **{key: p[key] for key in p.keys() & _TABLE},
        StreamSpecification=_streaming(p.get("StreamSpecification")),
        SSESpecification=_encryption(p.get("SSESpecification")), Tags=desk.tags(p.get("Tags")) or None,
    )  # fmt: skip
    _guard_table(desk, name, {}, p)
    return _described_table(desk, name)


def _guard_table(desk: Desk, name: str, before: Props, now: Props) -> None:
    """Recovery and expiry have calls of their own."""
    recovery = now.get("PointInTimeRecoverySpecification")
    if recovery != before.get("PointInTimeRecoverySpecification"):
        wanted = recovery or {"PointInTimeRecoveryEnabled": False}
        desk.call(
            "dynamodb", "UpdateContinuousBackups", TableName=name, PointInTimeRecoverySpecification=wanted
        )
    expiry = now.get("TimeToLiveSpecification")
    if expiry is not None and expiry != before.get("TimeToLiveSpecification"):
        desk.call("dynamodb", "UpdateTimeToLive", TableName=name, TimeToLiveSpecification=expiry)


def _described_table(desk: Desk, name: str) -> Made:
    found = desk.call("dynamodb", "DescribeTable", TableName=name)["Table"]
    shown = {"Arn": found["TableArn"]}
    return Made(name, shown | ({"StreamArn": found["LatestStreamArn"]} if "LatestStreamArn" in found else {}))


_IN_PLACE = ("AttributeDefinitions", "BillingMode", "DeletionProtectionEnabled", "OnDemandThroughput",
             "ProvisionedThroughput", "TableClass")  # fmt: skip


def _update_table(desk: Desk, made: Made, before: Props, now: Props) -> Made:
    changed = {key: now.get(key, _UNSAID.get(key)) for key in _IN_PLACE if before.get(key) != now.get(key)}
    if changed:
        desk.call("dynamodb", "UpdateTable", TableName=made.id, **changed)
    if before.get("StreamSpecification") != now.get("StreamSpecification"):
        if before.get("StreamSpecification"):
            off = {"StreamEnabled": False}
            desk.call("dynamodb", "UpdateTable", TableName=made.id, StreamSpecification=off)
        if now.get("StreamSpecification"):
            on = _streaming(now["StreamSpecification"])
            desk.call("dynamodb", "UpdateTable", TableName=made.id, StreamSpecification=on)
    if before.get("SSESpecification") != now.get("SSESpecification"):
        wanted = _encryption(now.get("SSESpecification") or {})
        desk.call("dynamodb", "UpdateTable", TableName=made.id, SSESpecification=wanted)
    _guard_table(desk, made.id, before, now)
    if tags := desk.tags(now.get("Tags")):
        desk.call("dynamodb", "TagResource", ResourceArn=made.attributes["Arn"], Tags=tags)
    return _described_table(desk, made.id)


_UNSAID = {"DeletionProtectionEnabled": False, "BillingMode": "PROVISIONED"}


# --- queue

_QUEUE = words(
    "ContentBasedDeduplication DeduplicationScope DelaySeconds FifoQueue FifoThroughputLimit KmsMasterKeyId "
    "KmsDataKeyReusePeriodSeconds MaximumMessageSize MessageRetentionPeriod ReceiveMessageWaitTimeSeconds "
    "RedrivePolicy RedriveAllowPolicy SqsManagedSseEnabled VisibilityTimeout"
)


def _attributes(p: Props) -> dict[str, str]:
    def text(value: Any) -> str:
        if isinstance(value, dict | list):
            return json.dumps(value)
        return str(value).lower() if isinstance(value, bool) else str(value)

    return {key: text(p[key]) for key in p.keys() & _QUEUE}


def _create_queue(desk: Desk, p: Props) -> Made:
    name = p.get("QueueName") or desk.name(75) + (
        ".fifo" if str(p.get("FifoQueue")).lower() == "true" else ""
    )
    tags = desk.tag_map(p.get("Tags")) or None
    url = desk.call("sqs", "CreateQueue", QueueName=name, Attributes=_attributes(p), tags=tags)["QueueUrl"]
    arn = f"arn:aws:sqs:{desk.region}:{desk.account}:{name}"
    return Made(url, {"Arn": arn, "QueueName": name, "QueueUrl": url})


_USUAL = {
    "DelaySeconds": "0", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "RedrivePolicy": "",
    "ReceiveMessageWaitTimeSeconds": "0", "VisibilityTimeout": "30",
}  # fmt: skip


def _update_queue(desk: Desk, made: Made, before: Props, now: Props) -> Made:
    old, new = _attributes(before), _attributes(now)
    changed = {key: value for key, value in new.items() if old.get(key) != value}
    changed |= {key: _USUAL[key] for key in old.keys() - new.keys() if key in _USUAL}
    if changed:
        desk.call("sqs", "SetQueueAttributes", QueueUrl=made.id, Attributes=changed)
    if tags := desk.tag_map(now.get("Tags")):
        desk.call("sqs", "TagQueue", QueueUrl=made.id, Tags=tags)
    return made


def _set_policy(desk: Desk, made: Made, p: Props) -> Made:
    for url in p["Queues"]:
        policy = json.dumps(p["PolicyDocument"])
        desk.call("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": policy})
    return made


def _update_policy(desk: Desk, made: Made, before: Props, now: Props) -> Made:
    left = {"PolicyDocument": {}, "Queues": [url for url in before["Queues"] if url not in now["Queues"]]}
    _delete_policy(desk, made, left)
    return _set_policy(desk, made, now)


def _delete_policy(desk: Desk, _: Made, p: Props) -> None:
    for url in p["Queues"]:
        desk.gone("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": ""})


# --- bucket


def _create_bucket(desk: Desk, p: Props) -> Made:
    name = p.get("BucketName") or desk.name(63, lower=True)
    where = None if desk.region == "us-east-1" else {"LocationConstraint": desk.region}
    desk.call("s3", "CreateBucket", Bucket=name, CreateBucketConfiguration=where)
    _set_bucket(desk, name, {}, p)
    domain = f"{name}.s3.amazonaws.com"
    return Made(name, {"Arn": f"arn:aws:s3:::{name}", "DomainName": domain})


def _set_bucket(desk: Desk, name: str, before: Props, now: Props) -> None:
    for key, (operation, parameter, write) in _BUCKET.items():
        if key in now and before.get(key) != now[key]:
            desk.call("s3", operation, Bucket=name, **{parameter: write(now[key])})
    if tags := desk.tags(now.get("Tags")):
        desk.call("s3", "PutBucketTagging", Bucket=name, Tagging={"TagSet": tags})


def _encrypted(given: Any) -> Any:
    rules = [
        {
            "ApplyServerSideEncryptionByDefault": rule.get("ServerSideEncryptionByDefault"),
            "BucketKeyEnabled": rule.get("BucketKeyEnabled", False),
        }
        for rule in given["ServerSideEncryptionConfiguration"]
    ]
    return {"Rules": rules}


_BUCKET: dict[str, tuple[str, str, Any]] = {
    "VersioningConfiguration": ("PutBucketVersioning", "VersioningConfiguration", dict),
    "PublicAccessBlockConfiguration": ("PutPublicAccessBlock", "PublicAccessBlockConfiguration", dict),
    "BucketEncryption": ("PutBucketEncryption", "ServerSideEncryptionConfiguration", _encrypted),
}


def _update_bucket(desk: Desk, made: Made, before: Props, now: Props) -> Made:
    _set_bucket(desk, made.id, before, now)
    return made


# --- parameter


def _put_parameter(desk: Desk, name: str, p: Props, *, anew: bool) -> Made:
    given = {key: value for key, value in p.items() if key not in ("Name", "Tags")}
    desk.call("ssm", "PutParameter", Name=name, **given, Overwrite=None if anew else True)
    return Made(name, {"Type": p["Type"], "Value": p["Value"]})


KINDS = (
    Kind(
        "AWS::DynamoDB::Table", _create_table,
        lambda desk, made, _: desk.gone("dynamodb", "DeleteTable", TableName=made.id), _update_table,
        words("TableName KeySchema LocalSecondaryIndexes GlobalSecondaryIndexes"),
        frozenset(_IN_PLACE) | words("StreamSpecification SSESpecification PointInTimeRecoverySpecification "
                                     "TimeToLiveSpecification Tags"),
        words("KeySchema"),
    ),
    Kind(
        "AWS::SQS::Queue", _create_queue, lambda desk, made, _: desk.gone("sqs", "DeleteQueue", QueueUrl=made.id),
        _update_queue, words("QueueName FifoQueue"), (_QUEUE - {"FifoQueue"}) | {"Tags"},
    ),
    Kind(
        "AWS::SQS::QueuePolicy", lambda desk, p: _set_policy(desk, Made(desk.name()), p), _delete_policy,
        _update_policy, changing=words("PolicyDocument Queues"), required=words("PolicyDocument Queues"),
    ),
    Kind(
        "AWS::S3::Bucket", _create_bucket, lambda desk, made, _: desk.gone("s3", "DeleteBucket", Bucket=made.id),
        _update_bucket, words("BucketName"), frozenset(_BUCKET) | {"Tags"},
    ),
    Kind(
        "AWS::SSM::Parameter",
        lambda desk, p: _put_parameter(desk, p.get("Name") or desk.name(), p, anew=True),
        lambda desk, made, _: desk.gone("ssm", "DeleteParameter", Name=made.id),
        lambda desk, made, _, now: _put_parameter(desk, made.id, now, anew=False), words("Name"),
        words("AllowedPattern Description Tier Type Value"), words("Type Value"),
    ),
)  # fmt: skip
