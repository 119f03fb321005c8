"""Roles that AWS's services take on: do they exist, and do they trust the service?"""

from collections.abc import Callable

from moto.core.exceptions import ServiceException
from moto.iam.models import iam_backends

from twinwall.emulator.policies import Caller, admits
from twinwall.emulator.refusal import Refusal


class Roles:
    """``known``: is this the ARN of a role that was not made over IAM's API, and asks for nothing?"""

    def __init__(self, known: Callable[[str], bool]) -> None:
        self._known = known

    def trusts(self, arn: str, service: str) -> bool:
        if self._known(arn):
            return True
        account = arn.split(":")[4]
        try:
            found = iam_backends[account]["aws"].get_role_by_arn(arn)
        except ServiceException:
            return False
        caller = Caller(
            service=service, context={"aws:sourceaccount": account}
        )  # for a resource of that account
        return admits(found.assume_role_policy_document, caller, "sts:AssumeRole", arn)

    def check(self, arn: str, service: str, account: str) -> None:
        """Raises ``AssumeRoleFailed``; a role of another account is never taken on."""
        if arn.split(":")[4:5] != [account] or not self.trusts(arn, service):
            raise Refusal("AssumeRoleFailed", f"{service} may not assume the role {arn}", 400)
