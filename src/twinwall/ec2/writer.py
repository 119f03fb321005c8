"""``FirewallWriter`` on EC2: one change, one call, sent once. What EC2 says to it is for ``engine`` to judge."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from twinwall.boundary import Clock, Written
from twinwall.ec2.calls import Ec2
from twinwall.ec2.prefix_lists import PrefixLists
from twinwall.errors import AwsError, NotFound
from twinwall.planning import changes as c
from twinwall.planning.requests import request_of


class Ec2Writer:
    """One side's EC2, written. Safe to use from several threads."""

    def __init__(self, ec2: Ec2, clock: Clock) -> None:
        self._ec2 = ec2
        self._lists = PrefixLists(ec2, clock)

    def carry_out(self, change: c.Change) -> Written:
        match change:
            case c.RevokeRules():
                return self._revoke(change)
            case c.CreateManagedPrefixList() | c.ModifyManagedPrefixList():
                return self._list_change(change)
            case _:
                return _written(change, self._send(change))

    def _send(self, change: c.Change) -> Mapping[str, Any]:
        return self._ec2.send(change.action, request_of(change), _doing(change), str(change.resource))

    def _revoke(self, change: c.RevokeRules) -> Written:
        """Rules that may not be there (``missing_ok``) and are not: done. Elsewhere a missing rule is an
        error, also in a default VPC, where EC2 only says so in the answer (aws-facts 0.3)."""
        try:
            answer = self._send(change)
        except AwsError as error:
            if not (change.missing_ok and _is_missing_rule(error)):
                raise
            return self._revoke_each(change) if len(change.rules) > 1 else Written()
        if answer.get("UnknownIpPermissions") and not change.missing_ok:
            count = len(answer["UnknownIpPermissions"])
            raise NotFound(
                f"{_doing(change)} {change.resource} ({self._ec2.place.side}): EC2 knows {count} of the "
                "permissions not; way out: run again: the plan is made anew",
                code="InvalidPermission.NotFound",
            )
        return Written()

    def _revoke_each(self, change: c.RevokeRules) -> Written:
        """One missing rule makes EC2 refuse all of the call (API: RevokeSecurityGroupEgress)."""
        for rule in change.rules:
            self._revoke(replace(change, rules=(rule,)))
        return Written()

    def _list_change(self, change: c.CreateManagedPrefixList | c.ModifyManagedPrefixList) -> Written:
        """The call, and the wait until the list stands (its states are asynchronous; aws-facts 4)."""
        if isinstance(change, c.ModifyManagedPrefixList) and (change.add or change.remove):
            version = change.version
            if version is None:
                version = self._lists.version(change.resource.id)
            change, wanted = replace(change, version=version), version + 1
        else:
            wanted = 0  # no other change makes a new version
        answer = self._send(change)
        return self._lists.wait(answer["PrefixList"], wanted)


def _is_missing_rule(error: AwsError) -> bool:
    """Not there; or EC2's answer to revoking ``::/0`` in a VPC without IPv6 (aws-facts 1.3)."""
    if error.code == "InvalidPermission.NotFound":
        return True
    return error.code == "InvalidParameterValue" and "remote-ipv6-range" in str(error)


def _doing(change: c.Change) -> str:
    return f"{change.action} for"


def _written(change: c.Change, answer: Mapping[str, Any]) -> Written:
    match change:
        case c.CreateSecurityGroup():
            return Written(id=answer["GroupId"])
        case c.CreateNetworkAcl():
            return Written(id=answer["NetworkAcl"]["NetworkAclId"])
        case c.ReplaceNetworkAclAssociation():
            return Written(id=answer["NewAssociationId"])
        case _:
            return Written()
