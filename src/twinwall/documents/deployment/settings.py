"""The figures and documents of a node's stack, in nobody's language yet; template and Terraform both write these.

event ─▶ rule ─▶ queue ─(window 1 s, batches)─▶ function
                   └─ 3 heartbeats' worth of tries ─▶ dead letters
rows of others ─▶ stream ─▶ function ◀─ schedule
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from twinwall.documents.deployment.names import Names, local_sites, names_of
from twinwall.errors import ConfigError
from twinwall.mesh.configure import Configured
from twinwall.mesh.events import DETACHED, LAUNCH, TERMINATE, TERMINATED
from twinwall.mesh.settings import Mesh
from twinwall.model.members import Node, Site

Json = dict[str, Any]

ARCHITECTURE, HANDLER = "arm64", "twinwall.lambdas.entry.mesh"
RUNTIMES = ("python3.11", "python3.12", "python3.13", "python3.14")
"""That Lambda has, and that the package runs in (aws-facts 6.2)."""
RUNTIME = next((r for r in RUNTIMES if r == f"python3.{sys.version_info.minor}"), "python3.13")
"""The one for which a package made here is compiled, where Lambda has it."""
MEMORY = 512
"""MB. The handler needs a quarter of it; Lambda gives processor time by memory, and the start is all processor time."""
TIMEOUT = 25
"""Seconds: the handler's own deadline (15 s), the lease given back (5 s), and a cold start."""
VISIBILITY = 30
"""Seconds; at least the function's timeout (API CreateEventSourceMapping). So soon comes again what was not ready."""
BATCH, WINDOW, CONCURRENCY = 1000, 1, 2
KEPT, DEAD_KEPT = 86_400, 1_209_600
LOG_DAYS = 90
ENVIRONMENT_BYTES = 4096
"""Of all of a function's variables (Lambda quotas)."""
PATTERN_CHARACTERS = 2048
"""Of a rule's event pattern (EventBridge quotas)."""
RULE_TRIES = 185
"""EventBridge's own most; the age ends them first."""
INVOKE_AGE, INVOKE_TRIES = 300, 1
ROWS_BATCH, ROWS_AGE, ROWS_TRIES = 100, 300, 5
TRUE_UP_AGE, TRUE_UP_TRIES = 60, 1


@dataclass(frozen=True)
class Hook:
    site: Site
    name: str
    transition: str
    default: str
    heartbeat: int

    @property
    def word(self) -> str:
        return "launch" if self.transition.endswith("LAUNCHING") else "terminate"


@dataclass(frozen=True)
class Settings:
    configured: Configured
    node: Node
    names: Names
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def mesh(self) -> Mesh:
        return self.configured.mesh

    @property
    def receives(self) -> int:
        """Times a message may come before it is a dead letter: it must live longer than the hook's heartbeat, also
        where each handler found the lease taken (mesh protocol, "A pass", 6)."""
        return min(1000, max(30, ceil(3 * self.mesh.heartbeat / VISIBILITY)))

    @property
    def event_age(self) -> int:
        """Seconds after which an event that no queue took is a dead letter: nobody waits for it any more."""
        return max(60, round(self.mesh.heartbeat))

    @property
    def sites(self) -> tuple[Site, ...]:
        return local_sites(self.configured, self.node)

    @property
    def hooks(self) -> tuple[Hook, ...]:
        """A launch that nobody answers ends as configured; a termination goes on whatever was answered."""
        mesh, found = self.mesh, []
        for site in self.sites:
            seconds = round(mesh.heartbeat)
            found += [
                Hook(site, mesh.launch_hook, "autoscaling:EC2_INSTANCE_LAUNCHING", mesh.on_refusal, seconds),
                Hook(site, mesh.terminate_hook, "autoscaling:EC2_INSTANCE_TERMINATING", "CONTINUE", seconds),
            ]
        return tuple(found)

    @property
    def hook_pattern(self) -> Json:
        return self._pattern(
            [LAUNCH, TERMINATE], {"LifecycleHookName": [self.mesh.launch_hook, self.mesh.terminate_hook]}
        )

    @property
    def end_pattern(self) -> Json:
        return self._pattern([TERMINATED, DETACHED], {})

    def _pattern(self, kinds: list[str], detail: Json) -> Json:
        groups = sorted(site.key.asg for site in self.sites)
        pattern = {
            "source": ["aws.autoscaling"],
            "account": [self.node.place.account],
            "detail-type": kinds,
            "detail": {"AutoScalingGroupName": groups, **detail},
        }
        size = len(json.dumps(pattern, separators=(",", ":")))
        if size > PATTERN_CHARACTERS:
            raise ConfigError(
                f"deploying the mesh {self.mesh.name}: the event pattern of {self.node.name} takes {size} characters, "
                f"EventBridge allows {PATTERN_CHARACTERS}; {len(groups)} Auto Scaling groups are too many for one node"
            )
        return pattern

    @property
    def stream_filters(self) -> list[Json]:
        """Rows that others wrote; the second: rows that the published solution wrote, which names no writer, and
        never the lease, whose Region is ``-``."""
        others = {"writer": {"S": [{"anything-but": [self.node.name]}]}}
        nobody = {"writer": {"S": [{"exists": False}]}}
        not_lease = {"region": {"S": [{"anything-but": ["-"]}]}}
        return [
            {"dynamodb": {"NewImage": others}},
            {"dynamodb": {"Keys": not_lease, "NewImage": nobody}},
        ]

    @property
    def true_up(self) -> tuple[str, str]:
        """Schedule expression and input. Scheduler counts whole minutes (aws-facts 6.1)."""
        minutes = max(1, round(self.mesh.true_up_every / 60))
        every = f"rate({minutes} minute{'s' if minutes > 1 else ''})"
        event = {"detail-type": "Scheduled Event", "id": "<aws.scheduler.execution-id>"}
        return every, json.dumps(event)


def settings_of(configured: Configured, node: Node) -> Settings:
    """Raises ``ConfigError`` for what no function can hold."""
    names = names_of(configured, node)
    said = {"name": configured.mesh.name, "table": dict(configured.table)}
    environment = {
        "TWINWALL_MESH": json.dumps(said, separators=(",", ":"), sort_keys=True),
        "TWINWALL_NODE": node.name,
    }
    size = (
        sum(len(key) + len(value.encode()) for key, value in environment.items()) + 200
    )  # the queue's URL comes too
    if size > ENVIRONMENT_BYTES:
        raise ConfigError(
            f"deploying the mesh {configured.mesh.name}: its configuration takes {size} bytes of a function's "
            f"environment, Lambda allows {ENVIRONMENT_BYTES}; name fewer sites or ranges in one mesh"
        )
    return Settings(configured, node, names, environment)
