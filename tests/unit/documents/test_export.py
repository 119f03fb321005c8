"""A firewall in the words of Terraform and CloudFormation says what EC2 described; other programs read it."""

import json
import os
import shlex
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import hcl2
import pytest
from cfnlint import api as cfnlint
from exported import NOTHING_OUT, Template, Terraform, described, plain
from firewalls import DEFAULT_EGRESS, SOURCE_VPC, acl, group, planned, prefix_list, source, subnet, target
from hypothesis import example, given
from hypothesis import settings as how
from hypothesis import strategies as st

from twinwall.cli.demo_firewall import SOURCE_VPC as DEMO_VPC
from twinwall.cli.demo_firewall import source_document
from twinwall.documents.export import hcl
from twinwall.documents.export.blueprint import Blueprint, blueprint
from twinwall.documents.export.firewall import of_plan, of_snapshot
from twinwall.documents.export.formats import FORMATS, Format, export_text, remarks
from twinwall.documents.export.naming import MOST, Unique, pascal, snake
from twinwall.documents.export.script import _Writer
from twinwall.engine import inspecting
from twinwall.engine.sides import FileSide
from twinwall.errors import QuotaExceeded
from twinwall.replica.settings import Selection

Json = dict[str, Any]
GOLDEN = Path(__file__).resolve().parents[2] / "golden"
S3 = "com.amazonaws.eu-west-1.s3"

SMALL = source(
    group("sg-web", "web", "in tcp 443 0.0.0.0/0 customers", "in tcp 8080 sg-db", "out tcp 5432 sg-db"),
    group(
        "sg-db",
        "db",
        "in tcp 5432 sg-web",
        "in tcp 22 pl-office",
        "in icmp 8:0 10.0.0.0/16",
        tags={"a b": "c"},
    ),
    acls=[acl("acl-a", "in 100 allow tcp 443 0.0.0.0/0", "out 100 deny -1 - ::/0", tags={"Name": "edge"})],
    lists=[prefix_list("pl-office", "office", "198.51.100.0/24", size=5)],
)
ODD = source(
    group(
        "sg-1",
        "web",
        "in tcp 443 ::/0 over IPv6",
        "in tcp 0-65535 sg-1 itself",
        "in -1 - sg-2",
        "in 50 - 192.0.2.0/24",
        "in icmpv6 128:0 2001:db8::/32",
        "in icmp - 10.0.0.0/8",
        "in udp 53 sg-default",
        "in tcp 1 333333333333/sg-far@vpc-far@active",
        "in tcp 2 sg-gone",
        "in tcp 3 amazon-elb/sg-elb",
        "out tcp 443 pl-aws",
        "out tcp 443 pl-unread",
        tags={
            "Name": "web",
            "aws:cloudformation:stack-name": "x",
            "twinwall:source": "a/b/c/d",
            "größe/π": '"${x}" 100%{y}',
        },
        description="Say ${what} (100)",
    ),
    group("sg-2", "Web!", "in tcp 80 sg-1", DEFAULT_EGRESS, tags={"kubernetes.io/cluster/shop": "owned"}),
    group("sg-3", "3 tiers", "in tcp 80 sg-2", "in tcp 81 sg-2", "out -1 - 0.0.0.0/0", "out -1 - ::/0"),
    group("sg-4", "only out", "out tcp 80 sg-3", "out tcp 443 pl-six"),
    acls=[
        acl(
            "acl-a",
            "in 100 allow tcp 443 0.0.0.0/0",
            "in 110 deny icmp 8:-1 10.0.0.0/8",
            "in 120 allow icmpv6 -1:-1 ::/0",
            "in 130 allow 47 - 192.0.2.0/24",
            "out 100 allow -1 - 0.0.0.0/0",
            subnets=["subnet-a", "subnet-b"],
            tags={"Name": "edge"},
        ),
        acl("acl-b", "in 1 deny udp 53-54 10.0.0.0/8", tags={"Name": "Edge", "aws:x": "y"}),
    ],
    subnets=[subnet("subnet-a", "10.0.0.0/24", name="public a"), subnet("subnet-b", "10.0.1.0/24")],
    lists=[
        prefix_list("pl-aws", S3, owner="AWS", size=None),
        prefix_list("pl-six", "six", "2001:db8::/48", AddressFamily="IPv6", tags={"team": "net"}),
        prefix_list("pl-unused", "unused", "10.0.0.0/8"),
    ],
)


def made_of(document: Json, *, vpc: str = SOURCE_VPC, defaults: bool = False, **selection: Any) -> Blueprint:
    chosen = Selection(**selection)
    snapshot, at = inspecting.firewall(FileSide("case", document, vpc), chosen, subnets=True)
    return blueprint(of_snapshot(snapshot, at, chosen), defaults=defaults)


