"""Whoever deploys a mesh: what ``mesh permissions --deployer`` prints is enough, no line of it is idle, and what is not
allowed is told before anything is made."""

import json
import random
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from deployed import PLACES, Land, package_in
from functions import until
from worlds import PROFILES, A, Run, stage

from twinwall.documents.configuration import load
from twinwall.documents.deployer_changes import duties_of_changes
from twinwall.documents.deployer_permissions import Duty, duties_of
from twinwall.mesh.configure import configure

HERE = PLACES[0]
WHO = f"arn:aws:iam::{A}:user/deployer"
Statement = dict[str, Any]


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    folder = tmp_path_factory.mktemp("deployer")
    with stage(folder, enforce_iam=True) as on:
        found = Land(on, package_in(folder))
        found.build(*HERE)
        key = on.aws.add_user(A, "deployer")
        with (folder / "credentials").open("a") as file:
            file.write(f"[deployer]\naws_access_key_id = {key.id}\naws_secret_access_key = {key.secret}\n")
        yield found


def printed(land: Land, config: str) -> list[Statement]:
    run = land.on.run("mesh", "permissions", "--deployer", "--config", config, "--output", "json").ended(0)
    ((node, found),) = run.json.items()
    assert node == "/".join(HERE)
    statements: list[Statement] = found["policy"]["Statement"]
    assert [one["Sid"] for one in statements] == list(found["reasons"])
    return statements


def give(land: Land, statements: list[Statement]) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    land.client("iam").put_user_policy(UserName="deployer", PolicyName="all", PolicyDocument=document)


def deploy(land: Land, config: str, *arguments: str) -> Run:
    return land.run("deploy", config, *arguments, profile="deployer")


def is_about(statement: Statement, action: str, arn: str) -> bool:
    return any(fnmatchcase(action, one) for one in statement["Action"]) and any(
        fnmatchcase(arn, one) for one in statement["Resource"]
    )


def test_the_printed_policy_is_enough_and_every_line_of_it_is_asked_for(land: Land) -> None:
    """New, changed, taken out. As IAM is enforced, what is asked for is needed: without it the call is refused."""
    config = land.write((HERE,))
    statements = printed(land, config)
    size = len(json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":")))
    assert size < 6144, "of a managed policy (IAM quotas)"
    give(land, statements)
    began = len(land.on.aws.rights)
    told = deploy(land, config, "--yes").ended(0).stderr
    assert "not known" not in told
    land.scale(HERE, 1)
    until(lambda: land.states(HERE) == ["InService"] and land.is_right((HERE,)), 60)
    deploy(land, land.write((HERE,), heartbeat=240), "--yes").ended(0)
    land.run("remove", config, "--tables", "--yes", profile="deployer").ended(0)
    land.scale(HERE, 0)
    assert land.made() == []

    asked = {(right.action, right.arn) for who, right in land.on.aws.rights[began:] if who == WHO}
    idle = [one["Sid"] for one in statements if not any(is_about(one, *right) for right in asked)]
    assert idle == []


DUTIES = duties_of(
    (_configured := configure(
        "web", {"sites": [{"region": HERE[1], "account": A, "asg": "cluster-111", "group": "sg-0123456789abcdef0"}]}
    )),
    _configured.mesh.nodes[0],
)  # fmt: skip
SURE = [(duty, action) for duty in DUTIES for action in duty.sure]
SAMPLED = random.Random(7).sample(SURE, 5)


def missed(land: Land, duty: Duty, action: str) -> None:
    config = land.write((HERE,))
    statements = printed(land, config)
    [line] = [one for one in statements if one["Sid"] == duty.line.sid]
    left = [one for one in line["Action"] if one != action]
    others = [one for one in statements if one is not line]
    give(land, [*others, *([{**line, "Action": left}] if left else [])])
    run = deploy(land, config, "--yes").refused(
        1,
        f"deploying {'/'.join(HERE)}: {WHO} may not {action} on ",
        "no policy allows it",
        "nothing was made",
    )
    added = json.loads("{" + run.line.partition("way out: add {")[2].partition(" to its policies")[0])
    assert land.made() == []
    give(land, [*others, *([{**line, "Action": left}] if left else []), {**added, "Sid": "Added"}])
    again = deploy(land, config).refused(3, "not confirmed")
    assert "+ AWS::Lambda::Function Function" in again.stderr, "with the line that was told it goes on"
    until(lambda: land.made() == [], 30)


