"""``twinwall mesh permissions`` from the command line to the exit code."""

import json
from pathlib import Path

import pytest
from meshes import FAR, HERE

from twinwall.cli.main import run

SITE = """[[meshes.web.sites]]
region = "{}"
asg = "web"
account = "{}"
group = "sg-0123456789abcde0{}"
role_arn = "arn:aws:iam::{}:role/door"
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "twinwall.toml"
    sites = [SITE.format("eu-west-1", HERE, 1, HERE), SITE.format("us-east-1", FAR, 2, FAR)]
    path.write_text("[meshes.web]\n" + "".join(sites))
    return str(path)


def permissions(*arguments: str) -> int:
    return run(["mesh", "permissions", *arguments])


def test_every_line_has_its_reason(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert permissions("--config", config) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("node ")] == [
        f"node {HERE}/eu-west-1",
        f"node {FAR}/us-east-1",
    ]
    heads = [line for line in lines if line.startswith("    ") and line[4] != " "]
    reasons = [line for line in lines if line.startswith("      because ")]
    assert len(heads) == len(reasons) > 20
    assert "      if dynamodb:LeadingKeys ForAllValues:StringEquals -" in lines


def test_json_has_trust_policy_and_reasons(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert permissions("--config", config, "--node", f"{HERE}/eu-west-1", "--output", "json") == 0
    ((node, roles),) = json.loads(capsys.readouterr().out).items()
    assert node == f"{HERE}/eu-west-1"
    assert [role["role"].rpartition("/")[2] for role in roles] == [
        "twinwall-web-eu-west-1",
        "twinwall-web-eu-west-1-schedule",
        "door",
    ]
    for role in roles:
        assert [one["Sid"] for one in role["policy"]["Statement"]] == list(role["reasons"])
        assert role["trust"]["Statement"][0]["Action"] == "sts:AssumeRole"


def test_one_policy_ready_to_paste(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert permissions("--config", config, "--policy", "twinwall-web-eu-west-1-schedule") == 0
    (statement,) = json.loads(capsys.readouterr().out)["Statement"]
    assert statement["Action"] == ["lambda:InvokeFunction"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--policy", "door"], "2 roles have that name; name one of arn:aws:iam::"),
        (["--policy", "nobody"], "there is no such role"),
        (["--node", "eu-west-1"], f"the mesh web has the nodes {HERE}/eu-west-1"),
        (["--mesh", "api"], "--mesh api"),
    ],
)
def test_what_it_cannot_print(
    config: str, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert permissions("--config", config, *arguments) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 1
    assert said in told.err
