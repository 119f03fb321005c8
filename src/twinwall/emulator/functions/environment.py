"""What a function's process sees: its variables, and the modules that Lambda's runtime brings.

The modules are links to this installation's own: the runtime client, and boto3 with what it needs; of the server's
other packages a function sees none, so that what a package forgot to pack is missed here as it would be on AWS.
"""

import sys
from importlib.metadata import distribution
from pathlib import Path

from twinwall.emulator.credentials import AccessKey
from twinwall.emulator.functions.function import LATEST, Function

_RUNTIME = (
    "awslambdaric", "simplejson", "snapshot-restore-py",
    "boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3",
)  # fmt: skip


def link_runtime(directory: Path) -> None:
    """Fills ``directory`` with the runtime's modules."""
    directory.mkdir()
    for name in _RUNTIME:
        found = distribution(name)
        tops = {file.parts[0] for file in found.files or ()}
        for top in sorted(tops):
            if not top.startswith((".", "__pycache__")):
                (directory / top).symlink_to(Path(str(found.locate_file(top))))


def environment(
    function: Function, key: AccessKey, endpoint: str, runtime: Path, log_stream: str
) -> dict[str, str]:
    """The variables of a new process: the function's own, and those that Lambda sets."""
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "TZ": ":UTC",
        **function.environment,
        "AWS_ACCESS_KEY_ID": key.id,
        "AWS_SECRET_ACCESS_KEY": key.secret,
        "AWS_SESSION_TOKEN": key.token,
        "AWS_DEFAULT_REGION": function.key.region,
        "AWS_REGION": function.key.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{python}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_NAME": function.key.name,
        "AWS_LAMBDA_FUNCTION_VERSION": LATEST,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": function.log_format,
        "AWS_LAMBDA_LOG_GROUP_NAME": function.logs_to,
        "AWS_LAMBDA_LOG_LEVEL": function.log_level,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "LAMBDA_RUNTIME_DIR": str(runtime),
        "LAMBDA_TASK_ROOT": str(function.code.directory),
        "PYTHONPATH": str(runtime),
        "_HANDLER": function.handler,
    }
