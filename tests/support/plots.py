"""What a run is to do, with where it begins and ends: a target that holds the copy of a source as it was, some of its
groups on interfaces, and the source as it is now.

Material: pairs of small firewalls by a seed, the real rule sets and the generator's where they lie beside the
repository, each changed in a few places.
"""

import copy
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import firewalls as fw
import small_estates
from promised import State
from undertakings import OWNER, REGION, Scene
from watched import Place, Watch, interfaces_of

from twinwall.emulator.memory import MemoryAws
from twinwall.emulator.switches import ENTRIES_PER_ACL, RULES_PER_GROUP
from twinwall.errors import Refused
from twinwall.model import wire
from twinwall.model.net import Cidr, parse_cidr
from twinwall.replica.settings import Settings

Json = dict[str, Any]
SHARED = Path(__file__).resolve().parents[2].parent / "shared"
CASES = sorted((SHARED / "cases").glob("*.json"))
GENERATOR = SHARED / "tools" / "generate_case.py"
COPYING = 10**9
"""The seed of the first copy: ids are drawn by it, and the run's own must be others."""
QUOTAS = {RULES_PER_GROUP: 1000, ENTRIES_PER_ACL: 40}


@dataclass(frozen=True)
class Sources:
    """``empty``: the target before the first copy. ``vpc``: of the source."""

    was: Json
    is_: Json
    empty: Json
    settings: Settings
    vpc: str | None = None


@dataclass(frozen=True)
class Plot:
    """``target``: as it is before the run. ``calls``: of the run, where nothing befalls it; ``wanted``: what stands
    then, ``goal``: the same as a state of the promise."""

    sources: Sources
    target: Json
    calls: int
    before: Json
    wanted: Json
    goal: State
    place: Place

    def scene(self, folder: Path, seed: int = 0, **how: Any) -> Scene:
        """A target of one's own; what befalls it is followed."""
        scene = staged(folder, self.target, seed, **how)
        scene.aws.watch = Watch(scene.vpc)
        scene.aws.watch.told("before", scene.aws.world.at(OWNER, REGION))
        return scene

    def applying(self, scene: Scene, journal: Path) -> Any:
        return scene.applying(self.sources.is_, self.sources.settings, journal, self.sources.vpc)

    def check(self, scene: Scene, *goals: State, brute: float = 0.1) -> None:
        """Each leg of what happened there against its goal: the run's, and then the given ones."""
        chance = random.Random(scene.aws.seed)
        wanted = (self.goal, *goals)
        for leg, goal in zip(scene.aws.watch.legs, wanted, strict=False):
            self.place.check([*leg, goal], chance, brute)


def staged(folder: Path, target: Json, seed: int = 0, **how: Any) -> Scene:
    return Scene.make(folder, target, seed=seed, quotas=QUOTAS, **how)


def plot(folder: Path, sources: Sources, seed: int) -> Plot | None:
    """None where the change is refused (a full group, an ambiguous name): that is the guard's to say."""
    chance = random.Random(seed)
    scene = staged(folder, sources.empty, COPYING)
    journal = folder / f"plot-{id(scene)}"
    ran = scene.run(scene.applying(sources.was, sources.settings, journal, sources.vpc))
    if isinstance(ran.error, Refused):
        return None
    assert ran.error is None, ran.error
    copied = document_of(scene.aws)
    first = _carried(folder, sources, copied)
    if first is None:
        return None
    kept = sorted(group.group_id for group in held(scene) if group.group_name in first.everything()["groups"])
    subnets = _subnets(scene)
    for _ in range(chance.choice((0, 3, 3, 3)) if subnets and kept else 0):
        together = chance.sample(kept, min(len(kept), chance.randint(1, 3)))
        scene.aws.attach(OWNER, REGION, chance.choice(subnets), together)
    target = document_of(scene.aws)
    return _plot(folder, sources, target)


def first_copy(folder: Path, sources: Sources) -> Plot | None:
    """Of the source as it was, into the empty target."""
    return _plot(folder, replace(sources, is_=sources.was), sources.empty)


def _plot(folder: Path, sources: Sources, target: Json) -> Plot | None:
    before = staged(folder, target)
    after = _carried(folder, sources, target)
    if after is None:
        return None
    watch = Watch(after.vpc)
    watch.told("wanted", after.aws.world.at(OWNER, REGION))
    around = before.aws.network.at(OWNER, REGION)
    names = {group.group_id: group.group_name for group in held(before)}
    place = Place(interfaces_of(around.interfaces, names), _blocks(around.vpcs[before.vpc]))
    wanted = after.everything()
    return Plot(sources, target, after.aws.written, before.everything(), wanted, watch.legs[0][0], place)


