"""What Terraform configuration of a mesh is put together from: blocks, and the variables of a node."""

from collections.abc import Iterator
from typing import Any

from twinwall.documents.deployment import settings as s
from twinwall.documents.deployment.parameters import published_values
from twinwall.documents.export import hcl
from twinwall.documents.export.hcl import Expression, Lines
from twinwall.mesh.configure import Configured
from twinwall.model.members import Node


def providers() -> Lines:
    rows = hcl.attributes([("source", '"hashicorp/aws"'), ("version", '">= 5.70"')])
    return hcl.block(
        "terraform", hcl.block("required_providers", ["aws = {", *(f"  {row}" for row in rows), "}"])
    )


def rows(**given: Any) -> Lines:
    """Attributes that stand under each other."""
    return hcl.attributes((name, hcl.value(value)) for name, value in given.items())


def resource(type_: str, label: str, /, *sections: Lines, **given: Any) -> Lines:
    return hcl.block(f'resource "{type_}" "{label}"', rows(**given), *sections)


def variable(name: str, words: str, default: Any = None, *sections: Lines, type_: str = "string") -> Lines:
    given: dict[str, Any] = {"description": words, "type": Expression(type_)}
    return hcl.block(
        f'variable "{name}"', rows(**given, **({} if default is None else {"default": default})), *sections
    )


def of(type_: str, name: str, attribute: str) -> Expression:
    return Expression(f"{type_}.{name}.{attribute}")


# --- what is said, and where


def variables(configured: Configured, node: Node) -> Iterator[Lines]:
    yield variable("package", "File that twinwall mesh package makes")
    yield variable("runtime", "As the package is compiled for", s.RUNTIME)
    yield variable("table_stream", "Stream of a table that is there already; empty: the table is made", "")
    yield variable("alarm_topic", "SNS topic that the alarms tell; empty: none", "")
    yield variable("log_days", "Days that log lines are kept", s.LOG_DAYS, type_="number")
    for name, value in published_values(configured, node).items():
        if value:
            way_out = f"twinwall.toml has {value}; change it there and make the configuration anew."
            same = f"var.{_PUBLISHED[name]} == {hcl.text(value)}"
            check = hcl.block("validation", rows(condition=Expression(same), error_message=way_out))
            words = f"{name} of the published solution, as twinwall.toml has it"
            yield variable(_PUBLISHED[name], words, value, check)


_PUBLISHED = {
    "AutoScalingGroup": "auto_scaling_group",
    "LocalSG": "local_sg",
    "LocalTable": "local_table",
    "RemoteSG": "remote_sg",
    "RemoteRegion": "remote_region",
    "RemoteASG": "remote_asg",
    "RemoteTable": "remote_table",
}


def place(node: Node) -> Iterator[Lines]:
    yield hcl.block('data "aws_caller_identity" "here"')
    yield hcl.block('data "aws_region" "here"')
    stream = 'var.table_stream == "" ? aws_dynamodb_table.table[0].stream_arn : var.table_stream'
    topics = 'var.alarm_topic == "" ? [] : [var.alarm_topic]'
    here = 'join("/", [data.aws_caller_identity.here.account_id, data.aws_region.here.id])'
    yield hcl.block(
        "locals",
        rows(
            node=node.name,
            here=Expression(here),
            table_stream=Expression(stream),
            alarm_topics=Expression(topics),
        ),
    )
