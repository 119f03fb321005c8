"""*Done when*: every case in ``../shared/cases``, each of its VPCs, and ten generated ones migrate into an
empty VPC in another account and Region, ``verify`` says equal, and every rule left out stands in
``not_compared`` with its finding.

What the copy must hold is reckoned from the document in ``worlds.reckon``, which shares no code with the
product, and held against what EC2 describes; the product's own proof is asked besides.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from worlds import HERE, THERE, A, Stage, another_block, check_copy, reckon

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
OPTIONS = ("--outside", "skip", "--map-vpc-cidr", "--adopt", "default", "--associate", "none")
TARGET_IPV6 = "2a05:d014:aa:bb00::/56"
PARAMETERS = (
    "--groups 40 --rules 4 --cycles 4 --stale 3 --cross-account 4 --prefix-lists 3 --ipv6 --odd .1",
    "--aws-tags .2 --hard-nacls --nacls 6 --subnets 18 --interfaces 30",
)
"""As issue 2 gives them."""


def cases() -> list[Any]:
    return [
        pytest.param(path.name, vpc["VpcId"], id=f"{path.stem}-{vpc['VpcId']}")
        for path in sorted((SHARED / "cases").glob("*.json"))
        for vpc in json.loads(path.read_text())["Vpcs"]
    ]


def generated(seed: int, folder: Path) -> dict[str, Any]:
    tool = SHARED / "tools" / "generate_case.py"
    if not tool.is_file():
        pytest.skip("the generator of rule sets (../shared/tools) is not here")
    arguments = [
        sys.executable,
        str(tool),
        "--name",
        f"made-{seed}",
        "--seed",
        str(seed),
        *" ".join(PARAMETERS).split(),
    ]
    subprocess.run([*arguments, "-o", str(folder)], check=True)
    return json.loads((folder / f"made-{seed}.json").read_text())


def carried_over(world: Stage, document: dict[str, Any], vpc_id: str, *, live: bool) -> None:
    """The whole of it: migrate, held against the reckoning; again; verify."""
    (vpc,) = [item for item in document["Vpcs"] if item["VpcId"] == vpc_id]
    ipv6 = TARGET_IPV6 if vpc.get("Ipv6CidrBlockAssociationSet") else None
    block = another_block(vpc["CidrBlock"])
    target = world.empty(block, ipv6)
    options = OPTIONS
    if live:
        world.load(document)
        source: str | Path = vpc_id
    else:
        source = world.save(document)
        options = (*OPTIONS, "--source-vpc", vpc_id)

    first = world.migrate(source, target, options=options).ended(0)
    proof = first.json["verify"]
    assert proof["equal"] is True
    assert proof["verdict"] in ("equal", "equal-every-membership", "equal-today")
    maps = {vpc["CidrBlock"]: block}
    seen = document
    if live:  # a VPC of another tool's dump may lack its default group; a real one cannot
        seen = {
            **document,
            "SecurityGroups": world.groups(vpc_id, A, HERE),
            "NetworkAcls": world.acls(vpc_id, A, HERE),
        }
    wanted = reckon(seen, vpc_id, maps, lists_of(world, document, live=live))
    check_copy(wanted, first, world.groups(target), world.acls(target), maps)

    again = world.migrate(source, target, options=options).ended(0)
    assert not again.written
    assert again.json["changes"] == []
    assert again.json["journal"] is None
    assert again.firewall_calls == (4 if live else 2)
    assert again.json["verify"]["not_compared"] == proof["not_compared"]

    alone = world.verify(source, target, options=options).ended(0)
    assert alone.json["equal"] is True
    assert alone.json["not_compared"] == proof["not_compared"]


def lists_of(world: Stage, document: dict[str, Any], *, live: bool) -> dict[str, str]:
    """Source list → the target's: AWS's own by name with the Region replaced, ours by mark. What the copy of
    a list holds is checked on the way."""
    theirs = world.client().describe_managed_prefix_lists()["PrefixLists"]
    own = {item["PrefixListId"]: item for item in world.lists()}
    region = HERE if live else document.get("Region", "")
    found = {}
    for item in document.get("PrefixLists") or ():
        if item.get("OwnerId") == "AWS" or item["PrefixListName"].startswith("com.amazonaws."):
            names = {
                item["PrefixListName"].replace(old, THERE) for old in (region, document["Region"]) if old
            }
            twin = [t for t in theirs if t["PrefixListName"] in names and t["OwnerId"] == "AWS"]
        else:
            twin = [t for t in own.values() if marks(t, item["PrefixListId"])]
        if twin:
            found[item["PrefixListId"]] = twin[0]["PrefixListId"]
    return found


def marks(item: dict[str, Any], source_id: str) -> bool:
    return any(t["Key"] == "twinwall:source" and t["Value"].endswith(f"/-/{source_id}") for t in item["Tags"])


@pytest.mark.parametrize("live", [True, False], ids=["live", "file"])
@pytest.mark.parametrize(("name", "vpc_id"), cases())
def test_each_vpc_of_each_case(world: Stage, shared_cases: Path, name: str, vpc_id: str, live: bool) -> None:
    """*Every case in ../shared/cases, each of its VPCs, migrates … into an empty VPC in another account and
    Region, verify says equal, and every rule left out stands in not_compared with its finding.*"""
    carried_over(world, json.loads((shared_cases / name).read_text()), vpc_id, live=live)


@pytest.mark.parametrize(
    ("seed", "live"),
    [
        pytest.param(seed, live, id=f"{seed}-{'live' if live else 'file'}")
        for seed in range(100, 110)
        for live in ((False, True) if seed < 103 else (False,))
    ],
)
def test_ten_generated_ones(world: Stage, tmp_path: Path, seed: int, live: bool) -> None:
    """*So do ten generated ones.*"""
    document = generated(seed, tmp_path)
    carried_over(world, document, document["Vpcs"][0]["VpcId"], live=live)