def _carried(folder: Path, sources: Sources, target: Json) -> Scene | None:
    scene = staged(folder, target)
    journal = folder / f"calm-{id(scene)}"
    ran = scene.run(scene.applying(sources.is_, sources.settings, journal, sources.vpc))
    if isinstance(ran.error, Refused):
        return None
    assert ran.report is not None, ran.error
    assert ran.report.equal, ran.report
    scene.aws.written = sum(ran.applied.calls.values())
    return scene


def held(scene: Scene) -> list[Any]:
    return [group for group in scene.everything()["groups"].values() if not group.is_default]


def _subnets(scene: Scene) -> list[str]:
    found = scene.aws.network.at(OWNER, REGION).subnets
    return [id_ for id_, item in sorted(found.items()) if item.get("CidrBlock")]


def _blocks(vpc: Json) -> tuple[Cidr, ...]:
    sixes = [item["Ipv6CidrBlock"] for item in vpc.get("Ipv6CidrBlockAssociationSet") or ()]
    return tuple(map(parse_cidr, [vpc["CidrBlock"], *sixes]))


def document_of(aws: MemoryAws) -> Json:
    """What the account holds in the Region, as a snapshot that ``load`` takes with all its ids."""
    state, around = aws.world.at(OWNER, REGION), aws.network.at(OWNER, REGION)
    lists = [item.value for item in state.lists.values() if not item.value.aws_managed]
    return {
        "Region": REGION,
        "OwnerId": OWNER,
        "Vpcs": list(around.vpcs.values()),
        "Subnets": list(around.subnets.values()),
        "NetworkInterfaces": list(around.interfaces.values()),
        "SecurityGroups": [wire.group_document(group) for group in state.groups.values()],
        "NetworkAcls": [wire.acl_document(acl) for acl in state.acls.values()],
        "PrefixLists": [wire.prefix_list_document(item) for item in lists],
    }


# --- material


def small(seed: int) -> Sources:
    was, is_ = small_estates.pair(seed)
    return Sources(was, is_, small_estates.target(), small_estates.SETTINGS)


def of_case(path: Path, seed: int, edits: int) -> Sources:
    """One of the VPCs of a document, changed in so many places."""
    return changed(json.loads(path.read_text()), seed, edits)


@lru_cache(maxsize=8)
def _generated(seed: int, folder: Path, size: int) -> str:
    size_of = f"--groups {size} --rules 3 --nacls 3 --subnets 6 --cycles 2 --prefix-lists 3 --odd 0.1".split()
    name = f"made-{seed}-{size}"
    command = [
        sys.executable,
        str(GENERATOR),
        "--name",
        name,
        "--seed",
        str(seed),
        *size_of,
        "-o",
        str(folder),
    ]
    subprocess.run(command, check=True)
    return (folder / f"{name}.json").read_text()


def of_generator(seed: int, folder: Path, edits: int, size: int = 12) -> Sources:
    return changed(json.loads(_generated(seed, folder, size)), seed, edits)


def changed(document: Json, seed: int, edits: int) -> Sources:
    chance = random.Random(seed)
    vpcs = [vpc["VpcId"] for vpc in document["Vpcs"]]
    most = max(vpcs, key=lambda id_: sum(g["VpcId"] == id_ for g in document["SecurityGroups"]))
    vpc = chance.choice([most, most, *vpcs])
    settings = fw.settings(
        outside="skip", adopt=("default",), force=True, prune=True, associate="auto", map_vpc_cidr=True
    )
    is_ = copy.deepcopy(document)
    for _ in range(edits):
        _edit(is_, vpc, chance)
    return Sources(document, is_, _empty(document, vpc), settings, vpc)


def _empty(document: Json, vpc_id: str) -> Json:
    """The same network, under ids of its own."""
    (vpc,) = [item for item in document["Vpcs"] if item["VpcId"] == vpc_id]
    subnets = [item for item in document.get("Subnets") or () if item["VpcId"] == vpc_id]
    region = document.get("Region") or ""
    return {
        "Region": region,
        "OwnerId": OWNER,
        "Vpcs": [{**vpc, "VpcId": "vpc-target", "OwnerId": OWNER}],
        "Subnets": [
            {**item, "SubnetId": f"subnet-{number:02}", "VpcId": "vpc-target", "OwnerId": OWNER}
            for number, item in enumerate(subnets)
        ],
        "SecurityGroups": [],
        "NetworkAcls": [],
    }