def named(case: tuple[Duty, str]) -> str:
    return f"{case[0].line.sid}-{case[1]}"


@pytest.mark.parametrize("case", SAMPLED, ids=named)
def test_what_is_not_allowed_is_told_before_anything_is_made(land: Land, case: tuple[Duty, str]) -> None:
    missed(land, *case)


@pytest.mark.soak
@pytest.mark.parametrize("case", [one for one in SURE if one not in SAMPLED], ids=named)
def test_every_right_to_make_is_asked_for_beforehand(land: Land, case: tuple[Duty, str]) -> None:
    missed(land, *case)


ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def proposed(land: Land, *statements: Statement) -> str:
    """What is told by a deployment that comes as far as the question."""
    give(land, list(statements))
    run = deploy(land, land.write((HERE,))).refused(3, "not confirmed")
    until(lambda: land.made() == [], 30)
    return str(run.stderr)


def test_an_explicit_deny_is_not_mended_by_a_line(land: Land) -> None:
    give(land, [ALL, {"Effect": "Deny", "Action": "lambda:Create*", "Resource": "*"}])
    run = deploy(land, land.write((HERE,)), "--yes")
    run.refused(
        1, "may not lambda:CreateFunction", "a statement denies it", "nor 1 other calls", "lift the Deny"
    )
    assert land.made() == []


def test_who_may_do_everything_hears_nothing(land: Land) -> None:
    assert "not known" not in proposed(land, ALL)


def test_where_iam_may_not_be_asked_it_is_said_and_gone_on(land: Land) -> None:
    """The stack's failure tells the line then."""
    blind = {"Effect": "Deny", "Action": "iam:SimulatePrincipalPolicy", "Resource": "*"}
    told = proposed(land, ALL, blind)
    assert f"whether {WHO} may do all of it is not known beforehand" in told
    assert "iam:SimulatePrincipalPolicy" in told

    give(land, [ALL, blind, {"Effect": "Deny", "Action": "iam:CreateRole", "Resource": "*"}])
    run = deploy(land, land.write((HERE,)), "--yes").ended(1)
    assert 'add "Action": "iam:CreateRole" to the policy of whoever deploys' in run.line
    land.run("remove", land.write((HERE,)), "--tables", "--yes").ended(0)


