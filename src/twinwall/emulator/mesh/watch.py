"""The invariants of the protocol, judged from outside: by the calls that go over the wire and by what the world holds.
Nothing of ``mesh`` is used here but the configuration: what a row claims is read from its item anew.

Availability     when a revoke is sent: no row that this handler last read claims the address, no site lacks a row,
                 and the rule is older than that reading (groups are read before rows)
Rights           who may do what: only a group's own node revokes there; others add what their row there lists
Foreign          only rules with the mesh's mark are revoked
Answers          at each effective answer; and nobody who left is a member again
Safety           at the end of each handler that proved its groups
Monotony         at each write of a row
Threads          when a handler ends, none of its calls is on its way
Quiet, Liveness  at the end of the run
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from twinwall.boundary import Row, Table
from twinwall.emulator.mesh.instances import Machine
from twinwall.emulator.mesh.notes import Notes, Violation
from twinwall.emulator.mesh.shapes import block_of, blocks, is_readable, listed
from twinwall.emulator.mesh.wire import Environment
from twinwall.mesh.settings import Mesh
from twinwall.model.firewall import tag
from twinwall.model.members import Place, Site, SiteKey
from twinwall.model.ownership import MESH_TAG

if TYPE_CHECKING:
    from twinwall.emulator.mesh.world import World

LOCAL_ANSWER = 5.0


class Watch:
    def __init__(self, world: "World") -> None:
        self._world = world
        self._born: dict[str, float] = {}
        self._unreadable: dict[tuple[str, SiteKey], float] = {}
        """Since when a node has found a site without a readable row, each time it looked."""
        self._released: dict[tuple[str, str], float] = {}
        """(node, instance): when the node's own row last said that it may go."""
        self.left: set[tuple[str, str]] = set()
        """(node, instance): told to go on ending. A table that was lost or restored knows nothing of it."""
        self.lost_at: dict[str, float] = {}

    def notes(self, env: Environment) -> Notes:
        found = env.notes.get("watch")
        if not isinstance(found, Notes):
            mesh = env.notes["mesh"]
            assert isinstance(mesh, Mesh)
            found = env.notes["watch"] = Notes(env, mesh, self._world.sim.monotonic())
        return found

    # --- what is seen

    def table_read(self, env: Environment, node: str, found: Table) -> None:
        if node != env.node:
            return
        notes, now = self.notes(env), self._world.sim.monotonic()
        notes.rows, notes.rows_at = found.rows, now
        for site, row in notes.by_site().items():
            if is_readable(row):
                self._unreadable.pop((node, site.key), None)
            else:
                self._unreadable.setdefault((node, site.key), now)

    def pushed(self, env: Environment, node: str, row: Row, standing: Row | None) -> None:
        """To another node, and taken there, or there already."""
        if standing is None or standing == row:
            self.notes(env).pushed.setdefault(node, set()).update(listed(row))

    def authorized(self, answer: Mapping[str, Any]) -> None:
        for rule in answer["SecurityGroupRules"]:
            self._born[rule["SecurityGroupRuleId"]] = self._world.sim.monotonic()

    def ec2_sent(self, env: Environment, place: Place, action: str, request: Mapping[str, Any]) -> None:
        if action == "AuthorizeSecurityGroupIngress":
            self._check_add(self.notes(env), self._site(request["GroupId"]), request)
        elif action == "RevokeSecurityGroupIngress":
            self._check_revoke(self.notes(env), place, request)

    def _check_add(self, notes: Notes, site: Site, request: Mapping[str, Any]) -> None:
        ranges = [cidr for part in request["IpPermissions"] for cidr in blocks(part)]
        unsaid = set(ranges) - notes.pushed.get(site.node, set())
        if site.node != notes.env.node and unsaid:
            who = notes.env.process.name
            raise Violation(
                "Rights", f"{who} adds {sorted(unsaid)} to {site.key} before its row was taken there"
            )

    def _check_revoke(self, notes: Notes, place: Place, request: Mapping[str, Any]) -> None:
        site, env = self._site(request["GroupId"]), notes.env
        self._world.log(f"   revoke in {site.key} by {env.process.name}: {request}")
        if site.node != env.node:
            raise Violation("Rights", f"{env.node} revokes in the group of {site.key}")
        self._check_suspended(notes)
        for rule in self._world.aws.world.at(place.account, place.region).groups[request["GroupId"]].rules:
            if rule.rule_id in request["SecurityGroupRuleIds"]:
                if tag(rule.tags, MESH_TAG) != self._world.mesh.name:
                    raise Violation(
                        "Foreign", f"{env.node} revokes {rule} of {site.key}, which is not marked"
                    )
                self._check_available(notes, site, str(rule.peer), self._born.get(rule.rule_id, 0.0))

    def _check_available(self, notes: Notes, site: Site, cidr: str, born: float) -> None:
        who = notes.env.process.name
        for other, row in notes.by_site().items():
            if row and cidr in listed(row) and not self._is_past(notes, row):
                story = f"{who} revokes {cidr} of {site.key}, which {other.key} claims as last read"
                raise Violation("Availability", story)
        if born > notes.rows_at:
            raise Violation(
                "Availability", f"{who} revokes {cidr} of {site.key}, younger than the rows it read"
            )

    def _check_suspended(self, notes: Notes) -> None:
        """By what the handler read: a row that is lost afterwards suspends the next one."""
        for site in notes.mesh.sites:
            since = self._unreadable.get((notes.env.node, site.key))
            lasts = notes.mesh.policy == "keep" or (
                since is not None
                and self._world.sim.monotonic() - since < notes.mesh.expiry - notes.mesh.skew
            )
            if since is not None and since <= notes.rows_at and lasts:
                raise Violation(
                    "Availability", f"{notes.env.node} revokes while {site.key} has no readable row"
                )

    def ec2_answered(
        self, env: Environment, action: str, request: Mapping[str, Any], answer: Any, begun: float
    ) -> None:
        if action == "DescribeSecurityGroupRules":
            (only,) = request["Filters"]
            for group_id in only["Values"]:
                rules = [rule for rule in answer["SecurityGroupRules"] if rule["GroupId"] == group_id]
                proofs = self.notes(env).proofs
                first, before = proofs[group_id] if "NextToken" in request else (begun, [])
                proofs[group_id] = (first, [*before, *rules])

    def wrote(self, node: str, before: Row | None, after: Row) -> None:
        old, new = (before or {}).get("generation") or 0, after.get("generation") or 0
        if new < old:
            raise Violation(
                "Monotony", f"{after['region']}/{after['asg']} fell in {node}'s table from {old} to {new}"
            )
        if after.get("writer") != node:
            return
        now = self._world.sim.monotonic()
        self._released |= {(node, release["instance"]): now for release in after.get("released") or ()}
        for member in after.get("members") or ():
            if (node, member["instance"]) in self.left:
                raise Violation("Answers", f"{node} has {member['instance']} in its row, which was let go")

    # --- answers

    def came_back(self, machine: Machine) -> None:
        """From the warm pool: it is to be a member again."""
        self.left = {pair for pair in self.left if pair[1] != machine.id}

    def answered(self, notes: Notes, place: Place, machine: Machine, result: str) -> None:
        """As the action ends; ``machine`` is as it was before."""
        held = " ".join(one.text for one in machine.held)
        self._world.log(f"   answer {result} for {machine.id} ({machine.kind}) {held}")
        self._world.answers += 1
        took = self._world.sim.monotonic() - notes.began
        if took > LOCAL_ANSWER and self._world.quiet and not self._world.weather.hiccups:
            raise Violation("Answers", f"{machine.id} was answered {took:.1f} s after the handler began")
        if result == "ABANDON":
            if not self._world.tight:
                raise Violation("Answers", f"ABANDON for {machine.id} although there is room")
            return
        site = next(s for s in self._world.all_sites if s.place == place and s.key.asg == machine.asg)
        begun, rules = notes.proof(site)
        if begun < notes.rows_at or notes.rows is None:
            raise Violation("Answers", f"{machine.id} is told CONTINUE before a proof")
        self._check_continue(notes, site, machine, rules)

    def _check_continue(
        self, notes: Notes, site: Site, machine: Machine, rules: Iterable[Mapping[str, Any]]
    ) -> None:
        shown = {block_of(rule) for rule in rules if not rule["IsEgress"]}
        claims, own = self._claims(notes), machine.counted(notes.mesh)
        if machine.kind == "launch":
            # an address that was swapped for another meanwhile counts as it stands in the row that was proven
            seen = notes.began - self._world.fleets[site.place].lag
            lacking = machine.counted(notes.mesh, seen) - shown
            if (lacking or not (own | notes.addresses_of(machine)) & shown) and not machine.is_warm:
                raise Violation(
                    "Answers", f"{machine.id} is told CONTINUE, and no proof shows {lacking or own}"
                )
            if not claims <= shown and not self._world.tight:
                raise Violation("Answers", f"{machine.id} is told CONTINUE without {sorted(claims - shown)}")
            return
        written = self._released.get((site.node, machine.id), -1.0)  # and not lost since with the table
        if written > self.lost_at.get(site.node, -1.0) and notes.mesh.remove == "before":
            self.left.add((site.node, machine.id))
        standing = own & ({block_of(rule) for rule in rules if self._is_marked(rule)} - claims)
        if standing and not notes.is_suspended:
            raise Violation("Answers", f"{machine.id} is told CONTINUE while {standing} stands in {site.key}")

    def ran_out(self, machine: Machine, result: str) -> None:
        self._world.log(f"   heartbeat of {machine.id} ({machine.kind}) ran out: {result}")
        began = self._world.sim.monotonic() - self._world.mesh.heartbeat
        waited_in_calm = self._world.calm_since < began and not machine.is_warm  # no list shows those
        if self._world.quiet or waited_in_calm:
            raise Violation("Answers", f"the hook of {machine.id} was never answered")

    # --- ends

    def ended(self, env: Environment, answer: Any) -> None:
        """A handler is over. Where it failed at nothing, what it proved last is to be right."""
        notes = self.notes(env)
        failed = not isinstance(answer, dict) or answer["batchItemFailures"]
        self._world.log(f"{env.process.name} ends: {answer if failed else 'done'}")
        if self._world.wire.on_their_way.get(env):
            raise Violation("Threads", f"{env.process.name} ends while a call of its own is on its way")
        if failed or notes.rows is None or notes.is_suspended or notes.only_adds:
            return
        for site in notes.mesh.sites_of(env.node):
            begun, rules = notes.proof(site)
            if begun >= notes.rows_at:
                self._check_safety(notes, site, rules)

    def _check_safety(self, notes: Notes, site: Site, rules: Iterable[Mapping[str, Any]]) -> None:
        claims = self._claims(notes)
        for rule in rules:
            cidr = block_of(rule)
            if cidr and cidr not in claims and self._is_marked(rule):
                who = notes.env.process.name
                raise Violation("Safety", f"{who} ends with {cidr} in {site.key}, claimed by nobody")

    # --- what rows say

    def _site(self, group_id: str) -> Site:
        return next(site for site in self._world.all_sites if group_id in site.groups)

    def _is_marked(self, rule: Mapping[str, Any]) -> bool:
        tags: Iterable[Mapping[str, str]] = rule.get("Tags") or ()
        return (MESH_TAG, self._world.mesh.name) in [(one["Key"], one["Value"]) for one in tags]

    def _claims(self, notes: Notes) -> set[str]:
        """By the rows as they were when they were read; one that comes of age later is the next handler's."""
        ago = self._world.sim.monotonic() - notes.rows_at
        rows = [row for row in notes.by_site().values() if row and not self._is_past(notes, row, ago)]
        return {cidr for row in rows for cidr in listed(row)}

    def _is_past(self, notes: Notes, row: Row, ago: float = 0.0) -> bool:
        """``ago``: so many seconds before now."""
        if row.get("tombstone"):
            return True
        moment, now = row.get("observed_at"), self._world.sim.now() - ago + notes.env.clock
        if notes.mesh.policy == "keep":
            return False
        if moment is not None:
            return bool(now - moment / 1000 > notes.mesh.expiry)
        key = SiteKey(row["region"], row["asg"])
        return (
            self._world.sim.monotonic() - ago - self._world.undated.get((notes.env.node, key), 0.0)
            > notes.mesh.expiry
        )