def _edit(document: Json, vpc: str, chance: random.Random) -> None:
    groups = [group for group in document["SecurityGroups"] if group["VpcId"] == vpc]
    acls = [acl for acl in document.get("NetworkAcls") or () if acl["VpcId"] == vpc]
    if acls and chance.random() < 0.35:
        _edit_acl(acls, chance)
        return
    group = chance.choice(groups)
    key = chance.choice(("IpPermissions", "IpPermissions", "IpPermissionsEgress"))
    held = group[key]
    kind = chance.choice(("drop", "port", "port", "move", "new", "away"))
    if kind == "away" and group["GroupName"] != "default":
        _drop(document, group)
    elif kind == "move" and held and len(groups) > 1:
        other = chance.choice([one for one in groups if one is not group])
        other[key].append(held.pop(chance.randrange(len(held))))
        other[key] = _unlike(other[key])
    elif kind == "drop" and held:
        held.pop(chance.randrange(len(held)))
    elif kind == "port" and held:
        permission = chance.choice(held)
        if permission["IpProtocol"] in ("tcp", "udp", "6", "17") and permission.get("FromPort", -1) >= 0:
            permission["ToPort"] = min(65535, permission["ToPort"] + chance.choice((1, 1000)))
            group[key] = _unlike(held)
    else:
        name = f"new-{chance.randrange(10**6)}"
        document["SecurityGroups"].append(_grown(group, name, vpc))


def _unlike(permissions: list[Json]) -> list[Json]:
    """None twice."""
    found: dict[str, Json] = {}
    for permission in permissions:
        told = {key: value for key, value in permission.items() if value is not None}
        for kind in ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs"):
            for item in permission.get(kind) or ():
                one = {**told, "IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": []}
                one[kind] = [item]
                named = {k: v for k, v in item.items() if k != "Description"}
                span = (permission["IpProtocol"], permission.get("FromPort"), permission.get("ToPort"))
                found.setdefault(f"{span} {kind} {sorted(named.items())}", one)
    return list(found.values())


def _drop(document: Json, group: Json) -> None:
    """With the rules that name it."""
    document["SecurityGroups"].remove(group)
    for other in document["SecurityGroups"]:
        for key in ("IpPermissions", "IpPermissionsEgress"):
            other[key] = [
                permission
                for permission in _unlike(other[key])
                if not any(
                    pair.get("GroupId") == group["GroupId"]
                    for pair in permission.get("UserIdGroupPairs") or ()
                )
            ]


def _grown(group: Json, name: str, vpc: str) -> Json:
    made = fw.group(
        f"sg-{name}", name, "in tcp 443 192.0.2.0/24", fw.DEFAULT_EGRESS, vpc=vpc, owner=group["OwnerId"]
    )
    pair = {"GroupId": made["GroupId"], "UserId": group["OwnerId"]}
    group["IpPermissions"] = [
        *group["IpPermissions"],
        {"IpProtocol": "tcp", "FromPort": 4317, "ToPort": 4317, "UserIdGroupPairs": [pair], "IpRanges": []},
    ]
    return made


def _edit_acl(acls: list[Json], chance: random.Random) -> None:
    acl = chance.choice(acls)
    own = [entry for entry in acl["Entries"] if entry["RuleNumber"] < 32767]
    if not own or chance.random() < 0.3:
        taken = {entry["RuleNumber"] for entry in own}
        number = next(n for n in range(chance.choice((50, 150)), 32000) if n not in taken)
        text = (
            f"in {number} {chance.choice(('allow', 'deny'))} tcp {chance.choice((22, 443))} 198.51.100.0/24"
        )
        acl["Entries"].append(fw.entry(text))
        return
    entry = chance.choice(own)
    if chance.random() < 0.4:
        acl["Entries"].remove(entry)
    else:
        entry["RuleAction"] = "deny" if entry["RuleAction"] == "allow" else "allow"


def plots_of_cases(folder: Path, seeds: range, most: int = 12) -> Iterator[Plot]:
    """Of each case and seed the change that takes the most calls within ``most``."""
    for path in CASES:
        for seed in seeds:
            for edits in (4, 3, 2, 1):
                found = plot(folder, of_case(path, seed * 31 + edits, edits), seed)
                if found is not None and 0 < found.calls <= most:
                    yield found
                    break
