"""May this caller make this request? Off until switched on, as everything is allowed then.

request ─ rights it needs ─┬─ the caller's policies ─┬─ each given? ─ no: refused in AWS's words
          (ec2, services)  │  (holders)              │
                           └─ the resource's own ────┘
"""

import json
from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from moto.core.exceptions import ServiceException
from moto.sqs.models import sqs_backends

from twinwall.emulator.credentials import Principal
from twinwall.emulator.faults import denial
from twinwall.emulator.http import Request
from twinwall.emulator.iam import ec2, services
from twinwall.emulator.iam.asked import read
from twinwall.emulator.iam.conditions import Context
from twinwall.emulator.iam.holders import policies_of
from twinwall.emulator.iam.policies import Policy, Right, Statement, read_policy, refusal_of
from twinwall.emulator.identity import Identities
from twinwall.emulator.state import Call


class Enforcer:
    def __init__(self, identities: Identities, *, on: bool) -> None:
        self.on = on
        self.asked: deque[tuple[str, Right]] = deque(maxlen=100_000)
        """Each right that was needed, with the ARN of the caller and every condition key that held."""
        self.group_of: services.GroupOf = lambda _asked: None
        self._identities = identities

    def check_ec2(self, caller: Principal, call: Call, action: str) -> None:
        """Raises ``Refusal``."""
        if self.on:
            self._check(caller, call.region, ec2.rights(call, action))

    def check_request(
        self, caller: Principal, service: str, action: str, request: Request, region: str
    ) -> None:
        """Of any other service; raises ``Refusal``."""
        if self.on:
            asked = read(service, action, request, caller.account, region)
            self._check(caller, region, services.rights(asked, self.group_of))

    def check_right(self, caller: Principal, region: str, right: Right) -> None:
        """Of what a service does in a role's name, without any request. Raises ``Refusal``."""
        if self.on:
            self._check(caller, region, [right])

    def _check(self, caller: Principal, region: str, rights: Iterable[Right]) -> None:
        """Raises ``Refusal`` for the first right that is not given."""
        policies = policies_of(caller, self.made_by_hand(caller))
        context = self._context(caller, region)
        for right in rights:
            self.asked.append((caller.arn, Right(right.action, right.arn, {**context, **right.keys})))
            own = self._resource_policy(caller, right)
            why = refusal_of(policies, right, context, own, names=caller.iam_names)
            if why is not None:
                raise denial(caller.arn, right.action, right.arn, why)

    def made_by_hand(self, caller: Principal) -> tuple[str, ...] | None:
        """The policies of the caller's role, if it was registered here."""
        role = self._identities.roles.get(caller.role_arn)
        return role.policies if role else None

    def knows_role(self, arn: str) -> bool:
        return self._identities.find_role(arn) is not None

    def _context(self, caller: Principal, region: str) -> Context:
        """The keys of every request (IAM user guide: reference_policies_condition-keys). AWS is spoken to over TLS,
        so requests count as sent over it."""
        now = self._identities.ring.now()
        found: dict[str, tuple[str, ...]] = {
            "aws:principalarn": (caller.role_arn or caller.arn,),
            "aws:principalaccount": (caller.account,),
            "aws:principaltype": ("AssumedRole" if caller.role_arn else "User",),
            "aws:userid": (caller.user_id,),
            "aws:requestedregion": (region,),
            "ec2:region": (region,),
            "aws:sourceip": ("127.0.0.1",),
            "aws:securetransport": ("true",),
            "aws:currenttime": (now.isoformat(),),
            "aws:epochtime": (str(int(now.timestamp())),),
        }
        if not caller.role_arn:
            found["aws:username"] = (caller.arn.rpartition("/")[2],)
        if caller.is_session:
            found["aws:multifactorauthpresent"] = (str(caller.mfa).lower(),)
        return found

    # --- what a resource says itself

    def _resource_policy(self, caller: Principal, right: Right) -> Policy:
        service = right.action.partition(":")[0]
        account = right.arn.split(":")[4] if right.arn.startswith("arn:") else ""
        if account != caller.account:
            return ()
        match service:
            case "sts":
                return self._trust(right.arn)
            case "sqs":
                return _queue_policy(right.arn)
            case _:
                return ()

    def _trust(self, role_arn: str) -> Policy:
        """A role lets in who is named in its trust policy; an account named there leaves it to the account."""
        role = self._identities.find_role(role_arn)
        found = (replace(s, principals=_persons(s), conditions={}) for s in (role.trust if role else ()))
        return tuple(statement for statement in found if statement.allows and statement.principals)


def _persons(statement: Statement) -> tuple[str, ...]:
    return tuple(p for p in statement.principals if p == "*" or ":user/" in p or ":role/" in p)


def _queue_policy(arn: str) -> Policy:
    _, _, _, region, account, name = arn.split(":", 5)
    try:
        text = sqs_backends[account][region].get_queue(name).policy
    except ServiceException:
        return ()
    return read_policy(text if isinstance(text, str) else json.dumps(text)) if text else ()
