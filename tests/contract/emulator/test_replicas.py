"""Replicas of a table in other Regions (DDB V2globaltables_HowItWorks; emulators.md)."""

from typing import Any

import pytest

from twinwall.emulator.server import EmbeddedAws

REGION, ABROAD = "eu-west-1", "us-east-1"
TABLE = "members"
IT = {"id": {"S": "it"}}


@pytest.fixture
def here(aws: EmbeddedAws, client: Any) -> Any:
    """A table with one item, and a replica."""
    table = client("dynamodb")
    table.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    table.put_item(TableName=TABLE, Item={"id": {"S": "first"}})
    table.update_table(TableName=TABLE, ReplicaUpdates=[{"Create": {"RegionName": ABROAD}}])
    return table


@pytest.fixture
def there(here: Any, client: Any) -> Any:
    return client("dynamodb", region=ABROAD)


def pass_time(aws: EmbeddedAws, seconds: float = 1.0) -> None:
    aws.pace.advance(seconds)
    assert aws.pace.agenda.settled()


def items(table: Any) -> dict[str, str]:
    found = table.scan(TableName=TABLE)["Items"]
    return {item["id"]["S"]: item.get("n", {}).get("N", "") for item in found}


def test_both_sides_show_each_other_and_what_there_was_is_copied(here: Any, there: Any) -> None:
    for table, other in ((here, ABROAD), (there, REGION)):
        told = table.describe_table(TableName=TABLE)["Table"]
        assert told["Replicas"] == [{"RegionName": other, "ReplicaStatus": "ACTIVE"}]
        assert told["GlobalTableVersion"] == "2019.11.21"
    assert items(there) == {"first": ""}


def test_writes_arrive_a_moment_later_in_both_directions(aws: EmbeddedAws, here: Any, there: Any) -> None:
    here.put_item(TableName=TABLE, Item={**IT, "n": {"N": "1"}})
    assert items(there) == {"first": ""}
    pass_time(aws)
    assert items(there) == {"first": "", "it": "1"}
    there.delete_item(TableName=TABLE, Key=IT)
    pass_time(aws)
    assert items(here) == {"first": ""}


def test_the_later_write_of_an_item_stands(aws: EmbeddedAws, here: Any, there: Any) -> None:
    """Conditions know their own Region alone: both hold, and the last writer wins."""
    new = {"ConditionExpression": "attribute_not_exists(id)"}
    here.put_item(TableName=TABLE, Item={**IT, "n": {"N": "1"}}, **new)
    there.put_item(TableName=TABLE, Item={**IT, "n": {"N": "2"}}, **new)
    pass_time(aws)
    assert items(here) == items(there) == {"first": "", "it": "2"}


def test_a_write_that_was_refused_goes_nowhere(aws: EmbeddedAws, here: Any, there: Any, refuses: Any) -> None:
    with refuses("ConditionalCheckFailedException"):
        here.put_item(TableName=TABLE, Item=IT, ConditionExpression="attribute_exists(id)")
    pass_time(aws)
    assert items(there) == {"first": ""}


def test_a_replica_is_made_once_and_taken_away(here: Any, there: Any, refuses: Any) -> None:
    with refuses("ValidationException"):
        here.update_table(TableName=TABLE, ReplicaUpdates=[{"Create": {"RegionName": ABROAD}}])
    here.update_table(TableName=TABLE, ReplicaUpdates=[{"Delete": {"RegionName": ABROAD}}])
    assert there.list_tables()["TableNames"] == []
    assert "Replicas" not in here.describe_table(TableName=TABLE)["Table"]
    with refuses("ResourceNotFoundException"):
        here.update_table(TableName="no-such", ReplicaUpdates=[{"Create": {"RegionName": ABROAD}}])
