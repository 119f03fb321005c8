"""``twinwall mesh template`` from the command line to the exit code; wrong input is one line and writes nothing."""

import json
from pathlib import Path

import hcl2
import pytest
from meshes import HERE

from twinwall.cli.main import run

SITE = '[[meshes.web.sites]]\nregion = "{}"\nasg = "web"\naccount = "{}"\ngroup = "sg-0123456789abcde0{}"\n'


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "twinwall.toml"
    path.write_text("[meshes.web]\n" + SITE.format("eu-west-1", HERE, 1) + SITE.format("us-east-1", HERE, 2))
    return str(path)


def template(*arguments: str) -> int:
    return run(["mesh", "template", *arguments])


def test_one_node_to_stdout(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert template("--config", config, "--node", f"{HERE}/eu-west-1") == 0
    assert json.loads(capsys.readouterr().out)["Transform"] == "AWS::Serverless-2016-10-31"


def test_every_node_into_a_folder_of_its_own_for_terraform(config: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert template("--config", config, "-o", f"{out}/") == 0
    assert template("--config", config, "-o", f"{out}/", "--format", "terraform") == 0
    found = sorted(str(path.relative_to(out)) for path in out.rglob("*.*") if path.is_file())
    nodes = [f"{HERE}-eu-west-1", f"{HERE}-us-east-1"]
    assert found == sorted([*(f"{node}.json" for node in nodes), *(f"{node}/main.tf" for node in nodes)])
    assert hcl2.loads((out / nodes[0] / "main.tf").read_text())["resource"]
    assert (out / f"{nodes[0]}.json").stat().st_mode & 0o077 == 0


def test_prerequisites_need_no_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert template("--prerequisites") == 0
    assert "AWS::AutoScaling::AutoScalingGroup" in capsys.readouterr().out
    assert template("--prerequisites", "--format", "terraform") == 0
    assert "aws_autoscaling_group" in capsys.readouterr().out


def test_json_holds_the_text_and_nothing_else_stands_on_stdout(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert template("--config", config, "--node", f"{HERE}/us-east-1", "--output", "json") == 0
    [text] = json.loads(capsys.readouterr().out)["texts"].values()
    assert json.loads(text)["Resources"]


def test_a_parameter_becomes_a_default(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--parameter", "CodeBucket=b", "--parameter", "LocalSG=sg-0123456789abcde01"]
    assert template("--config", config, "--node", f"{HERE}/eu-west-1", *given) == 0
    assert json.loads(capsys.readouterr().out)["Parameters"]["CodeBucket"]["Default"] == "b"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "--node is needed, one of 111122223333/eu-west-1, 111122223333/us-east-1"),
        (["--node", "eu-west-1"], "the mesh web has the nodes"),
        (["--mesh", "db"], "names no such mesh; it names web"),
        (
            ["--node", f"{HERE}/eu-west-1", "--parameter", "RemoteSG=sg-9"],
            "RemoteSG=sg-9 contradicts twinwall.toml",
        ),
        (["--node", f"{HERE}/eu-west-1", "--parameter", "RemoteSG"], "write NAME=VALUE"),
        (["--node", f"{HERE}/eu-west-1", "--parameter", "A=1", "--parameter", "A=2"], "gives A twice"),
        (["--prerequisites", "--parameter", "A=1"], "--parameter is for a node's SAM template"),
    ],
)
def test_wrong_input_is_one_line(
    config: str, arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert template("--config", config, *arguments) == 1
    told = capsys.readouterr()
    assert told.out == ""
    [line] = told.err.splitlines()
    assert why in line
