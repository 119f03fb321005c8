"""Options in text become settings, or a line that names the option and the rule it broke."""

from typing import Any

import pytest

from twinwall.documents.settings import NAMES, given, parse_settings
from twinwall.errors import ConfigError
from twinwall.model.net import parse_cidr
from twinwall.replica.settings import CidrMap, GroupMap, Limits, Rename, Selection, Settings, Translation


def test_nothing_said_is_the_default() -> None:
    assert parse_settings({}) == Settings()
    assert parse_settings(dict.fromkeys(NAMES)) == Settings()


def test_every_option_lands_in_its_field() -> None:
    parsed = parse_settings(
        {
            "group": ("web-*", "sg-1"),
            "tag": ["team=shop", "empty="],
            "nacl": ["acl-1"],
            "exclude": ["old-*"],
            "only": "groups",
            "map_cidr": ["10.0.0.0/16=10.1.0.0/16", "2001:db8::/56=2001:db8:1::/56"],
            "map_vpc_cidr": True,
            "map_group": ["sg-1=10.1.0.0/24,10.2.0.0/24", "sg-2=web", "sg-3=sg-9", "sg-4=2001:db8::/64"],
            "map_account": ["111111111111=222222222222"],
            "map_prefix_list": ["pl-1=pl-2"],
            "match_by_name": True,
            "match_cloudformation": True,
            "outside": "skip",
            "rename": ["prod-*=dr-*"],
            "associate": ["subnet-1=subnet-2", "public-a=public-b"],
            "copy_tag": ["kubernetes.io/*"],
            "rule_tags": True,
            "policy": "upsert-only",
            "adopt": ["default"],
            "adopt_managed": True,
            "prune": True,
            "max_change": "12.5%",
            "force": True,
        }
    )
    cidr = parse_cidr
    assert parsed == Settings(
        Selection(("web-*", "sg-1"), (("team", "shop"), ("empty", "")), ("acl-1",), ("old-*",), "groups"),
        Translation(
            map_cidr=(
                CidrMap(cidr("10.0.0.0/16"), cidr("10.1.0.0/16")),
                CidrMap(cidr("2001:db8::/56"), cidr("2001:db8:1::/56")),
            ),
            map_vpc_cidr=True,
            map_group=(
                GroupMap("sg-1", cidrs=(cidr("10.1.0.0/24"), cidr("10.2.0.0/24"))),
                GroupMap("sg-2", "web"),
                GroupMap("sg-3", "sg-9"),
                GroupMap("sg-4", cidrs=(cidr("2001:db8::/64"),)),
            ),
            map_account=(("111111111111", "222222222222"),),
            map_prefix_list=(("pl-1", "pl-2"),),
            match_by_name=True,
            match_cloudformation=True,
            outside="skip",
            rename=(Rename("prod-*", "dr-*"),),
            associate=(("subnet-1", "subnet-2"), ("public-a", "public-b")),
            copy_tag=("kubernetes.io/*",),
            rule_tags=True,
        ),
        Limits("upsert-only", ("default",), True, True, 12.5, True),
    )


@pytest.mark.parametrize("word", ["none", "auto"])
def test_associate_takes_a_word(word: str) -> None:
    assert parse_settings({"associate": [word]}).translation.associate == word
    assert parse_settings({"associate": word}).translation.associate == word


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("map_cidr", ["10.0.0.0/16"], "not of the form FROM=TO"),
        ("map_cidr", ["10.0.0.0/16=10.1.0.0/17"], "a /16 onto a /17; the prefix lengths must be equal"),
        ("map_cidr", ["10.0.0.0/16=2001:db8::/16"], "maps IPv4 onto IPv6"),
        ("map_cidr", ["10.0.0.0/33=10.1.0.0/33"], "allowed are 0 to 32"),
        ("map_cidr", ["10.0.0=10.1.0.0/16"], "not a CIDR block"),
        ("map_cidr", ["10.0.0.1=10.1.0.1"], "no prefix length"),
        ("map_cidr", ["10.0.0.0/16=10.1.0.0/16", "10.0.0.0/16=10.2.0.0/16"], "is mapped twice"),
        ("map_cidr", ["10.0.0.0/16=10.1.0.0/16", "10.0.9.0/16=10.1.0.0/16"], "is mapped twice"),
        ("map_cidr", ["10.0.0.0/16=10.2.0.0/16", "10.1.0.0/24=10.2.7.0/24"], "onto overlapping blocks"),
        ("map_group", ["sg-1"], "SRC=DST"),
        ("map_group", ["sg-1="], "SRC=DST"),
        ("map_group", ["sg-1=10.1.0.0/24,web"], "not a CIDR block"),
        ("map_group", ["sg-1=10.1.0.0"], "a single address is written 10.1.0.0/32"),
        ("map_group", ["sg-1=web", "sg-1=db"], "given twice, as web and as db"),
        ("map_account", ["111111111111=2222"], "'2222' is not an account id of 12 digits"),
        ("map_prefix_list", ["pl-1"], "SRC=DST"),
        ("tag", ["team"], "not of the form KEY=VALUE"),
        ("tag", ["=x"], "not of the form KEY=VALUE"),
        ("nacl", ["sg-1"], "not the id of a network ACL"),
        ("only", "lists", "none of groups, nacls"),
        ("outside", "ignore", "none of fail, follow, skip, keep"),
        ("policy", "mirror", "none of sync, upsert-only, create-only"),
        ("rename", ["prod-*"], "GLOB=PATTERN"),
        ("rename", ["prod-*=sg-*"], "starts with sg-"),
        ("associate", ["auto", "subnet-1=subnet-2"], "exclude each other"),
        ("associate", ["subnet-1"], "none, auto or SUBNET=SUBNET"),
        ("associate", ["subnet-1=subnet-3", "subnet-2=subnet-3"], "a subnet has exactly one"),
        ("associate", ["subnet-1=subnet-2", "subnet-1=subnet-3"], "given twice"),
        ("group", [""], "an empty text selects nothing"),
        ("max_change", "many", "not a number of percent"),
        ("max_change", "101", "not between 0 and 100"),
        ("max_change", "nan", "not between 0 and 100"),
    ],
)
def test_what_is_wrong_is_told_with_its_option(name: str, value: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as told:
        parse_settings({name: value})
    assert str(told.value).startswith("--" + name.replace("_", "-"))


def test_given_leaves_out_what_was_not_said() -> None:
    assert given({"group": (), "force": False, "only": None, "tag": ("a=b",), "yes": True}) == {
        "tag": ("a=b",)
    }
