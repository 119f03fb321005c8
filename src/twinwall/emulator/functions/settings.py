"""The settings of a function as CreateFunction and UpdateFunctionConfiguration give them, checked.

What the embedded AWS cannot do (layers, VPCs, images, other languages than Python) is refused, never ignored.
"""

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from twinwall.emulator.functions.function import Function, wrong

RESERVED = frozenset(
    {
        "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
    }
)  # fmt: skip
"""Variables that Lambda sets and a function may not (LAM configuration-envvars)."""

MOST_ENVIRONMENT = 4096
"""Bytes of all variables together."""

_CANNOT = (
    "CodeSigningConfigArn",
    "DurableConfig",
    "FileSystemConfigs",
    "ImageConfig",
    "Layers",
    "TenancyConfig",
)


def check_possible(given: Mapping[str, Any]) -> None:
    """Raises ``Refusal`` for what is not in the embedded AWS."""
    for name in _CANNOT:
        if given.get(name):
            raise wrong(f"{name} is not in the embedded AWS: leave it out.")
    if (given.get("VpcConfig") or {}).get("SubnetIds"):
        raise wrong("VpcConfig is not in the embedded AWS: a function runs on this machine's loopback.")
    if given.get("PackageType", "Zip") != "Zip":
        raise wrong("PackageType is Zip in the embedded AWS: images do not run in it.")
    if given.get("Publish"):
        raise wrong("Publish: the embedded AWS has no versions: leave it out.")
    if (given.get("SnapStart") or {}).get("ApplyOn", "None") != "None":
        raise wrong("SnapStart is not in the embedded AWS: leave it out.")
    if (given.get("EphemeralStorage") or {}).get("Size", 512) != 512:
        raise wrong("EphemeralStorage is 512 in the embedded AWS.")
    runtime = given.get("Runtime")
    if runtime is not None and not runtime.startswith("python3."):
        raise wrong(f"Runtime {runtime} does not run in the embedded AWS; python3.* does.")
    if sys.platform != "linux":
        raise wrong("Functions run on Linux alone: AWS's runtime client is built for nothing else.")


def changed(function: Function, given: Mapping[str, Any]) -> Function:
    """The function with the settings that ``given`` names."""
    plain = {field: given[name] for name, field in _PLAIN.items() if name in given}
    if "Environment" in given:
        plain["environment"] = _environment(given["Environment"].get("Variables") or {})
    if "DeadLetterConfig" in given:
        plain["dead_letter"] = given["DeadLetterConfig"].get("TargetArn") or ""
    if given.get("Architectures"):
        plain["architecture"] = given["Architectures"][0]
    if "TracingConfig" in given:
        plain["tracing"] = given["TracingConfig"].get("Mode", "PassThrough")
    if "LoggingConfig" in given:
        plain["log_group"] = given["LoggingConfig"].get("LogGroup", "")
        plain["log_format"] = given["LoggingConfig"].get("LogFormat", "Text")
        plain["log_level"] = given["LoggingConfig"].get("ApplicationLogLevel", "")
    changed = replace(function, **plain)
    if not 1 <= changed.timeout <= 900 or not 128 <= changed.memory <= 10_240:
        raise wrong("Timeout is 1 to 900 seconds, MemorySize 128 to 10240 MB.")
    return changed


_PLAIN = {
    "Description": "description",
    "Handler": "handler",
    "MemorySize": "memory",
    "Role": "role",
    "Runtime": "runtime",
    "Timeout": "timeout",
}


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    taken = sorted(RESERVED & variables.keys())
    if taken:
        raise wrong(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. Reserved keys used "
            f"in this request: {', '.join(taken)}"
        )
    if sum(len(key.encode()) + len(value.encode()) for key, value in variables.items()) > MOST_ENVIRONMENT:
        raise wrong(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            f"provided exceeded the {MOST_ENVIRONMENT // 1024}KB limit."
        )
    return dict(variables)
