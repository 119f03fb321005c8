"""DynamoDB, as far as a table of members needs it (emulators' table; aws-facts 7)."""

import time
from typing import Any

from probes.registry import probe
from probes.trial import ABROAD, HOME, Json, Trial

DYNAMODB = "B dynamodb"


class Table:
    """Hash key ``region``, range key ``asg``."""

    def __init__(self, t: Trial, region: str = HOME, **more: Any) -> None:
        self.t = t
        self.name = more.pop("name", "") or t.name("table")
        self.db = t.client("dynamodb", region)
        keys = (("region", "HASH"), ("asg", "RANGE"))
        asked = {
            "AttributeDefinitions": [{"AttributeName": k, "AttributeType": "S"} for k, _ in keys],
            **more,
        }
        self.db.create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
            BillingMode="PAY_PER_REQUEST",
            **asked,
        )
        t.eventually(lambda: self.described()["TableStatus"] == "ACTIVE", "the table is active")

    def described(self) -> Json:
        return dict(self.db.describe_table(TableName=self.name)["Table"])

    def put(self, region: str = "r", asg: str = "a", **more: Any) -> None:
        asked = {key: more.pop(key) for key in list(more) if key[0].isupper()}
        self.db.put_item(TableName=self.name, Item={**key(region, asg), **more}, **asked)

    def get(self, region: str = "r", asg: str = "a") -> Json:
        found = self.db.get_item(TableName=self.name, Key=key(region, asg), ConsistentRead=True)
        return dict(found.get("Item", {}))

    def update(self, expression: str, values: Json, **more: Any) -> Json:
        return dict(
            self.db.update_item(
                TableName=self.name,
                Key=key(),
                UpdateExpression=expression,
                ExpressionAttributeValues=values,
                **more,
            )
        )


def key(region: str = "r", asg: str = "a") -> Json:
    return {"region": {"S": region}, "asg": {"S": asg}}


