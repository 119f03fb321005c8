"""``--protect`` from the command line and the configuration, on files."""

import json
from pathlib import Path

import firewalls as fw
import pytest

from twinwall.cli.main import run

FLOW = "tcp/22 from 10.0.0.0/8 to db"


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source = fw.source(fw.group("sg-db", "db", "in tcp 22 10.2.0.0/16"))
    target = fw.target(fw.there("sg-copy-db", "db", "in tcp 22 10.0.0.0/8", marked="sg-db"))
    Path("here.json").write_text(json.dumps(source))
    Path("there.json").write_text(json.dumps(target))
    Path("twinwall.toml").write_text(
        f"""
[replicas.shop]
source = "here.json"
targets = ["there.json"]
protect = ["{FLOW}"]
"""
    )


def test_a_plan_that_would_close_a_flow_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    sides = ("--source", "here.json", "--target", "there.json")
    assert run(["plan", *sides]) == 0
    capsys.readouterr()
    assert run(["plan", *sides, "--protect", "tcp/22 from 10.2.0.0/16 to db", "--protect", FLOW]) == 3
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(
        "twinwall: planning db (sg-copy-db): RevokeSecurityGroupIngress of ingress tcp/22"
    )
    assert told.err.count("\n") == 1


def test_a_replica_protects_what_its_table_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "--replica", "shop"]) == 3
    assert f"which --protect '{FLOW}' keeps open" in capsys.readouterr().err


def test_a_flow_that_cannot_be_read_is_wrong_input(capsys: pytest.CaptureFixture[str]) -> None:
    sides = ("--source", "here.json", "--target", "there.json")
    assert run(["plan", *sides, "--protect", "tcp/22 to the db"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("twinwall: --protect: 'tcp/22 to the db' lacks 'from'; write it as tcp/5432 from")
    assert told.count("\n") == 1


def test_the_clients_range_is_said_once_for_all(capsys: pytest.CaptureFixture[str]) -> None:
    sides = ("--source", "here.json", "--target", "there.json")
    assert run(["plan", *sides, "--client-ports", "32768-60999"]) == 0
    capsys.readouterr()
    assert run(["plan", *sides, "--client-ports", "low-high"]) == 1
    told = capsys.readouterr().err
    assert told == "twinwall: --client-ports: low-high: 'low' is not a number from 0 to 65535\n"
    text = Path("twinwall.toml").read_text()
    Path("twinwall.toml").write_text(text + 'client_ports = "9-1"\n')
    assert run(["plan", "--replica", "shop"]) == 1
    assert "client_ports" in (told := capsys.readouterr().err)
    assert "the lower port comes first" in told


def test_and_so_it_is_in_the_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    text = Path("twinwall.toml").read_text()
    Path("twinwall.toml").write_text(text.replace("tcp/22", "tcp/x"))
    assert run(["plan", "--replica", "shop"]) == 1
    assert "twinwall.toml, line 5, [replicas.shop] protect: 'tcp/x': after tcp/" in capsys.readouterr().err
