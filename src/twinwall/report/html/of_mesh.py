"""How a mesh stands as a part of a page: its sites, who has which copy of them, and the rules of each group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twinwall.report.blocks import counted
from twinwall.report.html.page import Figure, Part, Section, Verdict, sections

Told = Mapping[str, Any]
"""``mesh.status.status``'s answer."""

COPIES = {"same": "same", "older": "older", "newer": "newer", "missing": "none", "unread": "not read"}


@dataclass(frozen=True)
class Copies:
    """``rows``: (site, its own node, what each node of ``nodes`` has of it)."""

    nodes: Sequence[str]
    rows: Sequence[tuple[str, str, Sequence[str]]]


def mesh_part(id_: str, told: Told) -> Part:
    sites = told["sites"]
    return Part(
        id_,
        told["mesh"],
        _verdict(told),
        [("Mesh", told["mesh"]), *([("Not read", ", ".join(told["unread"]))] if told["unread"] else [])],
        _figures(sites),
        sections(
            Section("sites", f"{id_}-sites", "Sites", sites, len(sites)),
            _copies(id_, sites),
        ),
    )


def _verdict(told: Told) -> Verdict:
    sites = told["sites"]
    wrong = [site["site"] for site in sites if not site["right"]]
    members = f"{counted(_sum(sites, 'members'), 'member')} at {counted(len(sites), 'site')}"
    if not wrong and told["right"]:
        return Verdict("good", "Right", f"{members}: each group holds exactly the rules that they ask for.")
    return Verdict("bad", "Not right", f"{members}; not right at {', '.join(wrong)}.")


def _sum(sites: Sequence[Told], key: str) -> int:
    return sum(len(site.get(key) or ()) for site in sites)


def _figures(sites: Sequence[Told]) -> list[Figure]:
    missing, extra = _sum(sites, "missing"), _sum(sites, "extra")
    wrong = sum(not site["right"] for site in sites)
    return [
        Figure(f"{len(sites):,}", "sites"),
        Figure(f"{_sum(sites, 'members'):,}", "members"),
        Figure(f"{wrong:,}", "sites not right", "bad" if wrong else None),
        Figure(f"{missing:,}", "rules missing", "bad" if missing else None),
        Figure(f"{extra:,}", "rules too many", "bad" if extra else None),
    ]


def _copies(part: str, sites: Sequence[Told]) -> Section | None:
    nodes = sorted({node for site in sites for node in site.get("copies") or ()})
    if not nodes:
        return None
    rows = [
        (
            site["site"],
            site["node"],
            [COPIES.get((site.get("copies") or {}).get(node, ""), "") for node in nodes],
        )
        for site in sites
    ]
    return Section("copies", f"{part}-copies", "Who has which copy", Copies(nodes, rows), len(rows))
