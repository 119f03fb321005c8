"""``MeshDoors`` on AWS: one session for a place, clients on first use, each call once and in time."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.session import Session

from twinwall.aws.faults import error_code, faults
from twinwall.aws.mesh_table import DynamoTable, Standing
from twinwall.aws.timed import CONFIG, Connections, Timed
from twinwall.ec2.faults import Place as Side
from twinwall.ec2.mesh import Ec2Mesh
from twinwall.mesh.configure import Configured
from twinwall.model.members import Place

Sessions = Callable[[Place], Session]
"""The way into an account's Region."""

_NAMES = 50
"""Of a DescribeAutoScalingGroups call (aws-facts 5.4)."""


class AwsMeshDoors:
    """``queue_url``: this node's. ``cause``: what the user agent carries, so that CloudTrail leads back."""

    def __init__(
        self, configured: Configured, sessions: Sessions, *, queue_url: str = "", home: Place | None = None
    ) -> None:
        self._configured, self._sessions = configured, sessions
        self._queue_url, self._home = queue_url, home
        self._clients: dict[tuple[Place, str], Timed] = {}
        self._open: dict[Place, Session] = {}
        self._rows: dict[str, Standing] = {}
        self._connections = Connections()
        self._lock = threading.Lock()
        self.cause = ""

    def table(self, node: str) -> DynamoTable:
        place = self._configured.mesh.node(node).place
        name = self._configured.ways[node].table
        standing = self._rows.setdefault(node, {})
        return DynamoTable(self._client(place, "dynamodb"), name, Side(region=place.region), standing)

    def scaling(self, place: Place) -> "AwsScalingGroups":
        return AwsScalingGroups(self._client(place, "autoscaling"), Side(region=place.region))

    def ec2(self, place: Place) -> Ec2Mesh:
        return Ec2Mesh(_Ec2Caller(self._client(place, "ec2"), Side(region=place.region)))

    def log_lines(self, node: str, group: str, since: float, within: float) -> Iterator[str]:
        """What the function of ``node`` wrote since then (API: FilterLogEvents). Raises ``NotFound`` where there is no
        such log group. For people: the package of a function has no model of this service."""
        place = self._configured.mesh.node(node).place
        request: dict[str, Any] = {"logGroupName": group, "startTime": round(since * 1000)}
        with faults("reading the log", group, at=Side(region=place.region)):
            while True:
                page = self._client(place, "logs")("filter_log_events", within, **request)
                yield from (event["message"] for event in page["events"])
                if not page.get("nextToken"):
                    return
                request["nextToken"] = page["nextToken"]

    def hide(self, receipts: Sequence[str], seconds: float, within: float) -> None:
        """API: ChangeMessageVisibility, at most 12 hours; one by one, for a batch call takes ten and may do half."""
        assert self._home is not None, "only a function has a queue"
        for receipt in receipts:
            with faults(
                "hiding a message of", self._queue_url, at=Side(region=self._home.region), mutation=True
            ):
                self._client(self._home, "sqs")(
                    "change_message_visibility",
                    within,
                    QueueUrl=self._queue_url,
                    ReceiptHandle=receipt,
                    VisibilityTimeout=round(seconds),
                )

    def _client(self, place: Place, service: str) -> Timed:
        """Sessions are not safe for threads; a further client of a loaded service costs next to nothing."""
        with self._lock:
            if (place, service) not in self._clients:
                if place not in self._open:
                    self._open[place] = self._sessions(place)
                client = self._open[place].create_client(service, region_name=place.region, config=CONFIG)
                self._clients[place, service] = Timed(client, self._connections, lambda: self.cause)
            return self._clients[place, service]


class _Ec2Caller:
    """``ec2.mesh.Caller``."""

    def __init__(self, ec2: Timed, place: Side) -> None:
        self._ec2, self._place = ec2, place

    def call(
        self,
        action: str,
        request: Mapping[str, Any],
        doing: str,
        thing: str,
        within: float,
        *,
        mutation: bool,
    ) -> dict[str, Any]:
        with faults(doing, thing, at=self._place, mutation=mutation):
            return self._ec2(xform_name(action), within, **request)


class AwsScalingGroups:
    """``boundary.ScalingGroups``."""

    def __init__(self, scaling: Timed, place: Side) -> None:
        self._call, self._place = scaling, place

    def states(self, names: Sequence[str], within: float) -> Mapping[str, Mapping[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for start in range(0, len(names), _NAMES):
            chunk = list(names[start : start + _NAMES])
            with faults("reading the Auto Scaling groups", chunk[0], at=self._place):
                for group in self._groups(chunk, within):
                    found[group["AutoScalingGroupName"]] = {
                        one["InstanceId"]: one["LifecycleState"] for one in group.get("Instances") or ()
                    }
        return found

    def _groups(self, names: list[str], within: float) -> list[dict[str, Any]]:
        request: dict[str, Any] = {"AutoScalingGroupNames": names}
        found: list[dict[str, Any]] = []
        while True:
            page = self._call("describe_auto_scaling_groups", within, **request)
            found += page["AutoScalingGroups"]
            if not page.get("NextToken"):
                return found
            request["NextToken"] = page["NextToken"]

    def answer(
        self, asg: str, hook: str, result: str, *, token: str = "", instance: str = "", within: float
    ) -> bool:
        """Already completed or expired is done (aws-facts 5.3)."""
        by = {"LifecycleActionToken": token} if token else {"InstanceId": instance}
        request = {
            "AutoScalingGroupName": asg,
            "LifecycleHookName": hook,
            "LifecycleActionResult": result,
            **by,
        }
        with faults("answering the hook of", asg, at=self._place, mutation=True):
            try:
                self._call("complete_lifecycle_action", within, **request)
            except ClientError as error:
                if error_code(error) == "ValidationError" and "No active Lifecycle Action" in str(error):
                    return False
                raise
        return True
