"""*Changed during it: left alone and reported, nothing of theirs lost.*"""

from collections.abc import Callable
from pathlib import Path

import pytest
from firewalls import group
from foreign_hand import add_rule
from small_estates import SETTINGS, source, target
from undertakings import OWNER, REGION, Ran, Scene

WAS = source([group("sg-web", "web", "in tcp 443 0.0.0.0/0", "out -1 - 0.0.0.0/0")], [], [])
IS = source(
    [group("sg-web", "web", "in tcp 443 0.0.0.0/0", "in tcp 80 192.0.2.0/24", "out -1 - 0.0.0.0/0")], [], []
)


def beside(folder: Path, foreign: Callable[[Scene], None]) -> tuple[Scene, Ran]:
    """A run that only adds, so that nothing is read before the proof; ``foreign`` happens as it takes its lock."""
    scene = Scene.make(folder, target())
    assert scene.run(scene.applying(WAS, SETTINGS, folder / "was")).report.equal
    writes = scene.aws.log.count("CreateSecurityGroup")
    ran = scene.start(scene.applying(IS, SETTINGS, folder / "is"))

    def hand() -> None:
        while scene.aws.log.count("CreateSecurityGroup") == writes:
            scene.sim.sleep(0.001)
        foreign(scene)

    scene.sim.spawn(hand)
    scene.sim.run()
    assert ran.error is None
    return scene, ran


def take_away(scene: Scene) -> None:
    web = scene.everything()["groups"]["web"]
    (rule,) = [one for one in web.rules if str(one.traffic) == "tcp/443"]
    params = {"GroupId": web.group_id, "SecurityGroupRuleIds": [rule.rule_id]}
    scene.aws.request(OWNER, REGION, "RevokeSecurityGroupIngress", params)


def test_a_rule_that_changes_no_verdict_is_told(folder: Path) -> None:
    """It is covered by another; in a group that only gains, the proof's is the one reading of it."""
    scene, ran = beside(folder, lambda scene: add_rule(scene, "web", 443))
    assert ran.calls["DescribeSecurityGroupRules"] == 0
    assert ran.report.equal
    (finding,) = ran.meanwhile
    assert (finding.id, finding.resource.name, finding.rule) == (
        "changed-meanwhile",
        "web",
        "ingress tcp/443 from 198.18.0.0/15",
    )
    assert len(scene.everything()["groups"]["web"].rules) == 4


def test_a_rule_that_was_taken_away_is_told(folder: Path) -> None:
    _, ran = beside(folder, take_away)
    assert not ran.report.equal
    (finding,) = ran.meanwhile
    assert finding.message.startswith("ingress tcp/443 from 0.0.0.0/0 of web")
    assert "was taken away by somebody else" in finding.message


@pytest.mark.parametrize("name", ["old-web", "default"])
def test_what_the_run_does_not_touch_is_none_of_its_business(folder: Path, name: str) -> None:
    _, ran = beside(folder, lambda scene: add_rule(scene, name, 443))
    assert ran.meanwhile == ()
