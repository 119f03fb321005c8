"""What a story is told with: words, and steps, each a command as a user would type it, run in this process."""

import contextlib
import io
import json
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twinwall.cli import output
from twinwall.cli.demo import Stage
from twinwall.cli.invocation import Invocation
from twinwall.cli.main import run


@dataclass
class Telling:
    """``steps``: the JSON of each step so far. With ``--output json`` nothing else is said on stdout."""

    stage: Stage
    invocation: Invocation
    steps: list[dict[str, Any]] = field(default_factory=list)
    reports: dict[str, Path] = field(default_factory=dict)

    @property
    def as_told(self) -> bool:
        return all(step["exit_code"] == step["expected"] for step in self.steps)

    def say(self, *lines: str) -> None:
        if not self.invocation.json:
            output.lines(lines)

    def step(self, told: str, wanted: int, *arguments: str) -> None:
        """A command, and whether it ended as told."""
        self.say("", f"$ twinwall {shlex.join(arguments)}")
        configuration = ("--config", str(self.stage.folder / "twinwall.toml"), "--quiet")
        step: dict[str, Any] = {"told": told, "command": ["twinwall", *arguments], "expected": wanted}
        if self.invocation.json:
            with contextlib.redirect_stdout(io.StringIO()) as written:
                code = run([*arguments, *configuration, "--output", "json"])
            text = written.getvalue()
            step["result"] = json.loads(text) if text else None
        else:
            code = run([*arguments, *configuration])
        self.steps.append({**step, "exit_code": code})
        as_told = f"→ {told} (exit code {code})"
        self.say(as_told if code == wanted else f"→ exit code {code}, not {wanted}: {told}")

    def report(self, what: str, more: str) -> tuple[str, ...]:
        """The option for a report of the next step, if reports were asked for."""
        if self.invocation.report is None:
            return ()
        file = Path(self.invocation.report)
        self.reports[what] = file.with_stem(f"{file.stem}{more}")
        return ("--report", str(self.reports[what]))

    def end(self) -> int:
        """0 if every step ended as told."""
        self.invocation.reported = True
        if self.invocation.json:
            seen = {what: str(path) for what, path in self.reports.items()}
            output.document({"as_told": self.as_told, "steps": self.steps, "reports": seen})
        self.say(
            "", "Each step ended as told." if self.as_told else "A step did not end as told; see above.", ""
        )
        links = [f"  {what}: {path.resolve().as_uri()}" for what, path in self.reports.items()]
        self.say("See it in a browser:", *(links or ["  twinwall demo --report demo.html"]))
        return 0 if self.as_told else 1
