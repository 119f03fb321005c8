"""A run of apply in another Region of the embedded AWS in memory, with the throttle on, on a clock that is reckoned and
not waited for: the same to the millisecond on every machine.

Each way of a call takes 20 ms. Time counts from the first write, which is the lock's creation, to the answer of the
last; the lock's deletion is not timed. The endpoint's own log is read, not what apply says of itself.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import works
from twinwall.emulator.memory import MemoryAws
from twinwall.emulator.memory_doors import MemoryJournal
from twinwall.emulator.refusal import Refusal
from twinwall.emulator.simulation import Simulation
from twinwall.engine import proving, replica
from twinwall.engine.apply import Means
from twinwall.engine.lock import Holder, acquire
from twinwall.engine.pace import Paces
from twinwall.engine.sides import FileSide, LiveSide
from twinwall.model.throttle import bucket_of, is_read
from twinwall.replica.settings import Limits, Selection, Settings, Translation

LATENCY = 0.04
CHAIN = 4
"""Round trips that follow one another whatever is done: read, create, authorize, verify."""
SETTINGS = Settings(Selection(), Translation(associate="auto"), Limits())


@dataclass(frozen=True)
class Sent:
    action: str
    start: float
    end: float
    refused: bool


class Logged(MemoryAws):
    """Keeps what was sent, by Region."""

    def __init__(self, *some: Any, **more: Any) -> None:
        super().__init__(*some, **more)
        self.log: dict[str, list[Sent]] = {}

    def request(self, account: str, region: str, action: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        start, answer = self.clock.monotonic(), None
        try:
            answer = super().request(account, region, action, params)
            return answer
        finally:
            sent = Sent(action, start, self.clock.monotonic(), answer is None)
            self.log.setdefault(region, []).append(sent)


@dataclass(frozen=True)
class Ran:
    """One Region's: seconds from the first write to the last, the calls that took a token, those refused, the first
    bound (``bound``), and seconds of the clock on the wall for planning."""

    seconds: float
    calls: Counter[str]
    refused: int
    bound: float
    planning: float

    @property
    def ratio(self) -> float:
        return self.seconds / self.bound

    @property
    def writes(self) -> int:
        return self.calls.total()


def bound(calls: Mapping[str, int], part: float = 1.0) -> float:
    """performance.md: the fullest bucket, and the round trips of the chain. ``part`` of each bucket is ours."""
    waits = []
    for action, count in calls.items():
        bucket = bucket_of(action)
        waits.append((count - bucket.capacity * part) / (bucket.refill * part))
    return max(0.0, *waits) + CHAIN * LATENCY


@dataclass
class Stage:
    """One account, Regions with an empty VPC each. ``part``: how much of each bucket somebody else leaves us;
    ``share``: how much apply is told to take."""

    document: works.Json
    regions: Sequence[str] = ("us-east-1",)
    part: float = 1.0
    share: float = 1.0
    seed: int = 1
    planning: dict[str, float] = field(default_factory=dict)

    def run(self) -> list[Ran]:
        self.sim = Simulation(self.seed)
        self.aws = Logged((works.TARGET,), clock=self.sim, throttle=True, latency=LATENCY)
        self.left = len(self.regions)
        paces = Paces(self.sim)
        for region in self.regions:
            vpc = self.aws.make_vpc(
                works.TARGET, region, works.TARGET_CIDR, subnets=works.subnets(self.document)
            )
            doors = self.aws.doors(works.TARGET, region)
            pace = paces.of(works.TARGET, region, self.share)
            side = LiveSide(vpc, vpc, doors.reader, doors.account, doors.writer, pace)
            if self.part < 1:
                self._others(region)
            self.sim.spawn(lambda side=side, region=region: self._apply(side, region))
        self.sim.run()
        return [self._ran(region) for region in self.regions]

    def _apply(self, side: LiveSide, region: str) -> None:
        began = time.process_time()
        planned = replica.plan(FileSide("source", self.document), side, SETTINGS)
        self.planning[region] = time.process_time() - began
        journal = MemoryJournal()
        replica.begin(planned, journal)
        lock = acquire(side, Holder("benchmark", journal.path, region), journal, self.sim)
        means = Means(journal, self.sim, self.sim.crew(), side.pace, alive=lock.keep)
        applied = replica.apply(planned, side, means)
        with self._untimed(region):
            lock.release()
        report = proving.prove(planned, applied, side, means).report
        self.left -= 1
        if not report.equal:
            raise AssertionError(
                f"{region}: what was applied is not what was wanted: {report.differences[:1]}"
            )

    @contextmanager
    def _untimed(self, region: str) -> Iterator[None]:
        before = len(self.aws.log[region])
        yield
        del self.aws.log[region][before:]

    # --- somebody else

    def _others(self, region: str) -> None:
        """Has emptied their part of every bucket, and takes their part of what comes into it."""
        actions = ("CreateSecurityGroup", "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress")
        actions += ("RevokeSecurityGroupEgress", "CreateNetworkAcl", "CreateNetworkAclEntry", "CreateTags")
        actions += ("ReplaceNetworkAclAssociation", "DescribeSecurityGroups", "DescribeNetworkAcls")
        for action in actions:
            for _ in range(int(bucket_of(action).capacity * (1 - self.part))):
                self._take(region, action)
            self.sim.spawn(lambda action=action: self._other(region, action))

    def _other(self, region: str, action: str) -> None:
        while self.left:
            self.sim.sleep(1 / (bucket_of(action).refill * (1 - self.part)))
            self._take(region, action)

    def _take(self, region: str, action: str) -> None:
        with suppress(Refusal):  # they too are asked to wait
            self.aws.throttle.check(works.TARGET, region, action, {"MaxResults": 5})

    # --- what it came to

    def _ran(self, region: str) -> Ran:
        writes = [sent for sent in self.aws.log[region] if not is_read(sent.action)]
        seconds = max(sent.end for sent in writes) - min(sent.start for sent in writes)
        done = Counter(sent.action for sent in writes if not sent.refused)
        refused = sum(sent.refused for sent in self.aws.log[region])
        return Ran(seconds, done, refused, bound(done, self.part), self.planning[region])
