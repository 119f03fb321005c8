"""The embedded AWS as an HTTP endpoint for any AWS client: loopback only, real signatures, several accounts.

with EmbeddedAws() as aws:
    key = aws.credentials("111122223333")
    ec2 = boto3.client("ec2", "eu-west-1", endpoint_url=aws.endpoint,
                       aws_access_key_id=key.id, aws_secret_access_key=key.secret)
"""

import os
import random
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any

from werkzeug.serving import BaseWSGIServer, make_server

from twinwall.emulator.credentials import AccessKey, Keyring, role_arn
from twinwall.emulator.delivery import Deliveries
from twinwall.emulator.faults import Counts, Denial, Fault, Kind, Trouble
from twinwall.emulator.front import Front
from twinwall.emulator.iam.enforcer import Enforcer
from twinwall.emulator.iam.policies import EVERYTHING, Right
from twinwall.emulator.identity import Device, Identities, Role, trust_policy
from twinwall.emulator.moto_pass import Moto
from twinwall.emulator.moto_view import MotoNetwork, forget
from twinwall.emulator.pace import Pace
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.services import Services
from twinwall.emulator.state import World, make_ids
from twinwall.emulator.switches import Switches
from twinwall.emulator.throttle import Throttle
from twinwall.emulator.web import Connections, Handler, cut, read_request, send
from twinwall.model.throttle import Bucket

ACCOUNTS = ("111122223333", "444455556666")
USER = "twinwall"

_running: set[str] = set()
"""Accounts of the servers that run in this process: moto's state is the process's."""


