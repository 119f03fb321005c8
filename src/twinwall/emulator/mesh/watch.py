"""The invariants of the protocol, judged from outside: by the calls that go over the wire and by what the world holds.
Nothing of ``mesh`` is used here but the configuration: what a row claims is read from its item anew.

Availability   when a revoke is sent, no row that this handler last read claims the address
Foreign        only rules with the mesh's mark are revoked, and only by the group's own node
Answers        at each effective answer
Safety         at the end of each handler that proved its groups
Monotony       at each write of a row
Quiet, Liveness  at the end of the run
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinwall.boundary import Row, Table
from twinwall.emulator.mesh.fleet import Machine
from twinwall.emulator.mesh.wire import Environment
from twinwall.model.firewall import tag
from twinwall.model.members import Place, Site
from twinwall.model.ownership import MESH_TAG

if TYPE_CHECKING:
    from twinwall.emulator.mesh.world import World

LOCAL_ANSWER = 5.0


class Violation(AssertionError):
    def __init__(self, invariant: str, story: str) -> None:
        super().__init__(f"{invariant}: {story}")
        self.invariant = invariant


@dataclass
class Notes:
    """Of one invocation: rows as last read, when, and the groups as last read with the moment the read was begun."""

    rows: tuple[Row, ...] | None = None
    unknown: Mapping[str, float] = None  # type: ignore[assignment]
    rows_at: float = -1.0
    proofs: dict[str, tuple[float, list[dict[str, Any]]]] = None  # type: ignore[assignment]
    refused: set[str] = None  # type: ignore[assignment]
    began: float = 0.0
    troubled: bool = False


def listed(row: Row) -> set[str]:
    return {*(row.get("ips") or ()), *(row.get("ips6") or ())}


class Watch:
    def __init__(self, world: "World") -> None:
        self._world = world

    def _notes(self, env: Environment) -> Notes:
        found = env.notes.get("watch")
        if not isinstance(found, Notes):
            found = env.notes["watch"] = Notes(proofs={}, refused=set(), began=self._world.sim.monotonic())
        return found

    # --- what is seen

    def table_read(self, env: Environment, node: str, found: Table) -> None:
        if node == env.node:
            notes = self._notes(env)
            notes.rows, notes.unknown, notes.rows_at = found.rows, found.unknown, self._world.sim.monotonic()

    def ec2_sent(self, env: Environment, place: Place, action: str, request: Mapping[str, Any]) -> None:
        if action != "RevokeSecurityGroupIngress":
            return
        site = self._site(request["GroupId"])
        self._world.log(f"   revoke in {site.key} by {env.process.name}: {request}")
        if site.node != env.node:
            raise Violation("Foreign", f"{env.node} revokes in the group of {site.key}")
        notes = self._notes(env)
        for rule in self._rules(place, request["GroupId"]):
            if rule.rule_id in request["SecurityGroupRuleIds"]:
                if tag(rule.tags, MESH_TAG) != self._world.mesh.name:
                    raise Violation("Foreign", f"{env.node} revokes {rule} of {site.key}, which is not marked")
                claiming = self._claiming(env, notes, str(rule.peer))
                if claiming:
                    raise Violation(
                        "Availability",
                        f"{env.process.name} revokes {rule.peer} of {site.key}, claimed by {claiming} as last read",
                    )

    def ec2_answered(
        self, env: Environment, place: Place, action: str, request: Mapping[str, Any], answer: Any, begun: float
    ) -> None:
        if action == "DescribeSecurityGroupRules":
            (only,) = request["Filters"]
            for group_id in only["Values"]:
                rules = [rule for rule in answer["SecurityGroupRules"] if rule["GroupId"] == group_id]
                self._notes(env).proofs[group_id] = (begun, rules)

    def wrote(self, node: str, before: Row | None, after: Row) -> None:
        old = (before or {}).get("generation") or 0
        if (after.get("generation") or 0) < old:
            raise Violation("Monotony", f"{after['region']}/{after['asg']} fell in {node}'s table from {old}")

    def answered(self, env: Environment, place: Place, machine: Machine, result: str) -> None:
        """Just before the action ends."""
        self._world.log(f"   answer {result} for {machine.id} ({machine.kind}) {machine.address}")
        self._world.answers += 1
        site = next(s for s in self._world.mesh.sites if s.place == place and s.key.asg == machine.asg)
        notes = self._notes(env)
        self._check_time(env, notes, machine)
        if result == "ABANDON":
            if not self._world.tight:
                raise Violation("Answers", f"ABANDON for {machine.id} although there is room")
            return
        begun, rules = notes.proofs.get(site.group_id, (-1.0, []))
        shown = {rule.get("CidrIpv4") for rule in rules if not rule["IsEgress"]}
        claims = self._claims(env, notes)
        address = f"{machine.address}/32"
        if machine.kind == "launch":
            if begun < notes.rows_at or notes.rows is None:
                raise Violation("Answers", f"{machine.id} is told CONTINUE before a proof")
            if address not in shown:
                raise Violation("Answers", f"{machine.id} is told CONTINUE, and no proof shows {address}")
            if not claims <= shown and not self._world.tight:
                raise Violation("Answers", f"{machine.id} is told CONTINUE without {sorted(claims - shown)}")
        elif address in shown - claims and self._marked(rules, address) and not self._is_suspended(env, notes):
            raise Violation("Answers", f"{machine.id} is told CONTINUE while {address} stands in {site.key}")

    def _check_time(self, env: Environment, notes: Notes, machine: Machine) -> None:
        took = self._world.sim.monotonic() - notes.began
        if took > LOCAL_ANSWER and self._world.quiet:
            raise Violation("Answers", f"{machine.id} was answered {took:.1f} s after the handler began")

    def ran_out(self, machine: Machine, result: str) -> None:
        self._world.log(f"   heartbeat of {machine.id} ({machine.kind}) ran out: {result}")
        if self._world.quiet or self._world.calm_since < self._world.sim.monotonic() - self._world.mesh.heartbeat:
            raise Violation("Answers", f"the hook of {machine.id} was never answered")

    def ended(self, env: Environment, answer: Any) -> None:
        """A handler is over. Where it answered without a failure after a lease of its own, its groups were proven."""
        notes = self._notes(env)
        failed = not isinstance(answer, dict) or answer["batchItemFailures"]
        self._world.log(f"{env.process.name} ends: {answer if failed else 'done'}")
        if failed or notes.rows is None:
            return
        for site in self._world.mesh.sites:
            begun, rules = notes.proofs.get(site.group_id, (-1.0, []))
            if site.node == env.node and begun >= notes.rows_at and not self._is_suspended(env, notes):
                self._check_safety(env, notes, site, rules)

    def _check_safety(self, env: Environment, notes: Notes, site: Site, rules: Iterable[Mapping[str, Any]]) -> None:
        claims = self._claims(env, notes)
        for rule in rules:
            cidr = rule.get("CidrIpv4")
            if cidr and cidr not in claims and _is_marked(rule, self._world.mesh.name) and not self._only_adds(env, notes):
                raise Violation("Safety", f"{env.process.name} ends with {cidr} in {site.key}, claimed by nobody")

    # --- what rows say

    def _site(self, group_id: str) -> Site:
        return next(site for site in self._world.all_sites if site.group_id == group_id)

    def _rules(self, place: Place, group_id: str) -> Any:
        return self._world.aws.world.at(place.account, place.region).groups[group_id].rules

    def _marked(self, rules: Iterable[Mapping[str, Any]], cidr: str) -> bool:
        return any(r.get("CidrIpv4") == cidr and _is_marked(r, self._world.mesh.name) for r in rules)

    def _now(self, env: Environment) -> float:
        return self._world.sim.now() + env.clock

    def _by_site(self, notes: Notes, env: Environment) -> dict[Site, Row | None]:
        rows = {(row["region"], row["asg"]): row for row in notes.rows or ()}
        return {site: rows.get((site.key.region, site.key.asg)) for site in self._world.mesh_of(env.node).sites}

    def _claiming(self, env: Environment, notes: Notes, cidr: str) -> str:
        for site, row in self._by_site(notes, env).items():
            if row and cidr in listed(row) and not self._is_past(env, row):
                return str(site.key)
        return ""

    def _claims(self, env: Environment, notes: Notes) -> set[str]:
        return {
            cidr
            for row in self._by_site(notes, env).values()
            if row and not self._is_past(env, row)
            for cidr in listed(row)
        }

    def _is_past(self, env: Environment, row: Row) -> bool:
        """A second's grace: the handler looked at its clock a little earlier."""
        mesh = self._world.mesh_of(env.node)
        if mesh.policy == "keep" or row.get("tombstone"):
            return bool(row.get("tombstone"))
        moment = row.get("observed_at")
        return moment is not None and self._now(env) - moment / 1000 > mesh.expiry

    def _is_suspended(self, env: Environment, notes: Notes) -> bool:
        """A configured site has no readable row at all."""
        return any(
            row is None or row.get("tombstone") or (not listed(row) and row.get("observed_at") is None)
            for row in self._by_site(notes, env).values()
        )

    def _only_adds(self, env: Environment, notes: Notes) -> bool:
        """The node's own row was older than T, so that it may have been restored."""
        return bool(env.notes.get("restored"))


def _is_marked(rule: Mapping[str, Any], mesh: str) -> bool:
    return {"Key": MESH_TAG, "Value": mesh} in (rule.get("Tags") or ())
