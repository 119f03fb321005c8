"""Does a resource's own policy let a caller in? (IAM user guide: "Policy evaluation logic", resource policies)"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from twinwall.emulator.iam.policies import Right, read_policy, verdict


@dataclass(frozen=True)
class Caller:
    """``service`` (``events.amazonaws.com``) or ``account``; ``context``: condition keys in lower case."""

    account: str = ""
    service: str = ""
    context: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """What a policy's Principal may call it."""
        return (self.service,) if self.service else (self.account, f"arn:aws:iam::{self.account}:root")


def service_caller(service: str, source_arn: str) -> Caller:
    """An AWS service on behalf of one of its resources."""
    account = source_arn.split(":")[4] if source_arn.count(":") >= 5 else ""
    return Caller("", service, {"aws:sourcearn": source_arn, "aws:sourceaccount": account})


def admits(policy: str | None, caller: Caller, action: str, resource: str) -> bool:
    """A Deny that fits wins; without an Allow that fits nobody comes in."""
    context = {key: (value,) for key, value in caller.context.items()}
    held = read_policy(policy) if policy and policy != "{}" else ()
    return verdict(held, Right(action, resource), context, caller.names) is True
