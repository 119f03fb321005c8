"""Each check of ``lint``: something that it finds, and something like it that it must leave alone."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from firewalls import DEFAULT_EGRESS, SOURCE, acl, group, prefix_list, source
from inspections import findings, interface, lint_of, told

from twinwall.model.net import parse_cidr
from twinwall.model.rules import Direction
from twinwall.model.wire import parse_snapshot
from twinwall.packets.packetset import PacketSet
from twinwall.packets.traffic import ALL_TRAFFIC, NO_TRAFFIC
from twinwall.planning.compare import gap_between
from twinwall.planning.inspected import Firewall
from twinwall.planning.lint import CATALOG, lint_document, reaches
from twinwall.planning.lint.exposure import worldwide
from twinwall.planning.semantics import GroupRules, block_of

Json = dict[str, Any]

OPEN_OUT = "out 100 allow -1 - 0.0.0.0/0"
OPEN_IN = "in 100 allow -1 - 0.0.0.0/0"
IPV6_VPC = {
    "Vpcs": [
        {
            "VpcId": "vpc-source",
            "CidrBlock": "10.0.0.0/16",
            "OwnerId": SOURCE,
            "Ipv6CidrBlockAssociationSet": [
                {"Ipv6CidrBlock": "2001:db8::/56", "Ipv6CidrBlockState": {"State": "associated"}}
            ],
        }
    ]
}


def entries(*texts: str) -> Json:
    return source(acls=[acl("acl-1", *texts)])


def rules(*texts: str, **more: Any) -> Json:
    return source(group("sg-1", "web", *texts), **more)


def test_a_sound_firewall_has_no_findings() -> None:
    web = group("sg-web", "web", "in tcp 443 0.0.0.0/0", DEFAULT_EGRESS)
    db = group("sg-db", "db", "in tcp 5432 sg-web", "in tcp 5432 10.0.1.0/24", DEFAULT_EGRESS)
    own = acl(
        "acl-1",
        "in 100 allow tcp 443 0.0.0.0/0",
        "in 110 allow tcp 1024-65535 0.0.0.0/0",
        "out 100 allow tcp 1024-65535 0.0.0.0/0",
        "out 110 allow tcp 443 0.0.0.0/0",
    )
    report = lint_of(
        source(
            web,
            db,
            acls=[own],
            NetworkInterfaces=[interface("eni-1", "subnet-a", "10.0.0.5", groups=("sg-web", "sg-db"))],
        )
    )
    assert report.findings == ()
    assert report.not_checked == ()


# --- ACL entries that can never match


@pytest.mark.parametrize(
    ("texts", "severity", "by"),
    [
        (("in 10 deny -1 - 10.0.0.0/8", "in 20 allow tcp 443 10.1.0.0/16"), "warning", "10 (deny)"),
        (("in 10 allow tcp 400-500 0.0.0.0/0", "in 20 allow tcp 443 10.0.0.0/8"), "note", "10 (allow)"),
        (
            (
                "in 10 deny tcp 443 10.0.0.0/9",
                "in 15 allow tcp 443 10.128.0.0/9",
                "in 20 deny tcp 443 10.0.0.0/8",
            ),
            "warning",
            "10 (deny), 15 (allow)",
        ),
        (("in 10 allow icmp -1:-1 0.0.0.0/0", "in 20 deny icmp 8:0 10.0.0.0/8"), "warning", "10 (allow)"),
        (("in 10 deny -1 - ::/0", "in 20 allow tcp 443 2001:db8::/32"), "warning", "10 (deny)"),
    ],
)
def test_a_shadowed_entry(texts: tuple[str, ...], severity: str, by: str) -> None:
    (finding,) = findings(entries(*texts, OPEN_OUT, "out 101 allow -1 - ::/0"), "acl-entry-shadowed")
    assert finding.severity == severity
    assert f"entry 20 can never match: {by}" in finding.message
    assert finding.rule.startswith("ingress 20 ")
    assert "delete entry 20" in finding.way_out


@pytest.mark.parametrize(
    "texts",
    [
        ("in 10 deny -1 - 10.0.0.0/9", "in 20 allow tcp 443 10.0.0.0/8"),
        ("in 10 deny tcp 443 10.0.0.0/8", "in 20 allow tcp 443-444 10.0.0.0/8"),
        ("in 20 allow tcp 443 10.0.0.0/8", "in 30 deny -1 - 0.0.0.0/0"),
        ("out 10 deny -1 - 10.0.0.0/8", "in 20 allow tcp 443 10.0.0.0/8"),
        ("in 10 deny -1 - 0.0.0.0/0", "in 20 allow tcp 443 ::/0"),
    ],
)
def test_an_entry_that_still_matches(texts: tuple[str, ...]) -> None:
    assert not findings(entries(*texts), "acl-entry-shadowed")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("in 10 allow icmp -1:-1 ::/0", True),
        ("in 10 allow icmpv6 -1:-1 0.0.0.0/0", True),
        ("in 10 allow icmp -1:-1 0.0.0.0/0", False),
        ("in 10 allow icmpv6 -1:-1 ::/0", False),
    ],
)
def test_a_protocol_of_the_other_family(text: str, found: bool) -> None:
    assert bool(findings(entries(text, OPEN_OUT), "acl-entry-wrong-family")) is found


# --- answers that cannot get back


@pytest.mark.parametrize(
    ("texts", "severity"),
    [
        (("in 10 allow tcp 443 0.0.0.0/0",), "warning"),
        (("in 10 allow tcp 443 0.0.0.0/0", "out 10 allow tcp 443 0.0.0.0/0"), "warning"),
        (("in 10 allow tcp 443 0.0.0.0/0", "out 10 allow udp 1024-65535 0.0.0.0/0"), "warning"),
        (("out 10 allow udp 53 10.0.0.2/32",), "warning"),
        (("in 10 allow tcp 8080 0.0.0.0/0", "out 10 allow tcp 443 0.0.0.0/0"), "warning"),
        (("in 10 allow icmp 8:0 0.0.0.0/0", "out 10 allow tcp 1024-65535 0.0.0.0/0"), "warning"),
        (("in 10 allow 50 - 0.0.0.0/0", "out 10 allow tcp 0-65535 0.0.0.0/0"), "warning"),
        (
            ("in 10 allow -1 - 10.0.0.0/8", "out 10 deny -1 - 10.0.0.0/8", "out 20 allow -1 - 0.0.0.0/0"),
            "warning",
        ),
        (("in 10 allow tcp 443 0.0.0.0/0", "out 10 allow tcp 32768-60999 0.0.0.0/0"), "note"),
        (("in 10 allow tcp 443 0.0.0.0/0", "out 10 allow tcp 1024-65535 10.0.0.0/8"), "note"),
        (("in 10 allow tcp 1024-65535 0.0.0.0/0",), "warning"),
    ],
)
def test_an_allow_that_is_not_answered(texts: tuple[str, ...], severity: str) -> None:
    found = told(entries(*texts), "acl-reply-refused")
    word = "ingress" if texts[0].startswith("in") else "egress"
    assert [(one, id_) for one, id_, rule in found if rule.startswith(f"{word} 10 ")] == [(severity, "acl-1")]


@pytest.mark.parametrize(
    "texts",
    [
        ("in 10 allow tcp 443 10.0.0.0/8", "out 10 allow tcp 1024-65535 0.0.0.0/0"),
        ("in 10 allow tcp 443 10.0.0.0/8", "out 10 allow -1 - 10.0.0.0/8"),
        ("out 10 allow tcp 443 0.0.0.0/0", "in 10 allow tcp 1024-65535 0.0.0.0/0"),
        ("in 10 allow icmp 8:0 0.0.0.0/0", "out 10 allow icmp 0:-1 0.0.0.0/0"),
        ("in 10 allow icmp 3:4 0.0.0.0/0",),
        ("in 10 deny -1 - 0.0.0.0/0", "in 20 allow tcp 443 10.0.0.0/8"),  # shadowed: told as that
    ],
)
def test_an_allow_that_is_answered(texts: tuple[str, ...]) -> None:
    word = "ingress" if texts[0].startswith("in") else "egress"
    found = told(entries(*texts), "acl-reply-refused")
    assert not [rule for _, _, rule in found if rule.startswith(f"{word} ")]


def test_a_lane_for_answers_is_no_service_of_its_own() -> None:
    """``out all`` beside ``in 443`` lets the answers out; that its own go unanswered may be meant."""
    found = told(
        entries("in 10 allow tcp 443 10.0.0.0/8", "out 10 allow -1 - 10.0.0.0/8"), "acl-reply-refused"
    )
    assert found == [("note", "acl-1", "egress 10 allow all to 10.0.0.0/8")]


# --- rules that others cover


@pytest.mark.parametrize(
    ("texts", "covered"),
    [
        (("in tcp 443 0.0.0.0/0", "in tcp 443 10.0.0.0/8"), "ingress tcp/443 from 10.0.0.0/8"),
        (("in -1 - 0.0.0.0/0", "in tcp 22 192.0.2.0/24"), "ingress tcp/22 from 192.0.2.0/24"),
        (
            ("in tcp 1-90 10.0.0.0/8", "in tcp 80-100 10.0.0.0/8", "in tcp 85-95 10.0.0.0/9"),
            "ingress tcp/85-95 from 10.0.0.0/9",
        ),
        (
            ("in tcp 80 10.0.0.0/9", "in tcp 80 10.128.0.0/9", "in tcp 80 10.0.0.0/8"),
            "ingress tcp/80 from 10.0.0.0/8",
        ),
        (
            ("in tcp 80-85 10.0.0.0/9", "in tcp 75-80 10.128.0.0/9", "in tcp 80 10.0.0.0/8"),
            "ingress tcp/80 from 10.0.0.0/8",
        ),
        (("in tcp 80-90 sg-default", "in tcp 85 sg-default"), "ingress tcp/85 from sg-default"),
        (("in tcp 80 10.0.0.0/16", "in tcp 80 sg-default"), "ingress tcp/80 from sg-default"),
        (("in tcp 80 pl-1", "in tcp 80 198.51.100.7/32"), "ingress tcp/80 from 198.51.100.7/32"),
        (("out tcp 80 10.0.0.0/8", "out tcp 80 10.1.0.0/16"), "egress tcp/80 to 10.1.0.0/16"),
    ],
)
def test_a_covered_rule(texts: tuple[str, ...], covered: str) -> None:
    lists = [prefix_list("pl-1", "office", "198.51.100.0/24")]
    if texts[0] == "in tcp 80 10.0.0.0/9":
        # the two halves are narrower, so they go first, and the whole stays: either way one of both goes
        assert {rule for _, _, rule in told(rules(*texts, lists=lists), "rule-covered")} == {
            "ingress tcp/80 from 10.0.0.0/9",
            "ingress tcp/80 from 10.128.0.0/9",
        }
        return
    assert told(rules(*texts, lists=lists), "rule-covered") == [("note", "sg-1", covered)]


@pytest.mark.parametrize(
    "texts",
    [
        ("in tcp 443 10.0.0.0/9", "in tcp 443 10.0.0.0/8"),  # the narrow one is covered, not the wide one
        ("in tcp 443 0.0.0.0/0", "in udp 443 10.0.0.0/8"),
        ("in tcp 443 0.0.0.0/0", "in tcp 443 2001:db8::/32"),
        ("in tcp 443 0.0.0.0/0", "out tcp 443 10.0.0.0/8"),
        ("in tcp 443 sg-default", "in tcp 443 10.0.0.0/16"),
        ("in tcp 80 10.0.0.0/17", "in tcp 80 sg-default"),
    ],
)
def test_a_rule_that_nothing_covers(texts: tuple[str, ...]) -> None:
    found = {rule for _, _, rule in told(rules(*texts), "rule-covered")}
    assert not found - {"ingress tcp/443 from 10.0.0.0/9", "ingress tcp/443 from sg-default"}
    assert len(found) < len(texts)


def test_a_list_that_is_empty_now_waits_for_entries() -> None:
    lists = [prefix_list("pl-1", "office", "198.51.100.0/24"), prefix_list("pl-2", "partners")]
    texts = ("in tcp 80 0.0.0.0/0", "in tcp 80 pl-1", "in tcp 80 pl-2")
    assert told(rules(*texts, lists=lists), "rule-covered") == [
        ("note", "sg-1", "ingress tcp/80 from pl-1"),
    ]


def test_a_group_with_ipv6_members_is_not_covered_by_ipv4() -> None:
    texts = ("in tcp 80 0.0.0.0/0", "in tcp 80 sg-default")
    assert told(rules(*texts), "rule-covered")
    assert not told(rules(*texts, **IPV6_VPC), "rule-covered")


# --- references to nobody


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        ("in tcp 80 sg-gone", "reference-to-deleted-group"),
        (f"in tcp 80 {SOURCE}/sg-9@vpc-peer@deleted", "reference-through-inactive-peering"),
        ("in tcp 80 333333333333/sg-9@vpc-peer@expired", "reference-through-inactive-peering"),
        ("in tcp 80 333333333333/sg-9@vpc-peer@active", None),
        ("in tcp 80 333333333333/sg-9@vpc-peer@pending-acceptance", None),
        ("in tcp 80 sg-default", None),
        ("in tcp 80 333333333333/sg-9", None),
    ],
)
def test_a_reference(text: str, id_: str | None) -> None:
    ids = {finding.id for finding in lint_of(rules(text)).findings if finding.id.startswith("reference-")}
    assert ids == ({id_} if id_ else set())


def test_a_reference_to_another_vpc_of_the_snapshot_is_alive() -> None:
    document = rules("in tcp 80 sg-other")
    document["SecurityGroups"].append(group("sg-other", "other", vpc="vpc-other"))
    assert not [f for f in lint_of(document, "vpc-source").findings if f.id.startswith("reference-")]


def test_what_ec2_says_of_stale_references_and_peerings_counts() -> None:
    text = "in tcp 80 333333333333/sg-9@vpc-peer@active"
    peering = {"VpcPeeringConnections": [{"VpcPeeringConnectionId": "pcx-1", "Status": {"Code": "deleted"}}]}
    assert findings(rules(text, **peering), "reference-through-inactive-peering")
    stale = {"StaleSecurityGroups": [{"StaleIpPermissions": [{"UserIdGroupPairs": [{"GroupId": "sg-9"}]}]}]}
    assert findings(rules(text, **stale), "reference-to-deleted-group")


def test_in_a_part_of_a_firewall_a_missing_group_is_not_gone() -> None:
    report = lint_of(rules("in tcp 80 sg-gone", Selection="narrowed"))
    assert not [finding for finding in report.findings if finding.id.startswith("reference-")]
    assert "reference-to-deleted-group" in {id_ for one in report.not_checked for id_ in one.checks}


# --- quotas


@pytest.mark.parametrize(("count", "found"), [(48, False), (49, True), (60, True)])
def test_a_group_near_its_quota(count: int, found: bool) -> None:
    texts = [f"in tcp {port} 192.0.2.{port}/32" for port in range(1, count + 1)]
    assert bool(told(rules(*texts), "group-near-quota")) is found


def test_a_prefix_list_counts_its_size_and_families_count_apart() -> None:
    lists = [prefix_list("pl-1", "office", "198.51.100.0/24", size=49)]
    assert (
        len(told(rules("in tcp 80 pl-1", lists=lists), "group-near-quota")) == 2
    )  # as an IPv4 and an IPv6 rule
    half = [f"in tcp {port} 192.0.2.{port}/32" for port in range(1, 31)]
    half += [f"in tcp {port} 2001:db8::{port}/128" for port in range(1, 31)]
    assert not told(rules(*half), "group-near-quota")


@pytest.mark.parametrize(("count", "found"), [(16, False), (17, True)])
def test_an_acl_near_its_quota(count: int, found: bool) -> None:
    texts = [f"in {number} allow tcp {number} 192.0.2.0/24" for number in range(1, count + 1)]
    assert bool(findings(entries(*texts, OPEN_OUT), "acl-near-quota")) is found


# --- groups nobody has


def test_a_group_without_interfaces() -> None:
    used, idle = group("sg-1", "web"), group("sg-2", "old", "in tcp 80 sg-1")
    own = [interface("eni-1", "subnet-a", "10.0.0.5", groups=("sg-1",))]
    (finding,) = findings(source(used, idle, NetworkInterfaces=own), "group-unused")
    assert finding.resource.id == "sg-2"
    named = group("sg-1", "web", "in tcp 80 sg-2")
    (finding,) = findings(source(named, idle, NetworkInterfaces=own), "group-unused")
    assert "rules of web (sg-1) name it" in finding.message


def test_without_interfaces_nobody_knows_who_uses_a_group() -> None:
    report = lint_of(rules("in tcp 443 10.0.0.0/8"))
    assert not [finding for finding in report.findings if finding.id == "group-unused"]
    assert report.not_checked[0].checks == ("group-unused",)


# --- the world


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (("in tcp 22 0.0.0.0/0",), 1),
        (("in -1 - 0.0.0.0/0",), 1),
        (("in tcp 3000-4000 0.0.0.0/0",), 1),
        (("in tcp 22 ::/0",), 1),
        (("in tcp 22 0.0.0.0/1", "in tcp 22 128.0.0.0/1"), 2),
        (("in tcp 22 pl-1",), 1),
        (("in tcp 22 10.0.0.0/8",), 0),
        (("in tcp 443 0.0.0.0/0",), 0),
        (("in udp 22 0.0.0.0/0",), 0),
        (("out tcp 22 0.0.0.0/0",), 0),
        (("in tcp 22 0.0.0.0/2",), 0),
        (("in tcp 22 0.0.0.0/0", "in tcp 22 10.0.0.0/8"), 1),
        (tuple(f"in tcp 22 {n}.0.0.0/8" for n in range(1, 130)), 1),  # many rules together
        (("in tcp 22 fc00::/7",), 0),
    ],
)
def test_administration_ports(texts: tuple[str, ...], found: int) -> None:
    lists = [prefix_list("pl-1", "everybody", "0.0.0.0/0")]
    own = findings(rules(*texts, lists=lists), "admin-port-open")
    assert len(own) == found
    assert all(finding.severity == "error" for finding in own)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (("in tcp 22 ::/0", "in tcp 22 10.0.0.0/8"), "tcp/22 is open"),
        (("in tcp 5432 ::/0",), "tcp/5432 is open"),
        (("in tcp 80-90 ::/0", "in tcp 80-85 0.0.0.0/0"), "tcp/86-90 is open"),
        (("in tcp 22 ::/0", "in tcp 22 0.0.0.0/0"), None),
        (("in icmpv6 -1:-1 ::/0",), None),
        (("in tcp 22 2001:db8::/32",), None),
        (("in tcp 22 10.0.0.0/8",), None),
    ],
)
def test_an_ipv6_hole_in_a_group(texts: tuple[str, ...], words: str | None) -> None:
    awake, asleep = findings(rules(*texts, **IPV6_VPC), "ipv6-hole"), findings(rules(*texts), "ipv6-hole")
    assert [finding.message.startswith(words or "") for finding in awake] == ([True] if words else [])
    assert [finding.severity for finding in awake] == (["error"] if words else [])
    assert [finding.severity for finding in asleep] == (["note"] if words else [])


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (("in 90 deny tcp 22 0.0.0.0/0", OPEN_IN, "in 101 allow -1 - ::/0"), True),
        (("in 90 deny tcp 22 0.0.0.0/0", "in 91 deny tcp 22 ::/0", OPEN_IN, "in 101 allow -1 - ::/0"), False),
        (("in 90 deny -1 - 198.51.100.0/24", OPEN_IN, "in 101 allow -1 - ::/0"), False),
    ],
)
def test_an_ipv6_hole_in_an_acl(texts: tuple[str, ...], found: bool) -> None:
    document = source(acls=[acl("acl-1", *texts, OPEN_OUT, "out 101 allow -1 - ::/0")], **IPV6_VPC)
    assert bool(findings(document, "ipv6-hole")) is found


def test_the_world_is_half_of_all_addresses() -> None:
    def of(*cidrs: str) -> bool:
        packets = PacketSet.product(map(block_of, map(parse_cidr, cidrs)), ALL_TRAFFIC)
        found = worldwide(packets, 6 if ":" in cidrs[0] else 4)
        assert found in (ALL_TRAFFIC, NO_TRAFFIC)
        return bool(found)

    assert of("0.0.0.0/1")
    assert of("64.0.0.0/2", "128.0.0.0/2")
    assert not of("0.0.0.0/2", "64.0.0.0/3")
    assert of("2000::/4")
    assert not of("2001::/16")
    assert not of("8000::/1")


# --- the report


def test_severities_and_their_order() -> None:
    report = lint_of(rules("in tcp 22 0.0.0.0/0", "in tcp 80 sg-gone", "in tcp 22 10.0.0.0/8"))
    assert [finding.severity for finding in report.findings] == ["error", "warning", "note"]
    assert lint_document(report)["summary"] == {"error": 1, "warning": 1, "note": 1}
    mild = lint_of(rules("in tcp 443 0.0.0.0/0", "in tcp 443 10.0.0.0/8"))
    assert (reaches(mild, "note"), reaches(mild, "warning"), reaches(mild, "error")) == (True, False, False)
    assert reaches(report, "error")


def test_without_acls_they_are_not_checked_and_that_is_said() -> None:
    document = rules("in tcp 443 0.0.0.0/0")
    del document["NetworkAcls"]
    report = lint_of(document)
    assert report.acls == 0
    assert any("has no network ACLs" in one.why for one in report.not_checked)


def test_every_finding_has_an_id_of_the_catalogue_and_a_fix_in_one_line() -> None:
    document = rules(
        "in tcp 22 0.0.0.0/0",
        "in tcp 80 sg-gone",
        "in tcp 22 10.0.0.0/8",
        "in tcp 23 ::/0",
        f"in tcp 80 {SOURCE}/sg-9@vpc-peer@deleted",
        acls=[
            acl(
                "acl-1",
                "in 10 allow tcp 443 0.0.0.0/0",
                "in 20 deny tcp 443 10.0.0.0/8",
                "in 30 allow icmp 8:0 ::/0",
            )
        ],
        NetworkInterfaces=[],
    )
    found = lint_of(document).findings
    known = {check.id for check in CATALOG}
    assert {finding.id for finding in found} == known - {"group-near-quota", "acl-near-quota"}
    assert all(finding.way_out and "\n" not in finding.way_out for finding in found)


# --- real and generated rule sets


def test_what_the_real_rule_sets_have(shared_cases: Path) -> None:
    """The figures of the cases' index: entries wholly covered by earlier ones, references to nobody."""
    shadowed = {"batfish-hybrid-cloud": 0, "npguard-acl": 0, "npguard-sg": 0, "openshift-upi": 0}
    shadowed |= {"kops-minimal-ipv6": 0, "qs-compliance": 2}
    dangling = dict.fromkeys(shadowed, 0) | {"batfish-hybrid-cloud": 1}
    for name, count in shadowed.items():
        document = json.loads((shared_cases / f"{name}.json").read_text())
        found = [f for vpc in document["Vpcs"] for f in lint_of(document, vpc["VpcId"]).findings]
        assert sum(f.id == "acl-entry-shadowed" for f in found) == count
        assert sum(f.id == "reference-to-deleted-group" for f in found) == dangling[name]


