"""Step 2 of a pass: what Auto Scaling and EC2 show of our sites, asked at once, before any row is read."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from twinwall.engine.mesh.run import Run, at_once
from twinwall.mesh.addresses import instance_of
from twinwall.mesh.members import GONE_INSTANCES, Instance
from twinwall.model.members import Place, Site, SiteKey
from twinwall.model.rules import SecurityGroupRule

Groups = Mapping[str, Sequence[SecurityGroupRule]]


@dataclass
class Picture:
    states: dict[SiteKey, Mapping[str, str]] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)
    groups: dict[str, Sequence[SecurityGroupRule]] = field(default_factory=dict)


def places(sites: Collection[Site]) -> dict[Place, list[Site]]:
    """Usually one; more where a node acts for a neighbour."""
    found: dict[Place, list[Site]] = {}
    for site in sites:
        found.setdefault(site.place, []).append(site)
    return found


def rules_of(groups: Groups, site: Site) -> list[SecurityGroupRule]:
    """Of all groups of a site."""
    return [rule for group_id in site.groups for rule in groups[group_id]]


def group_ids(sites: Collection[Site]) -> list[str]:
    return [group_id for site in sites for group_id in site.groups]


def look(run: Run, named: Collection[tuple[Place, str]]) -> Picture:
    """``named``: instances of this batch's events, described by their ids too: no list may show them yet."""
    picture = Picture()
    jobs: list[Callable[[], None]] = []
    for place, sites in places(run.around.sites).items():
        ids = sorted({id_ for at, id_ in named if at == place})
        jobs += _jobs(run, picture, place, sites, ids)
    at_once(run.around.crew(), jobs)
    return picture


def _jobs(
    run: Run, picture: Picture, place: Place, sites: list[Site], ids: list[str]
) -> list[Callable[[], None]]:
    doors = run.around.doors
    names = [site.key.asg for site in sites]

    def states() -> None:
        found = doors.scaling(place).states(names, run.within())
        picture.states.update((site.key, found[site.key.asg]) for site in sites if site.key.asg in found)

    def instances() -> None:
        keep(doors.ec2(place).instances(run.within(), groups=names))

    def named() -> None:
        keep(doors.ec2(place).instances(run.within(), ids=ids))

    def keep(documents: Sequence[Mapping[str, Any]]) -> None:
        for document in documents:
            one = instance_of(document, run.around.mesh)
            old = picture.instances.get(one.id)
            if (
                old is None
                or one.state in GONE_INSTANCES
                or not (old.addresses or old.state in GONE_INSTANCES)
            ):
                picture.instances[one.id] = one

    def rules() -> None:
        picture.groups.update(doors.ec2(place).rules(group_ids(sites), run.within()))

    return [states, instances, rules, *([named] if ids else [])]


def groups_of(run: Run) -> Groups:
    """The rules of our own groups alone: the proof, and a woken owner's first look."""
    found: dict[str, Sequence[SecurityGroupRule]] = {}

    def ask(place: Place, sites: list[Site]) -> Groups:
        return run.around.doors.ec2(place).rules(group_ids(sites), run.within())

    jobs = [lambda at=place, of=sites: ask(at, of) for place, sites in places(run.around.sites).items()]
    for part in at_once(run.around.crew(), jobs):
        found.update(part)
    return found
