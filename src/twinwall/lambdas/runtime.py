"""Cold start: what a function stands in, made once and on first use, from its environment.

TWINWALL_MESH      {"name": "web", "table": {...}}: the configuration's table of the mesh, as JSON
TWINWALL_NODE      ACCOUNT/REGION of this function
TWINWALL_QUEUE     URL of its queue
"""

import json
import logging
import os
import sys
import time
import uuid
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from twinwall.aws.mesh_doors import AwsMeshDoors
from twinwall.aws.places import sessions
from twinwall.aws.threads import ThreadCrew
from twinwall.engine.mesh.run import Around
from twinwall.errors import ConfigError
from twinwall.mesh.configure import Configured, configure
from twinwall.model.members import Place

logging.getLogger("botocore").setLevel(logging.CRITICAL)
"""What botocore warns of, with tracebacks, is raised as well, and told in our own lines."""

MODELS = Path(__file__).with_name("models")
"""The service models of a package, cut to the operations that are used; elsewhere there are none."""


class WallClock:
    """``boundary.Clock``."""

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


def configured(environment: Mapping[str, str]) -> Configured:
    try:
        document = json.loads(environment["TWINWALL_MESH"])
        return configure(document["name"], document["table"])
    except (KeyError, TypeError, ValueError) as wrong:
        raise ConfigError(f"reading TWINWALL_MESH of the function's environment: {wrong!r}") from None


def node_of(environment: Mapping[str, str], found: Configured) -> str:
    node = environment.get("TWINWALL_NODE", "")
    if node not in {one.name for one in found.mesh.nodes}:
        known = ", ".join(one.name for one in found.mesh.nodes)
        raise ConfigError(f"TWINWALL_NODE is {node!r}; nodes of the mesh {found.mesh.name} are {known}")
    return node


@lru_cache(maxsize=1)
def _doors() -> tuple[Configured, str, AwsMeshDoors]:
    found = configured(os.environ)
    node = node_of(os.environ, found)
    account, _, region = node.partition("/")
    home = Place(account, region)
    ways = sessions(found, home, models=str(MODELS) if MODELS.is_dir() else None)
    doors = AwsMeshDoors(found, ways, queue_url=os.environ.get("TWINWALL_QUEUE", ""), home=home)
    return found, node, doors


def around(event_id: str) -> Around:
    found, node, doors = _doors()
    doors.cause = f"mesh/{found.mesh.name} node/{node} event/{event_id or '-'}"
    return Around(found.mesh, node, doors, WallClock(), ThreadCrew, _token, _log)


def _token() -> str:
    return uuid.uuid4().hex


def _log(line: Mapping[str, Any]) -> None:
    """One line of JSON; Lambda brings it to CloudWatch Logs."""
    sys.stdout.write(json.dumps(dict(line), default=str, sort_keys=True) + "\n")