BARE = source(group("sg-default", "default", DEFAULT_EGRESS))
CASES = {
    "small": (SMALL, SOURCE_VPC),
    "odd": (ODD, SOURCE_VPC),
    "demo": (source_document(), DEMO_VPC),
    "bare": (BARE, SOURCE_VPC),
}


def test_where_nothing_is_to_be_made_it_is_said_and_a_template_is_one_all_the_same() -> None:
    made = made_of(BARE)
    for format_ in FORMATS:
        (told,) = remarks(made, format_, export_text(made, format_))
        assert told.startswith("there is nothing to make")
    template = json.loads(export_text(made, "cloudformation"))
    assert list(template["Resources"]) == ["Nothing"]
    assert "Parameters" not in template


@pytest.mark.parametrize("name", ["odd", "demo"])
@pytest.mark.parametrize("format_", ["terraform", "cloudformation"])
def test_it_says_what_ec2_described(name: str, format_: Format) -> None:
    document, vpc = CASES[name]
    text = export_text(made_of(document, vpc=vpc), format_)
    read = Terraform(text, "eu-west-1") if format_ == "terraform" else Template(text)
    facts, wanted = read.facts(), described(document)
    assert facts.groups == wanted.groups
    assert facts.acls == wanted.acls
    assert facts.lists == wanted.lists
    assert facts.subnets == wanted.subnets


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("format_", FORMATS)
def test_the_same_firewall_gives_the_same_text(name: str, format_: Format) -> None:
    document, vpc = CASES[name]
    turned = {
        key: list(reversed(value)) if isinstance(value, list) else value for key, value in document.items()
    }
    assert export_text(made_of(turned, vpc=vpc), format_) == export_text(made_of(document, vpc=vpc), format_)


@pytest.mark.parametrize("format_", FORMATS)
def test_it_reads_as_it_did(format_: Format) -> None:
    ending = {"terraform": "tf", "cloudformation": "json", "cli": "sh"}[format_]
    path, text = GOLDEN / f"export.{ending}", export_text(made_of(SMALL), format_)
    if os.environ.get("TWINWALL_GOLDEN") == "write":
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


@pytest.mark.parametrize("name", CASES)
def test_cfn_lint_has_nothing_to_say(name: str) -> None:
    document, vpc = CASES[name]
    text = export_text(made_of(document, vpc=vpc), "cloudformation")
    assert [str(match) for match in cfnlint.lint(text, regions=["eu-west-1"])] == []


def test_cfn_lint_would_say_it() -> None:
    template = json.loads(export_text(made_of(SMALL), "cloudformation"))
    del template["Resources"]["OfficeList"]["Properties"]["AddressFamily"]
    assert any(
        "AddressFamily" in str(match) for match in cfnlint.lint(json.dumps(template), regions=["eu-west-1"])
    )


NEEDS_TERRAFORM = pytest.mark.skipif(
    shutil.which("terraform") is None, reason="terraform itself is asked, and it is not installed"
)