def test_a_generated_firewall_has_the_faults_it_was_given(shared_cases: Path, tmp_path: Path) -> None:
    tool = shared_cases.parent / "tools" / "generate_case.py"
    words = "--name made --seed 4 --groups 80 --rules 6 --stale 4 --cross-account 4 --interfaces 60 --ipv6 --hard-nacls"
    subprocess.run([sys.executable, tool, *words.split(), "-o", tmp_path], check=True, capture_output=True)
    document = json.loads((tmp_path / "made.json").read_text())
    report = lint_of(document)
    ids = {finding.id for finding in report.findings}
    assert {"acl-entry-shadowed", "group-unused", "admin-port-open", "reference-to-deleted-group"} <= ids
    used = {g["GroupId"] for one in document["NetworkInterfaces"] for g in one["Groups"]}
    idle = {g["GroupId"] for g in document["SecurityGroups"] if g["GroupName"] != "default"} - used
    assert {f.resource.id for f in report.findings if f.id == "group-unused"} == idle
    assert not report.not_checked


def test_all_covered_rules_can_go_together(shared_cases: Path, tmp_path: Path) -> None:
    """Removing every rule that was found changes no packet."""
    tool = shared_cases.parent / "tools" / "generate_case.py"
    words = "--name made --seed 5 --groups 60 --rules 8 --interfaces 5 --ipv6 --prefix-lists 3"
    subprocess.run([sys.executable, tool, *words.split(), "-o", tmp_path], check=True, capture_output=True)
    document = json.loads((tmp_path / "made.json").read_text())
    snapshot = parse_snapshot(document)
    firewall = Firewall("made", document["Vpcs"][0]["VpcId"], snapshot)
    gone = {(f.resource.id, f.rule) for f in lint_of(document).findings if f.id == "rule-covered"}
    assert len(gone) > 20
    for one in snapshot.groups:
        for way in Direction:
            before = one.rules_of(way)
            after = tuple(rule for rule in before if (one.group_id, str(rule)) not in gone)
            whole, left = (GroupRules(own, firewall.lists).packets for own in (before, after))
            assert not gap_between(whole, left, firewall.symbols)
