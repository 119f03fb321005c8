"""One process that runs one function's code: started, invoked again and again, frozen in between, ended.

    start ─ init ─ /next ─ frozen ─┬─ thawed ─ invoked ─ answered ─ /next ─ frozen ─ …
                                   └─ time over, memory over, exited: killed, and never used again

The process has a group of its own, so that what it starts is frozen and ended with it. Its memory is watched, not
limited: an address-space limit would count what threads and allocators only reserve. The kernel ends it when the
server dies.
"""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from twinwall.emulator.functions.runtime_api import Invocation, RuntimeApi, Said

INIT_SECONDS = 10.0
"""LAM lambda-runtime-environment: the init phase has 10 s, whatever the function's timeout."""
_LOOK = 0.02
"""Seconds between two looks at a running process."""
_TO_NEXT = 1.0
"""Seconds that a process may take from its answer to its next /next before it is frozen all the same."""

_BOOT = """\
import ctypes, os, runpy, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
"""
"""Ends with its parent (PR_SET_PDEATHSIG), finds the package first, becomes the runtime client."""


@dataclass(frozen=True)
class Ending:
    """How an invocation ended. ``said`` is None where the process was killed or left: ``why`` then says so.

    ``seconds``: of the invocation; ``init_seconds``: before it, in a process's first one; ``peak``: most memory the
    process ever held, in bytes.
    """

    said: Said | None
    why: str
    seconds: float
    init_seconds: float | None
    peak: int
    log: bytes


TIMED_OUT, OUT_OF_MEMORY = "timed out", "out of memory"


class Sandbox:
    """``environment``: the process's whole environment but for the Runtime API's address. ``starter``: one thread
    that lives as long as the server: the kernel counts the end of the starting thread as its parent's death."""

    def __init__(
        self, handler: str, code: Path, environment: dict[str, str], home: Path, starter: Executor
    ) -> None:
        self.home = home
        (home / "tmp").mkdir(parents=True)
        self._api = RuntimeApi()
        self._log: IO[bytes] = (home / "log").open("ab+")
        self._born = time.monotonic()
        self._ready: float | None = None
        told = environment | {"AWS_LAMBDA_RUNTIME_API": self._api.address, "TMPDIR": str(home / "tmp")}
        command = [sys.executable, "-S", "-B", "-c", _BOOT, handler]
        self._process: subprocess.Popen[bytes] = starter.submit(
            lambda: subprocess.Popen(
                command,
                cwd=code,
                env=told,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                start_new_session=True,
            )
        ).result()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def invoke(self, invocation: Invocation, timeout: float, memory: int) -> Ending:
        """``timeout``: seconds; ``memory``: bytes. The process is frozen, or gone, when this returns."""
        first = self._ready is None
        self._signal(signal.SIGCONT)
        began = self._initialized() if first else time.monotonic()
        unborn = self._api.said is not None and self._api.said.init
        why = "" if unborn else self._run(invocation, began, timeout, memory)
        ended = time.monotonic()
        said = self._api.said if not why else None
        if not why and not unborn:
            self._api.wait(lambda: self._api.is_waiting, _TO_NEXT)
        peak = self._peak()
        if why or unborn or peak > memory:
            self.end()
            said, why = (None, OUT_OF_MEMORY) if peak > memory else (said, why)
        else:
            self._signal(signal.SIGSTOP)
        init = began - self._born if first else None
        return Ending(said, why, ended - began, init, peak, self._read_log())

    def _initialized(self) -> float:
        """Until the process asks for work, fails to start, or has used up its time for that; returns when."""
        limit = self._born + INIT_SECONDS
        while time.monotonic() < limit and self.is_alive:
            if self._api.wait(lambda: self._api.is_waiting or self._api.said is not None, _LOOK):
                break
        self._ready = time.monotonic()
        return self._ready

    def _run(self, invocation: Invocation, began: float, timeout: float, memory: int) -> str:
        """Empty when the process answered; else why it did not."""
        self._api.give(replace(invocation, deadline_ms=int((time.time() + timeout) * 1000)))
        while not self._api.wait(lambda: self._api.said is not None, _LOOK):
            if not self.is_alive:
                return self._exit_reason()
            if time.monotonic() - began > timeout:
                return TIMED_OUT
            if self._peak() > memory:
                return OUT_OF_MEMORY
        return ""

    def _exit_reason(self) -> str:
        code = self._process.returncode
        if code < 0:
            return f"Runtime exited with error: signal: {signal.Signals(-code).name[3:].lower()}"
        return (
            f"Runtime exited with error: exit status {code}"
            if code
            else "Runtime exited without providing a reason"
        )

    def _peak(self) -> int:
        """Bytes: the most that the process ever held in memory; 0 where that cannot be read any more."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return 0
        found = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(found[0].split()[1]) * 1024 if found else 0

    def _read_log(self) -> bytes:
        """What was written since the last look."""
        self._log.seek(0)
        text = self._log.read()
        self._log.truncate(0)
        return text

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return

    def end(self) -> None:
        """Kills the group and waits for it."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        self.end()
        self._api.close()
        self._log.close()
