"""Lambda functions for tests: packages, roles, and what to wait for."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from textwrap import dedent
from typing import Any


def package(source: str, name: str = "app.py") -> bytes:
    """A zip with one module in it."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(name, dedent(source))
    return made.getvalue()


def trust(service: str = "lambda.amazonaws.com") -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def make_role(iam: Any, name: str = "runs", service: str = "lambda.amazonaws.com") -> str:
    return str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(service))["Role"]["Arn"])


def make_function(client: Any, source: str, name: str = "f", **settings: Any) -> str:
    """``client``: of the tests' fixture. The handler is ``app.handler``. Returns the function's ARN."""
    iam, functions = client("iam"), client("lambda")
    if "Role" not in settings:
        try:
            settings["Role"] = make_role(iam)
        except iam.exceptions.EntityAlreadyExistsException:
            settings["Role"] = iam.get_role(RoleName="runs")["Role"]["Arn"]
    given = {"Runtime": "python3.13", "Handler": "app.handler", "Code": {"ZipFile": package(source)}}
    return str(functions.create_function(FunctionName=name, **(given | settings))["FunctionArn"])


def call(functions: Any, payload: Any = None, name: str = "f") -> Any:
    """What the function answers."""
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(payload))
    return json.loads(answer["Payload"].read())


def until(true: Callable[[], Any], seconds: float = 10.0) -> Any:
    """What ``true`` says once it says something; fails after so long."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, f"nothing within {seconds} s"
        time.sleep(0.02)
    return found
