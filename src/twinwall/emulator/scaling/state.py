"""What Auto Scaling holds of one account in one Region."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from twinwall.emulator.agenda import Entry

LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"
EC2, GROUP, POOL = "EC2", "AutoScalingGroup", "WarmPool"
"""Where an instance comes from and goes to (aws-facts 5.1)."""

WARMED = "Warmed:"
DAY = 86_400


@dataclass(frozen=True)
class Hook:
    """``heartbeat``: seconds."""

    name: str
    transition: str
    heartbeat: int = 3600
    default_result: str = "ABANDON"
    metadata: str | None = None
    target_arn: str | None = None
    role_arn: str | None = None

    @property
    def global_timeout(self) -> int:
        """Seconds: the smaller of 48 hours and 100 heartbeats (API: LifecycleHook.GlobalTimeout)."""
        return min(2 * DAY, 100 * self.heartbeat)


@dataclass
class LifecycleAction:
    """One hook that holds one instance. ``until``: when the agenda's clock shows it, the hook is over."""

    token: str
    hook: Hook
    until: float
    timer: Entry | None = None


@dataclass
class Activity:
    """A scaling activity; ``end`` is None while it goes on."""

    id: str
    description: str
    cause: str
    start: datetime
    zone: str
    subnet_id: str
    status: str = "InProgress"
    message: str = ""
    progress: int = 30
    end: datetime | None = None


@dataclass
class Instance:
    """``origin``, ``destination``: of the journey it is on, or was last on."""

    id: str
    type: str
    zone: str
    subnet_id: str
    state: str
    template: dict[str, str] | None
    launch_configuration: str | None
    activity: Activity
    origin: str = EC2
    destination: str = GROUP
    health: str = "Healthy"
    protected: bool = False
    actions: dict[str, LifecycleAction] = field(default_factory=dict)
    """Active lifecycle actions by token."""
    hooks_left: list[Hook] = field(default_factory=list)

    @property
    def is_warm(self) -> bool:
        return self.state.startswith(WARMED)

    @property
    def is_leaving(self) -> bool:
        return "Terminat" in self.state or self.state.startswith("Detach")

    @property
    def counts(self) -> bool:
        """Towards the group's desired capacity."""
        return self.state.startswith("Pending") or self.state == "InService"


@dataclass(frozen=True)
class WarmPool:
    min_size: int = 0
    max_prepared: int | None = None
    pool_state: str = "Stopped"
    reuse: bool = False

    def size(self, max_size: int, desired: int) -> int:
        """How many instances it holds (API: PutWarmPool)."""
        prepared = max_size if self.max_prepared in (None, -1) else self.max_prepared or 0
        return max(self.min_size, prepared - desired)


@dataclass
class Group:
    """``launch``: one of LaunchTemplate, LaunchConfigurationName, MixedInstancesPolicy, as it was given."""

    name: str
    arn: str
    created: datetime
    min_size: int
    max_size: int
    desired: int
    launch: dict[str, Any]
    zones: list[str]
    subnets: list[str]
    settings: dict[str, Any] = field(default_factory=dict)
    """What is shown as it was given and means nothing here (API: AutoScalingGroup)."""
    tags: dict[str, dict[str, Any]] = field(default_factory=dict)
    policies: list[str] = field(default_factory=lambda: ["Default"])
    protect_new: bool = False
    retain_abandoned: bool = False
    suspended: dict[str, str] = field(default_factory=dict)
    hooks: dict[str, Hook] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)
    activities: list[Activity] = field(default_factory=list)
    pool: WarmPool | None = None
    pool_leaves: bool = False
    reason: str = ""
    """What was last asked of the group, in the words of an activity's Cause."""
    failures: int = 0
    """Launches that failed one after the other."""
    retry: Entry | None = None
    settling: bool = False
    unsettled: bool = False

    def hooks_of(self, transition: str) -> list[Hook]:
        return [hook for hook in self.hooks.values() if hook.transition == transition]

    def members(self) -> list[Instance]:
        """Those outside the warm pool."""
        return [instance for instance in self.instances.values() if not instance.is_warm]

    def warm(self) -> list[Instance]:
        return [instance for instance in self.instances.values() if instance.is_warm]


@dataclass
class Holdings:
    account: str
    region: str
    groups: dict[str, Group] = field(default_factory=dict)
    past: list[Group] = field(default_factory=list)
    """Deleted groups, whose activities can still be read."""

    def find(self, instance_id: str) -> tuple[Group, Instance] | None:
        for group, instance in self.everyone():
            if instance.id == instance_id:
                return group, instance
        return None

    def everyone(self) -> Iterator[tuple[Group, Instance]]:
        for group in self.groups.values():
            for instance in group.instances.values():
                yield group, instance


@dataclass(frozen=True)
class Member:
    """An instance and where it belongs."""

    held: Holdings
    group: Group
    instance: Instance
