"""``MemberTable`` on DynamoDB (aws-facts 7): every decision is a condition, checked where the item is.

rows     region (hash), asg (range): a site's row
lease    region "-", asg "twinwall": token, until, and what the node keeps beside the rows
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from twinwall.aws.faults import error_code, faults
from twinwall.aws.timed import Timed
from twinwall.boundary import Row, Table
from twinwall.ec2.faults import Place
from twinwall.errors import Unavailable

LEASE = {"region": "-", "asg": "twinwall"}

# Each sub-condition by its name; together they are the protocol's.
_IS_FREE = "attribute_not_exists(#token) OR #until <= :now OR #token = :token"
_IS_MINE = "#token = :token"
_IS_NEW = "attribute_not_exists(#region)"
_IS_STANDING = "attribute_not_exists(tombstone) OR tombstone = :no"
_IS_OLDER = (
    "attribute_not_exists(generation) OR generation < :generation"
    " OR (generation = :generation AND (attribute_not_exists(observed_at) OR observed_at < :observed_at))"
)
_IS_ACCEPTED = f"{_IS_NEW} OR (({_IS_STANDING}) AND ({_IS_OLDER}))"
_NAMES = {"#token": "token", "#until": "until"}
_FAILED = "ConditionalCheckFailedException"
_PUSHED = 10
"""Rows of one transaction: it holds 4 MB, an item 400 KB (aws-facts 7)."""


Standing = dict[tuple[str, str], tuple[Mapping[str, Any], Row]]
"""Rows as they were last read, by their keys: in DynamoDB's form and in ours."""


