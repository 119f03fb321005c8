"""The README's commands run word for word against ``twinwall demo --serve``, in the order they stand there."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    for line in block.splitlines()
]


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A served demo, and what its output tells another terminal to export."""
    home = tmp_path_factory.mktemp("home")
    base = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(home), "XDG_STATE_HOME": str(home)}
    with subprocess.Popen(
        [str(BIN / "twinwall"), "demo", "--serve"], stdout=subprocess.PIPE, text=True, env=base, cwd=home
    ) as served:
        exports = {}
        for line in served.stdout:
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                exports[name] = value
            if "Running until stopped" in line:
                break
        yield base | exports
        served.send_signal(signal.SIGTERM)
        served.stdout.read()
        assert served.wait(20) == 0


def test_every_command_of_the_readme_runs_word_for_word(environment, tmp_path):
    assert len(COMMANDS) > 6
    outputs = {}
    for command in COMMANDS:
        done = subprocess.run(
            ["bash", "-c", command],
            check=False,
            capture_output=True,
            text=True,
            env=environment,
            cwd=tmp_path,
            timeout=60,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        outputs[command] = done.stdout
    assert set(json.loads(outputs["twinwall permissions migrate"])) == {"source", "target"}
    proofs = [text for command, text in outputs.items() if command.startswith("twinwall verify")]
    assert all("equal" in text for text in proofs)
