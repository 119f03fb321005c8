"""``FirewallWriter`` on EC2: one change, one call, sent once.

What EC2 says to it is not repeated here but for one answer: "there is no such group" about an id that this
writer itself just made. EC2 shows a new id to everybody only after a while (aws-facts 3.2); the call did
nothing, so it is sent again.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from twinwall.boundary import Clock, Written
from twinwall.ec2.calls import Ec2
from twinwall.ec2.prefix_lists import PrefixLists
from twinwall.errors import AwsError, NotFound
from twinwall.model.rules import GroupPeer, PrefixListPeer
from twinwall.model.wire import parse_rule
from twinwall.planning import changes as c
from twinwall.planning.requests import request_of

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 8.0
_PATIENCE = 60.0


class Ec2Writer:
    """One side's EC2, written. Safe to use from several threads."""

    def __init__(self, ec2: Ec2, clock: Clock) -> None:
        self._ec2 = ec2
        self._clock = clock
        self._lists = PrefixLists(ec2, clock)
        self._made: set[str] = set()

    def carry_out(self, change: c.Change) -> Written:
        match change:
            case c.RevokeRules():
                return self._revoke(change)
            case c.CreateManagedPrefixList() | c.ModifyManagedPrefixList():
                written = self._list_change(change)
            case c.ModifySecurityGroupRules(rule=rule) if not rule.rule_id:
                written = _written(change, self._send(self._with_rule_id(change)))
            case _:
                written = _written(change, self._send(change))
        if isinstance(change, c.CreateSecurityGroup | c.CreateNetworkAcl | c.CreateManagedPrefixList):
            self._made.add(written.id)
        return written

    def _send(self, change: c.Change) -> Mapping[str, Any]:
        """The call; again while EC2 does not see an id yet that this writer made."""
        request = request_of(change)
        started, wait = self._clock.monotonic(), _FIRST_WAIT
        while True:
            try:
                return self._ec2.send(change.action, request, _doing(change), str(change.resource))
            except NotFound as missing:
                spent = self._clock.monotonic() - started
                if not self._not_visible_yet(missing, change) or spent + wait > _PATIENCE:
                    raise
            self._clock.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    def _not_visible_yet(self, missing: NotFound, change: c.Change) -> bool:
        return missing.code not in _CONTENT_MISSING and not self._made.isdisjoint(_ids_in(change))

    def _with_rule_id(self, change: c.ModifySecurityGroupRules) -> c.ModifySecurityGroupRules:
        """A plan made from a file knows no rule ids. Raises ``NotFound`` where there is no such rule."""
        group_id = change.resource.id
        request = {"Filters": [{"Name": "group-id", "Values": [group_id]}], "MaxResults": 1000}
        doing, thing = "reading the rules of", str(change.resource)
        found: Mapping[str, Any] = {"NextToken": ""}
        while found.get("NextToken") is not None:
            token = {"NextToken": found["NextToken"]} if found["NextToken"] else {}
            found = self._ec2.ask("DescribeSecurityGroupRules", {**request, **token}, doing, thing)
            for rule in map(parse_rule, found["SecurityGroupRules"]):
                if rule == change.rule:
                    return replace(change, rule=replace(change.rule, rule_id=rule.rule_id))
        raise NotFound(
            f"{doing} {thing} ({self._ec2.place.side}): it has no rule {change.rule}; way out: run again: the plan "
            "is made anew",
            code="InvalidPermission.NotFound",
        )

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


_CONTENT_MISSING = frozenset({"InvalidPermission.NotFound", "InvalidNetworkAclEntry.NotFound"})
"""What a group or ACL holds is missing, not the group or ACL itself."""


def _is_missing_rule(error: AwsError) -> bool:
    """Not there; or EC2's answer to revoking ``::/0`` in a VPC without IPv6 (aws-facts 1.3)."""
    if error.code == "InvalidPermission.NotFound":
        return True
    return error.code == "InvalidParameterValue" and "remote-ipv6-range" in str(error)


def _ids_in(change: c.Change) -> set[str]:
    """The ids that EC2 must know for this call."""
    ids = {change.resource.id}
    match change:
        case c.AuthorizeRules() | c.RevokeRules() | c.UpdateRuleDescriptions():
            peers = [rule.peer for rule in change.rules]
            ids |= {peer.group_id for peer in peers if isinstance(peer, GroupPeer)}
            ids |= {peer.prefix_list_id for peer in peers if isinstance(peer, PrefixListPeer)}
        case c.ReplaceNetworkAclAssociation():
            ids.add(change.network_acl_id)
        case _:
            pass
    return ids


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
