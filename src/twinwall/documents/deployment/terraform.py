"""A node's stack as Terraform configuration for the provider hashicorp/aws: the same things as the template's.

The package is a file here (``var.package``), for Terraform uploads it itself. The provider is the user's; that it
stands in the node's account and Region is checked before anything is made.
"""

from collections.abc import Iterator

from twinwall.documents.deployment import settings as s
from twinwall.documents.deployment.names import Names
from twinwall.documents.deployment.settings import Hook, Settings, settings_of
from twinwall.documents.deployment.terraform_blocks import of, place, providers, resource, rows, variables
from twinwall.documents.deployment.watching import Alarm, alarms_of, dashboard_body
from twinwall.documents.export import hcl
from twinwall.documents.export.hcl import Expression, Lines
from twinwall.documents.export.naming import Unique, snake
from twinwall.documents.files import json_text
from twinwall.documents.mesh_permissions import NodeRoles, Role, roles_of
from twinwall.mesh.configure import Configured
from twinwall.model.members import Node
from twinwall.model.ownership import MESH_TAG


def node_terraform(configured: Configured, node: Node) -> str:
    """Raises ``ConfigError`` for a mesh that cannot be deployed."""
    it = settings_of(configured, node)
    roles = roles_of(configured, node)
    title = f"Twinwall mesh {configured.mesh.name}, node {node.name}, written by twinwall mesh template"
    blocks = [
        hcl.comment(title),
        providers(),
        *variables(configured, node),
        *place(node),
        *_roles(roles, it.names),
        *_kept(it),
        *_function(it),
        *_events(it),
        *_hooks(it),
        *_alarms(it),
        _dashboard(it),
    ]
    return "\n".join(hcl.joined(blocks)) + "\n"


# --- who


def _roles(roles: NodeRoles, names: Names) -> Iterator[Lines]:
    yield from _role("function", roles.function, names)
    yield from _role("schedule", roles.schedule, names)
    if roles.neighbours:
        yield from _role("neighbours", roles.neighbours, names)


def _role(word: str, role: Role, names: Names) -> Iterator[Lines]:
    trust = hcl.heredoc("assume_role_policy", json_text(role.trust))
    yield resource("aws_iam_role", word, trust, _tags(names), name=role.name)
    why = [line for sid, reason in role.reasons.items() for line in hcl.comment(f"{sid}: {reason}")]
    policy = hcl.heredoc("policy", json_text(role.policy))
    yield [
        *why,
        *resource("aws_iam_role_policy", word, policy, name=names.base, role=of("aws_iam_role", word, "id")),
    ]


def _tags(names: Names) -> Lines:
    return hcl.mapping("tags", [(MESH_TAG, names.mesh)])


# --- what is kept


def _kept(it: Settings) -> Iterator[Lines]:
    names = it.names
    yield resource(
        "aws_cloudwatch_log_group", "log", _tags(names), name=names.log_group,
        retention_in_days=Expression("var.log_days"),
    )  # fmt: skip
    yield _table(names)
    kept = {"sqs_managed_sse_enabled": True}
    yield resource(
        "aws_sqs_queue", "dead_letters", _tags(names), name=names.dead_letters,
        message_retention_seconds=s.DEAD_KEPT, **kept,
    )  # fmt: skip
    redrive = {
        "deadLetterTargetArn": of("aws_sqs_queue", "dead_letters", "arn"),
        "maxReceiveCount": it.receives,
    }
    yield resource(
        "aws_sqs_queue", "events", _tags(names), name=names.base, visibility_timeout_seconds=s.VISIBILITY,
        message_retention_seconds=s.KEPT, redrive_policy=Expression(f"jsonencode({hcl.value(redrive)})"), **kept,
    )  # fmt: skip


