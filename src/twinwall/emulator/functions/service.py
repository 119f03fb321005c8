"""Lambda at the endpoint: requests, and what rules and schedules hand over."""

import base64
import json
import logging
import tempfile
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from twinwall.emulator import wire
from twinwall.emulator.delivery import Deliveries, parse_arn
from twinwall.emulator.functions.code import CodeStore, remove
from twinwall.emulator.functions.environment import environment, link_runtime
from twinwall.emulator.functions.fleet import Fleet
from twinwall.emulator.functions.function import (
    LATEST,
    SERVICE,
    Function,
    InvokeConfig,
    Key,
    function_missing,
    wrong,
)
from twinwall.emulator.functions.invoking import Outcome, invoke
from twinwall.emulator.functions.line import Doors as LineDoors
from twinwall.emulator.functions.line import Line
from twinwall.emulator.functions.logs import Logs
from twinwall.emulator.functions.operations import OPERATIONS
from twinwall.emulator.functions.policy import policy_document
from twinwall.emulator.functions.registry import Registry
from twinwall.emulator.http import Response
from twinwall.emulator.inside import Inside
from twinwall.emulator.pace import Pace
from twinwall.emulator.policies import Caller, admits
from twinwall.emulator.queues import Queues
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.roles import Roles
from twinwall.emulator.sources.gauge import has_news
from twinwall.emulator.sources.poller import Doors
from twinwall.emulator.sources.service import Sources
from twinwall.emulator.visit import Visit

LOG = logging.getLogger("twinwall.emulator")
MOST_SYNCHRONOUS, MOST_ASYNCHRONOUS = 6 * 1024 * 1024, 1024 * 1024
"""Bytes of a payload (Lambda's quotas page)."""


