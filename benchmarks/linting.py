"""How long ``lint`` takes, and how it grows. ``make bench`` runs it and writes the figures into
docs/performance.md.
"""

import statistics

import material
from measure import milliseconds, note, shown, table, write, yardstick
from twinwall.model.firewall import Snapshot
from twinwall.planning.inspected import Firewall
from twinwall.planning.lint import lint

TEXT = """\
## lint

All checks of one firewall, in ms of processor time, medians of 3."""

HEAD = ("one group", "one group, as many borders", "one ACL, both ways")


def linted() -> list[str]:
    """One group of so many rules, one ACL of so many entries in each direction, so many groups of 60."""
    rows = []
    for size in (100, 300, 1_000, 3_000, 10_000):
        snapshots = [material.one_group(size), material.one_group(size, size), material.one_acl(size)]
        spent = [
            noted(f"{what} of {size:,}", snapshot) for what, snapshot in zip(HEAD, snapshots, strict=True)
        ]
        rows.append([f"{size:,}", *spent])
    many = [
        f"{noted(f'{count:,} groups of 60', material.groups(count, 60))} ms for {count:,}"
        for count in (100, 300, 1_000)
    ]
    said = f"Groups of 60 rules, interfaces known: {', '.join(many)}."
    head = ["rules", *HEAD]
    return [*TEXT.splitlines(), "", *table(head, rows), said, ""]


def noted(name: str, snapshot: Snapshot) -> str:
    spent = lint_time(snapshot)
    note(name, spent, "ms", beside=yardstick())
    return shown(spent)


def lint_time(snapshot: Snapshot) -> float:
    firewall = Firewall("measured", "vpc-1", snapshot)
    return statistics.median(milliseconds(lambda: bool(lint(firewall).findings)) for _ in range(3))


if __name__ == "__main__":
    write(__file__, linted())
