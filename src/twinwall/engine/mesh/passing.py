"""A pass, under the lease. ``Passed`` if the groups were proven right; None: something changed meanwhile.

look ─▶ own rows ─▶ rows ─▶ add here, chains elsewhere ─▶ rows again ─▶ revoke ─▶ proof
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from twinwall.boundary import Table
from twinwall.engine.mesh import chains as elsewhere
from twinwall.engine.mesh import own
from twinwall.engine.mesh.lease import Lease, mutating
from twinwall.engine.mesh.look import Groups, Picture, groups_of, look, rules_of
from twinwall.engine.mesh.rules import Filling, revoke
from twinwall.engine.mesh.run import NotDone, Run, at_once
from twinwall.mesh.members import Observation
from twinwall.mesh.roster import Difference, by_site, compare, mark, placeholders
from twinwall.mesh.rows import Roster, judge
from twinwall.model.members import Site, SiteKey
from twinwall.model.rules import SecurityGroupRule, Traffic

PROOFS, BETWEEN_PROOFS = 3, 0.5
"""How often the groups are read for the proof: Describe calls lag."""


@dataclass(frozen=True)
class Passed:
    """``proof``: the groups as they were read after everything; ``roster``: the rows as last read before."""

    roster: Roster
    proof: Groups
    picture: Picture
    seen: Mapping[SiteKey, Observation]


@dataclass
class Pass:
    run: Run
    lease: Lease
    table: Table
    batch: own.Batch

    def carry_out(self) -> Passed | None:
        run = self.run
        named = {(site.place, id_) for site in run.around.sites for id_ in self.batch.named.get(site.key, ())}
        picture = look(run, named)
        before = self._judge(self.table)
        seen = own.observations(run, picture, before, self.batch)
        changed = self._write_rows(before, seen)
        self.table = run.around.table.read(run.within())
        roster = self._judge(self.table)
        if any(roster.row(key) != before.row(key) for key in self._own_keys() - changed):
            raise NotDone("a row of ours has moved: the lease is lost", after=1.0)
        rows = [s.row for s in roster.standings if s.row and s.site.key in changed | self.batch.push]
        chains = elsewhere.start(run, [row for row in rows if row.key in self._own_keys()])
        try:
            return self._bring_about(picture, seen, roster)
        finally:
            chains.wait()

    def _bring_about(
        self, picture: Picture, seen: Mapping[SiteKey, Observation], roster: Roster
    ) -> Passed | None:
        run = self.run
        self._add(picture, roster)
        self.table = run.around.table.read(run.within())
        again = self._judge(self.table)
        if any(again.row(key) != roster.row(key) for key in self._own_keys()):
            raise NotDone("a row of ours has moved: the lease is lost", after=1.0)
        if again.claimed != roster.claimed:
            return None
        revoked = self._revoke(picture, again)
        if revoked and any(run.refused.values()):
            run.refused.clear()  # there is room now
            return None
        proof = self._prove(again)
        return Passed(again, proof, picture, seen) if proof is not None else None

    def _judge(self, table: Table) -> Roster:
        return judge(table.rows, self.run.around.mesh, self.run.now(), table.unknown)

    def _own_keys(self) -> set[SiteKey]:
        """Nobody else writes these rows; one that moved all the same was restored, or another has the lease."""
        return {site.key for site in self.run.around.sites}

    def _write_rows(self, before: Roster, seen: Mapping[SiteKey, Observation]) -> set[SiteKey]:
        run = self.run
        rows = []
        for site in run.around.sites:
            if site.key in seen:
                row = own.next_row(run, site, before.row(site.key), seen[site.key])
                rows += [row] if row else []
        own.write(run, self.lease, self.table, [*rows, *own.revived(run, before)], before)
        return {row.key for row in rows}

    # --- our groups

    def _differences(self, groups: Groups, roster: Roster) -> dict[Site, Difference]:
        found = {}
        for site in self.run.around.sites:
            row = roster.row(site.key)
            existing = rules_of(groups, site)
            own_addresses = row.listed & roster.claims if row else frozenset()
            found[site] = compare(
                existing, roster.claims, own_addresses, self._ports(existing, site), self.run.around.mesh.name
            )
        return found

    def _ports(self, existing: Sequence[SecurityGroupRule], site: Site) -> tuple[Traffic, ...]:
        return self.run.around.mesh.ports or placeholders(existing, site.group_id)

    def _add(self, picture: Picture, roster: Roster) -> None:
        differences = self._differences(picture.groups, roster)
        jobs = [
            self._adding(site, found, roster, picture.groups)
            for site, found in differences.items()
            if found.missing
        ]
        at_once(self.run.around.crew(), jobs)

    def _adding(self, site: Site, found: Difference, roster: Roster, groups: Groups) -> Callable[[], None]:
        """Our own members' rules come first."""
        rows = {standing.site: standing.row for standing in roster.standings}
        parts = by_site(found.missing, rows)
        ordered = sorted(parts, key=lambda of: (of.node != self.run.around.node, of.key))

        run, standing = self.run, {id_: groups[id_] for id_ in site.groups}
        ec2 = run.around.doors.ec2(site.place)
        filling = Filling(
            standing, run.around.mesh.rules_per_group, lambda: ec2.rules(site.groups, run.within())
        )

        def job() -> None:
            refused: list[SecurityGroupRule] = []
            for of in ordered:
                refused += self._add_part(site, of, filling.without(parts[of]), roster, filling)
            run.refused[site.group_id] = set(refused)

        return job

    def _add_part(
        self, site: Site, of: Site, rules: list[SecurityGroupRule], roster: Roster, filling: Filling
    ) -> Sequence[SecurityGroupRule]:
        run, row = self.run, roster.row(of.key)
        tags = mark(run.around.mesh.name, of, (row.generation if row else None) or 0)
        ec2 = run.around.doors.ec2(site.place)

        def authorize(group_id: str, some: Sequence[SecurityGroupRule]) -> None:
            mutating(run, self.lease, lambda within: ec2.authorize(group_id, some, tags, within))

        added = filling.add(rules, authorize)
        run.log_added(site, row, added.into, added.refused)
        return added.refused

    def _revoke(self, picture: Picture, roster: Roster) -> bool:
        """By rule id, among what step 2 saw, what no row claims. True if there was any."""
        if self.run.unheard or not roster.may_revoke:
            return False
        groups = picture.groups
        extra = {s: d.extra for s, d in self._differences(groups, roster).items() if d.extra}
        jobs = [self._revoking(site, id_, rules) for site, id_, rules in _in_groups(extra, groups)]
        at_once(self.run.around.crew(), jobs)
        return bool(extra)

    def _revoking(self, site: Site, group_id: str, rules: Sequence[SecurityGroupRule]) -> Callable[[], None]:
        ec2 = self.run.around.doors.ec2(site.place)

        def call(ids: Sequence[str]) -> None:
            mutating(self.run, self.lease, lambda within: ec2.revoke(group_id, ids, within))

        def job() -> None:
            revoke([rule.rule_id for rule in rules], call)
            said = {"group": group_id, "call": "RevokeSecurityGroupIngress", "why": "claimed by no row"}
            self.run.log_rules("revoked", site, rules, **said)

        return job

    # --- the proof

    def _prove(self, roster: Roster) -> Groups | None:
        """None if the groups are not what the rows ask for."""
        for attempt in range(PROOFS):
            if attempt:
                self.run.around.clock.sleep(BETWEEN_PROOFS)
            proof = groups_of(self.run)
            if self._is_right(proof, roster):
                return proof
        return None

    def _is_right(self, proof: Groups, roster: Roster) -> bool:
        lasting = bool(self.run.unheard) or not roster.may_revoke
        return all(
            set(found.missing) <= self.run.refused.get(site.group_id, set()) and (lasting or not found.extra)
            for site, found in self._differences(proof, roster).items()
        )


def _in_groups(
    extra: Mapping[Site, Sequence[SecurityGroupRule]], groups: Groups
) -> Iterator[tuple[Site, str, list[SecurityGroupRule]]]:
    """Rules of a site by the group in which each stands."""
    for site, rules in extra.items():
        ids = {rule.rule_id for rule in rules}
        for group_id in site.groups:
            standing = [rule for rule in groups[group_id] if rule.rule_id in ids]
            if standing:
                yield site, group_id, standing


def passes(
    run: Run, lease: Lease, table: Table, batch: own.Batch, settle: Callable[[Passed], bool], most: int = 3
) -> Passed:
    """Until one is proven and ``settle`` has nothing more to change; at most ``most``, then back to the queue."""
    one = Pass(run, lease, table, batch)
    for _ in range(most):
        passed = one.carry_out()
        if passed is not None and not _below(run, passed) and settle(passed):
            return passed
    raise NotDone(f"things changed during each of {most} passes", after=1.0)


def _below(run: Run, passed: Passed) -> bool:
    """A table elsewhere has a newer copy of a row of ours: it must go above."""
    return any(
        ((row.generation if row else None) or 0) <= floor
        for key, floor in run.floor.items()
        for row in (passed.roster.row(key),)
    )
