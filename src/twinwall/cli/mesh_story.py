"""The demo's second half: a mesh over two Regions, each step proven by what EC2 itself holds.

two empty Auto Scaling groups  →  deploy  →  scale-out  →  a dead Region, and a scale-out beside it  →  it is back
→  scale-in
"""

from collections.abc import Sequence

from twinwall.cli import demo_firewall as shop
from twinwall.cli.telling import Telling
from twinwall.emulator.clusters import Cluster, Clusters

_REGIONS = ("eu-west-1", "us-east-1")
_PROFILE = ("--profile", "source")
_STATUS = ("mesh", "status", *_PROFILE)


def mesh_story(it: Telling) -> None:
    it.say(
        "", "", "The other half: a mesh. Groups of two Regions that admit exactly each other's live members."
    )
    aws = it.stage.aws
    clusters = Clusters(aws.endpoint, aws.credentials(shop.SOURCE_ACCOUNT))
    here, there = (clusters.build(region, f"ring-{region[:2]}") for region in _REGIONS)
    both = (here, there)
    _name_the_mesh(it, both)

    it.step(
        "A function in each Region; both groups are still closed.", 0, "mesh", "deploy", *_PROFILE, "--yes"
    )

    it.say("", f"{here.name} scales out to two members, {there.name} to one.")
    clusters.scale(here, 2)
    clusters.scale(there, 1)
    _prove(it, clusters, both, both)
    seen = it.report("the mesh", "-mesh")
    it.step(
        "Each waited at its hook until the groups admitted it; every member is known.", 0, *_STATUS, *seen
    )

    it.say("", f"{there.region} cannot be reached any more. {here.name} scales out to three all the same.")
    aws.trouble.unreachable(there.region)
    clusters.scale(here, 3)
    it.step("The third is in service; the dead Region is told, and blocks nobody.", 2, *_STATUS)

    it.say("", f"{there.region} is back.")
    aws.trouble.reachable(there.region)
    _prove(it, clusters, both, (here,))
    true_up = ("mesh", "true-up", *_PROFILE, "--yes")
    it.step("What each function's schedule does every five minutes: it heals by itself.", 0, *true_up)
    _prove(it, clusters, both, both)

    it.say("", f"{here.name} scales in to one.")
    clusters.scale(here, 1)
    _prove(it, clusters, both, both)
    it.step("The leavers' rules are gone, nobody else's.", 0, *_STATUS)


def _prove(it: Telling, clusters: Clusters, live: Sequence[Cluster], groups: Sequence[Cluster]) -> None:
    """By what EC2 holds: Twinwall is not asked."""
    addresses = clusters.wait_until_right(live, groups)
    who = " and ".join(one.name for one in groups)
    it.say(f"  proof: EC2 holds in {who} rules for exactly the running members: {', '.join(addresses)}")


def _name_the_mesh(it: Telling, clusters: Sequence[Cluster]) -> None:
    sites = [
        f'[[meshes.ring.sites]]\naccount = "{shop.SOURCE_ACCOUNT}"\nregion = "{one.region}"\n'
        f'asg = "{one.name}"\ngroup = "{one.group_id}"\n'
        for one in clusters
    ]
    with (it.stage.folder / "twinwall.toml").open("a", encoding="utf-8") as file:
        file.write("\n" + "\n".join(['[meshes.ring]\nports = ["tcp/7000-7001"]\n', *sites]))