class DynamoTable:
    """``standing``: kept from one reading to the next by whoever reads often; a row that is unchanged is the same."""

    def __init__(self, dynamodb: Timed, table: str, place: Place, standing: Standing) -> None:
        self._call, self._table, self._place, self._standing = dynamodb, table, place, standing

    def read(self, within: float) -> Table:
        rows, unknown = [], {}
        with faults("reading the table", self._table, at=self._place):
            for item in self._scan(within):
                if item["region"] == LEASE["region"]:
                    unknown = {key: value / 1000 for key, value in (item.get("unknown") or {}).items()}
                else:
                    rows.append(item)
        return Table(tuple(rows), unknown)

    def _scan(self, within: float) -> Iterator[dict[str, Any]]:
        request: dict[str, Any] = {"TableName": self._table, "ConsistentRead": True}
        while True:
            page = self._call("scan", within, **request)
            yield from map(self._row, page["Items"])
            if not page.get("LastEvaluatedKey"):
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _row(self, item: Mapping[str, Any]) -> Row:
        key = item["region"]["S"], item["asg"]["S"]
        known = self._standing.get(key)
        if known is None or known[0] != item:
            known = self._standing[key] = (item, _plain_item(item))
        return known[1]

    def take(self, token: str, now: float, until: float, within: float) -> float | None:
        """A retry that meets its own success has the token already."""
        values = {":token": token, ":now": _ms(now), ":until": _ms(until)}
        update = "SET #token = :token, #until = :until"
        standing = self._update(update, _IS_FREE, values, "taking the lease of", within)
        return None if standing is None else standing.get("until", 0) / 1000

    def release(self, token: str, unknown: Mapping[str, float] | None, within: float) -> None:
        values: dict[str, Any] = {":token": token}
        update = "REMOVE #token, #until"
        if unknown is not None:
            values[":unknown"] = {key: _ms(moment) for key, moment in unknown.items()}
            update = f"SET #unknown = :unknown {update}"
        self._update(update, _IS_MINE, values, "giving back the lease of", within)

    def _update(
        self, update: str, condition: str, values: dict[str, Any], doing: str, within: float
    ) -> dict[str, Any] | None:
        """None, or the item that stands there and does not meet the condition."""
        used = f"{update} {condition}"
        names = {**_NAMES, "#unknown": "unknown"}
        request = {
            "TableName": self._table,
            "Key": _item(LEASE),
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {name: names[name] for name in names if name in used},
            "ExpressionAttributeValues": _item(values),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        with faults(doing, self._table, at=self._place, mutation=True):
            return self._conditional("update_item", within, request)

    def _conditional(self, operation: str, within: float, request: dict[str, Any]) -> dict[str, Any] | None:
        try:
            self._call(operation, within, **request)
        except ClientError as error:
            if error_code(error) != _FAILED:
                raise
            found: Mapping[str, Any] = error.response
            return _plain_item(found.get("Item") or {})
        return None

    def write(self, rows: Sequence[tuple[Row, int | None]], token: str, within: float) -> bool:
        check = {
            "TableName": self._table,
            "Key": _item(LEASE),
            "ConditionExpression": _IS_MINE,
            "ExpressionAttributeNames": {"#token": "token"},
            "ExpressionAttributeValues": _item({":token": token}),
        }
        items = [{"ConditionCheck": check}, *({"Put": self._put(row, old)} for row, old in rows)]
        with faults("writing rows into", self._table, at=self._place, mutation=True):
            try:
                self._call("transact_write_items", within, TransactItems=items)
            except ClientError as error:
                if error_code(error) != "TransactionCanceledException":
                    raise
                return self._cancelled(error)
        return True

    def _cancelled(self, error: ClientError) -> bool:
        found: Mapping[str, Any] = error.response
        codes = {reason.get("Code") for reason in found.get("CancellationReasons") or ()}
        if "ConditionalCheckFailed" in codes:
            return False
        raise Unavailable(
            f"writing rows into {self._table}: DynamoDB cancelled it ({', '.join(sorted(map(str, codes)))}); "
            "way out: it is tried again",
            code="TransactionCanceledException",
        )

    def _put(self, row: Row, old: int | None) -> dict[str, Any]:
        put: dict[str, Any] = {"TableName": self._table, "Item": _item(_stored(row))}
        if old is None:
            return {**put, "ConditionExpression": "attribute_not_exists(generation)"}
        values = _item({":old": old})
        return {**put, "ConditionExpression": "generation = :old", "ExpressionAttributeValues": values}

    def push(self, rows: Sequence[Row], within: float) -> Sequence[Row | None]:
        """Of one row a put; of several a transaction, again without those that it was cancelled for."""
        found: dict[int, Row | None] = {}
        with faults("pushing rows into", self._table, at=self._place, mutation=True):
            while len(found) < len(rows):
                left = [number for number in range(len(rows)) if number not in found][:_PUSHED]
                refused = self._put_new([rows[number] for number in left], within)
                found.update(
                    (number, refused.get(at))
                    for at, number in enumerate(left)
                    if at in refused or not refused
                )
        return [found[number] for number in range(len(rows))]

    def _put_new(self, rows: Sequence[Row], within: float) -> dict[int, Row]:
        """What stands in the way, by the number of its row; nothing was put then."""
        puts = [self._put_newer(row) for row in rows]
        if len(puts) == 1:
            standing = self._conditional("put_item", within, puts[0])
            return {} if standing is None else {0: standing}
        try:
            self._call("transact_write_items", within, TransactItems=[{"Put": put} for put in puts])
        except ClientError as error:
            return _standing(error)
        return {}

    def _put_newer(self, row: Row) -> dict[str, Any]:
        values = {
            ":no": False,
            ":generation": row.get("generation") or 0,
            ":observed_at": row.get("observed_at") or 0,
        }
        return {
            "TableName": self._table,
            "Item": _item(_stored(row)),
            "ConditionExpression": _IS_ACCEPTED,
            "ExpressionAttributeNames": {"#region": "region"},
            "ExpressionAttributeValues": _item(values),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }


def _standing(error: ClientError) -> dict[int, Row]:
    """Of a cancelled transaction: what stands where a condition was not met (API: CancellationReason). Raises the error
    where it was cancelled for anything else."""
    found: Mapping[str, Any] = error.response
    reasons = found.get("CancellationReasons") or ()
    refused: dict[int, Row] = {
        at: _plain_item(reason.get("Item") or {})
        for at, reason in enumerate(reasons)
        if reason.get("Code") == "ConditionalCheckFailed"
    }
    if error_code(error) != "TransactionCanceledException" or not refused:
        raise error
    return refused


def _stored(row: Row) -> dict[str, Any]:
    """``ips`` is NULL when empty, as published; what else is None is left out."""
    return {key: value for key, value in row.items() if value is not None or key == "ips"}


def _ms(moment: float) -> int:
    return round(moment * 1000)


# --- a value and its DynamoDB form (API: AttributeValue); boto3 has it too, and costs a function a tenth of its start


def _item(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _typed(value) for key, value in values.items()}


def _typed(value: Any) -> dict[str, Any]:
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case set() | frozenset():
            return {"SS": sorted(value)}
        case Mapping():
            return {"M": _item(value)}
        case _:
            return {"L": [_typed(part) for part in value]}


def _plain_item(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _plain(value) for key, value in item.items()}


def _plain(typed: Mapping[str, Any]) -> Any:
    """Numbers are whole: others are nobody's of ours, and are cut."""
    [(kind, value)] = typed.items()
    match kind:
        case "NULL":
            return None
        case "N":
            return int(float(value)) if "." in value or "E" in value.upper() else int(value)
        case "SS" | "NS" | "BS":
            return set(value)
        case "L":
            return [_plain(part) for part in value]
        case "M":
            return _plain_item(value)
        case _:
            return value
