"""Stacks and change sets as they stand."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from twinwall.emulator.stacks.resolver import Made
from twinwall.emulator.stacks.template import Template


@dataclass(frozen=True)
class Wanted:
    """What a stack is to be. ``text``: of the template, as it came; ``key``: the access key it is carried out with."""

    text: str
    template: Template
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    capabilities: tuple[str, ...]
    role: str = ""


@dataclass
class Held:
    """A resource of a stack; ``properties``: as they were resolved when it was made or changed last."""

    name: str
    type: str
    made: Made
    properties: Mapping[str, Any]
    deletion_policy: str
    replace_policy: str
    status: str = "CREATE_COMPLETE"
    reason: str = ""
    when: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class Stack:
    """``resources``: in the order of their making."""

    name: str
    account: str
    region: str
    wanted: Wanted
    status: str
    id: str = ""
    reason: str = ""
    resources: dict[str, Held] = field(default_factory=dict)
    outputs: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated: datetime | None = None
    deleted: datetime | None = None
    protected: bool = False
    on_failure: str = "ROLLBACK"
    token: str = ""
    imports: set[str] = field(default_factory=set)
    """Names of exports that the stack relies on."""
    change_sets: dict[str, "ChangeSet"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.id = f"arn:aws:cloudformation:{self.region}:{self.account}:stack/{self.name}/{uuid.uuid4()}"

    @property
    def exports(self) -> dict[str, str]:
        return {out["ExportName"]: out["OutputValue"] for out in self.outputs if "ExportName" in out}

    @property
    def is_busy(self) -> bool:
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    def turn(self, status: str, reason: str = "") -> None:
        self.status, self.reason = status, reason
        self.tell(self.name, self.id, "AWS::CloudFormation::Stack", status, reason)

    def tell(self, logical: str, physical: str, type_: str, status: str, reason: str = "") -> None:
        """An event."""
        event: dict[str, Any] = {
            "StackId": self.id,
            "EventId": f"{logical}-{uuid.uuid4()}",
            "StackName": self.name,
            "LogicalResourceId": logical,
            "PhysicalResourceId": physical,
            "ResourceType": type_,
            "Timestamp": datetime.now(UTC),
            "ResourceStatus": status,
        }
        self.events.insert(0, event | ({"ResourceStatusReason": reason} if reason else {}))


@dataclass
class ChangeSet:
    name: str
    stack: Stack
    kind: str
    wanted: Wanted
    changes: list[dict[str, Any]]
    description: str = ""
    id: str = ""
    status: str = "CREATE_COMPLETE"
    execution: str = "AVAILABLE"
    reason: str = ""
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        where = f"arn:aws:cloudformation:{self.stack.region}:{self.stack.account}"
        self.id = f"{where}:changeSet/{self.name}/{uuid.uuid4()}"
