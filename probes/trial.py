"""What a probe works with: clients of one emulator, things made anew, and what it says of an answer."""

import itertools
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

HOME, ABROAD = "eu-west-1", "us-east-1"
NOBODY = "0aaaaaaaaaaaaaaaa"
"""The digits of an id that nothing has."""
Json = dict[str, Any]


class Wrong(Exception):
    """The emulator answered, and not as AWS."""


class Missing(Exception):
    """The emulator does not know the operation."""


class World(Protocol):
    """An emulator. ``patience``: seconds until what is to happen by itself must have happened."""

    name: str
    patience: float
    accounts: tuple[str, str]
    shared: dict[Any, Any]
    """What probes share that do not mind each other."""

    def client(self, service: str, region: str, account: int) -> Any: ...

    def client_with(self, service: str, region: str, key: Mapping[str, str]) -> Any: ...


_numbers = itertools.count(1)


class Trial:
    def __init__(self, world: World) -> None:
        self.world = world
        self.number = next(_numbers)

    # --- clients

    @property
    def ec2(self) -> Any:
        return self.client("ec2")

    @property
    def account(self) -> str:
        return self.world.accounts[0]

    @property
    def other_account(self) -> str:
        return self.world.accounts[1]

    def client(self, service: str, region: str = HOME, account: int = 0) -> Any:
        return self.world.client(service, region, account)

    def client_with(self, service: str, key: Mapping[str, str], region: str = HOME) -> Any:
        """``key``: Credentials as STS answers them, or an AccessKey as IAM does."""
        return self.world.client_with(service, region, key)

    # --- things

    def name(self, prefix: str = "probe") -> str:
        """One that nothing else has."""
        return f"{prefix}-{self.number}-{next(_numbers)}"

    def vpc(
        self, cidr: str = "10.0.0.0/16", *, ipv6: bool = False, region: str = HOME, account: int = 0
    ) -> str:
        ec2 = self.client("ec2", region, account)
        return str(ec2.create_vpc(CidrBlock=cidr, AmazonProvidedIpv6CidrBlock=ipv6)["Vpc"]["VpcId"])

    def any_vpc(self, region: str = HOME, account: int = 0) -> str:
        """One that probes share."""
        where = (region, account)
        if where not in self.world.shared:
            self.world.shared[where] = self.vpc(region=region, account=account)
        return str(self.world.shared[where])

    def subnet(self, vpc: str, cidr: str = "10.0.1.0/24") -> str:
        return str(self.ec2.create_subnet(VpcId=vpc, CidrBlock=cidr)["Subnet"]["SubnetId"])

    def group(
        self, vpc: str = "", name: str = "", *, region: str = HOME, account: int = 0, **more: Any
    ) -> str:
        """In a VPC that others use too if none is given."""
        vpc = vpc or self.any_vpc(region, account)
        ec2 = self.client("ec2", region, account)
        made = ec2.create_security_group(
            GroupName=name or self.name(), Description="a probe", VpcId=vpc, **more
        )
        return str(made["GroupId"])

    def default_vpc(self) -> str:
        found = self.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
        return str(found[0]["VpcId"] if found else self.ec2.create_default_vpc()["Vpc"]["VpcId"])

    def described(self, group: str, region: str = HOME, account: int = 0) -> Json:
        ec2 = self.client("ec2", region, account)
        return dict(ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0])

    def rules(self, group: str, *, egress: bool | None = None) -> list[Json]:
        """The group's rules one by one."""
        filters = [{"Name": "group-id", "Values": [group]}]
        found = self.ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
        return [rule for rule in found if egress in (None, rule["IsEgress"])]

    def allow(self, group: str, *permissions: Json, **more: Any) -> Json:
        """Ingress."""
        return dict(
            self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=list(permissions), **more)
        )

    def acl(self, vpc: str = "", **more: Any) -> str:
        return str(
            self.ec2.create_network_acl(VpcId=vpc or self.any_vpc(), **more)["NetworkAcl"]["NetworkAclId"]
        )

    def entries(self, acl: str, *, egress: bool = False) -> dict[int, Json]:
        """By number, the final denies left out."""
        found = self.ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"][0]["Entries"]
        return {e["RuleNumber"]: e for e in found if e["Egress"] is egress and e["RuleNumber"] < 32767}

    def prefix_list(self, *cidrs: str, size: int = 3, family: str = "IPv4", **more: Any) -> str:
        made = self.ec2.create_managed_prefix_list(
            PrefixListName=self.name("pl"),
            MaxEntries=size,
            AddressFamily=family,
            Entries=[{"Cidr": cidr} for cidr in cidrs],
            **more,
        )
        list_id = str(made["PrefixList"]["PrefixListId"])
        self.eventually(
            lambda: self.list_state(list_id)["State"].endswith("-complete"), "the list is complete"
        )
        return list_id

    def list_state(self, list_id: str) -> Json:
        return dict(self.ec2.describe_managed_prefix_lists(PrefixListIds=[list_id])["PrefixLists"][0])

    def interface(self, subnet: str, *groups: str) -> str:
        made = self.ec2.create_network_interface(SubnetId=subnet, Groups=list(groups))
        return str(made["NetworkInterface"]["NetworkInterfaceId"])

    def peered(self, vpc: str, other: str, *, account: int = 0, accept: bool = True) -> str:
        """``vpc`` is the first account's, ``other`` of ``account``."""
        made = self.ec2.create_vpc_peering_connection(
            VpcId=vpc, PeerVpcId=other, PeerOwnerId=self.world.accounts[account], PeerRegion=HOME
        )
        id_ = str(made["VpcPeeringConnection"]["VpcPeeringConnectionId"])
        if accept:
            self.client("ec2", HOME, account).accept_vpc_peering_connection(VpcPeeringConnectionId=id_)
        return id_

    # --- verdicts

    def refused(self, code: str, call: Callable[..., Any], *arguments: Any, **params: Any) -> str:
        """The call fails with this code; returns AWS's words."""
        try:
            call(*arguments, **params)
        except ClientError as error:
            found = error.response["Error"]
            if found.get("Code") == code:
                return str(found.get("Message", ""))
            raise _verdict(error, f", not {code}") from None
        raise Wrong(f"accepted, not {code}")

    def same(self, found: Any, wanted: Any, what: str = "") -> None:
        if found != wanted:
            raise Wrong(f"{what + ': ' if what else ''}{_short(found)}, not {_short(wanted)}")

    def true(self, holds: Any, otherwise: str) -> None:
        if not holds:
            raise Wrong(otherwise)

    def eventually(self, check: Callable[[], Any], what: str) -> Any:
        """What ``check`` returns once it is true."""
        until = time.monotonic() + self.world.patience
        while True:
            found = check()
            if found:
                return found
            if time.monotonic() > until:
                raise Wrong(f"it never came about that {what}")
            time.sleep(0.02)

    def pages(
        self, operation: str, key: str, size: int, service: str = "ec2", **params: Any
    ) -> list[list[Any]]:
        """By the SDK's paginator."""
        paginator = self.client(service).get_paginator(operation)
        config = {"PageSize": size}
        return [page[key] for page in paginator.paginate(PaginationConfig=config, **params)]


