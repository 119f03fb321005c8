"""One HTTP request: let in or refused, answered by the rulebook, by our STS, or by moto.

    request ─ loopback and no browser? ─ signed by whom? ─ counted ─ denied? fault? ─┬─ EC2, ours ── rulebook
                                                                                     ├─ EC2, other ─ moto, guarded
                                                                                     ├─ STS, quotas ─ here
                                                                                     ├─ has a room ── its room
                                                                                     └─ the rest ──── moto

An operation that nobody knows is refused in the protocol's own error form, never with an HTML page.
"""

import json
import logging
import threading
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from twinwall.emulator import control, guards, identity, wire
from twinwall.emulator.credentials import authenticate, read_authorization
from twinwall.emulator.faults import Counts, Fault, Kind, Trouble, denial, in_words_of
from twinwall.emulator.forms import action_of, protocol_of, query_answer, refused
from twinwall.emulator.http import JSON, Request, Response
from twinwall.emulator.iam.enforcer import Enforcer
from twinwall.emulator.identity import Identities
from twinwall.emulator.moto_pass import Moto
from twinwall.emulator.moto_view import MotoNetwork
from twinwall.emulator.pace import Pace
from twinwall.emulator.protocol import ec2_model, parse_input, write_answer
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.rulebook import quotas
from twinwall.emulator.rulebook.actions import ACTIONS, check_dry_run
from twinwall.emulator.state import Call, World, apply
from twinwall.emulator.throttle import Throttle
from twinwall.emulator.visit import Room, Visit
from twinwall.errors import ConfigError

LOG = logging.getLogger("twinwall.emulator")