@NEEDS_TERRAFORM
@pytest.mark.parametrize("name", CASES)
def test_terraform_fmt_would_change_nothing(name: str) -> None:
    document, vpc = CASES[name]
    for defaults in (False, True):
        text = export_text(made_of(document, vpc=vpc, defaults=defaults), "terraform")
        done = subprocess.run(
            ["terraform", "fmt", "-"], input=text, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == text


@pytest.mark.parametrize("name", CASES)
def test_bash_can_read_the_script(name: str) -> None:
    document, vpc = CASES[name]
    done = subprocess.run(
        ["bash", "-n"],
        input=export_text(made_of(document, vpc=vpc), "cli"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


# --- what is taken over, left out, or asked for


def test_defaults_are_taken_over_only_when_asked() -> None:
    without, with_ = (
        Terraform(export_text(made_of(ODD, defaults=defaults), "terraform"), "eu-west-1")
        for defaults in (False, True)
    )
    assert "aws_default_security_group" not in without.resources
    assert "aws_default_network_acl" not in without.resources
    assert without.data["aws_security_group"]["default"]["name"] == "default"
    facts, wanted = with_.facts(), described(ODD, defaults=True)
    assert facts.groups == wanted.groups
    assert facts.acls.pop("default")[1] == wanted.acls.pop("acl-default")[1]
    assert facts.acls == wanted.acls


def test_what_is_not_selected_is_asked_for_by_name() -> None:
    made = made_of(SMALL, groups=("web",))
    assert [str(one.resource) for one in made.outside] == ["db (sg-db)"]
    assert not made.acls
    read = Terraform(export_text(made, "terraform"), "eu-west-1")
    assert set(read.variables) == {"vpc_id", "db_id"}
    assert "default" not in read.variables["db_id"]
    assert (
        Template(export_text(made, "cloudformation")).raw["Parameters"]["DbGroupId"]["Type"].endswith("::Id")
    )
    assert ': "${DB_ID:?Security group db (sg-db)}"' in export_text(made, "cli")


def test_another_accounts_group_keeps_its_account() -> None:
    made = made_of(ODD)
    template = Template(export_text(made, "cloudformation")).raw
    (rule,) = [r["Properties"] for r in template["Resources"].values() if "SgFar" in str(r)]
    assert "333333333333" in template["Parameters"][rule["SourceSecurityGroupOwnerId"]["Ref"]]["Description"]
    assert '"UserId": "\'"$SG_FAR_OWNER"\'"' in export_text(made, "cli")
    assert any("333333333333" in remark for remark in remarks(made, "cli", ""))


def test_a_group_without_egress_gets_a_rule_that_fits_nothing_and_it_is_said() -> None:
    made = made_of(SMALL)
    template = Template(export_text(made, "cloudformation"))
    for _, fields in template._each("SecurityGroup"):
        assert NOTHING_OUT in dict(template._inline(fields))
    assert (
        sum("CloudFormation would let everything out" in one for one in remarks(made, "cloudformation", ""))
        == 2
    )
    assert not remarks(made, "terraform", "")


def test_what_no_stack_can_hold_is_refused() -> None:
    rules = [f"in tcp {port} sg-0" for port in range(1, 61)]
    document = source(*(group(f"sg-{number}", f"g{number}", *rules) for number in range(9)))
    with pytest.raises(QuotaExceeded, match=r"549 resources, a template may have 500; narrow it"):
        export_text(made_of(document), "cloudformation")
    assert export_text(made_of(document), "terraform")


def test_a_plans_target_is_exported_with_what_it_will_make() -> None:
    before = target(group("sg-t", "db", vpc="vpc-target", owner="222222222222"))
    plan = planned(SMALL, before, match_by_name=True, adopt=("db",))
    made = blueprint(of_plan(plan, Selection()))
    facts = Terraform(export_text(made, "terraform"), "us-east-1").facts()
    wanted = described(SMALL)
    assert facts.groups["web"] == wanted.groups["web"]
    assert facts.groups["db"][2] == wanted.groups["db"][2]
    assert (facts.acls, facts.lists) == (wanted.acls, wanted.lists)
    assert made.at.vpc_id == "vpc-target"


# --- names and quotes


def test_names_are_never_alike() -> None:
    names = Unique(snake, "sg_")
    found = [names.name(one) for one in ("Web", "web!", "web_2", "3 tiers", "größe", "Ω", "", "x" * 300)]
    assert found == ["web", "web_2", "web_2_2", "sg_3_tiers", "groe", "sg_", "sg__2", "x" * MOST]
    assert [Unique(pascal, "Id").name("cache cluster"), Unique(pascal, "Id").name("0 x")] == [
        "CacheCluster",
        "Id0X",
    ]


TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
ODD_TEXTS = ("${a}", "%{if}", "${", "%{", "$${a}", "%%{x", "$$", '"\\', "\u2028\x00\x7f\n")


@given(TEXTS.filter(lambda text: "${" not in text and "%{" not in text) | st.sampled_from(ODD_TEXTS[:2]))
@how(max_examples=60)
def test_python_hcl2_reads_a_string_as_it_was(text: str) -> None:
    assert plain(hcl2.loads(f"a = {hcl.text(text)}\n")["a"]) == text


@NEEDS_TERRAFORM
def test_terraform_reads_a_string_as_it_was(tmp_path: Path) -> None:
    for text in ODD_TEXTS:
        done = subprocess.run(
            ["terraform", "console"],
            input=f"sha256({hcl.text(text)})\n",
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
        )
        assert done.stdout.split()[0] == f'"{sha256(text.encode()).hexdigest()}"', text


@given(st.lists(TEXTS, max_size=3))
@example(["it's", "'; false; '", "$(false) `false` $sg_web", '"\\"', "\n", '{"$": "sg_web"}'])
@how(max_examples=40)
def test_the_shell_reads_a_request_as_it_was(texts: list[str]) -> None:
    request = {"GroupId": "sg-web", "Tags": [{"Key": text, "Value": text} for text in texts]}
    word = _Writer(made_of(SMALL))._request(request)
    done = subprocess.run(
        ["bash", "-c", f"sg_web=sg-1; printf %s {word}"],
        capture_output=True,
        check=True,
        env={"PATH": os.environ["PATH"]},
    )
    assert json.loads(done.stdout) == {**request, "GroupId": "sg-1"}
    assert len(shlex.split(word.replace('"$sg_web"', "x"))) == 1
