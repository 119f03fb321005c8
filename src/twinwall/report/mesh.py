"""How a mesh stands, as text: the verdict, then site by site what is there, missing and too much."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from twinwall.report.blocks import counted, folded, heading

Told = Mapping[str, Any]
"""``mesh.status.status``'s answer, or its part for a site."""

_HOW = {"older": "an older", "newer": "a newer", "missing": "no", "unread": "an unread"}


def mesh_status_text(told: Told) -> RenderableType:
    word, style = ("right", "green") if told["right"] else ("not right", "red")
    return Group(Text.assemble(f"mesh {told['mesh']}: ", (word, style)), *map(_site, told["sites"]))


def _site(site: Told) -> RenderableType:
    lines = [Padding(line, (0, 0, 0, 2)) for line in _lines(site)]
    style = "" if site["right"] else "red"
    return Group(
        Text(),
        heading("  ".join([site["site"], site["group"], *site.get("further_groups", ())])).append(
            "" if site["right"] else "  not right", style
        ),
        *lines,
    )


def _lines(site: Told) -> Iterator[Text]:
    if "members" not in site:
        yield folded(site["why"], "red")
        return
    age = "never observed" if site["age"] is None else f"{site['age']:.0f} s old"
    yield folded(f"{counted(len(site['members']), 'member')}, {age}, generation {site['generation']}")
    if site["room"] is None:
        yield folded("its group cannot be read", "red")
    else:
        yield folded(
            f"{counted(site['rules'], 'rule')}, room for {site['room']}, {site['room_of_interface']} an interface"
        )
    if not site["known"]:
        yield folded(f"unknown: {site['why']}", "yellow")
    for node, how in site["copies"].items():
        if how != "same":
            yield folded(f"{node} has {_HOW[how]} copy", "yellow")
    yield from (folded(f"missing: {rule}", "red") for rule in site["missing"])
    yield from (folded(f"extra: {rule}", "yellow") for rule in site["extra"])
    yield from (folded(f"port no longer configured: {rule}", "yellow") for rule in site["other_ports"])
