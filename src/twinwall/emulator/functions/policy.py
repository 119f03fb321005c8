"""Who may invoke a function: its resource policy (AddPermission)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from twinwall.emulator.credentials import Principal
from twinwall.emulator.refusal import Refusal


@dataclass(frozen=True)
class Permission:
    """One statement. ``principal``: an account, an ARN, a service, ``*``."""

    id: str
    action: str
    principal: str
    resource: str
    source_arn: str = ""
    source_account: str = ""

    def document(self) -> dict[str, Any]:
        who: Any = self.principal
        if self.principal.endswith(".amazonaws.com"):
            who = {"Service": self.principal}
        elif self.principal != "*":
            plain = self.principal.isdigit()
            who = {"AWS": f"arn:aws:iam::{self.principal}:root" if plain else self.principal}
        shown: dict[str, Any] = {
            "Sid": self.id,
            "Effect": "Allow",
            "Principal": who,
            "Action": self.action,
            "Resource": self.resource,
        }
        conditions: dict[str, Any] = {}
        if self.source_arn:
            conditions["ArnLike"] = {"AWS:SourceArn": self.source_arn}
        if self.source_account:
            conditions["StringEquals"] = {"AWS:SourceAccount": self.source_account}
        return shown | ({"Condition": conditions} if conditions else {})

    def lets_principal(self, caller: Principal) -> bool:
        names = {caller.account, caller.arn, caller.role_arn, f"arn:aws:iam::{caller.account}:root", "*"}
        return (
            fnmatchcase("lambda:InvokeFunction", self.action)
            and self.principal in names
            and not self.source_arn
            and not self.source_account
        )


def permission(given: Mapping[str, Any], resource: str) -> Permission:
    """From AddPermission's parameters."""
    for name in ("EventSourceToken", "PrincipalOrgID", "FunctionUrlAuthType"):
        if given.get(name):
            raise Refusal(
                "InvalidParameterValueException", f"{name} is not in the embedded AWS: leave it out."
            )
    principal = given["Principal"]
    if not (principal == "*" or principal.isdigit() or principal.startswith("arn:") or "." in principal):
        raise Refusal(
            "InvalidParameterValueException",
            "The provided principal was invalid. Please check the principal and try again.",
        )
    return Permission(
        given["StatementId"], given["Action"], principal, resource,
        given.get("SourceArn") or "", given.get("SourceAccount") or "",
    )  # fmt: skip


def policy_document(permissions: Mapping[str, Permission]) -> str:
    statements = [item.document() for item in permissions.values()]
    return json.dumps({"Version": "2012-10-17", "Id": "default", "Statement": statements})
