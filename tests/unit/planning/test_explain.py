"""What ``explain`` says, case by case; that its verdicts are right: tests/properties/test_explain_oracle.py."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from firewalls import DEFAULT_EGRESS, acl, group, prefix_list, source, subnet
from inspections import explained, interface

from twinwall.errors import ConfigError
from twinwall.planning.answer import Answer, explain_document
from twinwall.planning.asking import parse_ask
from twinwall.planning.steps import Step

Json = dict[str, Any]

SUBNETS = (subnet("subnet-a", "10.0.0.0/24", name="front"), subnet("subnet-b", "10.0.1.0/24", name="back"))
WEB = group("sg-web", "web", "in tcp 443 0.0.0.0/0", DEFAULT_EGRESS)
DB = group("sg-db", "db", "in tcp 5432 sg-web", "in tcp 443 10.0.0.0/24")
OPEN = ("in 100 allow -1 - 0.0.0.0/0", "out 100 allow -1 - 0.0.0.0/0")
WEB_ENI = interface("eni-web", "subnet-a", "10.0.0.5", groups=("sg-web",), instance="i-web")
DB_ENI = interface("eni-db", "subnet-b", "10.0.1.7", groups=("sg-db",), instance="i-db")
SIX_ENI = interface("eni-six", "subnet-b", "2001:db8::7", groups=("sg-db",))


def firewall(
    *back: str, front: tuple[str, ...] = OPEN, groups: tuple[Json, ...] = (WEB, DB), **more: Any
) -> Json:
    """Two subnets, each with an ACL; ``back`` are the entries of the one with the database."""
    acls = [acl("acl-a", *front, subnets=["subnet-a"]), acl("acl-b", *(back or OPEN), subnets=["subnet-b"])]
    told = {"NetworkInterfaces": [WEB_ENI, DB_ENI, SIX_ENI]} | more
    return source(*groups, acls=acls, subnets=SUBNETS, **told)


def step(answer: Answer, leg: str, at: str, direction: str) -> Step:
    (way,) = answer.ways
    (found,) = [s for s in way.steps if (s.leg, s.at, s.direction.value) == (leg, at, direction)]
    return found


def rule_of(answer: Answer, leg: str, at: str, direction: str) -> list[str]:
    return [part.rule for part in step(answer, leg, at, direction).parts]


# --- the way


def test_the_whole_way_with_the_deciding_rules() -> None:
    answer = explained(firewall(), "eni-web", "i-db", port="5432")
    assert answer.verdict == "passes"
    assert answer.passes
    assert answer.remedies == ()
    assert rule_of(answer, "request", "groups", "egress") == ["egress all to 0.0.0.0/0"]
    assert rule_of(answer, "request", "acl", "egress") == ["egress 100 allow all to 0.0.0.0/0"]
    assert rule_of(answer, "request", "acl", "ingress") == ["ingress 100 allow all from 0.0.0.0/0"]
    assert rule_of(answer, "request", "groups", "ingress") == ["ingress tcp/5432 from sg-web"]
    assert rule_of(answer, "reply", "acl", "egress") == ["egress 100 allow all to 0.0.0.0/0"]
    assert rule_of(answer, "reply", "acl", "ingress") == ["ingress 100 allow all from 0.0.0.0/0"]
    assert step(answer, "reply", "groups", "egress").why.startswith("stateful")
    assert step(answer, "request", "acl", "egress").resources[0].id == "acl-a"
    assert step(answer, "request", "acl", "ingress").resources[0].id == "acl-b"


def test_replies_need_no_rule_of_a_group() -> None:
    """The database's group has no egress at all."""
    assert explained(firewall(), "eni-web", "eni-db", port="5432").verdict == "passes"
    assert explained(firewall(), "eni-db", "eni-web").verdict == "refused"


@pytest.mark.parametrize(
    ("out", "client_ports", "verdict", "replies"),
    [
        ("out 100 allow tcp 1024-65535 0.0.0.0/0", None, "passes", "passes"),
        ("out 100 allow tcp 32768-60999 0.0.0.0/0", None, "partly", "partly"),
        ("out 100 allow tcp 32768-60999 0.0.0.0/0", "32768-60999", "passes", "passes"),
        ("out 100 allow tcp 32768-60999 0.0.0.0/0", "1024-2000", "refused", "refused"),
        ("out 100 allow udp 1024-65535 0.0.0.0/0", None, "refused", "refused"),
    ],
)
def test_replies_through_an_acl(out: str, client_ports: str | None, verdict: str, replies: str) -> None:
    more = {"client_ports": client_ports} if client_ports else {}
    answer = explained(
        firewall("in 100 allow tcp 5432 0.0.0.0/0", out), "eni-web", "eni-db", port="5432", **more
    )
    assert (answer.verdict, answer.ways[0].replies) == (verdict, replies)


