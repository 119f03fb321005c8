"""AWS::Logs and AWS::CloudWatch."""

from typing import Any

from twinwall.emulator.stacks.desk import Desk, Props
from twinwall.emulator.stacks.kind import Kind, words
from twinwall.emulator.stacks.resolver import Made

# --- logs


def _create_logs(desk: Desk, p: Props) -> Made:
    name = p.get("LogGroupName") or desk.name()
    desk.call(
        "logs", "CreateLogGroup", logGroupName=name, logGroupClass=p.get("LogGroupClass"),
        kmsKeyId=p.get("KmsKeyId"), tags=desk.tag_map(p.get("Tags")) or None,
    )  # fmt: skip
    made = Made(name, {"Arn": f"arn:aws:logs:{desk.region}:{desk.account}:log-group:{name}:*"})
    return _retain(desk, made, {}, p)


def _retain(desk: Desk, made: Made, before: Props, now: Props) -> Made:
    days = now.get("RetentionInDays")
    if days is not None:
        desk.call("logs", "PutRetentionPolicy", logGroupName=made.id, retentionInDays=days)
    elif "RetentionInDays" in before:
        desk.call("logs", "DeleteRetentionPolicy", logGroupName=made.id)
    return made


# --- alarm, dashboard

_ALARM = words(
    "ActionsEnabled AlarmActions AlarmDescription ComparisonOperator DatapointsToAlarm Dimensions "
    "EvaluateLowSampleCountPercentile EvaluationPeriods ExtendedStatistic InsufficientDataActions MetricName Metrics "
    "Namespace OKActions Period Statistic Threshold ThresholdMetricId TreatMissingData Unit"
)


def _put_alarm(desk: Desk, name: str, p: Props) -> Made:
    given: dict[str, Any] = {key: p[key] for key in p.keys() & _ALARM}
    desk.call("cloudwatch", "PutMetricAlarm", AlarmName=name, Tags=desk.tags(p.get("Tags")) or None, **given)
    return Made(name, {"Arn": f"arn:aws:cloudwatch:{desk.region}:{desk.account}:alarm:{name}"})


def _put_dashboard(desk: Desk, name: str, p: Props) -> Made:
    desk.call("cloudwatch", "PutDashboard", DashboardName=name, DashboardBody=p["DashboardBody"])
    return Made(name)


KINDS = (
    Kind(
        "AWS::Logs::LogGroup", _create_logs,
        lambda desk, made, _: desk.gone("logs", "DeleteLogGroup", logGroupName=made.id), _retain,
        words("LogGroupName LogGroupClass KmsKeyId"), words("RetentionInDays Tags"),
    ),
    Kind(
        "AWS::CloudWatch::Alarm", lambda desk, p: _put_alarm(desk, p.get("AlarmName") or desk.name(), p),
        lambda desk, made, _: desk.gone("cloudwatch", "DeleteAlarms", AlarmNames=[made.id]),
        lambda desk, made, _, now: _put_alarm(desk, made.id, now), words("AlarmName"), _ALARM | {"Tags"},
        words("ComparisonOperator EvaluationPeriods"),
    ),
    Kind(
        "AWS::CloudWatch::Dashboard", lambda desk, p: _put_dashboard(desk, p.get("DashboardName") or desk.name(), p),
        lambda desk, made, _: desk.gone("cloudwatch", "DeleteDashboards", DashboardNames=[made.id]),
        lambda desk, made, _, now: _put_dashboard(desk, made.id, now), words("DashboardName"), words("DashboardBody"),
        words("DashboardBody"),
    ),
)  # fmt: skip
