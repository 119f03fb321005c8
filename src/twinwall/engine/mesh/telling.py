"""What a handler tells when it is done: how its sites stand, as metrics, and what somebody should look at."""

from collections.abc import Collection

from twinwall.engine.mesh.passing import Passed
from twinwall.engine.mesh.run import Run
from twinwall.mesh.metrics import metrics
from twinwall.mesh.room import room_left
from twinwall.model.members import Site


def tell(run: Run, passed: Passed, moments: Collection[float]) -> None:
    """``moments``: of the events that were dealt with; from the first of them the lag counts."""
    now = run.now()
    lag = {"Lag": max(now - min(moments), 0.0)} if moments else {}
    for site in run.around.sites:
        values = {**_values(run, passed, site), **lag}
        run.around.log(metrics(values, run.around.mesh.name, str(site.key), now))
    for alarm in passed.roster.alarms:
        run.log("alarm", why=alarm)
    for key, seen in passed.seen.items():
        for alarm in seen.alarms:
            run.log("alarm", site=str(key), why=alarm)


def _values(run: Run, passed: Passed, site: Site) -> dict[str, float]:
    row, rules = passed.roster.row(site.key), passed.proof[site.group_id]
    return {
        "Members": len(row.members) if row else 0,
        "Rules": len(rules),
        "RoomLeft": room_left(rules, run.around.mesh.rules_per_group),
        "UnknownSites": sum(not standing.known for standing in passed.roster.standings),
        "NodesFailed": len(run.failed),
        "RulesRefused": len(run.refused.get(site.group_id, ())),
    }


def tell_failure(run: Run) -> None:
    run.around.log(metrics({"Failures": 1}, run.around.mesh.name, run.around.node, run.now()))
