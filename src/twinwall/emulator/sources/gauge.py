"""A cheap look from inside: may a source hold something? So that an idle poller asks the endpoint nothing."""

from moto.dynamodb.models import dynamodb_backends

from twinwall.emulator.delivery import parse_arn
from twinwall.emulator.queues import Queues
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.tables.reading import is_behind


def has_news(queues: Queues, source: str) -> bool:
    """``source``: a queue's ARN, or a stream's iterator. True, too, for what is gone: asking tells more."""
    found = parse_arn(source)
    if found is None:
        return True
    if found.service != "sqs":
        return is_behind(dynamodb_backends[found.account][found.region].tables, source)
    try:
        return queues.wait(source, 0)
    except Refusal:
        return True