def test_replies_that_both_acls_pass_in_part_may_not_pass_at_all() -> None:
    front = ("in 100 allow tcp 1024-30000 0.0.0.0/0", "out 100 allow -1 - 0.0.0.0/0")
    back = ("in 100 allow -1 - 0.0.0.0/0", "out 100 allow tcp 30001-65535 0.0.0.0/0")
    answer = explained(firewall(*back, front=front), "eni-web", "eni-db", port="5432")
    assert (answer.verdict, answer.ways[0].replies) == ("refused", "refused")


def test_inside_a_subnet_no_acl_is_asked() -> None:
    shut = ("in 1 deny -1 - 0.0.0.0/0", "out 1 deny -1 - 0.0.0.0/0")
    peer = interface("eni-2", "subnet-b", "10.0.1.8", groups=("sg-web",))
    document = firewall(*shut, NetworkInterfaces=[DB_ENI, peer])
    answer = explained(document, "eni-2", "eni-db", port="5432")
    assert answer.verdict == "passes"
    assert "no ACL is asked" in step(answer, "request", "acl", "ingress").why


@pytest.mark.parametrize("address", ["10.0.0.2", "169.254.169.253"])
def test_amazon_dns_is_filtered_by_nobody(address: str) -> None:
    shut = ("in 1 deny -1 - 0.0.0.0/0", "out 1 deny -1 - 0.0.0.0/0")
    assert explained(firewall(*shut), "eni-db", address, "udp", "53").ways[0].steps[1].verdict == "passes"


def test_what_acls_do_not_filter_is_said() -> None:
    assert any("do not filter" in note for note in explained(firewall(), "eni-web", "eni-db").notes)


def test_icmp_asks_for_its_answer() -> None:
    groups = (group("sg-db", "db", "in icmp 8:0 0.0.0.0/0"),)
    back = ("in 10 allow icmp 8:0 0.0.0.0/0", "out 10 allow icmp 0:-1 0.0.0.0/0")
    assert explained(firewall(*back, groups=groups), "198.51.100.9", "eni-db", "icmp").verdict == "passes"
    lame = ("in 10 allow icmp 8:0 0.0.0.0/0", "out 10 allow icmp 8:-1 0.0.0.0/0")
    assert explained(firewall(*lame, groups=groups), "198.51.100.9", "eni-db", "icmp").verdict == "refused"


# --- who is who


@pytest.mark.parametrize(
    ("said", "kind"), [("eni-web", "interface"), ("i-web", "instance"), ("sg-web", "group")]
)
def test_the_same_place_by_its_names(said: str, kind: str) -> None:
    for name in (said, "web" if kind == "group" else said):
        answer = explained(firewall(), name, "eni-db", port="5432")
        assert (answer.peer.kind, answer.verdict) == (kind, "passes")


def test_a_subnet_by_its_name_is_all_of_its_interfaces() -> None:
    document = firewall(NetworkInterfaces=[WEB_ENI, DB_ENI])
    assert explained(document, "front", "back", port="5432").verdict == "passes"
    other = interface("eni-3", "subnet-b", "10.0.1.9", groups=("sg-default",))
    document["NetworkInterfaces"].append(other)
    assert explained(document, "front", "back", port="5432").verdict == "partly"


def test_an_address_is_the_interface_that_has_it() -> None:
    """So its groups are asked too, and it is a member of them."""
    answer = explained(firewall(), "10.0.0.5", "eni-db", port="5432")
    assert answer.verdict == "passes"
    assert answer.notes[0] == "10.0.0.5 is eni-web"
    assert explained(firewall(), "10.0.0.6", "eni-db", port="5432").verdict == "refused"


def test_a_block_is_asked_address_by_address() -> None:
    assert explained(firewall(), "10.0.0.0/25", "eni-db").verdict == "passes"
    answer = explained(firewall(), "10.0.0.0/23", "eni-db")
    assert answer.verdict == "partly"
    assert {way.verdict for way in answer.ways} == {"passes", "refused"}


def test_a_group_that_nobody_has_is_judged_alone() -> None:
    document = firewall(NetworkInterfaces=[])
    assert explained(document, "203.0.113.5", "web").verdict == "passes"
    assert explained(document, "203.0.113.5", "db").verdict == "refused"
    assert "nobody has it" in explained(document, "203.0.113.5", "web").notes[0]


