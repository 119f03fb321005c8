"""plan, migrate, verify, apply: what they take, show, and exit with."""

import json
import os
import signal
import stat
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sample_plans as sample
from command_line import DIFFERENT, EQUAL, Stage

from twinwall.documents import plans as files
from twinwall.documents.journal import read_journal
from twinwall.engine.sides import FileSide, LiveSide
from twinwall.errors import AwsError, ForeignOwner, StalePlan, UnmappedGroup
from twinwall.model.firewall import Resource
from twinwall.planning.findings import Finding, NotCompared
from twinwall.planning.proof import Compared, VerifyReport
from twinwall.replica.settings import Settings

SIDES = ("--source", "vpc-1", "--target", "vpc-2")
TWO = (*SIDES, "--target", "vpc-3")


# --- plan


def test_a_plan_is_shown_in_text(stage: Stage) -> None:
    ran = stage.run("plan", *SIDES)
    assert ran.code == 0
    assert "CreateSecurityGroup  (copy of web (sg-1))" in ran.out
    assert ran.err == ""


def test_a_plan_in_json_is_alone_on_stdout(stage: Stage) -> None:
    ran = stage.run("plan", *SIDES, "--output", "json")
    assert ran.json == files.plan_document(sample.small())
    assert ran.err == ""


@pytest.mark.parametrize(("plan", "code"), [(sample.small(), 2), (sample.empty(), 0)])
def test_the_detailed_exit_code(stage: Stage, plan: Any, code: int) -> None:
    stage.engine.plans["vpc-2"] = plan
    assert stage.run("plan", *SIDES, "--detailed-exitcode").code == code
    assert stage.run("plan", *SIDES).code == 0


def test_a_plan_is_saved_and_read_again(stage: Stage, tmp_path: Path) -> None:
    ran = stage.run("plan", *SIDES, "-o", "plan.json")
    assert files.load(tmp_path / "plan.json") == sample.small()
    assert stat.S_IMODE((tmp_path / "plan.json").stat().st_mode) == 0o600
    assert "twinwall apply plan.json" in ran.err
    assert stage.run("plan", *SIDES, "-o", "plan.json", "--quiet").err == ""


def test_plans_of_several_targets(stage: Stage, tmp_path: Path) -> None:
    stage.engine.plans["vpc-3"] = sample.empty("vpc-3")
    ran = stage.run("plan", *TWO, "-o", "plans", "--output", "json", "--detailed-exitcode")
    assert [target["exit_code"] for target in ran.json["targets"]] == [2, 0]
    assert ran.code == 2
    assert sorted(path.name for path in (tmp_path / "plans").iterdir()) == ["vpc-2.json", "vpc-3.json"]


def test_a_refusal_of_one_target_stops_all(stage: Stage, tmp_path: Path) -> None:
    stage.engine.plans["vpc-3"] = ForeignOwner("name taken")
    ran = stage.run("migrate", *TWO, "--yes", "--output", "json")
    assert ran.code == 3
    assert [(target["exit_code"], target["error"]) for target in ran.json["targets"]] == [
        (3, "nothing was done here, because vpc-3 could not be planned"),
        (3, "name taken"),
    ]
    assert not [call for call in stage.engine.calls if call.startswith("apply")]
    assert "twinwall: vpc-3: name taken" in ran.err


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ({"vpc-2": UnmappedGroup("x"), "vpc-3": AwsError("y")}, 1),
        ({"vpc-2": UnmappedGroup("x"), "vpc-3": UnmappedGroup("y")}, 3),
    ],
)
def test_the_worst_exit_code_counts(stage: Stage, errors: dict[str, Any], code: int) -> None:
    stage.engine.plans.update(errors)
    assert stage.run("plan", *TWO).code == code


def test_settings_reach_the_engine(stage: Stage) -> None:
    stage.run(
        "plan", *SIDES, "--map-cidr", "10.0.0.0/16=10.1.0.0/16", "--outside", "skip", "--adopt", "default"
    )
    settings: Settings = stage.engine.seen[2]
    assert str(settings.translation.map_cidr[0].target) == "10.1.0.0/16"
    assert settings.translation.outside == "skip"
    assert settings.limits.adopt == ("default",)