class Front:
    def __init__(
        self,
        world: World,
        network: MotoNetwork,
        identities: Identities,
        moto: Moto,
        pace: Pace,
        enforcer: Enforcer,
    ) -> None:
        self.world = world
        self.network = network
        self.identities = identities
        self.enforcer = enforcer
        self.counts = Counts()
        self.trouble = Trouble()
        self.pace = pace
        self.throttle = Throttle(pace.time.monotonic, world, on=pace.throttle)
        self.moto = moto
        self.rooms: dict[str, Room] = {}
        """Service → what answers its calls instead of moto."""
        self.processes: Callable[[], Any] = list
        """Of Lambda functions, for the control path."""
        self.after_ec2: Callable[[Visit], None] = lambda _visit: None
        self.record: Callable[[Visit, Response | Refusal], None] = lambda _visit, _how: None
        """Told how each call ended."""
        self.ec2 = threading.RLock()
        """One EC2 call at a time: moto is not made for more."""

    def handle(self, request: Request) -> Response:
        if not _is_local(request):
            return Response(403, b'{"message":"only loopback clients that are no browser"}', JSON)
        if request.path.startswith("/_twinwall/"):
            return self._control(request)
        return self._guarded(request, self._serve)

    def within(self, request: Request) -> Response:
        """What a service of ours asks of its own accord: let in and denied as any call, but neither counted nor
        delayed nor struck by a fault."""
        return self._guarded(request, self._permitted)

    def _guarded(self, request: Request, serve: Callable[[Visit], Response]) -> Response:
        protocol = protocol_of(request)
        request_id = str(uuid.uuid4())
        try:
            if request.path == "/federation/credentials":
                return self._sso(request)
            return serve(self._let_in(request, protocol, request_id))
        except Refusal as refusal:
            return refused(protocol, in_words_of(protocol, refusal), request_id)
        except Exception:
            LOG.exception("%s %s: the embedded AWS failed", request.method, request.path)
            return refused(
                protocol, Refusal("InternalError", "An internal error has occurred", 500), request_id
            )

    def _let_in(self, request: Request, protocol: str, request_id: str) -> Visit:
        signed = read_authorization(request.headers.get("authorization", ""))
        caller = authenticate(
            self.identities.ring, signed, request.method, request.url, request.headers, request.body
        )
        assert signed is not None
        return Visit(request, signed, caller, self._action(request, signed.service), protocol, request_id)

    def _action(self, request: Request, service: str) -> str:
        """Of the services that answer here, REST's operations have their names."""
        if service in self.rooms and wire.protocol_of_model(service) == wire.REST:
            return wire.rest_action(service, request)[0] or action_of(request)
        return action_of(request)

    def _serve(self, visit: Visit) -> Response:
        caller, region, action = visit.caller, visit.region, visit.action
        self.counts.add(caller.account, region, action)
        self.pace.delay()
        self._check_denied(visit)
        fault = self.trouble.next(caller.account, region, action, visit.text)
        return self._answer(visit) if fault is None else self._befallen(visit, fault)

    def _permitted(self, visit: Visit) -> Response:
        self._check_denied(visit)
        return self._answer(visit)

    def _check_denied(self, visit: Visit) -> None:
        if self.trouble.denied(visit.caller.names, visit.service, visit.action):
            resource = f"arn:aws:{visit.service}:{visit.region}:{visit.account}:*"
            raise denial(visit.caller.arn, f"{visit.service}:{visit.action}", resource)

    def _befallen(self, visit: Visit, fault: Fault) -> Response:
        """A client of ours cannot be kept from connecting: what is unsent is cut."""
        match fault.kind:
            case Kind.REFUSED:
                raise fault.refusal or Refusal("InternalError", "as asked for", 500)
            case Kind.UNSENT | Kind.CUT:
                self.pace.time.sleep(fault.seconds)
                return _NO_ANSWER
            case Kind.LOST:
                self._answer(visit)
                return _NO_ANSWER
            case Kind.LATE:
                self.pace.later(fault.seconds, lambda: self._late(visit))
                return _NO_ANSWER
            case Kind.SLOW:
                response = self._answer(visit)
                self.pace.time.sleep(fault.seconds)
                return response
            case Kind.TWICE | Kind.NEVER:  # of deliveries only
                return self._answer(visit)

    def _late(self, visit: Visit) -> None:
        """Carried out long after its client gave up."""
        try:
            self._answer(visit)
        except Refusal as refusal:
            LOG.info("%s arrived late and was refused: %s", visit.action, refusal)

    def _answer(self, visit: Visit) -> Response:
        try:
            response = self._answered(visit)
        except Refusal as refusal:
            self.record(visit, refusal)
            raise
        self.record(visit, response)
        return response

    def _answered(self, visit: Visit) -> Response:
        if visit.service == "ec2":
            with self.ec2:
                response = self._answer_ec2(visit)
                self.after_ec2(visit)
                return response
        self.enforcer.check_request(visit.caller, visit.service, visit.action, visit.request, visit.region)
        if visit.service == "sts":
            output = identity.answer(self.identities, visit.caller, visit.action, visit.request.form)
            return Response(200, query_answer(visit, output))
        if visit.service == "servicequotas" and (answer := self._quotas(visit)) is not None:
            return Response(200, json.dumps(answer).encode(), JSON)
        if visit.service in self.rooms:
            return self.rooms[visit.service](visit)
        return self.by_moto(visit)

    def by_moto(self, visit: Visit) -> Response:
        return self.moto.answer(visit.request, visit.account, visit.action)

    def on_behalf(self, request: Request, account: str) -> Response:
        """moto's answer to ``request`` as if ``account`` had sent it."""
        return self.moto.answer(request, account, action_of(request))

    # --- EC2

    def _answer_ec2(self, visit: Visit) -> Response:
        account, region, action = visit.caller.account, visit.region, visit.action
        params = parse_input(action, visit.request.form)
        self.throttle.check(account, region, action, params)
        self.network.sync(self.world, account, region)
        call = Call(self.world, account, region, params)
        self.enforcer.check_ec2(visit.caller, call, action)
        check_dry_run(params)
        guards.check(call, action)
        if action not in ACTIONS:
            return self._once_by_moto(visit, call)
        try:
            answer = ACTIONS[action](call)
        except Refusal as refusal:
            apply(call.here, refusal.done)
            raise
        apply(call.here, answer.effects)
        self.network.mirror(call, answer.effects)
        return Response(200, write_answer(action, answer.output, visit.id))

    def _once_by_moto(self, visit: Visit, call: Call) -> Response:
        """moto knows no client tokens: the same request again gets the first answer."""
        token = call.params.get("ClientToken")
        key = (visit.action, str(token))
        asked = {name: value for name, value in call.params.items() if name != "ClientToken"}
        if token and key in call.here.tokens:
            known, answer = call.here.tokens[key]
            if known != asked:
                raise Refusal(
                    "IdempotentParameterMismatch",
                    "The request uses the same client token as a previous, but non-identical request.",
                )
            return Response(200, answer["body"])
        response = self.moto.answer(visit.request, visit.caller.account, visit.action)
        if token and response.status == 200:
            call.here.tokens[key] = (asked, {"body": response.body})
        self.network.sync(self.world, visit.caller.account, visit.region)
        return response

    # --- the rest

    def _quotas(self, visit: Visit) -> dict[str, Any] | None:
        """None: moto's to answer."""
        params = json.loads(visit.request.body or b"{}")
        call = Call(self.world, visit.caller.account, visit.region, params)
        if params.get("ServiceCode") not in quotas.SERVICES or visit.action not in quotas.ACTIONS:
            return None
        return quotas.ACTIONS[visit.action](call, ec2_model().operation_names)

    def _sso(self, request: Request) -> Response:
        asked = dict(parse_qsl(request.query))
        token = request.headers.get("x-amz-sso_bearer_token", "")
        found = identity.role_credentials(
            self.identities, token, asked.get("account_id", ""), asked.get("role_name", "")
        )
        return Response(200, json.dumps(found).encode(), JSON)

    def _control(self, request: Request) -> Response:
        try:
            found = control.answer(self, request.method, request.path, request.body)
        except ConfigError as wrong:
            return Response(400, json.dumps({"message": str(wrong)}).encode(), JSON)
        if found is None:
            return Response(404, b'{"message":"no such control"}', JSON)
        return Response(200, json.dumps(found).encode(), JSON)


_NO_ANSWER = Response(0, b"", lost=True)


def _is_local(request: Request) -> bool:
    """No browser (Origin, Sec-Fetch-Site), and asked for by a loopback name, whatever the port."""
    host = request.headers.get("host", "")
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    browser = "origin" in request.headers or "sec-fetch-site" in request.headers
    return name.strip("[]") in ("127.0.0.1", "localhost", "::1") and not browser
