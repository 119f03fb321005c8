"""What a true-up and a woken owner look at before they take the lease: nothing to do costs only reads."""

from dataclasses import dataclass

from twinwall.boundary import Table
from twinwall.engine.mesh.anti_entropy import Elsewhere, compare_tables
from twinwall.engine.mesh.look import Groups, Picture, groups_of, look, rules_of
from twinwall.engine.mesh.own import Batch, next_row, observations, revived
from twinwall.engine.mesh.run import Run
from twinwall.mesh.events import Hook, Launching, Leaving, Message
from twinwall.mesh.roster import compare, placeholders
from twinwall.mesh.rows import Roster, judge


@dataclass(frozen=True)
class Survey:
    """``hooks``: instances that wait for our answer, whose events may be lost."""

    differs: bool
    hooks: list[Message]
    elsewhere: Elsewhere
    roster: Roster
    groups: Groups


def is_awake(run: Run) -> bool:
    """Is there anything to do for an owner that was woken? Groups before rows. One that has no row yet, a new node or
    one whose table was lost, writes it now: as long as a site has none, nobody else may revoke."""
    groups = groups_of(run)
    roster = _roster(run, run.around.table.read(run.within()))
    bare = any(roster.row(site.key) is None for site in run.around.sites)
    return bare or _groups_differ(run, groups, roster)


def survey(run: Run, batch: Batch) -> Survey:
    picture = look(run, ())
    table = run.around.table.read(run.within())
    elsewhere = compare_tables(run, table)
    roster = _roster(run, table)
    hooks = _waiting(run, picture)
    differs = (
        bool(elsewhere.push or elsewhere.pull or run.floor)
        or _rows_differ(run, picture, roster, batch)
        or _groups_differ(run, picture.groups, roster)
    )
    return Survey(differs, hooks, elsewhere, roster, picture.groups)


def _roster(run: Run, table: Table) -> Roster:
    return judge(table.rows, run.around.mesh, run.now(), table.unknown)


def _rows_differ(run: Run, picture: Picture, roster: Roster, batch: Batch) -> bool:
    seen = observations(run, picture, roster, batch)
    sites = [site for site in run.around.sites if site.key in seen]
    return any(next_row(run, site, roster.row(site.key), seen[site.key]) is not None for site in sites)


def _groups_differ(run: Run, groups: Groups, roster: Roster) -> bool:
    if roster.strangers or revived(run, roster):
        return True
    mesh = run.around.mesh
    for site in run.around.sites:
        rules = rules_of(groups, site)
        found = compare(rules, roster.claims, (), mesh.ports or placeholders(rules, site.group_id), mesh.name)
        if found.missing or (found.extra and roster.may_revoke):
            return True
    return False


def _waiting(run: Run, picture: Picture) -> list[Message]:
    hooks, mesh, now = [], run.around.mesh, round(run.now(), 3)
    for site in run.around.sites:
        for instance, state in sorted(picture.states.get(site.key, {}).items()):
            if state == "Pending:Wait":
                launch = Hook(site, mesh.launch_hook, instance, "")
                hooks.append(Message(Launching(launch, now)))
            elif state == "Terminating:Wait":
                hooks.append(Message(Leaving(Hook(site, mesh.terminate_hook, instance, ""), now)))
    return hooks