def test_a_bad_option_is_told_before_any_credential_is_looked_for(stage: Stage) -> None:
    ran = stage.run("plan", *SIDES, "--map-cidr", "10.0.0.0/16=10.1.0.0/17")
    assert ran.code == 1
    assert ran.line.startswith("twinwall: --map-cidr: 10.0.0.0/16=10.1.0.0/17 maps a /16 onto a /17")
    assert stage.ways == []


# --- migrate


def test_migrate_plans_applies_and_proves(stage: Stage) -> None:
    ran = stage.run("migrate", *SIDES, "--yes", "--output", "json", "--journal", "j.jsonl")
    assert ran.code == 0
    assert stage.engine.calls == ["plan vpc-2", "lists", "lock vpc-2", "apply vpc-2", "prove vpc-2", "unlock"]
    assert ran.json["applied"] == {"calls": {"CreateSecurityGroup": 1}, "seconds": 0.5, "throttled": 0}
    assert ran.json["journal"] == "j.jsonl"
    assert ran.json["verify"]["equal"] is True
    assert set(files.plan_document(sample.small())) < set(ran.json)
    assert [record["event"] for record in read_journal(Path("j.jsonl"))] == ["journal", "unlocked"]


def test_both_sides_and_the_journal_are_shown_before_the_first_write(stage: Stage) -> None:
    ran = stage.run("migrate", *SIDES, "--yes", "--quiet", "--source-region", "eu-north-1")
    source, target, journal = ran.err.splitlines()
    assert (
        source
        == "source: vpc-1 in 111111111111/eu-north-1, as arn:aws:iam::111111111111:user/x through http://aws"
    )
    assert target.startswith("target: vpc-2 in 222222222222/eu-west-1, as arn:aws:iam::222222222222:user/x")
    assert journal.startswith("journal: ")
    assert journal.endswith("/twinwall/journals/20231114T221320Z-vpc-2.jsonl")


def test_without_a_terminal_and_without_yes_nothing_is_written(stage: Stage) -> None:
    ran = stage.run("migrate", *SIDES)
    assert ran.code == 3
    assert "there is no terminal to ask on; say --yes" in ran.line
    assert stage.engine.calls == ["plan vpc-2", "lists"]


def test_a_plan_without_changes_needs_no_yes_and_writes_nothing(stage: Stage, tmp_path: Path) -> None:
    stage.engine.plans["vpc-2"] = sample.empty()
    ran = stage.run("migrate", *SIDES, "--output", "json")
    assert ran.code == 0
    assert stage.engine.calls == ["plan vpc-2", "lists", "unchanged vpc-2"]
    assert ran.json["applied"] == {"calls": {}, "seconds": 0.0, "throttled": 0}
    assert ran.json["journal"] is None
    assert not (tmp_path / "state").exists()


def test_a_proof_that_fails(stage: Stage) -> None:
    stage.engine.proof = DIFFERENT
    ran = stage.run("migrate", *SIDES, "--yes")
    assert ran.code == 2
    assert "different; 0 not compared" in ran.out


def test_several_targets_are_written_at_the_same_time(stage: Stage, tmp_path: Path) -> None:
    together = threading.Barrier(2, timeout=10)
    stage.engine.on_apply = lambda plan, progress: together.wait() and None
    ran = stage.run("migrate", *TWO, "--yes", "--output", "json", "--journal", "journals")
    assert ran.code == 0
    assert [target["journal"] for target in ran.json["targets"]] == [
        "journals/vpc-2.jsonl",
        "journals/vpc-3.jsonl",
    ]
    assert stage.engine.calls[:3] == ["plan vpc-2", "plan vpc-3", "lists"]


def test_a_target_that_fails_midway_leaves_the_others_alone(stage: Stage) -> None:
    def fail(plan: Any, progress: Any) -> None:
        if plan.target.label == "vpc-3":
            raise AwsError("EC2 said no")

    stage.engine.on_apply = fail
    ran = stage.run("migrate", *TWO, "--yes", "--output", "json")
    assert ran.code == 1
    done, failed = ran.json["targets"]
    assert (done["exit_code"], done["verify"]["equal"]) == (0, True)
    assert (failed["exit_code"], failed["error"]) == (1, "EC2 said no")
    assert failed["journal"]