@probe(
    "table",
    "a condition that does not hold is ConditionalCheckFailedException, with the item if asked",
    DYNAMODB,
)
def conditions(t: Trial) -> None:
    table = Table(t)
    table.put(n={"N": "1"})
    new = {
        "ConditionExpression": "attribute_not_exists(asg)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    try:
        table.put(n={"N": "2"}, **new)
    except table.db.exceptions.ConditionalCheckFailedException as failed:
        t.same(failed.response["Item"]["n"], {"N": "1"})
    else:
        t.true(False, "accepted")
    values = {":n": {"N": "3"}, ":o": {"N": "1"}}
    table.update("SET n = :n", values, ConditionExpression="n = :o")
    t.refused(
        "ConditionalCheckFailedException", table.update, "SET n = :n", values, ConditionExpression="n = :o"
    )


@probe("table", "sets grow and shrink, lists are appended to, defaults stand in", DYNAMODB)
def expressions(t: Trial) -> None:
    table = Table(t)
    table.update("ADD ips :i", {":i": {"SS": ["1.1.1.1", "2.2.2.2"]}})
    table.update("DELETE ips :i", {":i": {"SS": ["1.1.1.1"]}})
    table.update(
        "SET l = list_append(if_not_exists(l, :e), :i)", {":e": {"L": []}, ":i": {"L": [{"N": "1"}]}}
    )
    found = table.get()
    t.same((found["ips"], found["l"]), ({"SS": ["2.2.2.2"]}, {"L": [{"N": "1"}]}))
    table.update("DELETE ips :i", {":i": {"SS": ["2.2.2.2"]}})
    t.true("ips" not in table.get(), "an empty set stays")


@probe("table", "a transaction is carried out whole or not at all, and says why not", DYNAMODB)
def transactions(t: Trial) -> None:
    table = Table(t)
    table.put(asg="there")
    write = [
        {"Put": {"TableName": table.name, "Item": key(asg="new")}},
        {
            "Put": {
                "TableName": table.name,
                "Item": key(asg="there"),
                "ConditionExpression": "attribute_not_exists(asg)",
            }
        },
    ]
    try:
        table.db.transact_write_items(TransactItems=write)
    except table.db.exceptions.TransactionCanceledException as failed:
        t.same(
            [why["Code"] for why in failed.response["CancellationReasons"]],
            ["None", "ConditionalCheckFailed"],
        )
    else:
        t.true(False, "accepted")
    t.same(table.get(asg="new"), {})


@probe("table", "a transaction's token carries it out once", "B TransactWriteItems.ClientRequestToken")
def transaction_token(t: Trial) -> None:
    table = Table(t)
    update = {
        "TableName": table.name,
        "Key": key(),
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    for _ in range(2):
        table.db.transact_write_items(
            TransactItems=[{"Update": update}], ClientRequestToken=f"{table.name}-token"
        )
    t.same(table.get()["n"], {"N": "1"})


@probe("table", "an item past its time to live is removed, or still readable for days", "DDB TTL")
def time_to_live(t: Trial) -> None:
    table = Table(t)
    wanted = {"Enabled": True, "AttributeName": "until"}
    table.db.update_time_to_live(TableName=table.name, TimeToLiveSpecification=wanted)
    said = table.db.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
    t.same((said["TimeToLiveStatus"] in ("ENABLING", "ENABLED"), said["AttributeName"]), (True, "until"))
    table.put(asg="later", until={"N": str(int(time.time()) + 3600)})
    t.true(table.get(asg="later"), "an item is gone before its time")


@probe("table", "a stream tells what was put, changed and deleted, old and new", "B dynamodbstreams")
def streams(t: Trial) -> None:
    table = Table(t, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    table.put(n={"N": "1"})
    table.put(n={"N": "2"})
    table.db.delete_item(TableName=table.name, Key=key())
    stream = t.client("dynamodbstreams")
    arn = table.described()["LatestStreamArn"]
    shard = stream.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    where = {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    iterator = stream.get_shard_iterator(**where)["ShardIterator"]
    records = stream.get_records(ShardIterator=iterator)["Records"]
    t.same([record["eventName"] for record in records], ["INSERT", "MODIFY", "REMOVE"])
    changed = records[1]["dynamodb"]
    t.same((changed["OldImage"]["n"], changed["NewImage"]["n"]), ({"N": "1"}, {"N": "2"}))


@probe("table", "a replica of a table gets its items", "DDB V2globaltables_HowItWorks")
def global_table(t: Trial) -> None:
    table = Table(t, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    create = {"Create": {"RegionName": ABROAD}}
    table.db.update_table(TableName=table.name, ReplicaUpdates=[create])
    t.eventually(
        lambda: [r["RegionName"] for r in table.described().get("Replicas", ())] == [ABROAD],
        "there is a replica",
    )
    table.put(n={"N": "7"})
    abroad = t.client("dynamodb", ABROAD)

    def arrived() -> bool:
        found = abroad.get_item(TableName=table.name, Key=key()).get("Item", {})
        return bool(found.get("n") == {"N": "7"})

    t.eventually(arrived, "the item is in the other Region")


@probe("table", "tables of one name in two Regions are two tables", DYNAMODB)
def tables_apart(t: Trial) -> None:
    here = Table(t)
    there = Table(t, ABROAD, name=here.name)
    here.put(n={"N": "1"})
    t.same((there.get(), here.get()["n"]), ({}, {"N": "1"}))


@probe("table", "items are queried by hash key, written in batches, and come in pages", DYNAMODB)
def queries(t: Trial) -> None:
    table = Table(t)
    puts = [{"PutRequest": {"Item": key(asg=f"a{n}")}} for n in range(5)]
    table.db.batch_write_item(RequestItems={table.name: [*puts, {"PutRequest": {"Item": key("other")}}]})
    asked = {
        "TableName": table.name,
        "KeyConditionExpression": "#r = :r",
        "ExpressionAttributeNames": {"#r": "region"},
        "ExpressionAttributeValues": {":r": {"S": "r"}},
    }
    first = table.db.query(Limit=3, **asked)
    rest = table.db.query(ExclusiveStartKey=first["LastEvaluatedKey"], **asked)
    t.same(
        [item["asg"]["S"] for page in (first, rest) for item in page["Items"]], [f"a{n}" for n in range(5)]
    )


@probe("table", "an index is queried", DYNAMODB)
def index(t: Trial) -> None:
    kinds = [{"AttributeName": name, "AttributeType": "S"} for name in ("region", "asg", "team")]
    by_team = {
        "IndexName": "by-team",
        "KeySchema": [{"AttributeName": "team", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    table = Table(t, AttributeDefinitions=kinds, GlobalSecondaryIndexes=[by_team])
    table.put(asg="a1", team={"S": "red"})
    table.put(asg="a2", team={"S": "blue"})
    found = table.db.query(
        TableName=table.name,
        IndexName="by-team",
        KeyConditionExpression="team = :t",
        ExpressionAttributeValues={":t": {"S": "blue"}},
    )
    t.same([item["asg"]["S"] for item in found["Items"]], ["a2"])