def tcp(port: int, *peers: str, **described: str) -> Json:
    """A permission for CIDR blocks of both families, groups and lists; ``description=…`` for all."""
    return {
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port,
        **peers_of(peers, described.get("description")),
    }


def peers_of(peers: Iterable[str], description: str | None = None) -> Json:
    found: dict[str, list[Json]] = {}
    for peer in peers:
        section, item = _peer(peer)
        found.setdefault(section, []).append(item | ({"Description": description} if description else {}))
    return found


def _peer(peer: str) -> tuple[str, Json]:
    if peer.startswith("sg-"):
        return "UserIdGroupPairs", {"GroupId": peer}
    if peer.startswith("pl-"):
        return "PrefixListIds", {"PrefixListId": peer}
    return ("Ipv6Ranges", {"CidrIpv6": peer}) if ":" in peer else ("IpRanges", {"CidrIp": peer})


def tags(kind: str, **pairs: str) -> list[Json]:
    """TagSpecifications."""
    return [{"ResourceType": kind, "Tags": [{"Key": k, "Value": v} for k, v in pairs.items()]}]


def pairs(items: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {item["Key"]: item["Value"] for item in items}


# --- how a probe ended

_UNKNOWN = ("InvalidAction", "UnknownOperationException", "NotImplemented", "NotImplementedException")


def outcome(check: Callable[[Trial], None], trial: Trial) -> tuple[str, str]:
    """``right``, ``wrong`` or ``missing``, and why."""
    try:
        check(trial)
    except (Wrong, Missing) as ended:
        return type(ended).__name__.lower(), str(ended)
    except (ClientError, BotoCoreError, ResponseParserError) as error:
        ended = _verdict(error)
        return type(ended).__name__.lower(), str(ended)
    except Exception as error:  # noqa: BLE001 - an answer may lack whatever AWS's has
        return "wrong", _short(f"the answer lacks something: {type(error).__name__} {error}")
    return "right", ""


def _verdict(error: Exception, instead: str = "") -> Wrong | Missing:
    """A page of HTML, a crash, or a word for "never heard of": the operation is missing."""
    if isinstance(error, ResponseParserError):
        return Missing("HTTP 500 with a page of HTML")
    if not isinstance(error, ClientError):
        return Wrong(_short(f"{type(error).__name__}: {error}{instead}"))
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    said = error.response.get("Error", {}).get("Message", "")
    if "<!doctype html" in said.lower():
        return Missing(f"HTTP {status} with a page of HTML")
    if code in _UNKNOWN or status == 501 or "not yet implemented" in said.lower():
        return Missing(_short(f"{code}: {said}"))
    return Wrong(_short(f"{error.operation_name}: {code}{instead}: {said}"))


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 160 else text[:159] + "…"
