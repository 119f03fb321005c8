"""The time left that a bar shows."""

import pytest
from rich.progress import Progress

from twinwall.cli.progress import LeftColumn


def left(reckoned: float | None, *steps: tuple[float, int], of: int = 384) -> str:
    """``steps``: (the moment, the calls done by then)."""
    now = 0.0
    bars = Progress(get_time=lambda: now, disable=True)
    fields = {} if reckoned is None else {"seconds": reckoned}
    task = bars.add_task("", total=of, **fields)
    for moment, done in steps:
        now = moment
        bars.update(task, completed=done)
    return LeftColumn().render(bars.tasks[0]).plain


@pytest.mark.parametrize(
    ("reckoned", "steps", "shown"),
    [
        (10.0, (), "0:00:10"),  # nothing was sent yet
        (10.0, ((0.5, 100), (1.0, 250)), "0:00:09"),  # the buckets were full: that rate does not last
        (10.0, ((5.0, 20), (10.0, 40)), "0:01:26"),  # it goes slower than was reckoned
        (10.0, ((9.0, 383), (12.0, 384)), "0:00:00"),
        (None, (), "-:--:--"),  # readings, of which nothing was reckoned
        (None, ((10.0, 96), (20.0, 192)), "0:00:20"),
    ],
)
def test_the_time_left_is_what_the_plan_reckons_until_the_calls_say_more(
    reckoned: float | None, steps: tuple[tuple[float, int], ...], shown: str
) -> None:
    assert left(reckoned, *steps) == shown
