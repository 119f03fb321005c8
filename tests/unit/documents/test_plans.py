"""A plan file gives back the plan it was made of, or says in one line why it is none."""

import json
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sample_plans import FULL, TARGET, empty, small

from twinwall.documents import plans
from twinwall.documents.schemas import plan_schema
from twinwall.errors import ConfigError, DocumentError


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    plans.save(FULL, path)
    return path


def test_a_plan_comes_back_as_it_went(saved: Path) -> None:
    assert plans.load(saved) == FULL


def test_the_file_is_its_owners_only(saved: Path) -> None:
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600


def test_the_same_plan_gives_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.json"
    plans.save(plans.load(saved), again)
    assert again.read_bytes() == saved.read_bytes()


def test_a_plan_holds_what_the_contract_names(saved: Path) -> None:
    document = json.loads(saved.read_text("utf-8"))
    assert document["version"] == 1
    assert document["source"] == {
        "label": "production",
        "account": "111111111111",
        "region": "eu-west-1",
        "vpc_id": "vpc-1",
    }
    assert document["summary"] == {"create": 3, "update": 4, "delete": 3, "unchanged": 12}
    assert document["api_calls"]["ModifyManagedPrefixList"] == 2
    assert [document[key] for key in ("may_cut_live", "lingers", "briefly_open")] == [[]] * 3
    assert document["opens"][2:5] == [
        {"direction": "ingress", "protocol": "tcp", "ports": [5432, 5432], "peer": "web (new)",
         "group": "db [old] (sg-9)"},
        {"direction": "egress", "protocol": "icmpv6", "icmp": [128, 0], "peer": "2001:db8::/56",
         "group": "db [old] (sg-9)", "in_part": True},
        {"direction": "ingress", "protocol": "0-5", "peer": "192.0.2.0/24", "subnet": "public-a (subnet-2)"},
    ]  # fmt: skip
    assert document["closes"][0]["protocol"] == "-1"
    assert (document["than_before"], document["than_source"]) == ("looser and stricter", "looser")
    finding = document["findings"][1]
    assert set(finding) == {"id", "severity", "resource", "rule", "message", "way_out"}
    assert document["changes"][3]["resource"] == {
        "type": "security-group",
        "id": {"ref": "web"},
        "name": "web",
    }


@pytest.mark.parametrize("plan", [FULL, small(), empty()], ids=["full", "small", "empty"])
def test_plans_follow_their_schema(plan: Any) -> None:
    jsonschema.Draft202012Validator(plan_schema()).validate(plans.plan_document(plan))


def test_a_file_laid_out_anew_is_the_same_plan(saved: Path) -> None:
    saved.write_text(json.dumps(json.loads(saved.read_text("utf-8")), sort_keys=True), encoding="utf-8")
    assert plans.load(saved) == FULL


def edited(change: Callable[[dict[str, Any]], Any]) -> Callable[[str], str]:
    def edit(text: str) -> str:
        document = json.loads(text)
        change(document)
        return json.dumps(document)

    return edit


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda text: text[: len(text) // 2], "cut short or not JSON"),
        (lambda text: "", "is empty"),
        (lambda text: "[]", "holds a list"),
        (lambda text: "{}", "is not a plan"),
        (lambda text: '{"version": 1}', "is not a plan"),
        (edited(lambda plan: plan.update(version=2)), "is of version 2, this twinwall reads version 1"),
        (edited(lambda plan: plan["changes"].pop()), "was edited or cut"),
        (edited(lambda plan: plan["summary"].update(create=0)), "was edited or cut"),
        (edited(lambda plan: plan.pop("checksum")), "was edited or cut"),
        (edited(lambda plan: plan["desired"]["SecurityGroups"].clear()), "was edited or cut"),
    ],
)
def test_a_file_that_was_touched_is_refused(saved: Path, edit: Callable[[str], str], words: str) -> None:
    saved.write_text(edit(saved.read_text("utf-8")), encoding="utf-8")
    with pytest.raises(DocumentError, match=words) as told:
        plans.load(saved)
    assert str(saved) in str(told.value)
    assert told.value.exit_code == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda plan: plan.pop("digest"),
        lambda plan: plan["changes"][0].update(action="RebootInstances"),
        lambda plan: plan["changes"][3]["request"].pop("GroupName"),
        lambda plan: plan["target"].update(more=1),
        lambda plan: plan.update(changes=7),
    ],
)
def test_a_plan_with_a_true_checksum_and_wrong_keys(
    saved: Path, change: Callable[[dict[str, Any]], Any]
) -> None:
    document = json.loads(saved.read_text("utf-8"))
    change(document)
    with pytest.raises(DocumentError, match="is not what a plan should be"):
        plans.parse_plan(document, saved)


def test_several_plans_go_into_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "plans"
    paths = plans.save_all([small("vpc-2"), empty("my / target")], folder)
    assert [path.name for path in paths] == ["vpc-2.json", "my_target.json"]
    assert plans.load_all([folder]) == [empty("my / target"), small("vpc-2")]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_targets_that_would_share_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="two targets would share a plan file"):
        plans.save_all([small("a b"), small("a/b")], tmp_path)


def test_a_folder_that_is_a_file(saved: Path) -> None:
    with pytest.raises(ConfigError, match="is a file; name a folder"):
        plans.save_all([FULL, replace(FULL, target=replace(TARGET, label="x"))], saved)


def test_an_empty_folder_of_plans(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="no plan was found"):
        plans.load_all([tmp_path])


def test_a_plan_never_takes_another_files_place(tmp_path: Path) -> None:
    """In a folder the name is ours, and may be that of a snapshot beside it."""
    name = tmp_path / f"{plans.file_stem(FULL.target.label)}.json"
    name.write_text('{"SecurityGroups": []}')
    with pytest.raises(ConfigError, match="there is a file already that is no plan of twinwall"):
        plans.save_all([FULL], tmp_path)
    assert name.read_text() == '{"SecurityGroups": []}'
    plans.save(FULL, name)  # by that name it was asked for
    plans.save_all([FULL], tmp_path)
    again = replace(FULL, estimated_seconds=1.0)
    plans.save_all([again], tmp_path)
    assert plans.load(name) == again, "a plan takes an earlier one's place"
    name.write_text(name.read_text()[:500])
    plans.save_all([FULL], tmp_path)
    assert plans.load(name) == FULL, "one that was cut too"


def test_of_several_plans_none_is_saved_where_one_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "zzz.json").write_text("mine")
    with pytest.raises(ConfigError, match="no plan of twinwall"):
        plans.save_all([FULL, small("zzz")], tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["zzz.json"]
