"""``FirewallReader`` on EC2: whole sections, page by page, in EC2's own shapes.

Every describe call has a filter or MaxResults, which puts it into the large bucket, and never an empty id
list, which would silently mean "all, unpaginated" (aws-facts 3.1).
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from twinwall.boundary import Document, Section
from twinwall.ec2.calls import Ec2
from twinwall.errors import AccessDenied, NotFound

Item = dict[str, Any]

_PAGE = 1000
_STALE_PAGE = 255
_LIST_PAGE = 100
_USERS_PAGE = 255
_FILTER_VALUES = 200
"""Values a filter takes at most (EC2 user guide, "Filter resources"; beyond it ``FilterLimitExceeded``)."""


class Ec2Reader:
    """One side's EC2, read. Its calls change nothing, and are repeated where EC2 asks for patience."""

    def __init__(self, ec2: Ec2) -> None:
        self._ec2 = ec2

    def read(self, vpc_id: str, sections: Collection[Section]) -> Document:
        document: Document = {}
        for section in sorted(sections, key=_ORDER.index):
            if section == "SecurityGroupRules":
                document[section] = self._rules(vpc_id, document.get("SecurityGroups"))
            else:
                document[section] = self._section(section, vpc_id)
        return document

    def _section(self, section: Section, vpc_id: str) -> list[Item]:
        match section:
            case "Vpcs":
                return self._vpc(vpc_id)
            case "StaleSecurityGroups":
                return self._stale(vpc_id)
            case "VpcPeeringConnections":
                return self._peerings(vpc_id)
            case _:
                return list(self._filtered(section, vpc_id))

    def _filtered(self, section: Section, vpc_id: str) -> Iterator[Item]:
        """The sections that are one describe call with a vpc-id filter."""
        filters = [{"Name": "vpc-id", "Values": [vpc_id]}]
        items = self._pages(
            _SPOKEN[section], vpc_id, f"Describe{section}", section, Filters=filters, MaxResults=_PAGE
        )
        return map(_plain, items) if section == "NetworkInterfaces" else items

    def _vpc(self, vpc_id: str) -> list[Item]:
        request = {"VpcIds": [vpc_id]}
        found: list[Any] = self._ec2.ask(
            "DescribeVpcs", request, "reading the VPC", f"{vpc_id} in {self._ec2.region}"
        )["Vpcs"]
        return found

    def _stale(self, vpc_id: str) -> list[Item]:
        return list(
            self._pages(
                "the stale references",
                vpc_id,
                "DescribeStaleSecurityGroups",
                "StaleSecurityGroupSet",
                VpcId=vpc_id,
                MaxResults=_STALE_PAGE,
            )
        )

    def _peerings(self, vpc_id: str) -> list[Item]:
        """A VPC is one end of a peering or the other; filters are joined by "and", so that is two calls."""
        found: dict[str, Item] = {}
        for end in ("requester", "accepter"):
            items = self._pages(
                "the peering connections",
                vpc_id,
                "DescribeVpcPeeringConnections",
                "VpcPeeringConnections",
                Filters=[{"Name": f"{end}-vpc-info.vpc-id", "Values": [vpc_id]}],
                MaxResults=_PAGE,
            )
            found |= {item["VpcPeeringConnectionId"]: _plain(item) for item in items}
        return list(found.values())

    def _rules(self, vpc_id: str, groups: list[Item] | None) -> list[Item]:
        """There is no vpc-id filter for rules (aws-facts 1.1): they are asked for by group."""
        if groups is None:
            groups = self._section("SecurityGroups", vpc_id)
        return self._rules_of([group["GroupId"] for group in groups], vpc_id)

    def read_rules(self, group_ids: Collection[str]) -> Document:
        return {"SecurityGroupRules": self._rules_of(sorted(group_ids), ", ".join(sorted(group_ids)[:3]))}

    def _rules_of(self, group_ids: Sequence[str], thing: str) -> list[Item]:
        rules: list[Item] = []
        for ids in _chunks(group_ids, _FILTER_VALUES):
            rules += self._rules_of_those_there(ids, thing)
        return rules

    def _rules_of_those_there(self, ids: Sequence[str], thing: str) -> list[Item]:
        """A filter finds nothing for an unknown id; where it is refused for one all the same (not documented for EC2),
        the groups are asked for by halves."""
        action, key = "DescribeSecurityGroupRules", "SecurityGroupRules"
        filters = [{"Name": "group-id", "Values": ids}]
        what = "the security group rules of"
        try:
            return list(self._pages(what, thing, action, key, Filters=filters, MaxResults=_PAGE))
        except NotFound:
            if len(ids) == 1:
                return []
        middle = len(ids) // 2
        return [
            item for half in (ids[:middle], ids[middle:]) for item in self._rules_of_those_there(half, thing)
        ]

    def read_prefix_lists(self, ids: Collection[str], names: Collection[str] = ()) -> Document:
        found: dict[str, Item] = {}
        for filters in _list_filters(ids, names):
            found |= {item["PrefixListId"]: item for item in self._lists(Filters=filters)}
        if not ids and not names:
            account = self._ec2.identity().account
            found = {item["PrefixListId"]: item for item in self._lists() if item.get("OwnerId") == account}
        return {"PrefixLists": [self._with_entries(item) for item in found.values()]}

    def _lists(self, **params: Any) -> Iterator[Item]:
        action = "DescribeManagedPrefixLists"
        return self._pages(
            "the prefix lists", self._ec2.region, action, "PrefixLists", MaxResults=_LIST_PAGE, **params
        )

    def _with_entries(self, item: Item) -> Item:
        """The list with its entries; where they may not be read, without, and with ``EntriesDenied``."""
        action = "GetManagedPrefixListEntries"
        list_id = item["PrefixListId"]
        try:
            entries = list(
                self._pages(
                    "the entries of", list_id, action, "Entries", PrefixListId=list_id, MaxResults=_LIST_PAGE
                )
            )
        except (AccessDenied, NotFound):
            return {**item, "EntriesDenied": True}
        return {**item, "Entries": entries}

    def read_list_users(self, list_id: str) -> Document:
        action, key = "GetManagedPrefixListAssociations", "PrefixListAssociations"
        found = self._pages("what names", list_id, action, key, PrefixListId=list_id, MaxResults=_USERS_PAGE)
        return {key: list(found)}

    def find_groups(self, tag_key: str, tag_value: str) -> Document:
        """EC2 reads ``*`` and ``?`` in a filter as wildcards; only exact matches come back from here."""
        found = self._pages(
            "the security groups with the tag",
            f"{tag_key}={tag_value}",
            "DescribeSecurityGroups",
            "SecurityGroups",
            Filters=[{"Name": f"tag:{tag_key}", "Values": [tag_value.replace("\\", "\\\\")]}],
            MaxResults=_PAGE,
        )
        wanted = {"Key": tag_key, "Value": tag_value}
        return {"SecurityGroups": [group for group in found if wanted in group.get("Tags", ())]}

    def _pages(self, what: str, thing: str, action: str, key: str, **params: Any) -> Iterator[Item]:
        """All items of all pages. Each page is let go before the next is read."""
        token: str | None = None
        while True:
            request = params | ({"NextToken": token} if token else {})
            page = self._ec2.ask(action, request, f"reading {what}", thing)
            yield from page.pop(key, ())
            token = page.get("NextToken")
            if not token:
                return


