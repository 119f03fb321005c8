"""Values that EC2 never answers are refused in one line, with the place they stand in."""

from typing import Any

import pytest

from twinwall.errors import ConfigError
from twinwall.model.wire import parse_snapshot

Json = dict[str, Any]
ENTRY = {
    "RuleNumber": 100,
    "Egress": False,
    "Protocol": "6",
    "RuleAction": "allow",
    "CidrBlock": "10.0.0.0/8",
}


def group(**more: Any) -> Json:
    permission = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    return {"SecurityGroups": [{"GroupId": "sg-1", "IpPermissions": [{**permission, **more}]}]}


def acl(**more: Any) -> Json:
    entry = {key: value for key, value in {**ENTRY, **more}.items() if value is not None}
    return {"NetworkAcls": [{"NetworkAclId": "acl-1", "Entries": [entry]}]}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (group(FromPort=float("inf")), "SecurityGroups[0] (sg-1): IpPermissions[0]: FromPort is inf"),
        (group(FromPort=80.7), "FromPort is 80.7; a whole number is wanted"),
        (group(FromPort=True), "FromPort is True; a whole number is wanted"),
        (group(ToPort="x"), "ToPort is 'x'; a whole number is wanted"),
        (group(FromPort=[1]), "SecurityGroups[0] (sg-1): "),
        (group(IpRanges=["10.0.0.0/8"]), "IpPermissions[0].IpRanges[0] is a string; an object is wanted"),
        (
            acl(Egress="false"),
            "NetworkAcls[0] (acl-1): Entries[0]: Egress is 'false', a string; true or false",
        ),
        (acl(RuleNumber=0), "Entries[0]: RuleNumber is 0; allowed are 1 to 32766"),
        (acl(RuleNumber=-5), "RuleNumber is -5"),
        (acl(CidrBlock=None), "NetworkAcls[0] (acl-1): Entries[0]: neither CidrBlock nor Ipv6CidrBlock"),
        (acl(Protocol=None), "NetworkAcls[0] (acl-1): Entries[0] has no key 'Protocol'"),
        (acl(PortRange="80"), "Entries[0].PortRange is a string; an object is wanted"),
        (
            {"PrefixLists": [{"PrefixListId": "pl-1", "AddressFamily": 9}]},
            "PrefixLists[0] (pl-1): AddressFamily is 9",
        ),
        (
            {"SecurityGroups": [{"GroupId": "sg-1", "OwnerId": 1}]},
            "OwnerId is 1, a number; a string is wanted",
        ),
        ({"SecurityGroups": None}, "section SecurityGroups is null; a list is wanted"),
        ({"Vpcs": "x"}, "section Vpcs is a string; a list is wanted"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(document: Json, words: str) -> None:
    parse_snapshot(group())  # a port 1 that is known is no excuse for true
    with pytest.raises(ConfigError) as told:
        parse_snapshot(document)
    assert words in str(told.value)
    assert "\n" not in str(told.value)
