"""Step 4 of a pass, elsewhere: each other node as one chain beside the others. A row is pushed first; only then may
our members be added to that node's groups.

    push ─▶ refused by a newer copy: our row must go above it        ─▶ groups' rules ─▶ add our members
    │    └▶ no answer: the node has failed, and is not tried again in this run
    └▶ no time left before it: what happened is told again by the queue
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from twinwall.boundary import Crew, Row
from twinwall.engine.mesh.look import Groups, group_ids, places, rules_of
from twinwall.engine.mesh.rules import Filling
from twinwall.engine.mesh.run import NotDone, Run
from twinwall.errors import AwsError
from twinwall.mesh.roster import compare, mark, placeholders
from twinwall.mesh.rows import Unreadable, item_of, read_row
from twinwall.model.members import Membership, Node, Site
from twinwall.model.rules import SecurityGroupRule, Tags


@dataclass
class Chains:
    """Those on their way, on a crew of their own."""

    run: Run
    crew: Crew
    nodes: list[Node] = field(default_factory=list)

    def start(self, node: Node, rows: Sequence[Membership]) -> None:
        key = len(self.nodes)
        self.nodes.append(node)
        self.crew.start(key, lambda: _chain(self.run, node, rows))

    def wait(self) -> None:
        """Until each has ended: each of their calls ends by the deadline, so this does."""
        for _ in self.nodes:
            ended = self.crew.next()
            assert ended is not None
            node = self.nodes[ended.key]
            if isinstance(ended.error, AwsError | NotDone):
                self.run.failed.add(node.name)
                self.run.log("node-failed", other=node.name, error=str(ended.error))
            elif ended.error is not None:
                raise ended.error
        self.nodes = []


def start(run: Run, rows: Sequence[Membership]) -> Chains:
    chains = Chains(run, run.around.crew())
    for node in run.reachable() if rows else ():
        chains.start(node, rows)
    return chains


def _chain(run: Run, node: Node, rows: Sequence[Membership]) -> None:
    try:
        within = run.within_remote()
    except NotDone:
        run.unsent = True
        raise
    found = run.around.doors.table(node.name).push([item_of(row) for row in rows], within)
    accepted = [row for row, other in zip(rows, found, strict=True) if _is_taken(run, node, row, other)]
    sites = run.around.mesh.sites_of(node.name)
    for place, there in places(sites if accepted else ()).items():
        groups = run.around.doors.ec2(place).rules(group_ids(there), run.within_remote())
        for site in there:
            _add(run, site, accepted, groups)


def _is_taken(run: Run, node: Node, row: Membership, standing: Row | None) -> bool:
    if standing is None:
        return True
    try:
        other = read_row(standing)
    except Unreadable:
        other = Membership(row.key, generation=row.generation)
    if other.tombstone:
        run.log("site-removed-elsewhere", site=str(row.key), other=node.name)
        return False
    if other.age_key == row.age_key and other.content == row.content:
        return True
    run.floor[row.key] = max(run.floor.get(row.key, 0), other.generation or 0)
    return False


def _add(run: Run, site: Site, rows: Sequence[Membership], groups: Groups) -> None:
    mesh, ec2 = run.around.mesh, run.around.doors.ec2(site.place)
    existing = rules_of(groups, site)
    ports = mesh.ports or placeholders(existing, site.group_id)
    standing = {id_: groups[id_] for id_ in site.groups}
    filling = Filling(standing, mesh.rules_per_group, lambda: ec2.rules(site.groups, run.within_remote()))
    for row in rows:
        own = mesh.site(row.key)
        assert own is not None
        missing = compare(filling.rules, row.listed, row.listed, ports, mesh.name).missing
        tags = mark(mesh.name, own, row.generation or 0)

        def authorize(group_id: str, rules: Sequence[SecurityGroupRule], tags: Tags = tags) -> None:
            ec2.authorize(group_id, rules, tags, run.within_remote())

        added = filling.add(missing, authorize)
        run.log_added(site, row, added.into, added.refused)
