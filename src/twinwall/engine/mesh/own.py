"""Step 3 of a pass: our own rows, written where their content changed, under the lease and on top of the generation
that was read before the Describe calls."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from twinwall.boundary import Row, Table
from twinwall.engine.mesh.lease import Lease
from twinwall.engine.mesh.look import Picture
from twinwall.engine.mesh.run import NotDone, Run
from twinwall.mesh.members import Observation, Seen, observe
from twinwall.mesh.rows import Roster, item_of, key_of
from twinwall.model.members import Membership, Site, SiteKey, addresses_of


@dataclass
class Batch:
    """What the events of this run tell the pass. ``push``: sites whose rows go to the others in any case."""

    named: dict[SiteKey, set[str]] = field(default_factory=dict)
    returned: dict[SiteKey, dict[str, float]] = field(default_factory=dict)
    push: set[SiteKey] = field(default_factory=set)


def observations(run: Run, picture: Picture, roster: Roster, batch: Batch) -> dict[SiteKey, Observation]:
    """Of our sites whose group Auto Scaling showed; of the others nothing is known, and their rows stay."""
    found = {}
    for site in run.around.sites:
        states = picture.states.get(site.key)
        if states is None:
            run.log("no-group", site=str(site.key))
            continue
        seen = Seen(
            states, picture.instances, batch.named.get(site.key, ()), batch.returned.get(site.key, {})
        )
        old = roster.row(site.key)
        found[site.key] = observe(old, site, seen, run.let_go.get(site.key, ()), run.now())
    return found


def next_row(run: Run, site: Site, old: Membership | None, seen: Observation) -> Membership | None:
    """The row to be written, None if the one that stands says it all, and not too long ago: a row that came of age
    while its own node works would claim nothing any more."""
    now = round(run.now(), 3)
    generation = (old.generation if old else None) or 0
    floor = run.floor.get(site.key, -1)
    fresh = old is not None and old.observed_at is not None and not old.tombstone
    row = Membership(
        site.key,
        seen.members,
        generation,
        now,
        seen.released,
        writer=run.around.node,
        unheard=run.unheard,
        returned=seen.returned,
        listed=addresses_of(seen.members),
    )
    if old is None or not fresh or old.content != row.content or generation <= floor:
        return replace(row, generation=max(generation + 1, floor + 1, int(now * 1000)))
    assert old.observed_at is not None
    return row if now - old.observed_at > run.around.mesh.expiry / 3 else None


def write(run: Run, lease: Lease, table: Table, rows: Collection[Membership], before: Roster) -> None:
    """All at once, and tombstones for sites that the configuration does not name; raises ``NotDone`` if a row moved or
    the lease was lost."""
    standing = {key_of(item): item.get("generation") for item in table.rows}
    items: list[tuple[Row, int | None]] = [(item_of(row), standing.get(row.key)) for row in rows]
    for stranger in before.strangers:
        generation = max((stranger.generation or 0) + 1, int(run.now() * 1000))
        tombstone = replace(stranger, generation=generation, tombstone=True, writer=run.around.node)
        items.append((item_of(tombstone), standing.get(stranger.key)))
    if not items:
        return
    within = lease.check(run)
    if not run.around.table.write(items, lease.token, within):
        raise NotDone("a row of ours has moved, or the lease is lost", after=1.0)
    for row in rows:
        _log_row(run, row, before.row(row.key))


def _log_row(run: Run, row: Membership, before: Membership | None) -> None:
    pairs = {member.pair for member in row.members}
    was = {member.pair for member in before.members} if before else set()
    admitted = [f"{address} {instance}" for address, instance in sorted(pairs - was)]
    left = [f"{address} {instance}" for address, instance in sorted(was - pairs)]
    run.log("row", site=str(row.key), generation=row.generation, admitted=admitted, left=left)


def revived(run: Run, roster: Roster) -> list[Membership]:
    """Sites of others that are configured again: their tombstones go, so that their rows may come."""
    return [
        Membership(s.site.key, generation=s.row.generation, writer=run.around.node)
        for s in roster.standings
        if s.row is not None and s.row.tombstone and s.site.node != run.around.node
    ]
