"""Who is told what of a node: its alarms and its dashboard, in nobody's language yet."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any

from twinwall.documents.deployment.settings import Json, Settings
from twinwall.mesh.metrics import NAMESPACE
from twinwall.model.members import Site

LOW_ROOM = 0.2


@dataclass(frozen=True)
class Alarm:
    """``what``: its name's last part; ``dimensions`` in CloudWatch's order. It rings when ``statistic`` of the metric
    in ``period`` seconds stands in ``comparison`` to ``threshold`` for ``periods`` in a row."""

    what: str
    description: str
    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str
    comparison: str
    threshold: float
    period: int = 300
    periods: int = 1


# --- alarms


def alarms_of(it: Settings) -> Iterator[Alarm]:
    mesh, names = it.mesh.name, it.names
    function = (("FunctionName", names.base),)
    queue, dead = (("QueueName", names.base),), (("QueueName", names.dead_letters),)
    at_node = (("Mesh", mesh), ("Site", it.node.name))
    over, at_least = "GreaterThanThreshold", "GreaterThanOrEqualToThreshold"
    yield Alarm(
        "failures", "A handler could not do its work; its line in the log says why", NAMESPACE, "Failures", at_node,
        "Sum", at_least, 3, periods=2,
    )  # fmt: skip
    yield Alarm("errors", "The function itself failed", "AWS/Lambda", "Errors", function, "Sum", at_least, 1)
    yield Alarm(
        "throttles",
        "Lambda had no room for the function",
        "AWS/Lambda",
        "Throttles",
        function,
        "Sum",
        at_least,
        1,
    )
    yield Alarm(
        "oldest-message", "Events wait for half a heartbeat: instances may be left without an answer", "AWS/SQS",
        "ApproximateAgeOfOldestMessage", queue, "Maximum", over, it.mesh.heartbeat / 2, period=60,
    )  # fmt: skip
    yield Alarm(
        "dead-letters", "Events that nobody could deal with", "AWS/SQS", "ApproximateNumberOfMessagesVisible", dead,
        "Maximum", at_least, 1,
    )  # fmt: skip
    for number, site in enumerate(it.mesh.sites_of(it.node.name)):
        where = f"{site.key.region}-{site.key.asg}"
        yield from _alarms_of_site(it, site, where if len(where) < 200 else f"{where[:190]}-{number}")


def _alarms_of_site(it: Settings, site: Site, where: str) -> Iterator[Alarm]:
    """``where``: the site in an alarm's name, of at most 255 characters."""
    at_least, below = "GreaterThanOrEqualToThreshold", "LessThanThreshold"
    at = (("Mesh", it.mesh.name), ("Site", str(site.key)))
    every = max(60, ceil(it.mesh.true_up_every / 60) * 60)
    quota = it.mesh.rules_per_group
    yield Alarm(
        f"unknown-{where}", f"As {site.key} sees it, a site's row is missing, too old or not to be believed", NAMESPACE,
        "UnknownSites", at, "Maximum", at_least, 1, every, 3,
    )  # fmt: skip
    yield Alarm(
        f"untrusted-{where}", f"As {site.key} sees it, a row lists what no site may list: somebody else writes tables",
        NAMESPACE, "UntrustedRows", at, "Maximum", at_least, 1, every,
    )  # fmt: skip
    yield Alarm(
        f"room-{where}", f"The group of {site.key} has room for less than 20 % of its {quota} rules", NAMESPACE,
        "RoomLeft", at, "Minimum", below, ceil(LOW_ROOM * quota), every,
    )  # fmt: skip


# --- dashboard


def dashboard_body(it: Settings) -> Json:
    """API: PutDashboard, "Dashboard body structure and syntax". Twenty-four columns."""
    region = it.node.place.region
    keys = [str(site.key) for site in it.mesh.sites_of(it.node.name)]
    mesh = it.mesh.name

    def of_sites(metric: str, **how: Any) -> list[Any]:
        return [[NAMESPACE, metric, "Mesh", mesh, "Site", key, {"label": key, **how}] for key in keys]

    name = it.names
    graphs: list[tuple[str, list[Any], str]] = [
        ("Members", of_sites("Members"), "Maximum"),
        ("Rules a group", of_sites("Rules"), "Maximum"),
        ("Room left, rules", of_sites("RoomLeft"), "Minimum"),
        ("From event to rule, seconds", of_sites("Lag"), "Maximum"),
        (
            "Unknown sites, untrusted rows",
            [*of_sites("UnknownSites"), *of_sites("UntrustedRows", yAxis="right")],
            "Maximum",
        ),
        (
            "Other nodes out of reach, rules refused",
            [*of_sites("NodesFailed"), *of_sites("RulesRefused", yAxis="right")],
            "Maximum",
        ),
        (
            "Function",
            [
                ["AWS/Lambda", metric, "FunctionName", name.base]
                for metric in ("Invocations", "Errors", "Throttles")
            ]
            + [[NAMESPACE, "Failures", "Mesh", mesh, "Site", it.node.name]],
            "Sum",
        ),
        (
            "Queue: oldest message, seconds; dead letters",
            [
                ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", name.base],
                [
                    "AWS/SQS",
                    "ApproximateNumberOfMessagesVisible",
                    "QueueName",
                    name.dead_letters,
                    {"yAxis": "right"},
                ],
            ],
            "Maximum",
        ),
    ]
    widgets = [
        _graph(number, title, metrics, statistic, region)
        for number, (title, metrics, statistic) in enumerate(graphs)
    ]
    return {"widgets": [*widgets, _log_table(it, len(graphs))]}


def _graph(number: int, title: str, metrics: list[Any], statistic: str, region: str) -> Json:
    place = {"x": 8 * (number % 3), "y": 6 * (number // 3), "width": 8, "height": 6}
    shown = {
        "title": title,
        "metrics": metrics,
        "stat": statistic,
        "period": 60,
        "region": region,
        "view": "timeSeries",
    }
    return {"type": "metric", **place, "properties": shown}


def _log_table(it: Settings, after: int) -> Json:
    query = (
        f"SOURCE '{it.names.log_group}' | fields @timestamp, event, site, why, error, instance, addresses.0 "
        "| filter event in ['alarm', 'failed', 'refused', 'node-failed', 'answered'] | sort @timestamp desc | limit 50"
    )
    place = {"x": 0, "y": 6 * ((after + 2) // 3), "width": 24, "height": 6}
    shown = {"title": "What was decided", "query": query, "region": it.node.place.region, "view": "table"}
    return {"type": "log", **place, "properties": shown}
