"""*Copies are deleted only with ``--prune``, only if a complete read no longer shows their source, and only if unused*:
those of prefix lists, which are one in an account and Region."""

from pathlib import Path
from typing import Any

from firewalls import SOURCE_VPC, group, prefix_list, source
from worlds import HERE, THERE, A, B, Stage

LIST = "pl-0aaaaaaaaaaaaaaaa"
PRUNE = ("--map-vpc-cidr", "--prune", "--force")
Json = dict[str, Any]


def copied(world: Stage) -> tuple[str, str]:
    """A target that holds the copies, and the list's; at the source nothing names the list any more, and it is gone."""
    world.load(
        source(
            group("sg-web", "web", f"in tcp 22 {LIST}", "in tcp 443 0.0.0.0/0"),
            lists=[prefix_list(LIST, "office", "203.0.113.0/24", "198.51.100.0/24", tags={"team": "net"})],
        )
    )
    target = world.empty("10.20.0.0/16")
    world.migrate(SOURCE_VPC, target, options=("--map-vpc-cidr",)).ended(0)
    permission = {
        "IpProtocol": "tcp",
        "FromPort": 22,
        "ToPort": 22,
        "PrefixListIds": [{"PrefixListId": LIST}],
    }
    world.client(A, HERE).revoke_security_group_ingress(GroupId="sg-web", IpPermissions=[permission])
    return target, lists(world)[0]["PrefixListId"]


def lists(world: Stage) -> list[Json]:
    found = world.client(B, THERE).describe_managed_prefix_lists()["PrefixLists"]
    return [item for item in found if item["OwnerId"] == B]


def gone(world: Stage) -> tuple[str, str]:
    target, copy = copied(world)
    world.client(A, HERE).delete_managed_prefix_list(PrefixListId=LIST)
    return target, copy


def test_a_list_whose_source_stands_stays(world: Stage) -> None:
    """Also if no rule names it any more: leaving the selection never deletes."""
    target, copy = copied(world)
    run = world.migrate(SOURCE_VPC, target, options=PRUNE).ended(0)
    assert run.written == {"RevokeSecurityGroupIngress": 1}
    assert [item["PrefixListId"] for item in lists(world)] == [copy]


def test_a_list_goes_last_and_comes_back_by_undo(world: Stage, tmp_path: Path) -> None:
    target, copy = gone(world)
    kept = world.migrate(SOURCE_VPC, target, options=("--map-vpc-cidr", "--force")).ended(0)
    assert "DeleteManagedPrefixList" not in kept.written
    world.run("undo", kept.json["journal"], *world.ways(None, (B, THERE)), "--yes").ended(0)
    run = world.migrate(SOURCE_VPC, target, options=(*PRUNE, "--journal", tmp_path / "j")).ended(0)
    assert run.written == {"RevokeSecurityGroupIngress": 1, "DeleteManagedPrefixList": 1}
    assert [change["action"] for change in run.json["changes"]][-1] == "DeleteManagedPrefixList"
    assert run.json["verify"]["equal"] is True
    assert lists(world) == []
    world.run("undo", tmp_path / "j", *world.ways(None, (B, THERE)), "--yes").ended(0)
    (again,) = lists(world)
    assert again["PrefixListId"] != copy
    entries = world.client(B, THERE).get_managed_prefix_list_entries(PrefixListId=again["PrefixListId"])[
        "Entries"
    ]
    assert sorted(entry["Cidr"] for entry in entries) == ["198.51.100.0/24", "203.0.113.0/24"]
    (web,) = [item for item in world.groups(target) if item["GroupName"] == "web"]
    named = [pl["PrefixListId"] for p in web["IpPermissions"] for pl in p["PrefixListIds"]]
    assert named == [again["PrefixListId"]]


def test_a_list_that_somebody_uses_stays_and_the_plan_says_who(world: Stage) -> None:
    target, copy = gone(world)
    other = world.empty("10.77.0.0/16")
    client = world.client(B, THERE)
    user = client.create_security_group(GroupName="u", Description="u", VpcId=other)["GroupId"]
    permission = {
        "IpProtocol": "tcp",
        "FromPort": 22,
        "ToPort": 22,
        "PrefixListIds": [{"PrefixListId": copy}],
    }
    client.authorize_security_group_ingress(GroupId=user, IpPermissions=[permission])
    run = world.migrate(SOURCE_VPC, target, options=PRUNE)
    assert "DeleteManagedPrefixList" not in run.written
    (finding,) = [finding for finding in run.findings if finding["id"] == "prune-in-use"]
    assert user in finding["message"]
    world.aws.deny(B, "GetManagedPrefixListAssociations")
    (finding,) = [
        f for f in world.migrate(SOURCE_VPC, target, options=PRUNE).findings if f["id"] == "prune-in-use"
    ]
    assert "GetManagedPrefixListAssociations" in finding["message"]


def test_a_file_shows_the_lists_that_rules_name_so_none_is_gone(world: Stage) -> None:
    target, copy = gone(world)
    file = world.folder / "source.json"
    world.run("snapshot", "--source", SOURCE_VPC, *world.ways((A, HERE), None), "-o", file).ended(0)
    run = world.migrate(file, target, options=PRUNE).ended(0)
    assert "DeleteManagedPrefixList" not in run.written
    assert [item["PrefixListId"] for item in lists(world)] == [copy]
