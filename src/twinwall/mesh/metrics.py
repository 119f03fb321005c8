"""A line of metrics in CloudWatch's embedded format (CloudWatch user guide, "Embedded metric format specification"):
whoever reads the log finds them there, and CloudWatch makes metrics of them without a call."""

from collections.abc import Mapping
from typing import Any

NAMESPACE = "Twinwall/Mesh"
_UNITS = {"Lag": "Seconds"}


def metrics(values: Mapping[str, float], mesh: str, site: str, now: float) -> dict[str, Any]:
    """``site``: or the node, for what concerns no single site."""
    told = {
        "Namespace": NAMESPACE,
        "Dimensions": [["Mesh", "Site"]],
        "Metrics": [{"Name": name, "Unit": _UNITS.get(name, "Count")} for name in values],
    }
    return {
        "_aws": {"Timestamp": round(now * 1000), "CloudWatchMetrics": [told]},
        "Mesh": mesh,
        "Site": site,
        **values,
    }
