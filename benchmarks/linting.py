"""How long ``lint`` takes, and how it grows. ``make bench`` runs it and writes the figures into
docs/performance.md.
"""

import statistics

import material
from measure import milliseconds, shown, table, write
from twinwall.model.firewall import Snapshot
from twinwall.planning.inspected import Firewall
from twinwall.planning.lint import lint

TEXT = """\
## lint

All checks of one firewall, in ms of processor time, medians of 3."""


def linted() -> list[str]:
    """One group of so many rules, one ACL of so many entries in each direction, so many groups of 60."""
    rows = []
    for size in (100, 300, 1_000, 3_000, 10_000):
        snapshots = [material.one_group(size), material.one_group(size, size), material.one_acl(size)]
        rows.append([f"{size:,}", *(shown(lint_time(snapshot)) for snapshot in snapshots)])
    many = [f"{shown(lint_time(material.groups(count, 60)))} ms for {count:,}" for count in (100, 300, 1_000)]
    said = f"Groups of 60 rules, interfaces known: {', '.join(many)}."
    head = ["rules", "one group", "one group, as many borders", "one ACL, both ways"]
    return [*TEXT.splitlines(), "", *table(head, rows), said, ""]


def lint_time(snapshot: Snapshot) -> float:
    firewall = Firewall("measured", "vpc-1", snapshot)
    return statistics.median(milliseconds(lambda: bool(lint(firewall).findings)) for _ in range(3))


if __name__ == "__main__":
    write(__file__, linted())