def test_a_group_whose_subnet_matters_and_is_not_known() -> None:
    shut = ("in 1 deny -1 - 0.0.0.0/0", "out 1 deny -1 - 0.0.0.0/0")
    assert explained(firewall(*shut, NetworkInterfaces=[]), "203.0.113.5", "web").verdict == "unknown"
    assert (
        explained(firewall(*shut, front=shut, NetworkInterfaces=[]), "203.0.113.5", "web").verdict
        == "refused"
    )


def test_an_address_that_is_not_known_does_not_pass_in_part() -> None:
    """Whoever has the group is in one half of a subnet or in the other."""
    half = group("sg-web", "web", "out -1 - 10.0.0.0/25", "out -1 - 10.0.1.0/25")
    document = firewall(groups=(half, DB), NetworkInterfaces=[WEB_ENI])
    answer = explained(document, "eni-web", "db", port="5432")
    assert [way.verdict for way in answer.ways] == ["unknown", "unknown"]
    assert answer.verdict == "unknown"


def test_a_reference_is_not_met_by_an_address_that_nobody_has() -> None:
    without = firewall()
    del without["NetworkInterfaces"]
    assert explained(without, "10.0.0.9", "db", port="5432").verdict == "unknown"
    assert explained(without, "203.0.113.9", "db", port="5432").verdict == "refused"
    assert explained(firewall(), "10.0.0.9", "db", port="5432").verdict == "refused"


def test_a_dead_reference_admits_nobody() -> None:
    dead = group("sg-db", "db", "in tcp 443 333333333333/sg-9@vpc-9@deleted")
    alive = group("sg-db", "db", "in tcp 443 333333333333/sg-9@vpc-9@active")
    assert explained(firewall(groups=(WEB, dead)), "172.16.0.5", "eni-db").verdict == "refused"
    answer = explained(firewall(groups=(WEB, alive)), "172.16.0.5", "eni-db")
    assert answer.verdict == "unknown"
    assert answer.unknown == ("ingress tcp/443 from sg-9: members of sg-9 are not known",)


def test_prefix_lists_are_opened_where_they_can_be_read() -> None:
    listed = group("sg-db", "db", "in tcp 443 pl-1")
    lists = [prefix_list("pl-1", "office", "198.51.100.0/24")]
    document = firewall(groups=(WEB, listed), lists=lists)
    assert explained(document, "198.51.100.7", "eni-db").verdict == "passes"
    assert explained(document, "203.0.113.7", "eni-db").verdict == "refused"
    del document["PrefixLists"]
    assert explained(document, "198.51.100.7", "eni-db").verdict == "unknown"


def test_instances_tell_of_their_interfaces() -> None:
    document = firewall()
    own = [{key: value for key, value in one.items() if key != "Attachment"} for one in (WEB_ENI, DB_ENI)]
    instances = [
        {"InstanceId": "i-web", "NetworkInterfaces": own[:1]},
        {"InstanceId": "i-db", "NetworkInterfaces": own[1:]},
    ]
    del document["NetworkInterfaces"]
    assert explained(document | {"Instances": instances}, "i-web", "i-db", port="5432").verdict == "passes"


def test_both_ip_versions_are_told_apart() -> None:
    both = interface("eni-db", "subnet-b", "10.0.1.7", "2001:db8::7", groups=("sg-db",))
    peer = interface("eni-web", "subnet-a", "10.0.0.5", "2001:db8::5", groups=("sg-web",))
    document = firewall(NetworkInterfaces=[both, peer])
    answer = explained(document, "eni-web", "eni-db", port="5432")
    assert answer.verdict == "partly"  # the web's egress and the ACLs speak of IPv4 alone
    assert [(way.family, way.verdict) for way in answer.ways] == [(4, "passes"), (6, "refused")]
    assert explained(document, "eni-web", "eni-db", port="5432", family="4").verdict == "passes"


# --- what is not known


def test_without_acls_the_answer_is_unknown_and_never_open() -> None:
    document = firewall()
    del document["NetworkAcls"]
    answer = explained(document, "eni-web", "eni-db", port="5432")
    assert answer.verdict == "unknown"
    assert not answer.passes
    assert answer.unknown == ("case.json has no network ACLs, so what they admit is unknown",)
    assert explained(document, "eni-web", "eni-db", port="22").verdict == "refused"


