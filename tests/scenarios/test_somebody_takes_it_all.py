"""Issue 5: *RequestLimitExceeded slows, never fails*: for two minutes EC2 refuses every call of one action, whatever a
run that has begun makes it for (the lock, a write, a reading before removals or of what became of a call, the proof).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import plots
import pytest
from undertakings import Ran, Scene, equal_but_for_ids

from twinwall.emulator.faults import Fault, Kind
from twinwall.emulator.refusal import Refusal
from twinwall.model.throttle import is_read

LIMIT = Refusal("RequestLimitExceeded", "Request limit exceeded.", 503)
SECONDS = 120.0


def carried_out(plot: plots.Plot, folder: Path, *faults: Fault) -> tuple[Scene, Ran]:
    scene = plot.scene(folder)
    for fault in faults:
        scene.aws.trouble.add(fault)
    scene.sim.spawn(scene.aws.trouble.no_faults, delay=SECONDS)
    return scene, scene.run(plot.applying(scene, folder / f"journal-{id(scene)}"))


@dataclass(frozen=True)
class Story:
    """``calls``: of the run where nothing is refused."""

    plot: plots.Plot
    calls: Sequence[str]

    def refused(self, action: str) -> Fault:
        """From the first write on: what is read for the plan is read before."""
        first = next(number for number, call in enumerate(self.calls) if not is_read(call))
        return Fault(action, Kind.REFUSED, LIMIT, times=None, skip=Counter(self.calls[:first])[action])


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """It adds to groups and ACLs, and takes from both."""
    folder = tmp_path_factory.mktemp("plots")
    wanted = {"AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress", "DeleteNetworkAclEntry"}
    made = filter(None, (plots.plot(folder, plots.small(seed), seed) for seed in range(300)))
    stories = (Story(plot, carried_out(plot, folder)[0].aws.log) for plot in made)
    return next(one for one in stories if wanted <= set(one.calls))


def check(plot: plots.Plot, scene: Scene, ran: Ran) -> None:
    assert ran.error is None
    assert ran.report is not None
    assert ran.report.equal
    assert equal_but_for_ids(scene.everything(), plot.wanted) == []
    assert SECONDS <= ran.seconds < SECONDS * 2
    plot.check(scene)


def test_every_action_in_turn(story: Story, tmp_path: Path) -> None:
    for action, count in Counter(story.calls).items():
        fault = story.refused(action)
        if fault.skip < count:
            check(story.plot, *carried_out(story.plot, tmp_path, fault))


def test_where_it_has_to_be_read_what_became_of_a_call(story: Story, tmp_path: Path) -> None:
    """The answer of the first ingress call is lost; what there is of rules cannot be read for two minutes."""
    lost = Fault("AuthorizeSecurityGroupIngress", Kind.LOST)
    rules = story.refused("DescribeSecurityGroupRules")
    check(story.plot, *carried_out(story.plot, tmp_path, rules, lost))


def test_with_everything_refused(story: Story, tmp_path: Path) -> None:
    faults = (story.refused(action) for action in set(story.calls))
    check(story.plot, *carried_out(story.plot, tmp_path, *faults))
