"""The mesh on an endpoint served by a process of its own, over HTTP, its handlers in the Lambda runtime: the whole
public story with its times, and the published walk-through. IAM is enforced: every role has exactly the rights that
``twinwall mesh permissions`` prints."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from mesh_site import Mesh, Region, Served, by_hand, served, until

HERE, THERE = "eu-west-1", "us-east-1"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("served"), "--enforce-iam") as running:
        yield running


def ground(stage: Served, asg: str, *places: tuple[int, str]) -> list[Region]:
    """Base groups and Auto Scaling groups, at places (account's number, Region)."""
    return [
        Region(stage.endpoint, stage.accounts[account], region, number, asg).build()
        for number, (account, region) in enumerate(places, 1)
    ]


STORY, START = 60.0, 3.0
"""Seconds of the clock, six times the goal, for tests share their machine (``until``); seconds of CPU, the goal itself.
What was measured is in docs/embedded-aws.md."""


def test_from_nobody_to_three_members_and_back(stage: Served) -> None:
    here, there = ground(stage, "story", (0, HERE), (0, THERE))
    mesh = Mesh(stage.endpoint, "story", [here, there])
    for at in mesh.regions:
        mesh.deploy(at)
    began = time.monotonic()
    here.scale(3)
    until(lambda: here.in_service(3))
    members = here.addresses()
    assert len(members) == 3
    assert here.rules() == members, "answered after the proof only"
    until(lambda: mesh.everywhere(members))
    until(lambda: all(set(mesh.rows(at)) == {here.site, there.site} for at in mesh.regions))
    assert [mesh.listed(at)[here.site] for at in mesh.regions] == [members] * 2
    here.scale(0)
    until(lambda: not here.states())
    until(lambda: mesh.everywhere(set()))
    assert time.monotonic() - began < STORY
    assert [mesh.listed(at) for at in mesh.regions] == [{here.site: set(), there.site: set()}] * 2
    assert stage.start < START
    told = [line for line in mesh.log(here) if line.get("event") == "answered"]
    assert [line["result"] for line in told] == ["CONTINUE"] * 6
    assert all(line["effective"] for line in told)


def test_the_published_walk_through(stage: Served, tmp_path: Path) -> None:
    here, there = ground(stage, "walk", (0, HERE), (0, THERE))
    mesh = Mesh(stage.endpoint, "walk", [here, there])
    the_first_acts_for_the_second(mesh, here, there)
    the_second_joins(stage, mesh, here, there)
    lost = min(there.addresses())
    members = one_comes_and_one_goes_by_hand(mesh, here, there, lost)
    the_command_repairs_the_rule(stage, mesh, there, lost, members, tmp_path)
    members = one_is_detached_by_hand(there, mesh, members)
    a_region_is_cut_off(stage, mesh, here, there, members)


def the_first_acts_for_the_second(mesh: Mesh, here: Region, there: Region) -> None:
    mesh.acts_for = {here.site: [there.site]}
    mesh.deploy(here)
    here.scale(1)
    until(lambda: here.in_service(1))
    assert mesh.everywhere(here.addresses())
    here.scale(0)
    until(lambda: not here.states())
    assert mesh.everywhere(set())


def the_second_joins(stage: Served, mesh: Mesh, here: Region, there: Region) -> None:
    """From now on each is its own."""
    mesh.acts_for = {}
    mesh.deploy(there)
    mesh.update()
    stage.control("POST", "advance", {"seconds": 300})
    until(lambda: all(set(mesh.rows(at)) == {here.site, there.site} for at in mesh.regions))
    there.scale(2)
    until(lambda: there.in_service(2))
    until(lambda: mesh.everywhere(there.addresses()))
    assert {line["node"] for line in mesh.log(there) if line.get("event") == "answered"} == {there.node}


def one_comes_and_one_goes_by_hand(mesh: Mesh, here: Region, there: Region, lost: str) -> set[str]:
    """An instance comes without a hook, a rule goes, a row goes: the plain JSON repairs all of it."""
    stray = here.launch_by_hand()
    here.client("autoscaling").attach_instances(AutoScalingGroupName="walk", InstanceIds=[stray])
    members = here.addresses() | there.addresses()
    assert len(members) == 3
    there.close_to(lost)
    there.open_to("198.51.100.7/32")
    mesh.forget(here, there.site)
    mesh.invoke(here, {"detail": {"AutoScalingGroupName": "walk"}})
    until(lambda: here.rules() == members)
    # the owner was woken; what is not ours stays
    until(lambda: there.rules() == members | {"198.51.100.7/32"})
    there.close_to("198.51.100.7/32")
    return members


def the_command_repairs_the_rule(
    stage: Served, mesh: Mesh, there: Region, lost: str, members: set[str], tmp_path: Path
) -> None:
    """And tells what it did; who was admitted, when and why, is read back from the functions' logs."""
    account = stage.accounts[0]
    stage.settle()
    there.close_to(lost)
    told = json.loads(by_hand(mesh, account, tmp_path, "true-up", "--yes", "--output", "json").stdout)
    assert [line["addresses"] for line in told["lines"] if line["event"] == "added"] == [[lost]]
    assert mesh.everywhere(members)
    assert by_hand(mesh, account, tmp_path, "status").return_value == 0
    found = by_hand(mesh, account, tmp_path, "audit", "--address", lost).output.splitlines()
    admitted = [line for line in found if f"{there.node}: added: " in line and "(Launching " in line]
    assert any(f"site {there.site}" in line for line in admitted)
    assert all(lost in line for line in admitted)


def one_is_detached_by_hand(there: Region, mesh: Mesh, members: set[str]) -> set[str]:
    """No hook and no true-up: Auto Scaling's event is evidence."""
    leaver = min(there.states())
    there.client("autoscaling").detach_instances(
        AutoScalingGroupName="walk", InstanceIds=[leaver], ShouldDecrementDesiredCapacity=True
    )
    staying = {address for at in mesh.regions for address in at.addresses()}
    assert len(staying) == len(members) - 1
    until(lambda: mesh.everywhere(staying))
    return staying


def a_region_is_cut_off(stage: Served, mesh: Mesh, here: Region, there: Region, members: set[str]) -> None:
    """The other scales; it returns and catches up."""
    stage.cut_off(THERE)
    here.scale(2)
    until(lambda: here.in_service(2))
    stage.no_faults()
    assert there.rules() == members
    members = members | here.addresses()
    assert here.rules() == members
    assert {line["other"] for line in mesh.log(here) if line.get("event") == "node-failed"} == {there.node}
    stage.control("POST", "advance", {"seconds": 300})
    until(lambda: mesh.everywhere(members))


def test_three_sites_in_two_accounts(stage: Served) -> None:
    """Two of them in one Region, told apart by the groups' names; each account is entered by a role of its own."""
    ours, theirs = stage.accounts
    sites = ground(stage, "one", (0, HERE), (0, THERE)) + ground(stage, "other", (1, HERE))
    mesh = Mesh(stage.endpoint, "three", sites)
    mesh.ways = {account: f"arn:aws:iam::{account}:role/three-door" for account in (ours, theirs)}
    for at in sites:
        mesh.deploy(at)
    for at in (sites[0], sites[2]):
        at.scale(2)
    until(lambda: sites[0].in_service(2) and sites[2].in_service(2))
    members = sites[0].addresses() | sites[2].addresses()
    assert len(members) == 4
    until(lambda: mesh.everywhere(members))
    stage.cut_off(HERE)
    sites[1].scale(1)
    until(lambda: sites[1].in_service(1))
    stage.no_faults()
    members |= sites[1].addresses()
    assert sites[1].rules() == members
    stage.control("POST", "advance", {"seconds": 300})
    until(lambda: mesh.everywhere(members))
    for at in sites:
        at.scale(0)
    until(lambda: not any(at.states() for at in sites))
    until(lambda: mesh.everywhere(set()))
    assert [mesh.memory(at) < 128 for at in sites] == [True] * 3


OURS = ("Scan", "PutItem", "UpdateItem", "TransactWriteItems", "CompleteLifecycleAction")
"""What a handler calls beside EC2's and Auto Scaling's Describe calls, and adds and revokes."""


def calls(stage: Served) -> Counter[str]:
    """Of a mesh's handlers, by action, since the last look."""
    found: Counter[str] = Counter()
    for one in stage.control("GET", "counts"):
        if one["action"] in OURS or one["action"].startswith(("Describe", "Authorize", "Revoke")):
            found[one["action"]] += one["count"]
    stage.control("POST", "reset")
    return found


def waiting(mesh: Mesh, at: Region) -> dict[str, object]:
    """What stands in the node's queue, as Lambda hands it over."""
    sqs = at.client("sqs")
    url = sqs.get_queue_url(QueueName=mesh.table_name)["QueueUrl"]
    found = until(lambda: sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"))
    records = [
        {"eventSource": "aws:sqs", "messageId": one["MessageId"], "receiptHandle": one["ReceiptHandle"]}
        | {"body": one["Body"]}
        for one in found
    ]
    return {"Records": records}


def test_what_each_handler_costs_at_the_endpoint(stage: Served) -> None:
    """The protocol's budgets for R = 2 nodes, over HTTP: nothing runs but what is invoked here."""
    here, there = ground(stage, "cost", (0, HERE), (0, THERE))
    mesh, by_hand_event = (
        Mesh(stage.endpoint, "cost", [here, there]),
        {"detail": {"AutoScalingGroupName": "cost"}},
    )
    for at in mesh.regions:
        mesh.deploy(at, awake=False)
    mesh.listen_to_events(here)
    for at in (here, there, here):
        mesh.invoke(at, by_hand_event)
    stage.settle()
    calls(stage)
    mesh.invoke(here, by_hand_event)
    nothing = calls(stage)
    assert nothing == {
        "DescribeAutoScalingGroups": 1,
        "DescribeInstances": 1,
        "DescribeSecurityGroupRules": 1,
        "Scan": 2,
    }, "a true-up with nothing to do: four reads, and one of the other table"
    here.scale(1)
    launch = waiting(mesh, here)
    calls(stage)
    mesh.invoke(here, launch)
    event = calls(stage)
    assert event["CompleteLifecycleAction"] == event["PutItem"] == 1
    assert sum(event.values()) <= 3 * 2 + 11, event
    mesh.invoke(there, {"Records": [{"eventSource": "aws:dynamodb", "dynamodb": {"SequenceNumber": "1"}}]})
    assert calls(stage) == {"DescribeSecurityGroupRules": 1, "Scan": 1}, "an owner that was woken for nothing"
    until(lambda: here.in_service(1))
    here.scale(0)
    leave = waiting(mesh, here)
    calls(stage)
    mesh.invoke(here, leave)
    event = calls(stage)
    assert event["RevokeSecurityGroupIngress"] == 1
    assert sum(event.values()) <= 3 * 2 + 12, event