def test_a_subnet_that_no_acl_names() -> None:
    document = firewall()
    document["NetworkAcls"] = document["NetworkAcls"][:1]
    answer = explained(document, "203.0.113.9", "eni-web")
    assert answer.verdict == "unknown"
    assert "guards subnet-a" in answer.unknown[0]


def test_groups_that_were_not_read() -> None:
    document = firewall(NetworkInterfaces=[interface("eni-x", "subnet-b", "10.0.1.7", groups=("sg-x",))])
    assert explained(document, "203.0.113.9", "eni-x").verdict == "unknown"
    answer = explained(document, "203.0.113.9", "subnet-a")
    assert answer.verdict == "unknown"
    assert "no interface is in it now" in answer.unknown[0]


def test_a_private_peer_may_be_inside_where_subnets_were_not_read() -> None:
    document = firewall()
    for key in ("Subnets", "Vpcs"):
        del document[key]
    assert explained(document, "203.0.113.9", "eni-web").verdict == "passes"
    assert explained(document, "10.9.9.9", "eni-web").verdict == "unknown"


# --- what would help


def test_the_smallest_change_in_a_group() -> None:
    (remedy,) = explained(firewall(), "203.0.113.9", "eni-db").remedies
    assert remedy.action == "AuthorizeSecurityGroupIngress"
    assert remedy.message == "add to db (sg-db): ingress tcp/443 from 203.0.113.9/32"
    (remedy,) = explained(firewall(), "web", "db", port="22").remedies
    assert str(remedy.rule) == "ingress tcp/22 from sg-web"


def test_the_smallest_change_in_an_acl() -> None:
    back = ("in 5 allow tcp 22 0.0.0.0/0", "in 6 deny tcp 5432 10.0.0.0/16", *OPEN)
    (remedy,) = explained(firewall(*back), "eni-web", "eni-db", port="5432").remedies
    assert (remedy.action, str(remedy.rule)) == (
        "CreateNetworkAclEntry",
        "ingress 4 allow tcp/5432 from 10.0.0.5/32",
    )
    back = ("in 100 allow tcp 5432 0.0.0.0/0", "out 100 allow tcp 32768-60999 0.0.0.0/0")
    (remedy,) = explained(firewall(*back), "eni-web", "eni-db", port="5432").remedies
    assert str(remedy.rule) == "egress 110 allow tcp/1024-65535 to 10.0.0.5/32"


def test_an_acl_without_a_number_to_spare() -> None:
    back = ("in 1 deny tcp 5432 0.0.0.0/0", *OPEN)
    (remedy,) = explained(firewall(*back), "eni-web", "eni-db", port="5432").remedies
    assert remedy.rule is None
    assert "no number free before 1: renumber its entries" in remedy.message


# --- bad input


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"protocol": "tpc"}, "protocol 'tpc' is none of"),
        ({"protocol": "-1"}, "one packet has one protocol"),
        ({"protocol": "tcp"}, "without --port"),
        ({"protocol": "tcp", "port": "99999"}, "not a number from 0 to 65535"),
        ({"protocol": "tcp", "port": "http"}, "--port http"),
        ({"protocol": "icmp", "port": "1"}, "--port 1: protocol icmp has none"),
        ({"protocol": "tcp", "port": "1", "icmp_type": "8"}, "--icmp-type 8: protocol tcp has none"),
        ({"protocol": "icmp", "icmp_type": "256"}, "--icmp-type 256"),
        ({"protocol": "icmp", "icmp_code": "0"}, "without --icmp-type"),
        ({"protocol": "tcp", "port": "1", "client_ports": "5-1"}, "the lower port comes first"),
        ({"protocol": "tcp", "port": "1", "client_ports": "a-b"}, "--client-ports a-b"),
        ({"protocol": "50", "client_ports": "1-2"}, "protocol 50 has none"),
        ({"protocol": "tcp", "port": "1", "family": "5"}, "--ip-version 5"),
        ({"protocol": "icmp", "family": "6"}, "say --protocol icmpv6"),
    ],
)
def test_a_question_that_cannot_be_read(words: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError) as failure:
        parse_ask(**words)
    assert told in str(failure.value)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    ("from_", "to", "protocol", "told"),
    [
        ("10.0.0.300", "eni-db", "tcp", "--from 10.0.0.300: not an address"),
        ("10.0.0.0/33", "eni-db", "tcp", "--from 10.0.0.0/33: not an address"),
        ("203.0.113.9", "eni-none", "tcp", "no such network interface among the 3"),
        ("203.0.113.9", "i-none", "tcp", "no such instance among the 3"),
        ("203.0.113.9", "nobody", "tcp", "no interface, instance, subnet or group"),
        ("203.0.113.9", "eni-six", "tcp", "--to eni-six has IPv6 only"),
        ("2001:db8::1", "eni-db", "tcp", "--to eni-db has IPv4 only"),
        ("2001:db8::1", "eni-six", "icmp", "icmp goes over IPv4"),
        ("203.0.113.9", "198.51.100.1", "tcp", "neither lies in vpc-source"),
        ("eni-db", "i-db", "tcp", "one and the same interface"),
        ("twin", "eni-db", "tcp", "sg-1, sg-2 have this name"),
    ],
)
def test_a_place_that_is_not_there(from_: str, to: str, protocol: str, told: str) -> None:
    document = firewall(groups=(WEB, DB, group("sg-1", "twin"), group("sg-2", "twin")))
    with pytest.raises(ConfigError) as failure:
        explained(document, from_, to, protocol)
    assert told in str(failure.value)
    assert "\n" not in str(failure.value)