def test_what_hangs_on_the_request_is_said_and_gone_on(land: Land) -> None:
    """A policy may ask for what is not known before the call itself, as whether a code was given."""
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    told = proposed(
        land,
        {**ALL, "Action": "*", "Condition": {"Null": {"aws:MultiFactorAuthPresent": "true"}}},
        {"Effect": "Deny", "Action": "iam:PassRole", "Resource": "*", "Condition": mfa},
    )
    assert "not known" not in told, "a Deny that does not meet the simulated request"
    told = proposed(
        land,
        {"Effect": "Allow", "NotAction": "sqs:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "sqs:*", "Resource": "*", "Condition": mfa},
    )
    assert f"whether {WHO} may sqs:CreateQueue on " in told
    assert "hangs on aws:MultiFactorAuthPresent" in told


def test_a_role_s_session_is_asked_about_as_its_role(land: Land) -> None:
    """Also a path, which the session's ARN does not have, comes from IAM."""
    iam = land.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{A}:root"}, "Action": "sts:AssumeRole"}
    may_come = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    made = iam.create_role(RoleName="builder", Path="/team/", AssumeRolePolicyDocument=may_come)
    role = made["Role"]["Arn"]
    config = land.write((HERE,))
    lines = [one for one in printed(land, config) if one["Sid"] != "MakeQueues"]
    iam.put_role_policy(
        RoleName="builder",
        PolicyName="all",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": lines}),
    )
    run = land.run("deploy", config, "--yes", "--role-arn", role)
    run.refused(1, f"{role} may not sqs:CreateQueue, sqs:SetQueueAttributes, sqs:TagQueue on")
    assert land.made() == []
    assert PROFILES[A] not in run.line


def without(statements: list[Statement], action: str) -> list[Statement]:
    """The policy, but for one action; a line that was about nothing else goes."""
    left = [{**one, "Action": [it for it in one["Action"] if it != action]} for one in statements]
    return [one for one in left if one["Action"]]


def test_what_an_update_may_not_change_is_told_before_anything_is_changed(land: Land) -> None:
    """A hook that is changed, and one that goes: by what the change set says."""
    give(land, [ALL])
    deploy(land, land.write((HERE,)), "--yes").ended(0)
    scaling, formation = land.client("autoscaling"), land.client("cloudformation")
    name = land.sites[HERE]["AutoScalingGroup"]

    def heartbeats() -> set[int]:
        hooks = scaling.describe_lifecycle_hooks(AutoScalingGroupName=name)["LifecycleHooks"]
        return {hook["HeartbeatTimeout"] for hook in hooks}

    config = land.write((HERE,), heartbeat=240)
    statements = printed(land, config)
    give(land, without(statements, "autoscaling:PutLifecycleHook"))
    run = deploy(land, config, "--yes").refused(
        1, f"deploying {'/'.join(HERE)}: {WHO} may not autoscaling:PutLifecycleHook on arn:aws:autoscaling:",
        "no policy allows it", "nothing was made",
    )  # fmt: skip
    assert "nor " not in run.line, "all else that changes was asked about, and is allowed"
    assert (heartbeats(), land.stack("twinwall-web")) == ({300}, "CREATE_COMPLETE")
    assert formation.list_change_sets(StackName="twinwall-web")["Summaries"] == []

    added = json.loads("{" + run.line.partition("way out: add {")[2].partition(" to its policies")[0])
    give(land, [*without(statements, "autoscaling:PutLifecycleHook"), {**added, "Sid": "Added"}])
    told = deploy(land, config, "--yes").ended(0).stderr
    assert (heartbeats(), "not known" in told) == ({240}, False)
    give(land, without(statements, "autoscaling:PutLifecycleHook"))
    deploy(land, config, "--yes").ended(0)  # nothing to change needs no right to change
    land.run("remove", config, "--tables", "--yes").ended(0)


def test_what_is_asked_beforehand_of_an_update_is_needed_by_it(land: Land) -> None:
    """Else somebody who may do all that is needed would be refused. IAM is enforced: what is asked of it on the way is
    needed."""
    give(land, [ALL])
    deploy(land, land.write((HERE,)), "--yes").ended(0)
    config = land.write((HERE,), heartbeat=240, true_up_every=600, ports=["tcp/9042"], remove="after")
    began = len(land.on.aws.rights)
    (node,) = deploy(land, config, "--yes", "--output", "json").ended(0).json["nodes"]
    needed = {(right.action, right.arn) for who, right in land.on.aws.rights[began:] if who == WHO}
    land.run("remove", config, "--tables", "--yes").ended(0)

    mesh = load(Path(config)).mesh("web")
    duties = duties_of_changes(duties_of(mesh, mesh.mesh.nodes[0]), node["changes"])
    beforehand = {(action, duty.line.resources) for duty in duties for action in duty.sure}
    assert {
        "autoscaling:PutLifecycleHook", "lambda:UpdateFunctionConfiguration", "scheduler:UpdateSchedule"
    } <= {action for action, _ in beforehand}  # fmt: skip
    for action, resources in beforehand:
        asked = [arn for one, arn in needed if one == action]
        assert any(fnmatchcase(arn, resource) for arn in asked for resource in resources), (action, asked)


def test_each_auto_scaling_group_is_read_once(land: Land) -> None:
    give(land, [ALL])
    run = deploy(land, land.write((HERE,))).refused(3, "not confirmed")
    assert run.calls["DescribeAutoScalingGroups"] == 1
    until(lambda: land.made() == [], 30)


def test_two_kinds_of_policy_are_not_printed_at_once(land: Land, tmp_path: Path) -> None:
    config = land.write((HERE,))
    run = land.on.run("mesh", "permissions", "--deployer", "--policy", "x", "--config", config)
    run.refused(1, "leave out --policy")