_ORDER: tuple[Section, ...] = (
    "Vpcs",  # first: a VPC that does not exist is told as such
    "SecurityGroups",
    "SecurityGroupRules",
    "NetworkAcls",
    "Subnets",
    "NetworkInterfaces",
    "StaleSecurityGroups",
    "SecurityGroupVpcAssociations",
    "VpcPeeringConnections",
)

_SPOKEN: dict[str, str] = {
    "SecurityGroups": "the security groups of",
    "NetworkAcls": "the network ACLs of",
    "Subnets": "the subnets of",
    "NetworkInterfaces": "the network interfaces of",
    "SecurityGroupVpcAssociations": "the security groups associated with",
}


def _list_filters(ids: Collection[str], names: Collection[str]) -> Iterator[list[Item]]:
    """A filter finds nothing for an unknown id, where ``PrefixListIds`` would be an error."""
    for name, values in (("prefix-list-id", ids), ("prefix-list-name", names)):
        for chunk in _chunks(sorted(set(values)), _FILTER_VALUES):
            yield [{"Name": name, "Values": chunk}]


def _chunks(items: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def _plain(value: Any) -> Any:
    """Timestamps become text, as the AWS CLI writes them: a document is JSON."""
    match value:
        case datetime():
            return value.isoformat()
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case _:
            return value
