"""DynamoDB: conditions, sets, transactions, streams, as the mesh needs them."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

TABLE = "members"
KEY = {"region": {"S": "eu-west-1"}, "asg": {"S": "web"}}


@pytest.fixture
def table(anywhere: Any) -> Iterator[Any]:
    table = anywhere("dynamodb")
    table.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("region", "asg")],
        KeySchema=[
            {"AttributeName": "region", "KeyType": "HASH"},
            {"AttributeName": "asg", "KeyType": "RANGE"},
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        DeletionProtectionEnabled=True,
    )
    yield table
    if TABLE in table.list_tables()["TableNames"]:
        table.update_table(TableName=TABLE, DeletionProtectionEnabled=False)
        table.delete_table(TableName=TABLE)


def put(table: Any, **attributes: Any) -> None:
    table.put_item(TableName=TABLE, Item=KEY | attributes)


def records(anywhere: Any, table: Any) -> list[Any]:
    """All that the stream holds."""
    streams = anywhere("dynamodbstreams")
    arn = table.describe_table(TableName=TABLE)["Table"]["LatestStreamArn"]
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    return list(streams.get_records(ShardIterator=iterator)["Records"])


def test_a_refused_condition_returns_the_item(table: Any) -> None:
    """ReturnValuesOnConditionCheckFailure, for put, update and delete; not for an item that is not there."""
    put(table, generation={"N": "7"}, ips={"NULL": True})
    asked = {
        "TableName": TABLE,
        "ConditionExpression": "generation < :g OR attribute_not_exists(generation)",
        "ExpressionAttributeValues": {":g": {"N": "7"}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    for call in (
        lambda: table.put_item(Item=KEY, **asked),
        lambda: table.update_item(Key=KEY, UpdateExpression="SET generation = :g", **asked),
        lambda: table.delete_item(Key=KEY, **asked),
    ):
        with pytest.raises(ClientError) as refused:
            call()
        assert refused.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
        assert refused.value.response["Item"] == KEY | {"generation": {"N": "7"}, "ips": {"NULL": True}}
    with pytest.raises(ClientError) as refused:
        table.delete_item(
            TableName=TABLE, Key=KEY | {"asg": {"S": "none"}}, ConditionExpression="attribute_exists(asg)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )  # fmt: skip
    assert "Item" not in refused.value.response


def test_sets_of_strings(table: Any) -> None:
    put(table, ips={"SS": ["10.0.0.1", "10.0.0.2"]})
    change = {"TableName": TABLE, "Key": KEY}
    values = {":v": {"SS": ["10.0.0.2", "10.0.0.3"]}}
    table.update_item(**change, UpdateExpression="ADD ips :v", ExpressionAttributeValues=values)
    table.update_item(**change, UpdateExpression="DELETE ips :v", ExpressionAttributeValues=values)
    assert table.get_item(**change, ConsistentRead=True)["Item"]["ips"] == {"SS": ["10.0.0.1"]}
    table.update_item(
        **change, UpdateExpression="DELETE ips :v", ExpressionAttributeValues={":v": {"SS": ["10.0.0.1"]}}
    )
    assert "ips" not in table.get_item(**change)["Item"]
    with pytest.raises(ClientError, match="may not be empty"):
        put(table, ips={"SS": []})


def test_a_condition_and_its_write_are_one(anywhere: Any, table: Any) -> None:
    """Of many who want the lease at once, one gets it."""
    won: list[int] = []

    def take(number: int) -> None:
        try:
            table.update_item(
                TableName=TABLE, Key=KEY, UpdateExpression="SET holder = :t",
                ConditionExpression="attribute_not_exists(holder)",
                ExpressionAttributeValues={":t": {"S": str(number)}},
            )  # fmt: skip
            won.append(number)
        except table.exceptions.ConditionalCheckFailedException:
            return

    for _ in range(5):
        won.clear()
        threads = [threading.Thread(target=take, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        held = table.get_item(TableName=TABLE, Key=KEY, ConsistentRead=True)["Item"]["holder"]["S"]
        assert won == [int(held)]
        table.delete_item(TableName=TABLE, Key=KEY)


def test_scan_and_query_in_pages(table: Any) -> None:
    for number in range(7):
        put(table, asg={"S": f"web-{number}"}, n={"N": str(number)})
    pages = table.get_paginator("scan").paginate(TableName=TABLE, PaginationConfig={"PageSize": 3})
    assert [len(page["Items"]) for page in pages] == [3, 3, 1]
    found = table.query(
        TableName=TABLE, KeyConditionExpression="#r = :r AND begins_with(asg, :a)", FilterExpression="n > :n",
        ExpressionAttributeNames={"#r": "region"}, ConsistentRead=True,
        ExpressionAttributeValues={":r": {"S": "eu-west-1"}, ":a": {"S": "web-"}, ":n": {"N": "4"}},
    )  # fmt: skip
    assert [item["asg"]["S"] for item in found["Items"]] == ["web-5", "web-6"]


def add(table: Any, token: str, amount: str = "1") -> None:
    values = {":one": {"N": amount}}
    update = {
        "TableName": TABLE,
        "Key": KEY,
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": values,
    }
    table.transact_write_items(TransactItems=[{"Update": update}], ClientRequestToken=token)


def test_a_transactions_token_counts_once(table: Any, refuses: Any) -> None:
    add(table, "a")
    add(table, "a")
    assert table.get_item(TableName=TABLE, Key=KEY)["Item"]["n"] == {"N": "1"}
    with refuses("IdempotentParameterMismatchException"):
        add(table, "a", "2")
    add(table, "b")
    assert table.get_item(TableName=TABLE, Key=KEY)["Item"]["n"] == {"N": "2"}


def test_a_transaction_that_fails_leaves_neither_item_nor_record(anywhere: Any, table: Any) -> None:
    other = KEY | {"asg": {"S": "other"}}
    check = {"TableName": TABLE, "Key": KEY, "ConditionExpression": "attribute_exists(asg)"}
    with pytest.raises(ClientError) as refused:
        table.transact_write_items(
            TransactItems=[{"Put": {"TableName": TABLE, "Item": other}}, {"ConditionCheck": check}]
        )
    reasons = refused.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed"]
    assert table.scan(TableName=TABLE)["Items"] == []
    assert records(anywhere, table) == []
    put(table)
    assert [record["eventName"] for record in records(anywhere, table)] == ["INSERT"]


@pytest.mark.parametrize(
    "anywhere", ["server"], indirect=True
)  # ministack: a set in another order has changed
def test_the_stream_says_what_changed_and_nothing_else(anywhere: Any, table: Any) -> None:
    """One record for an update that makes an item, none for a write that changes nothing; images of their time."""
    change = {"TableName": TABLE, "Key": KEY}
    first = {":l": {"L": [{"S": "a"}]}}
    table.update_item(**change, UpdateExpression="SET l = :l", ExpressionAttributeValues=first)
    table.update_item(**change, UpdateExpression="SET l = :l", ExpressionAttributeValues=first)
    put(table, l={"L": [{"S": "a"}]}, ips={"SS": ["x", "y"]})
    put(table, l={"L": [{"S": "a"}]}, ips={"SS": ["y", "x"]})
    table.update_item(
        **change,
        UpdateExpression="SET l = list_append(l, :l)",
        ExpressionAttributeValues={":l": {"L": [{"S": "b"}]}},
    )
    table.delete_item(**change)
    table.delete_item(**change)
    found = records(anywhere, table)
    assert [record["eventName"] for record in found] == ["INSERT", "MODIFY", "MODIFY", "REMOVE"]
    made, _, changed, gone = (record["dynamodb"] for record in found)
    one, two = {"L": [{"S": "a"}]}, {"L": [{"S": "a"}, {"S": "b"}]}
    assert ("OldImage" in made, made["NewImage"]["l"]) == (False, one)
    assert (changed["OldImage"]["l"], changed["NewImage"]["l"]) == (one, two)
    assert (gone["OldImage"]["l"], "NewImage" in gone) == (two, False)
    assert {record["awsRegion"] for record in found} == {"eu-west-1"}
    assert all(record["dynamodb"]["Keys"] == KEY for record in found)
    numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in found]
    assert numbers == sorted(set(numbers))


def test_a_place_in_the_stream(anywhere: Any, table: Any, refuses: Any) -> None:
    for number in range(4):
        put(table, n={"N": str(number)})
    streams, all_ = anywhere("dynamodbstreams"), records(anywhere, table)
    [stream] = streams.list_streams(TableName=TABLE)["Streams"]
    [shard] = streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"]
    asked = {"StreamArn": stream["StreamArn"], "ShardId": shard["ShardId"]}

    def read(kind: str, number: int = 0) -> list[Any]:
        wanted = {"SequenceNumber": all_[number]["dynamodb"]["SequenceNumber"]} if "SEQUENCE" in kind else {}
        iterator = streams.get_shard_iterator(**asked, ShardIteratorType=kind, **wanted)["ShardIterator"]
        return list(streams.get_records(ShardIterator=iterator)["Records"])

    assert read("AT_SEQUENCE_NUMBER", 1) == all_[1:]
    assert read("AFTER_SEQUENCE_NUMBER", 1) == all_[2:]
    assert read("LATEST") == []
    with refuses("ResourceNotFoundException"):
        streams.describe_stream(StreamArn=stream["StreamArn"] + "x")


def test_protection_and_recovery(table: Any, refuses: Any) -> None:
    table.update_continuous_backups(
        TableName=TABLE,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 7},
    )
    found = table.describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"]
    assert found["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    with refuses("ValidationException"):
        table.delete_table(TableName=TABLE)
    assert table.describe_table(TableName=TABLE)["Table"]["DeletionProtectionEnabled"]
    table.update_table(TableName=TABLE, DeletionProtectionEnabled=False)
    table.delete_table(TableName=TABLE)