def _table(names: Names) -> Lines:
    keys = [hcl.block("attribute", rows(name=name, type="S")) for name in ("region", "asg")]
    return resource(
        "aws_dynamodb_table",
        "table",
        *keys,
        hcl.block("point_in_time_recovery", rows(enabled=True)),
        hcl.block("server_side_encryption", rows(enabled=True)),
        _tags(names),
        hcl.block("lifecycle", rows(prevent_destroy=True)),
        count=Expression('var.table_stream == "" ? 1 : 0'),
        name=names.table,
        billing_mode="PAY_PER_REQUEST",
        hash_key="region",
        range_key="asg",
        stream_enabled=True,
        stream_view_type="NEW_IMAGE",
        deletion_protection_enabled=True,
    )


# --- who does it


def _function(it: Settings) -> Iterator[Lines]:
    names = it.names
    variables = [(name, hcl.text(value)) for name, value in it.environment.items()]
    variables.append(("TWINWALL_QUEUE", "aws_sqs_queue.events.url"))
    inner = ["variables = {", *(f"  {row}" for row in hcl.attributes(variables)), "}"]
    place = "This is the configuration of ${local.node}, the provider stands in ${local.here}."
    stands = hcl.attributes([("condition", "local.here == local.node"), ("error_message", f'"{place}"')])
    yield resource(
        "aws_lambda_function",
        "mesh",
        hcl.block("environment", inner),
        hcl.block(
            "logging_config", rows(log_format="Text", log_group=of("aws_cloudwatch_log_group", "log", "name"))
        ),
        _tags(names),
        hcl.block("lifecycle", hcl.block("precondition", stands)),
        function_name=names.base,
        description=f"Mesh {it.mesh.name}: groups equal to the members of all sites",
        filename=Expression("var.package"),
        source_code_hash=Expression("filebase64sha256(var.package)"),
        handler=s.HANDLER,
        runtime=Expression("var.runtime"),
        architectures=[s.ARCHITECTURE],
        memory_size=s.MEMORY,
        timeout=s.TIMEOUT,
        role=of("aws_iam_role", "function", "arn"),
    )
    yield resource(
        "aws_lambda_function_event_invoke_config", "mesh", function_name=_MESH,
        maximum_event_age_in_seconds=s.INVOKE_AGE, maximum_retry_attempts=s.INVOKE_TRIES,
    )  # fmt: skip
    yield from _sources(it)


_MESH = of("aws_lambda_function", "mesh", "function_name")
_READY = Expression("[aws_iam_role_policy.function]")
"""Lambda asks for the rights of the role as soon as it connects a source."""


def _sources(it: Settings) -> Iterator[Lines]:
    answers = ["ReportBatchItemFailures"]
    yield resource(
        "aws_lambda_event_source_mapping", "events",
        hcl.block("scaling_config", rows(maximum_concurrency=s.CONCURRENCY)),
        rows(depends_on=_READY),
        event_source_arn=of("aws_sqs_queue", "events", "arn"), function_name=_MESH, batch_size=s.BATCH,
        maximum_batching_window_in_seconds=s.WINDOW, function_response_types=answers,
    )  # fmt: skip
    filters = [
        hcl.block("filter", hcl.attributes([("pattern", f"jsonencode({hcl.value(one)})")]))
        for one in it.stream_filters
    ]
    yield resource(
        "aws_lambda_event_source_mapping", "rows",
        hcl.block("filter_criteria", *filters),
        rows(depends_on=_READY),
        event_source_arn=Expression("local.table_stream"), function_name=_MESH, starting_position="TRIM_HORIZON",
        batch_size=s.ROWS_BATCH, maximum_batching_window_in_seconds=s.WINDOW, maximum_retry_attempts=s.ROWS_TRIES,
        maximum_record_age_in_seconds=s.ROWS_AGE, bisect_batch_on_function_error=True, function_response_types=answers,
    )  # fmt: skip
    every, given = it.true_up
    target = hcl.block(
        "target",
        rows(
            arn=of("aws_lambda_function", "mesh", "arn"),
            role_arn=of("aws_iam_role", "schedule", "arn"),
            input=given,
        ),
        hcl.block(
            "retry_policy",
            rows(maximum_event_age_in_seconds=s.TRUE_UP_AGE, maximum_retry_attempts=s.TRUE_UP_TRIES),
        ),
    )
    yield resource(
        "aws_scheduler_schedule", "true_up", hcl.block("flexible_time_window", rows(mode="OFF")), target,
        name=it.names.base, description="The true-up: what events missed", schedule_expression=every,
    )  # fmt: skip


