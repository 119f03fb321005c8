"""Roles that AWS's services take on: do they exist, do they trust the service, and may they do what it is about to?"""

from collections.abc import Callable

from moto.core.exceptions import ServiceException
from moto.iam.models import iam_backends

from twinwall.emulator.delivery import parse_arn
from twinwall.emulator.iam.policies import Right
from twinwall.emulator.policies import Caller, admits
from twinwall.emulator.refusal import Refusal

_HANDING_OVER = {
    "events": "events:PutEvents",
    "lambda": "lambda:InvokeFunction",
    "sqs": "sqs:SendMessage",
}
"""Service of a target → what the role of a schedule or rule needs (Scheduler and EventBridge user guides)."""


class Roles:
    """``known``: is this the ARN of a role that was not made over IAM's API, and trusts everybody? ``may``: raises
    ``Refusal`` where the role (in this Region) lacks the right."""

    def __init__(self, known: Callable[[str], bool], may: Callable[[str, str, Right], None]) -> None:
        self._known, self._may = known, may

    def trusts(self, arn: str, service: str) -> bool:
        """The service comes on behalf of the role's own account, and says so (Scheduler user guide, "Cross-service
        confused deputy prevention"; Lambda's, CloudFormation's and EventBridge's pages of that name)."""
        if self._known(arn):
            return True
        account = arn.split(":")[4]
        try:
            found = iam_backends[account]["aws"].get_role_by_arn(arn)
        except ServiceException:
            return False
        caller = Caller(service=service, context={"aws:sourceaccount": account})
        return admits(found.assume_role_policy_document, caller, "sts:AssumeRole", arn)

    def check(self, arn: str, service: str, account: str) -> None:
        """Raises ``AssumeRoleFailed``; a role of another account is never taken on."""
        if arn.split(":")[4:5] != [account] or not self.trusts(arn, service):
            raise Refusal("AssumeRoleFailed", f"{service} may not assume the role {arn}", 400)

    def check_handing_over(self, arn: str, target_arn: str) -> None:
        """The role may give the target what it is to get. Raises ``Refusal``."""
        target = parse_arn(target_arn)
        if target is not None and target.service in _HANDING_OVER:
            self._may(arn, target.region, Right(_HANDING_OVER[target.service], target_arn))