class EmbeddedAws:
    """Accounts, their Regions, and the HTTP endpoint in front of them.

    ``quotas``: code → value for all, or (account, Region, code) → value, Region ``*`` for any. Two servers
    in one process must not share an account. ``enforce_iam``: callers may do what their policies allow; the
    user of each account, whose keys ``credentials`` gives, may do everything.
    """

    def __init__(
        self,
        accounts: Iterable[str] = ACCOUNTS,
        *,
        quotas: Mapping[Any, int] | None = None,
        switches: Switches | None = None,
        seed: int | None = None,
        now: Callable[[], datetime] | None = None,
        port: int = 0,
        pace: Pace | None = None,
        enforce_iam: bool = False,
    ) -> None:
        self.accounts = tuple(accounts)
        self._quotas = dict(quotas or {})
        self._switches = switches or Switches()
        self._random = random.Random(seed)
        self._clock = now or (lambda: datetime.now(UTC))
        self._shift = timedelta()
        self._port = port
        self.pace = pace or Pace()
        self._enforce_iam = enforce_iam
        self._keys: dict[str, AccessKey] = {}
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        self._connections = Connections()
        self.endpoint = ""

    # --- started and stopped

    def start(self) -> str:
        """Serves until ``stop``; returns the endpoint's URL."""
        if _running & set(self.accounts):
            raise RuntimeError(f"another embedded AWS of this process holds {_running & set(self.accounts)}")
        os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        listening = _listen(self._port)
        _running.update(self.accounts)
        self._build()
        handler = type("Handler", (Handler,), {"connections": self._connections})
        with listening:
            port = listening.getsockname()[1]
            self._server = _serving(listening, port, self._wsgi, handler)
        self.endpoint = f"http://127.0.0.1:{port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self.endpoint

    def stop(self) -> None:
        if self._server is None:
            return
        self.services.stop()
        self.pace.stop()
        self._server.shutdown()
        if self._thread is not None:
            self._thread.join()
        self._server.server_close()
        self._connections.close()
        self.pace.stop()  # what the last calls have put on it
        self._server = None
        forget(self.accounts)
        _running.difference_update(self.accounts)

    def __enter__(self) -> "EmbeddedAws":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def reset(self) -> None:
        """Everything as at the start: empty accounts, the same access keys, no faults, no counts."""
        keys = dict(self._keys)
        self.services.stop()
        self._build(keys)

    def _build(self, keys: Mapping[str, AccessKey] | None = None) -> None:
        self.pace.agenda.clear()
        forget(self.accounts)
        self.network = MotoNetwork()
        self.world = World(self.network, frozenset(self.accounts), self._switches, ids=make_ids(self._random))
        for key, value in self._quotas.items():
            self.world.quotas[key if isinstance(key, tuple) else ("*", "*", key)] = value
        ring = Keyring(self._random, self._now)
        known = keys or {}
        self._keys = {a: ring.add_user(a, USER, known.get(a), EVERYTHING) for a in self.accounts}
        self.identities = Identities(ring)
        enforcer = Enforcer(self.identities, on=self._enforce_iam)
        self._front = Front(self.world, self.network, self.identities, Moto(), self.pace, enforcer)
        self.services = Services(self._front, self.accounts, self._now, self._random, lambda: self.endpoint)

    def _now(self) -> datetime:
        return self._clock() + self._shift

    # --- what there is

    @contextmanager
    def editing(self) -> Iterator[None]:
        """Holds the EC2 calls while a test changes the state behind their back (``seed``)."""
        with self._front.ec2:
            yield

    def credentials(self, account: str) -> AccessKey:
        return self._keys[account]

    @property
    def counts(self) -> Counts:
        """Calls per (account, Region, action)."""
        return self._front.counts

    @property
    def rights(self) -> list[tuple[str, Right]]:
        """What was asked of IAM lately: the caller's ARN, and the right with its condition keys."""
        return list(self._front.enforcer.asked)

    @property
    def deliveries(self) -> Deliveries:
        """Who takes what is sent to an ARN."""
        return self.services.deliveries

    @property
    def throttle(self) -> Throttle:
        return self._front.throttle

    @property
    def trouble(self) -> Trouble:
        return self._front.trouble

    def set_quota(self, code: str, value: int, account: str = "*", region: str = "*") -> None:
        self.world.quotas[account, region, code] = value

    def set_bucket(self, action: str, bucket: Bucket, account: str = "*", region: str = "*") -> None:
        """The account's own request bucket of an action, for the throttle and for Service Quotas."""
        self.world.buckets[account, region, action] = bucket
        self.throttle.renew([(account, region, action)])

    def set_switches(self, switches: Switches) -> None:
        self.world.switches = switches

    # --- identities

    def add_user(self, account: str, name: str, policy: str | None = None) -> AccessKey:
        """``policy``: the document of an inline one, for where policies are enforced."""
        return self.identities.ring.add_user(account, name, None, policy)

    def add_role(
        self,
        account: str,
        name: str,
        trusted_accounts: Iterable[str],
        external_id: str | None = None,
        mfa: bool = False,
        max_duration: int = 3600,
        policies: Iterable[str] = (),
    ) -> str:
        """Returns the role's ARN. ``trusted_accounts``: account numbers, or ARNs with ``*``. ``policies``: the
        documents of what it may do, for where policies are enforced."""
        arn = role_arn(account, name)
        trust = trust_policy(trusted_accounts, external_id, mfa=mfa)
        self.identities.roles[arn] = Role(arn, trust, max_duration, policies=tuple(policies))
        return arn

    def add_mfa_device(self, account: str, user: str, serial: str, codes: Iterable[str]) -> None:
        arn = f"arn:aws:iam::{account}:user/{user}"
        self.identities.devices[serial] = Device(arn, serial, list(codes))

    def add_sso_token(self, token: str, account: str, role: str) -> None:
        """The portal's GetRoleCredentials will take this cached token for this account and role."""
        self.identities.sso[token] = (account, role)

    def expire_sessions(self) -> None:
        """Every session given out so far is over."""
        self.identities.ring.expire_sessions()

    # --- trouble

    def deny(self, principal: str, action: str) -> None:
        """See ``Denial``."""
        self._front.trouble.deny(Denial(principal, action))

    def fail_next(
        self,
        action: str,
        code: str | None = None,
        message: str = "",
        *,
        status: int = 400,
        times: int = 1,
        skip: int = 0,
        account: str | None = None,
        region: str | None = None,
        contains: str = "",
        after: bool = False,
    ) -> None:
        """The next ``times`` calls of ``action`` (``*`` allowed), after ``skip`` that pass, fail: with
        ``code``; without one the connection is cut, before the call is carried out, or, with ``after``,
        when it was (done, but the answer is lost). ``contains``: only calls whose body holds this text."""
        refusal = Refusal(code, message or code, status) if code else None
        kind = Kind.REFUSED if refusal else Kind.LOST if after else Kind.CUT
        self._front.trouble.add(Fault(action, kind, refusal, times, skip, account, region, contains))

    def no_trouble(self) -> None:
        """Takes back every denial and fault."""
        self._front.trouble.clear()

    # --- served

    def _wsgi(self, environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        response = self._front.handle(read_request(environ))
        if response.lost:
            cut(environ["werkzeug.socket"])
        return send(response, start_response)


def _listen(port: int) -> socket.socket:
    """Bound here: werkzeug prints and exits where a port is taken. Raises ``OSError``."""
    return socket.create_server(("127.0.0.1", port), backlog=128)


def _serving(listening: socket.socket, port: int, application: Any, handler: Any) -> BaseWSGIServer:
    """On a copy of ``listening``. Names are set that ``server_bind`` would, which a bound socket skips."""
    server = make_server(
        "127.0.0.1", port, application, threaded=True, request_handler=handler, fd=listening.fileno()
    )
    server.server_name, server.server_port = "127.0.0.1", port
    return server