def test_targets_that_share_a_copied_list_go_one_after_the_other(stage: Stage) -> None:
    for name in ("vpc-2", "vpc-3"):
        target = replace(sample.TARGET, label=name, vpc_id=name)
        stage.engine.plans[name] = replace(sample.FULL, target=target)
    assert stage.run("migrate", *TWO, "--yes").code == 0
    assert stage.engine.made == [("vpc-2", {}), ("vpc-3", {"list": "vpc-2"})]


def test_ctrl_c_stops_every_target_after_the_call_it_is_at(stage: Stage) -> None:
    together = threading.Barrier(2, timeout=10)

    def go_on(plan: Any, means: Any) -> None:
        together.wait()
        if plan.target.label == "vpc-2":
            os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            time.sleep(0.01)
            means.clock.sleep(0)
        raise AssertionError("nobody stopped it")

    stage.engine.on_apply = go_on
    ran = stage.run("migrate", *TWO, "--yes")
    assert ran.code == 130
    assert "vpc-2: 1 of 1 calls were made; vpc-3: 1 of 1 calls were made; twinwall resume " in ran.line


def test_one_vpc_under_two_names(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "twinwall.toml").write_text('[locations.dr]\nvpc = "vpc-2"\nprofile = "dr"\n')
    ran = stage.run("plan", *SIDES, "--target", "dr")
    assert (ran.code, "--target vpc-2 and --target dr are one VPC; name it once" in ran.line) == (1, True)


def test_ctrl_c_says_what_was_done(stage: Stage) -> None:
    def stop(plan: Any, progress: Any) -> None:
        raise KeyboardInterrupt

    stage.engine.on_apply = stop
    ran = stage.run("migrate", *SIDES, "--yes", "--journal", "j.jsonl")
    assert ran.code == 130
    ways = "twinwall resume j.jsonl, or twinwall undo j.jsonl"
    assert f"stopped; vpc-2: 1 of 1 calls were made; {ways}" in ran.line
    assert ran.out == ""


def test_verbose_says_each_call(stage: Stage) -> None:
    assert "vpc-2: CreateSecurityGroup web (1 of 1)" in stage.run("migrate", *SIDES, "--yes", "-v").err


def test_a_snapshot_cannot_be_written_to(stage: Stage, case: str) -> None:
    ran = stage.run("migrate", "--source", "vpc-2", "--target", case, "--yes")
    assert ran.code == 1
    assert "a snapshot cannot be written to" in ran.line


# --- source = target, and other sides


@pytest.mark.parametrize("command", ["plan", "verify", "migrate"])
def test_source_and_target_must_differ(stage: Stage, command: str) -> None:
    yes = ("--yes",) if command == "migrate" else ()
    same = ("--source", "vpc-2", "--target", "vpc-2", *yes)
    assert stage.run(command, *same).code == 0  # two accounts: an id alone does not make them one
    stage.one_account = True
    ran = stage.run(command, *same)
    assert ran.code == 3
    assert "are the same VPC, vpc-2" in ran.line


def test_a_vpc_is_not_its_own_copy(stage: Stage, case: str) -> None:
    ran = stage.run("plan", "--source", case, "--target", case)
    assert ran.code == 3
    assert "are the same VPC, vpc-1; name another target" in ran.line


def test_a_vpc_against_a_snapshot_of_itself_is_a_fair_question(stage: Stage, case: str) -> None:
    assert stage.run("verify", "--source", case, "--target", case).code == 0


def test_a_target_named_twice(stage: Stage) -> None:
    ran = stage.run("plan", *SIDES, "--target", "vpc-2")
    assert (ran.code, "name it once" in ran.line) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--target", "vpc-2"), "--source is missing"),
        (("--source", "vpc-1"), "--target is missing"),
        (("--source", "prod", "--target", "vpc-2"), "--source prod: neither a VPC id"),
        (("--source", "no.json", "--target", "vpc-2"), "the snapshot no.json cannot be read"),
        (("--source", "vpc-1", "--source-vpc", "vpc-9", "--target", "vpc-2"), "--source-vpc says vpc-9"),
        (("--replica", "x"), "there is no twinwall.toml here"),
        (("--replica", "x", "--source", "vpc-1"), "leave --source and --target out"),
    ],
)
def test_sides_that_cannot_be_found(stage: Stage, arguments: tuple[str, ...], words: str) -> None:
    ran = stage.run("plan", *arguments)
    assert ran.code == 1
    assert words in ran.line


