"""The AWS CLI for scripts, without a start of its program for each call.

The ``aws`` that a script finds hands its arguments and environment to one process in which the AWS CLI itself
(the package ``awscli``) parses and sends them: starting it anew takes half a second each time. That process is
not this one, because awscli puts a botocore of its own in the place of the installed one.
"""

import contextlib
import functools
import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SHIM = """\
#!{python} -SE
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as line:
    line.connect({address!r})
    line.sendall(json.dumps([sys.argv[1:], dict(os.environ)]).encode())
    line.shutdown(socket.SHUT_WR)
    answer = json.loads(b"".join(iter(lambda: line.recv(65536), b"")))
sys.stdout.write(answer["out"])
sys.stderr.write(answer["err"])
sys.exit(answer["code"])
"""


@dataclass
class AwsCli:
    folder: Path

    def run(self, script: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """The script under bash, with nothing of this process's environment but where programs are."""
        path = {"PATH": f"{self.folder}:{os.environ['PATH']}"}
        return subprocess.run(
            ["bash"], input=script, capture_output=True, text=True, check=False, env={**path, **environment}
        )

    @property
    def calls(self) -> list[list[str]]:
        """The arguments of each call so far."""
        log = self.folder / "calls"
        return [json.loads(line) for line in log.read_text("utf-8").splitlines()] if log.exists() else []


@contextlib.contextmanager
def aws_cli(folder: Path) -> Iterator[AwsCli]:
    address, shim = folder / "aws.socket", folder / "aws"
    with subprocess.Popen([sys.executable, __file__, str(address)], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        shim.write_text(SHIM.format(python=sys.executable, address=str(address)))
        shim.chmod(0o700)
        yield AwsCli(folder)
        server.terminate()


def _serve(address: Path) -> None:
    """One call after the other, as a script makes them. EC2's model is read once."""
    from awscli.clidriver import create_clidriver
    from botocore.loaders import JSONFileLoader

    load = JSONFileLoader.load_file
    known = functools.cache(lambda path: load(JSONFileLoader(), path))
    JSONFileLoader.load_file = lambda _, path: known(path)

    with socket.socket(socket.AF_UNIX) as server, (address.parent / "calls").open("w") as log:
        server.bind(str(address))
        server.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            with server.accept()[0] as caller:
                arguments, environment = json.loads(b"".join(iter(lambda: caller.recv(65536), b"")))
                print(json.dumps(arguments), file=log, flush=True)
                os.environ.update(environment)
                out, err = io.StringIO(), io.StringIO()
                with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                    code = create_clidriver().main(arguments)
                answer = {"out": out.getvalue(), "err": err.getvalue(), "code": code}
                caller.sendall(json.dumps(answer).encode())


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