def test_an_interface_of_a_snapshot_without_interfaces() -> None:
    document = firewall()
    del document["NetworkInterfaces"]
    with pytest.raises(ConfigError, match="has no NetworkInterfaces"):
        explained(document, "203.0.113.9", "eni-db")


# --- the document


def test_the_json_has_the_way() -> None:
    document = explain_document(explained(firewall(), "203.0.113.9", "eni-db"))
    assert json.loads(json.dumps(document)) == document
    assert document["verdict"] == "refused"
    assert document["passes"] is False
    assert document["flow"] == {
        "direction": "ingress",
        "protocol": "tcp",
        "ports": [443, 443],
        "peer": "203.0.113.9",
        "target": "eni-db, 10.0.1.7",
    }
    (way,) = document["ways"]
    assert [(s["leg"], s["at"], s["direction"], s["of"]) for s in way["steps"]] == [
        ("request", "groups", "egress", "from"),
        ("request", "acl", "egress", "from"),
        ("request", "acl", "ingress", "to"),
        ("request", "groups", "ingress", "to"),
        ("reply", "groups", "egress", "to"),
        ("reply", "acl", "egress", "to"),
        ("reply", "acl", "ingress", "from"),
        ("reply", "groups", "ingress", "from"),
    ]
    assert way["steps"][3]["decided_by"] == [
        {"admitted": False, "rule": "no rule admits it", "resource": None, "for": ["203.0.113.9/32"]}
    ]
    assert document["changes"][0]["rule"] == "ingress tcp/443 from 203.0.113.9/32"


def test_generated_interfaces_are_all_explained(shared_cases: Path, tmp_path: Path) -> None:
    """The generator's snapshots: every interface is known, so nothing is unknown but members elsewhere."""
    tool = shared_cases.parent / "tools" / "generate_case.py"
    words = (
        "--name made --seed 9 --groups 40 --rules 5 --nacls 4 --interfaces 20 --hard-nacls --prefix-lists 2"
    )
    subprocess.run([sys.executable, tool, *words.split(), "-o", tmp_path], check=True, capture_output=True)
    document = json.loads((tmp_path / "made.json").read_text())
    verdicts = set()
    for one in document["NetworkInterfaces"]:
        id_, instance = one["NetworkInterfaceId"], one["Attachment"]["InstanceId"]
        answers = {explained(document, "203.0.113.9", said).verdict for said in (id_, instance)}
        assert len(answers) == 1
        verdicts |= answers
        elsewhere = next(s["SubnetId"] for s in document["Subnets"] if s["SubnetId"] != one["SubnetId"])
        assert explained(document, id_, elsewhere, "udp", "53").ways
    assert verdicts == {"passes", "refused"}


def test_a_real_rule_set_without_interfaces(shared_cases: Path) -> None:
    """npguard-acl: each subnet has an ACL of its own."""
    document = json.loads((shared_cases / "npguard-acl.json").read_text())
    vpcs = [vpc["VpcId"] for vpc in document["Vpcs"]]
    own = {
        key: [i for i in value if i.get("VpcId") == vpcs[0]] if key in SECTIONS else value
        for key, value in document.items()
    }
    for one in own["Subnets"]:
        assert explained(own, "203.0.113.9", one["SubnetId"]).verdict in ("unknown", "refused")


SECTIONS = ("Vpcs", "Subnets", "SecurityGroups", "NetworkAcls")
