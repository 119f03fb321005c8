"""``MeshEc2`` on EC2: a mesh's calls, each sent once and answered within so many seconds.

Rules are read flat (DescribeSecurityGroupRules), for only that shape has ids and tags (aws-facts 1.1).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from twinwall.boundary import Document
from twinwall.ec2.calls import Output
from twinwall.model.rules import SecurityGroupRule, Tags
from twinwall.model.wire import parse_rule, permissions, tag_list

GROUP_TAG = "aws:autoscaling:groupName"
_PAGE = 1000
_FILTER_VALUES = 200
_TAGGED = 1000
"""Resources of a CreateTags call (aws-facts 1.2)."""


class Caller(Protocol):
    """Carries one request to EC2 and back, once."""

    def call(
        self,
        action: str,
        request: Mapping[str, Any],
        doing: str,
        thing: str,
        within: float,
        *,
        mutation: bool,
    ) -> Output: ...


class Ec2Mesh:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def rules(self, group_ids: Sequence[str], within: float) -> Mapping[str, Sequence[SecurityGroupRule]]:
        found: dict[str, list[SecurityGroupRule]] = {group_id: [] for group_id in group_ids}
        for item in self._pages(
            "DescribeSecurityGroupRules",
            "SecurityGroupRules",
            "group-id",
            group_ids,
            "reading the rules of",
            within,
        ):
            found[item["GroupId"]].append(parse_rule(item))
        return found

    def groups(self, group_ids: Sequence[str], within: float) -> Sequence[Document]:
        pages = self._pages(
            "DescribeSecurityGroups", "SecurityGroups", "group-id", group_ids, "reading", within
        )
        return list(pages)

    def tag(self, ids: Sequence[str], tags: Tags, within: float) -> None:
        for start in range(0, len(ids), _TAGGED):
            chunk = list(ids[start : start + _TAGGED])
            request = {"Resources": chunk, "Tags": tag_list(tags)}
            self._mutate("CreateTags", request, "marking", chunk[0], within)

    def instances(
        self, within: float, *, groups: Sequence[str] = (), ids: Sequence[str] = ()
    ) -> Sequence[Document]:
        """Ids as a filter: as ``InstanceIds`` an unknown one would be an error."""
        name, values = (f"tag:{GROUP_TAG}", groups) if groups else ("instance-id", ids)
        pages = self._pages(
            "DescribeInstances", "Reservations", name, values, "reading the instances of", within
        )
        return [instance for reservation in pages for instance in reservation["Instances"]]

    def _pages(
        self, action: str, key: str, name: str, values: Sequence[str], doing: str, within: float
    ) -> Iterator[Document]:
        for start in range(0, len(values), _FILTER_VALUES):
            chunk = list(values[start : start + _FILTER_VALUES])
            request: dict[str, Any] = {"Filters": [{"Name": name, "Values": chunk}], "MaxResults": _PAGE}
            while True:
                page = self._caller.call(action, request, doing, chunk[0], within, mutation=False)
                yield from page.get(key, ())
                if not page.get("NextToken"):
                    break
                request = {**request, "NextToken": page["NextToken"]}

    def authorize(self, group_id: str, rules: Sequence[SecurityGroupRule], tags: Tags, within: float) -> None:
        """Raises ``AlreadyExists`` where one of them stands there: then none was added (aws-facts 1.5)."""
        filled = [{key: part for key, part in one.items() if part != []} for one in permissions(rules)]
        request = {
            "GroupId": group_id,
            "IpPermissions": filled,
            "TagSpecifications": [{"ResourceType": "security-group-rule", "Tags": tag_list(tags)}],
        }
        self._mutate("AuthorizeSecurityGroupIngress", request, "adding rules to", group_id, within)

    def revoke(self, group_id: str, rule_ids: Sequence[str], within: float) -> None:
        """Raises ``NotFound`` where one of them is gone: then none was revoked (aws-facts 1.6)."""
        request = {"GroupId": group_id, "SecurityGroupRuleIds": list(rule_ids)}
        self._mutate("RevokeSecurityGroupIngress", request, "revoking rules of", group_id, within)

    def _mutate(self, action: str, request: Mapping[str, Any], doing: str, thing: str, within: float) -> None:
        self._caller.call(action, request, doing, thing, within, mutation=True)
