"""What a Lambda function is: its settings, its code, and how the API shows them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twinwall.emulator.refusal import Refusal

LATEST = "$LATEST"
SERVICE = "lambda.amazonaws.com"
DEFAULT_RETRIES = 2
DEFAULT_EVENT_AGE = 21_600
"""Seconds; aws-facts 6.2: up to 6 h."""


@dataclass(frozen=True)
class Code:
    """A package as it came, and where it lies unpacked. ``sha256``: base64, as the API shows it."""

    sha256: str
    size: int
    directory: Path


@dataclass(frozen=True)
class Key:
    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"


@dataclass(frozen=True)
class InvokeConfig:
    """Of asynchronous invocations (PutFunctionEventInvokeConfig)."""

    retries: int = DEFAULT_RETRIES
    event_age: int = DEFAULT_EVENT_AGE
    on_success: str = ""
    on_failure: str = ""
    modified: float = 0.0


@dataclass(frozen=True)
class Function:
    """``timeout``: seconds; ``memory``: MiB. ``revision`` changes with every change."""

    key: Key
    role: str
    runtime: str
    handler: str
    code: Code
    revision: str
    modified: str
    description: str = ""
    timeout: int = 3
    memory: int = 128
    environment: Mapping[str, str] = field(default_factory=dict)
    dead_letter: str = ""
    architecture: str = "x86_64"
    tracing: str = "PassThrough"
    log_group: str = ""
    log_format: str = "Text"
    log_level: str = ""

    @property
    def logs_to(self) -> str:
        return self.log_group or f"/aws/lambda/{self.key.name}"


def configuration(function: Function, *, state: str = "Active", update: str = "Successful") -> dict[str, Any]:
    """The API's FunctionConfiguration. A new function says ``Pending`` once, as AWS's does."""
    shown: dict[str, Any] = {
        "FunctionName": function.key.name,
        "FunctionArn": function.key.arn,
        "Runtime": function.runtime,
        "Role": function.role,
        "Handler": function.handler,
        "CodeSize": function.code.size,
        "Description": function.description,
        "Timeout": function.timeout,
        "MemorySize": function.memory,
        "LastModified": function.modified,
        "CodeSha256": function.code.sha256,
        "Version": LATEST,
        "TracingConfig": {"Mode": function.tracing},
        "RevisionId": function.revision,
        "State": state,
        "LastUpdateStatus": update,
        "PackageType": "Zip",
        "Architectures": [function.architecture],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": _logging(function),
    }
    if function.environment:
        shown["Environment"] = {"Variables": dict(function.environment)}
    if function.dead_letter:
        shown["DeadLetterConfig"] = {"TargetArn": function.dead_letter}
    return shown


def _logging(function: Function) -> dict[str, str]:
    shown = {"LogFormat": function.log_format, "LogGroup": function.logs_to}
    return shown | ({"ApplicationLogLevel": function.log_level} if function.log_level else {})


def function_missing(arn: str) -> Refusal:
    return Refusal("ResourceNotFoundException", f"Function not found: {arn}", 404)


def wrong(message: str) -> Refusal:
    return Refusal("InvalidParameterValueException", message)
