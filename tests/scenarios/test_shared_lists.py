"""Two targets in one account and Region share the one copy of a list: whose run made it, its journal knows."""

import json
from pathlib import Path
from typing import Any

import firewalls as f
import pytest
from small_estates import SETTINGS, source, target
from undertakings import OWNER, REGION, End, Ran, Scene

from twinwall.boundary import Crew
from twinwall.emulator.simulation import Process
from twinwall.engine import replica
from twinwall.engine.sides import FileSide

SOURCE = source(
    [f.group(f"sg-a{n}", f"web-{n}", "in tcp 443 pl-0", "out -1 - 0.0.0.0/0") for n in range(4)],
    [],
    [f.prefix_list("pl-0", "office", "198.18.0.1/32", size=10)],
)


def beside(scene: Scene, folder: Path) -> Scene:
    """Another VPC there."""
    text = json.dumps(target()).replace("vpc-target", "vpc-other").replace("subnet-t", "subnet-o")
    (vpc,) = scene.aws.load(OWNER, REGION, json.loads(text.replace("-0000000000000000", "-1000000000000000")))
    return Scene(scene.sim, scene.aws, vpc, folder)


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("number", [2, 5, 7])
def test_a_run_that_used_anothers_list_is_resumed_with_it_and_undone_without_it(
    folder: Path, number: int, back: bool
) -> None:
    first = Scene.make(folder, target())
    second, process = beside(first, folder), Process("cut off")

    def both(ran: Ran, crew: Crew) -> None:
        """Both are planned before either writes."""
        made: dict[str, str] = {}
        sides = [(scene, scene.side()) for scene in (first, second)]
        plans = [replica.plan(FileSide("source", SOURCE), side, SETTINGS) for _, side in sides]
        for (scene, side), planned in zip(sides, plans, strict=True):
            scene.made = made
            if scene is second:
                scene.sim.sleep(30)
                scene.aws.doom = (number, End.AFTER, process)
            scene.carry(ran, planned, side, folder / scene.vpc, crew)

    first.run(both, process)
    first.aws.doom, second.made = None, {}
    first.sim.sleep(100)
    lists = first.everything()["lists"]
    kept = first.everything()["groups"]
    journal = folder / second.vpc
    ran = second.run(second.undoing(journal, folder / "u") if back else second.resuming(journal))
    assert ran.report is not None, ran.error
    assert ran.report.equal
    assert first.everything()["lists"] == lists
    assert first.everything()["groups"] == kept
    copied: Any = {name for name in second.everything()["groups"] if name.startswith("web-")}
    assert len(copied) == (0 if back else 4)