# --- what happens


def _events(it: Settings) -> Iterator[Lines]:
    for word, name, pattern, words in (
        ("hooks", it.names.hooks_rule, it.hook_pattern, "Launches and terminations that wait"),
        ("ends", it.names.ends_rule, it.end_pattern, "Terminations that have ended"),
    ):
        yield resource(
            "aws_cloudwatch_event_rule", word, _tags(it.names), name=name, description=words,
            event_pattern=Expression(f"jsonencode({hcl.value(pattern)})"),
        )  # fmt: skip
        age, tries = it.event_age, s.RULE_TRIES
        yield resource(
            "aws_cloudwatch_event_target", word,
            hcl.block("dead_letter_config", rows(arn=of("aws_sqs_queue", "dead_letters", "arn"))),
            hcl.block("retry_policy", rows(maximum_event_age_in_seconds=age, maximum_retry_attempts=tries)),
            rule=of("aws_cloudwatch_event_rule", word, "name"), target_id="queue",
            arn=of("aws_sqs_queue", "events", "arn"),
        )  # fmt: skip
    for word in ("events", "dead_letters"):
        yield _queue_policy(word)


def _queue_policy(word: str) -> Lines:
    """Only these rules may put events into these queues."""
    rules = [of("aws_cloudwatch_event_rule", name, "arn") for name in ("hooks", "ends")]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": of("aws_sqs_queue", word, "arn"),
        "Condition": {"ArnEquals": {"aws:SourceArn": rules}},
    }
    policy = hcl.value({"Version": "2012-10-17", "Statement": [statement]})
    return resource(
        "aws_sqs_queue_policy", word, queue_url=of("aws_sqs_queue", word, "id"),
        policy=Expression(f"jsonencode({policy})"),
    )  # fmt: skip


def _hooks(it: Settings) -> Iterator[Lines]:
    """Last, when rules, queue and function are there."""
    after = [
        Expression(name)
        for name in (
            "aws_cloudwatch_event_target.ends",
            "aws_cloudwatch_event_target.hooks",
            "aws_lambda_event_source_mapping.events",
            "aws_sqs_queue_policy.events",
        )
    ]
    names = Unique(snake, "hook_")
    for hook in it.hooks:
        yield _hook(names.name(f"{hook.site.key.asg} {hook.word}"), hook, after)


def _hook(name: str, hook: Hook, after: list[Expression]) -> Lines:
    return resource(
        "aws_autoscaling_lifecycle_hook", name, rows(depends_on=after),
        autoscaling_group_name=hook.site.key.asg, name=hook.name, lifecycle_transition=hook.transition,
        default_result=hook.default, heartbeat_timeout=hook.heartbeat,
    )  # fmt: skip


# --- who is told


def _alarms(it: Settings) -> Iterator[Lines]:
    names = Unique(snake, "alarm_")
    for alarm in alarms_of(it):
        yield _alarm(names.name(alarm.what), alarm, it.names)


def _alarm(name: str, alarm: Alarm, names: Names) -> Lines:
    topics = Expression("local.alarm_topics")
    return resource(
        "aws_cloudwatch_metric_alarm", name, hcl.mapping("dimensions", alarm.dimensions), _tags(names),
        alarm_name=f"{names.base}-{alarm.what}", alarm_description=alarm.description, namespace=alarm.namespace,
        metric_name=alarm.metric, statistic=alarm.statistic, period=alarm.period, evaluation_periods=alarm.periods,
        comparison_operator=alarm.comparison, threshold=alarm.threshold, treat_missing_data="notBreaching",
        alarm_actions=topics, ok_actions=topics,
    )  # fmt: skip


def _dashboard(it: Settings) -> Lines:
    body = hcl.heredoc("dashboard_body", json_text(dashboard_body(it)))
    return resource("aws_cloudwatch_dashboard", "mesh", body, dashboard_name=it.names.dashboard)
