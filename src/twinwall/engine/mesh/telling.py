"""What a handler tells when it is done: how its sites stand, as metrics, and what somebody should look at."""

from collections.abc import Collection

from twinwall.engine.mesh.look import Groups, rules_of
from twinwall.engine.mesh.passing import Passed
from twinwall.engine.mesh.run import Run
from twinwall.engine.mesh.survey import Survey
from twinwall.mesh.metrics import metrics
from twinwall.mesh.room import room_left
from twinwall.mesh.rows import Roster
from twinwall.model.members import Site


def tell(run: Run, passed: Passed, moments: Collection[float]) -> None:
    """``moments``: of the events that were dealt with; from the first of them the lag counts."""
    _tell_sites(run, passed.roster, passed.proof, moments)
    for key, seen in passed.seen.items():
        for alarm in seen.alarms:
            run.log("alarm", site=str(key), why=alarm)


def tell_survey(run: Run, found: Survey) -> None:
    """A true-up that finds nothing to do: how things stand is told all the same, so that no alarm lacks its data."""
    _tell_sites(run, found.roster, found.groups, ())


def _tell_sites(run: Run, roster: Roster, groups: Groups, moments: Collection[float]) -> None:
    now = run.now()
    lag = {"Lag": max(now - min(moments), 0.0)} if moments else {}
    for site in run.around.sites:
        values = {**_values(run, roster, groups, site), **lag}
        run.around.log(metrics(values, run.around.mesh.name, str(site.key), now))
    for alarm in roster.alarms:
        run.log("alarm", why=alarm)


def _values(run: Run, roster: Roster, groups: Groups, site: Site) -> dict[str, float]:
    row = roster.row(site.key)
    return {
        "Members": len(row.members) if row else 0,
        "Rules": len(rules_of(groups, site)),
        "RoomLeft": room_left([groups[id_] for id_ in site.groups], run.around.mesh.rules_per_group),
        "UnknownSites": sum(not standing.known for standing in roster.standings),
        "UntrustedRows": sum(not standing.trusted for standing in roster.standings),
        "NodesFailed": len(run.failed),
        "RulesRefused": len(run.refused.get(site.group_id, ())),
    }


def tell_failure(run: Run) -> None:
    run.around.log(metrics({"Failures": 1}, run.around.mesh.name, run.around.node, run.now()))
