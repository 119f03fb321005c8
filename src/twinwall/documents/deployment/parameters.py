"""The parameters of a node's template: its own, and those of the published solution under their names."""

from collections.abc import Mapping
from typing import Any

from twinwall.documents.deployment import settings as s
from twinwall.documents.deployment.names import names_of
from twinwall.errors import ConfigError
from twinwall.mesh.configure import Configured
from twinwall.model.members import Node

Json = dict[str, Any]


def own_parameters() -> Json:
    return {
        "CodeBucket": {
            "Type": "String",
            "Description": "Bucket of the package that twinwall mesh package makes",
        },
        "CodeKey": {"Type": "String", "Description": "Its key"},
        "Runtime": {
            "Type": "String",
            "Default": s.RUNTIME,
            "AllowedValues": list(s.RUNTIMES),
            "Description": "As the package is compiled for",
        },
        "TableStream": {
            "Type": "String",
            "Default": "",
            "AllowedPattern": "^$|^arn:[a-z-]+:dynamodb:.+/stream/.+$",
            "Description": "Stream of a table that is there already; empty: the table is made",
        },
        "AlarmTopic": {
            "Type": "String",
            "Default": "",
            "AllowedPattern": "^$|^arn:[a-z-]+:sns:.+$",
            "Description": "SNS topic that the alarms tell; empty: none",
        },
        "LogDays": {
            "Type": "Number",
            "Default": s.LOG_DAYS,
            "AllowedValues": [
                1,
                3,
                5,
                7,
                14,
                30,
                60,
                90,
                120,
                150,
                180,
                365,
                400,
                545,
                731,
                1096,
                1827,
                3653,
            ],
            "Description": "Days that log lines are kept",
        },
    }


def published_values(configured: Configured, node: Node) -> dict[str, str]:
    """The parameters of the published solution (peers.md, chapter 1) as the configuration has them, seen from this
    node; of several sites one after the other, with commas."""
    own = configured.mesh.sites_of(node.name)
    others = [site for site in configured.mesh.sites if site.node != node.name]
    tables = {other.name: names_of(configured, other).table for other in configured.mesh.nodes}
    return {
        "AutoScalingGroup": ",".join(site.key.asg for site in own),
        "LocalSG": ",".join(site.group_id for site in own),
        "LocalTable": tables[node.name],
        "RemoteSG": ",".join(site.group_id for site in others),
        "RemoteRegion": ",".join(site.key.region for site in others),
        "RemoteASG": ",".join(site.key.asg for site in others),
        "RemoteTable": ",".join(tables[site.node] for site in others),
    }


def published_parameters(configured: Configured, node: Node) -> Json:
    """Whoever gives them as the published template wants them may; another value than the file's is refused before
    anything is made."""
    return {
        name: {
            "Type": "String",
            "Default": value,
            "AllowedValues": [value],
            "Description": "As twinwall.toml has it; taken under the published solution's name",
            "ConstraintDescription": f"as twinwall.toml has it: {value}; change it there and make the "
            "template anew",
        }
        for name, value in published_values(configured, node).items()
        if value
    }


def check_parameters(configured: Configured, node: Node, given: Mapping[str, str]) -> None:
    """Raises ``ConfigError`` for a parameter that no template has, or that contradicts the file."""
    published = published_values(configured, node)
    known = [*own_parameters(), *(name for name, value in published.items() if value)]
    for name, value in given.items():
        if name not in known:
            raise ConfigError(
                f"--parameter {name}: the template of {node.name} has {', '.join(known)}; give one of them"
            )
        if name in published and value != published[name]:
            raise ConfigError(
                f"--parameter {name}={value} contradicts twinwall.toml, where it is {published[name]} for {node.name}; "
                "change one of them"
            )
