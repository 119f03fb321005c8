"""What a Terraform state says that it keeps is not changed, our own copies neither, unless both may."""

from typing import Any

import pytest
from firewalls import acl, finding_ids, group, planned, prefix_list, proof, source, subnet, target, there

from twinwall.errors import ForeignOwner
from twinwall.model.ownership import SOURCE_TAG
from twinwall.planning.plan import Plan

Json = dict[str, Any]
WEB = ("sg-t", "aws_security_group.web")
BEFORE = source(
    group("sg-web", "web", "in tcp 443 0.0.0.0/0", "in tcp 22 pl-office"),
    acls=[acl("acl-a", "in 100 allow tcp 443 0.0.0.0/0", subnets=["subnet-a"], tags={"Name": "edge"})],
    lists=[prefix_list("pl-office", "office", "198.51.100.0/24")],
    subnets=[subnet("subnet-a", "10.0.0.0/24", name="a")],
)


def after(*, marked: bool) -> Json:
    mark = "111111111111/eu-west-1/vpc-source"
    list_mark = {SOURCE_TAG: "111111111111/eu-west-1/-/pl-office"} if marked else {}
    acl_tags = {"Name": "edge"} | ({SOURCE_TAG: f"{mark}/acl-a"} if marked else {})
    return target(
        there("sg-t", "web", marked="sg-web" if marked else ""),
        acls=[acl("acl-t", vpc="vpc-target", tags=acl_tags)],
        lists=[prefix_list("pl-t", "office", "198.51.100.0/24", owner="222222222222", tags=list_mark)],
        subnets=[subnet("subnet-t", "10.20.0.0/24", name="a", vpc="vpc-target")],
        default_subnets=["subnet-t"],
    )


def plan(owned: tuple[str, str], *, marked: bool = True, **options: Any) -> Plan:
    return planned(BEFORE, after(marked=marked), terraform=(owned,), force=True, **options)


def test_without_a_state_our_copies_are_ours() -> None:
    assert planned(BEFORE, after(marked=True)).changes


@pytest.mark.parametrize(
    ("owned", "named"),
    [
        (WEB, "web (sg-t) as aws_security_group.web"),
        (("acl-t", "module.a.aws_network_acl.edge[0]"), "edge (acl-t) as module.a.aws_network_acl.edge[0]"),
        (
            ("pl-t", "aws_ec2_managed_prefix_list.office"),
            "office (pl-t) as aws_ec2_managed_prefix_list.office",
        ),
    ],
)
def test_what_terraform_keeps_is_refused_unless_both_may(owned: tuple[str, str], named: str) -> None:
    name = named.partition(" ")[0]
    for options in (
        {},
        {"adopt": (name,)},
        {"adopt_managed": True},
        {"adopt": ("other",), "adopt_managed": True},
    ):
        with pytest.raises(ForeignOwner) as caught:
            plan(owned, **options)
        assert f"by its state Terraform keeps {named}, and would put it back" in str(caught.value)
        assert "--adopt-managed" in str(caught.value)
        assert caught.value.exit_code == 3
    assert plan(owned, adopt=(name,), adopt_managed=True)


def test_what_carries_no_mark_is_refused_so_too() -> None:
    with pytest.raises(ForeignOwner, match="by its state Terraform keeps web"):
        plan(WEB, marked=False, adopt=("web",))
    assert plan(WEB, marked=False, adopt=("web", "edge"), adopt_managed=True).changes


def test_a_subnets_acl_is_terraforms_too() -> None:
    owned = ("subnet-t", "aws_network_acl_association.a")
    assert plan(owned)
    with pytest.raises(ForeignOwner, match=r"keeps a \(subnet-t\) as aws_network_acl_association.a"):
        plan(owned, associate="auto")
    assert plan(owned, associate="auto", adopt_managed=True)


def test_a_copy_whose_source_is_gone_is_not_deleted() -> None:
    gone = target(there("sg-t", "web", marked="sg-web"))
    options: Json = {"terraform": (WEB,), "force": True}
    assert planned(source(), gone, **options)
    with pytest.raises(ForeignOwner, match="keeps web"):
        planned(source(), gone | {"NetworkInterfaces": []}, prune=True, **options)


def test_the_default_group_too() -> None:
    owned = ("sg-target", "aws_default_security_group.this")
    assert plan(owned)
    with pytest.raises(ForeignOwner, match=r"keeps default \(sg-target\)"):
        plan(owned, adopt=("default",))
    assert plan(owned, adopt=("default",), adopt_managed=True)


def test_many_are_named_in_one_line() -> None:
    before = source(*(group(f"sg-{number}", f"g{number}") for number in range(7)))
    there_ = target(*(there(f"sg-t{number}", f"g{number}", marked=f"sg-{number}") for number in range(7)))
    owned = tuple((f"sg-t{number}", f"aws_security_group.g[{number}]") for number in range(7))
    with pytest.raises(
        ForeignOwner, match=r"g4 \(sg-t4\) as aws_security_group.g\[4\] and 2 more, and would"
    ):
        planned(before, there_, terraform=owned)


def test_a_state_of_elsewhere_is_told() -> None:
    assert "terraform-state-elsewhere" in finding_ids(plan(("sg-elsewhere", "aws_security_group.x")))
    assert "terraform-state-elsewhere" not in finding_ids(plan(("sg-target", "aws_default_security_group.x")))


def test_a_proof_asks_nobody() -> None:
    assert proof(BEFORE, after(marked=True), terraform=(WEB,))