def test_the_way_to_a_side(stage: Stage) -> None:
    source = ("--source-profile", "p", "--source-role-arn", "r", "--source-external-id", "e")
    stage.run("plan", *SIDES, *source, "--target-region", "us-east-1", "--endpoint-url", "http://x")
    assert [(way.side, way.profile, way.role_arn, way.external_id, way.region) for way in stage.ways] == [
        ("source", "p", "r", "e", None),
        ("target", None, None, None, "us-east-1"),
    ]
    assert {way.endpoint_url for way in stage.ways} == {"http://x"}


def test_files_need_no_credentials(stage: Stage, case: str, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text(Path(case).read_text().replace("vpc-1", "vpc-7"))
    stage.run("plan", "--source", case, "--target", str(other))
    assert stage.ways == []
    source, target, _ = stage.engine.seen
    assert isinstance(source, FileSide)
    assert target.vpc_id == "vpc-7"


def test_a_profile_means_nothing_to_a_snapshot(stage: Stage, case: str) -> None:
    ran = stage.run("plan", "--source", case, "--target", "vpc-2", "--source-profile", "p")
    assert "is a snapshot: --source-profile means nothing to it" in ran.line


def test_a_region_fills_in_what_plain_answers_do_not_say(stage: Stage, case: str, tmp_path: Path) -> None:
    document = json.loads(Path(case).read_text())
    Path(case).write_text(json.dumps({"SecurityGroups": document["SecurityGroups"]}))
    stage.run("plan", "--source", case, "--target", "vpc-2", "--source-region", "eu-central-1")
    assert stage.engine.seen[0].document["Region"] == "eu-central-1"
    Path(case).write_text(json.dumps(document))
    ran = stage.run("plan", "--source", case, "--target", "vpc-2", "--source-region", "eu-central-1")
    assert "--source-region eu-central-1: " in ran.line


CONFIGURATION = """\
[locations.production]
vpc = "vpc-1"
profile = "production"
region = "eu-north-1"

[locations.file]
snapshot = "case.json"

[replicas.dr]
source = "production"
targets = ["vpc-2"]
outside = "skip"
map_cidr = ["10.0.0.0/16=10.1.0.0/16"]
"""


def test_sides_by_name(stage: Stage, case: str, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "x.toml").write_text(CONFIGURATION)
    Path(case).rename(tmp_path / "sub" / "case.json")
    ran = stage.run("plan", "--source", "production", "--target", "file", "--config", "sub/x.toml")
    assert ran.code == 0
    assert stage.ways[0].profile == "production"
    assert stage.engine.seen[1].document["SecurityGroups"][0]["GroupId"] == "sg-1"


def test_a_replica_by_name_and_what_the_command_line_says_first(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "twinwall.toml").write_text(CONFIGURATION)
    stage.run("plan", "--replica", "dr", "--outside", "follow", "--source-profile", "other")
    source, target, settings = stage.engine.seen
    assert (source.label, source.vpc_id, target.vpc_id) == ("production", "vpc-1", "vpc-2")
    assert settings.translation.outside == "follow"
    assert settings.translation.map_cidr
    assert (stage.ways[0].profile, stage.ways[0].region) == ("other", "eu-north-1")


# --- verify


REPORT = VerifyReport("equal", Compared(1), not_compared=(NotCompared(sample.DB, "not adopted"),))


@pytest.mark.parametrize(
    ("report", "options", "code"),
    [
        (EQUAL, (), 0),
        (EQUAL, ("--complete",), 0),
        (REPORT, (), 0),
        (REPORT, ("--complete",), 2),
        (DIFFERENT, (), 2),
        (VerifyReport("undecided", Compared(1)), (), 2),
        (VerifyReport("equal-every-membership", Compared(1)), (), 0),
        (VerifyReport("equal-today", Compared(1)), (), 0),
    ],
)
def test_the_exit_code_of_verify(
    stage: Stage, report: VerifyReport, options: tuple[str, ...], code: int
) -> None:
    stage.engine.report = report
    ran = stage.run("verify", *SIDES, *options, "--output", "json")
    assert ran.code == code
    assert ran.json["verdict"] == report.verdict
    assert ran.json["complete"] is report.complete


def test_verify_of_several_targets(stage: Stage) -> None:
    ran = stage.run("verify", *TWO, "--output", "json", "--adopt", "default")
    assert [target["name"] for target in ran.json["targets"]] == ["vpc-2", "vpc-3"]
    assert stage.engine.seen[2].limits.adopt == ("default",)


# --- apply


@pytest.fixture
def plan_file(tmp_path: Path) -> str:
    files.save(sample.small(), tmp_path / "plan.json")
    return str(tmp_path / "plan.json")


def test_apply_carries_out_a_saved_plan(stage: Stage, plan_file: str) -> None:
    ran = stage.run("apply", plan_file, "--yes", "--output", "json", "--target-profile", "p")
    assert ran.code == 0
    assert stage.engine.calls == ["fresh vpc-2", "lock vpc-2", "apply vpc-2", "prove vpc-2", "unlock"]
    assert (stage.ways[0].profile, stage.ways[0].region) == ("p", "us-east-1")
    assert ran.json["verify"]["equal"] is True
    assert "source: production, vpc-1 in 111111111111/eu-west-1, as the plan was made" in ran.err


def test_what_others_did_meanwhile_stands_wherever_the_end_is_told(stage: Stage, plan_file: str) -> None:
    group = Resource("security-group", "sg-7", "web")
    stage.engine.meanwhile = (
        Finding("changed-meanwhile", "warning", group, "it was left alone", rule="tcp/443"),
    )
    text = stage.run("apply", plan_file, "--yes", "--report", "told.html")
    data = stage.run("apply", plan_file, "--yes", "--output", "json")
    assert "it was left alone" in text.out
    assert [one["id"] for one in data.json["findings"]][-1] == "changed-meanwhile"
    page = Path("told.html").read_text()
    assert "it was left alone" in page[page.index('id="t1-findings"') :]


def test_apply_knows_the_target_by_its_name(stage: Stage, tmp_path: Path) -> None:
    files.save(sample.small("dr"), tmp_path / "plan.json")
    text = '[locations.dr]\nvpc = "vpc-2"\nprofile = "dr"\nregion = "us-east-1"\n'
    (tmp_path / "twinwall.toml").write_text(text)
    stage.run("apply", "plan.json", "--yes")
    assert stage.ways[0].profile == "dr"
    assert isinstance(stage.engine.seen[1], LiveSide)


def test_a_stale_plan_is_refused(stage: Stage, plan_file: str) -> None:
    stage.engine.stale = StalePlan("it moved")
    ran = stage.run("apply", plan_file, "--yes")
    assert (ran.code, ran.line) == (3, "twinwall: it moved")
    assert stage.engine.calls == ["fresh vpc-2"]


def test_an_edited_plan_is_refused(stage: Stage, plan_file: str) -> None:
    text = Path(plan_file).read_text().replace('"create": 1', '"create": 2')
    Path(plan_file).write_text(text)
    ran = stage.run("apply", plan_file, "--yes")
    assert ran.code == 1
    assert "was edited or cut after it was made" in ran.line
    assert stage.engine.calls == []


def test_an_empty_plan_is_applied_without_asking(stage: Stage, tmp_path: Path) -> None:
    files.save(sample.empty(), tmp_path / "plan.json")
    ran = stage.run("apply", "plan.json", "--output", "json")
    assert ran.code == 0
    assert stage.engine.calls == ["fresh vpc-2", "unchanged vpc-2"]


def test_a_folder_of_plans(stage: Stage, tmp_path: Path) -> None:
    files.save_all([sample.small("vpc-2"), sample.small("vpc-3")], tmp_path / "plans")
    ran = stage.run("apply", "plans", "--yes", "--output", "json")
    assert ran.err.count("source: production, ") == 1, "the source of all is told once"
    assert ran.code == 0
    assert [target["name"] for target in ran.json["targets"]] == ["vpc-2", "vpc-3"]
    assert stage.engine.calls[:2] == ["fresh vpc-2", "fresh vpc-3"]


def test_two_plans_for_one_vpc(stage: Stage, plan_file: str) -> None:
    ran = stage.run("apply", plan_file, plan_file, "--yes")
    assert (ran.code, "two of the plans are for the same VPC" in ran.line) == (1, True)
