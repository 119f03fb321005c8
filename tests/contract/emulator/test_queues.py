"""SQS on the endpoint: moto's, on the server's clock, each account's own (SQS developer guide and API)."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from scaling_scene import Scene

Refuses = Callable[[str], Any]
TWO = "210000000002"


def send(scene: Scene, url: str, body: str = "x", **given: Any) -> None:
    scene.sqs.send_message(QueueUrl=url, MessageBody=body, **given)


def receive(scene: Scene, url: str, **given: Any) -> list[dict[str, Any]]:
    asked = {"MaxNumberOfMessages": 10, "MessageSystemAttributeNames": ["All"], **given}
    return list(scene.sqs.receive_message(QueueUrl=url, **asked).get("Messages", []))


def bodies(scene: Scene, url: str, **given: Any) -> list[str]:
    return [message["Body"] for message in receive(scene, url, **given)]


def test_hidden_until_deleted_or_visible_again(scene: Scene) -> None:
    url, _ = scene.queue("q", VisibilityTimeout="30")
    send(scene, url)
    (first,) = receive(scene, url)
    assert receive(scene, url) == []
    scene.pass_time(29)
    assert receive(scene, url) == []
    scene.pass_time(1)
    (again,) = receive(scene, url)
    assert again["MessageId"] == first["MessageId"]
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"
    scene.sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])
    scene.pass_time(60)
    assert receive(scene, url) == []


def test_visibility_can_be_changed(scene: Scene) -> None:
    url, _ = scene.queue("q")
    send(scene, url)
    (message,) = receive(scene, url, VisibilityTimeout=10)
    named = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
    scene.sqs.change_message_visibility(**named, VisibilityTimeout=100)
    scene.pass_time(99)
    assert receive(scene, url) == []
    scene.sqs.change_message_visibility(**named, VisibilityTimeout=0)
    assert len(receive(scene, url)) == 1


def test_delayed(scene: Scene) -> None:
    url, _ = scene.queue("q")
    send(scene, url, DelaySeconds=20)
    assert receive(scene, url) == []
    found = scene.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert found["ApproximateNumberOfMessagesDelayed"] == "1"
    scene.pass_time(20)
    assert len(receive(scene, url)) == 1


def test_dead_letters(scene: Scene) -> None:
    """After maxReceiveCount receives the next one moves it."""
    dead, arn = scene.queue("dead")
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
    url, _ = scene.queue("q", RedrivePolicy=redrive, VisibilityTimeout="5")
    send(scene, url, "poison")
    for _ in range(2):
        assert bodies(scene, url) == ["poison"]
        scene.pass_time(5)
    assert bodies(scene, dead) == []
    assert bodies(scene, url) == []
    assert bodies(scene, dead) == ["poison"]


def test_a_long_poll_hears_a_message_that_comes(scene: Scene) -> None:
    scene.aws.pace.set_scale(1)
    url, _ = scene.queue("q")
    heard: list[str] = []
    poll = threading.Thread(target=lambda: heard.extend(bodies(scene, url, WaitTimeSeconds=20)))
    started = time.monotonic()
    poll.start()
    time.sleep(0.2)
    send(scene, url, "late")
    poll.join()
    assert heard == ["late"]
    assert time.monotonic() - started < 10


def test_a_long_poll_waits_on_the_servers_clock(scene: Scene) -> None:
    scene.aws.pace.set_scale(100)
    url, _ = scene.queue("q", ReceiveMessageWaitTimeSeconds="20")
    started = time.monotonic()
    assert bodies(scene, url) == []
    assert 0.2 <= time.monotonic() - started < 10


def test_ordered(scene: Scene) -> None:
    """A group's next message waits for the one before; the same twice is one."""
    url, _ = scene.queue("q.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    for body in ("1", "2", "2"):
        send(scene, url, body, MessageGroupId="a")
    send(scene, url, "3", MessageGroupId="b")
    (first, *_) = receive(scene, url, MaxNumberOfMessages=1)
    assert first["Body"] == "1"
    assert bodies(scene, url, MaxNumberOfMessages=1) == ["3"]
    scene.sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert bodies(scene, url, MaxNumberOfMessages=1) == ["2"]


def test_each_account_and_region_its_own(scene: Scene, client: Any, refuses: Refuses) -> None:
    """The same name thrice; a URL says whose."""
    url, _ = scene.queue("q")
    theirs = client("sqs", TWO).create_queue(QueueName="q")["QueueUrl"]
    far = client("sqs", region="us-east-1")
    far.create_queue(QueueName="q")
    assert scene.account in url
    assert TWO in theirs
    send(scene, url, "mine")
    assert "Messages" not in client("sqs", TWO).receive_message(QueueUrl=theirs)
    assert "Messages" not in far.receive_message(QueueUrl=url)
    with refuses("AccessDeniedException"):
        client("sqs", TWO).receive_message(QueueUrl=url)
    with refuses("AccessDeniedException"):
        client("sqs", TWO).delete_queue(QueueUrl=url)
    assert bodies(scene, url) == ["mine"]


def test_another_account_by_policy(scene: Scene, client: Any, refuses: Refuses) -> None:
    url, _ = scene.queue("q")
    scene.sqs.add_permission(QueueUrl=url, Label="two", AWSAccountIds=[TWO], Actions=["SendMessage"])
    client("sqs", TWO).send_message(QueueUrl=url, MessageBody="theirs")
    with refuses("AccessDeniedException"):
        client("sqs", TWO).receive_message(QueueUrl=url)
    assert bodies(scene, url) == ["theirs"]


def test_the_query_protocol(scene: Scene) -> None:
    """As SDKs before 2023 speak it: form in, XML out, the queue in the path."""
    url, _ = scene.queue("q", VisibilityTimeout="30")

    def ask(action: str, **given: str) -> str:
        body = urlencode({"Action": action, "Version": "2012-11-05", "QueueUrl": url, **given})
        asked = AWSRequest("POST", url, data=body, headers={"Content-Type": _FORM})
        key = scene.aws.credentials(scene.account)
        SigV4Auth(Credentials(key.id, key.secret), "sqs", scene.region).add_auth(asked)
        answer = requests.post(url, data=body, headers=dict(asked.headers), timeout=10)
        assert answer.headers["Content-Type"].startswith("text/xml"), answer.text
        return answer.text

    assert "<SendMessageResult>" in ask("SendMessage", MessageBody="hello")
    assert "<Body>hello</Body>" in ask("ReceiveMessage", WaitTimeSeconds="1")
    assert "<Body>" not in ask("ReceiveMessage", WaitTimeSeconds="0")
    scene.pass_time(30)
    assert "<Body>hello</Body>" in ask("ReceiveMessage")
    assert "<Code>" in ask("ReceiveMessage", MaxNumberOfMessages="11")


_FORM = "application/x-www-form-urlencoded; charset=utf-8"


def test_a_queue_that_is_not_there(scene: Scene, refuses: Refuses) -> None:
    url, _ = scene.queue("q")
    scene.sqs.delete_queue(QueueUrl=url)
    with pytest.raises(scene.sqs.exceptions.QueueDoesNotExist):
        send(scene, url)


def test_from_within(scene: Scene) -> None:
    """What event source mappings stand on."""
    url, arn = scene.queue("q", VisibilityTimeout="30")
    queues = scene.aws.services.queues
    assert queues.wait(arn, 0) is False
    send(scene, url, "a", MessageAttributes={"k": {"DataType": "String", "StringValue": "v"}})
    assert queues.wait(arn, 0) is True
    (message,) = queues.receive(arn, 10)
    assert (message.body, message.attributes["ApproximateReceiveCount"]) == ("a", "1")
    assert message.message_attributes["k"]["StringValue"] == "v"
    assert queues.receive(arn, 10) == []
    queues.change_visibility(arn, message.handle, 0)
    (message,) = queues.receive(arn, 10, visibility=5)
    scene.pass_time(5)
    assert queues.wait(arn, 0) is True
    queues.delete(arn, [message.handle])
    assert queues.wait(arn, 0) is False