class LambdaService:
    """``endpoint``: of the server, once it is known."""

    def __init__(
        self,
        roles: Roles,
        inside: Inside,
        pace: Pace,
        endpoint: Callable[[], str],
        deliveries: Deliveries,
        queues: Queues,
    ) -> None:
        self.roles, self.inside = roles, inside
        self.registry = Registry()
        self._root = Path(tempfile.mkdtemp(prefix="twinwall-lambda-"))
        self._runtime = self._root / "runtime"
        self._linked = threading.Lock()
        self._endpoint = endpoint
        self._logs = Logs(self.client)
        self._deliveries = deliveries
        self.store = CodeStore(self._root / "code")
        self.fleet = Fleet(self._root / "run", self._variables, self.registry.reserved)
        self.line = Line(LineDoors(self._find, self.invoke, self._send), pace)
        self.sources = Sources(
            self.registry,
            Doors(
                self.registry.functions.get,
                self.client,
                self.invoke,
                self._report,
                partial(has_news, queues),
                pace,
            ),
        )
        deliveries.register("lambda", self)

    def stop(self) -> None:
        """Nothing is left: no process, no thread, no file."""
        self.fleet.kill()
        self.sources.stop()
        self.line.stop()
        self.fleet.close()
        remove(self._root)

    def answer(self, visit: Visit) -> Response:
        action = visit.action
        params = wire.parse("lambda", action, visit.request, visit.protocol)
        wire.check("lambda", action, params)
        if action == "Invoke":
            return self._invoked(visit, params)
        if action in self.sources.operations:
            output = self.sources.operations[action](visit, params)
            return wire.write("lambda", action, output, visit.id, visit.protocol)
        if action not in OPERATIONS:
            LOG.warning("lambda %s: no such operation in the embedded AWS", action)
            raise Refusal("InvalidAction", f"The action {action} is not implemented by the embedded AWS.")
        output = OPERATIONS[action](self, visit, params)
        return wire.write("lambda", action, output, visit.id, visit.protocol)

    # --- invoked

    def _invoked(self, visit: Visit, params: Mapping[str, Any]) -> Response:
        function = self.registry.named(visit, params["FunctionName"], params.get("Qualifier"))
        self._check_caller(function, visit)
        payload = bytes(params.get("Payload") or b"{}")
        kind = params.get("InvocationType") or "RequestResponse"
        _check_payload(payload, kind)
        match kind:
            case "DryRun":
                return Response(204, b"", ())
            case "Event":
                self.line.add(function.key, payload)
                return Response(202, b"", ())
            case _:
                return _told(self.invoke(function, payload), params.get("LogType") == "Tail")

    def _check_caller(self, function: Function, visit: Visit) -> None:
        held = self.registry.permissions.get(function.key, {})
        own = function.key.account == visit.account
        if not own and not any(item.lets_principal(visit.caller) for item in held.values()):
            raise Refusal(
                "AccessDeniedException",
                f"User: {visit.caller.arn} is not authorized to perform: lambda:InvokeFunction on resource: "
                f"{function.key.arn} because no resource-based policy allows the lambda:InvokeFunction action",
                403,
            )

    def invoke(self, function: Function, payload: bytes, id_: str = "") -> Outcome:
        """Raises ``Refusal`` where there is no place."""
        return invoke(self.fleet, self._logs.keep, function, payload, id_)

    def deliver(self, arn: str, payload: bytes, source_arn: str) -> None:
        """A rule, a schedule or another function hands over: the event lines up."""
        target, source = parse_arn(arn), parse_arn(source_arn)
        if target is None or not target.resource.startswith("function:"):
            raise function_missing(arn)
        key = Key(target.account, target.region, target.resource.split(":")[1])
        self.registry.get(key)
        if source is not None and source.service == "events":
            policy = policy_document(self.registry.permissions.get(key, {}))
            rule = Caller(service="events.amazonaws.com", context={"aws:sourcearn": source_arn})
            if not admits(policy, rule, "lambda:InvokeFunction", arn):
                raise Refusal(
                    "AccessDeniedException",
                    f"{source_arn} may not invoke {arn}: its policy does not let events.amazonaws.com in",
                    403,
                )
        self.line.add(key, payload)

    # --- doors of the line and the fleet

    def _find(self, key: Key) -> tuple[Function, InvokeConfig] | None:
        function = self.registry.functions.get(key)
        return None if function is None else (function, self.registry.configs.get(key, InvokeConfig()))

    def client(self, function: Function, service: str) -> Any:
        """A client in the name of the function's role. Raises ``Refusal``."""
        if not self.roles.trusts(function.role, SERVICE):
            raise wrong("The role defined for the function cannot be assumed by Lambda.")
        key = self.inside.session(function.role, function.key.name).key
        return self.inside.client(service, function.key.region, key)

    def _variables(self, function: Function, stream: str) -> dict[str, str]:
        with self._linked:
            if not self._runtime.exists():
                link_runtime(self._runtime)
        if not self.roles.trusts(function.role, SERVICE):
            raise Refusal(
                "KMSAccessDeniedException",
                "The role defined for the function cannot be assumed by Lambda.",
                502,
            )
        key = self.inside.session(function.role, function.key.name).key
        return environment(function, key, self._endpoint(), self._runtime, stream)

    def _send(self, function: Function, target: str, body: str, told: Mapping[str, str]) -> None:
        """A dead letter or an invocation record; what cannot be sent is lost, as on AWS, with a log line here."""
        try:
            self.send(function, target, body, told)
        except (BotoCoreError, ClientError, Refusal) as refused:
            LOG.warning("%s could not send to %s: %s", function.key.arn, target, refused)

    def _report(self, function: Function, target: str, body: str) -> None:
        self._send(function, target, body, {})

    def send(self, function: Function, target: str, body: str, told: Mapping[str, str]) -> None:
        found = parse_arn(target)
        if found is None or found.service != "sqs":
            self._deliveries.deliver(target, body.encode(), function.key.arn)
            return
        sqs = self.client(function, "sqs")
        url = sqs.get_queue_url(QueueName=found.resource, QueueOwnerAWSAccountId=found.account)["QueueUrl"]
        attributes = {
            name: {"DataType": "Number" if value.isdigit() else "String", "StringValue": value}
            for name, value in told.items()
            if value
        }
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)


def _check_payload(payload: bytes, kind: str) -> None:
    most = MOST_ASYNCHRONOUS if kind == "Event" else MOST_SYNCHRONOUS
    if len(payload) > most:
        raise Refusal(
            "RequestTooLargeException",
            f"{len(payload)} byte payload is too large for the {kind} invocation type (limit {most} bytes)",
            413,
        )
    try:
        json.loads(payload)
    except ValueError as fault:
        raise Refusal(
            "InvalidRequestContentException", f"Could not parse request body into json: {fault}"
        ) from None


def _told(outcome: Outcome, tail: bool) -> Response:
    headers = [
        ("Content-Type", "application/json"),
        ("X-Amz-Executed-Version", LATEST),
        ("x-amzn-RequestId", outcome.id),
    ]
    if outcome.error:
        headers.append(("X-Amz-Function-Error", outcome.error))
    if tail:
        headers.append(("X-Amz-Log-Result", base64.b64encode(outcome.log.encode()[-4096:]).decode()))
    return Response(200, outcome.payload, tuple(headers))
