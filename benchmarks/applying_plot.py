"""The plot of ``applying``: how long others take, and Twinwall against the bound. SVG, the same bytes for the same
figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, OURS, THEIRS = "#555555", "#0b7285", "#adb5bd"


def draw(path: Path, bars: Mapping[str, float], runs: Sequence[tuple[str, float, float]]) -> None:
    """``bars``: way → seconds. ``runs``: (name, seconds, bound)."""
    mpl.rcParams.update({"svg.hashsalt": "twinwall", "svg.fonttype": "none", "font.size": 9})
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    _beside(left, bars)
    _against(right, runs)
    figure.savefig(path, metadata={"Date": None, "Creator": None}, transparent=True)


def _beside(axes: Axes, bars: Mapping[str, float]) -> None:
    names = [name.replace("`", "") for name in reversed(bars)]
    seconds = list(reversed(bars.values()))
    drawn = axes.barh(names, seconds, color=[OURS if name == "Twinwall" else THEIRS for name in names])
    axes.bar_label(drawn, [f" {value:.0f} s" for value in seconds], color=INK)
    axes.set_xscale("log")
    axes.set_xlim(1, max(seconds) * 4)
    _plain(axes, "100 groups, 5 ACLs into another Region, over HTTP", "seconds, log scale")


def _against(axes: Axes, runs: Sequence[tuple[str, float, float]]) -> None:
    bounds = sorted({bound for _, _, bound in runs})
    axes.plot(bounds, bounds, color=THEIRS, label="bound of EC2's throttle", zorder=1)
    axes.scatter([b for *_, b in runs], [s for _, s, _ in runs], color=OURS, s=18, label="Twinwall", zorder=2)
    axes.legend(frameon=False, labelcolor=INK)
    _plain(axes, "Every run against its bound, virtual clock", "bound, seconds")
    axes.set_ylabel("measured, seconds", color=INK)


def _plain(axes: Axes, title: str, below: str) -> None:
    axes.set_title(title, fontsize=9, color=INK)
    axes.set_xlabel(below, color=INK)
    axes.tick_params(colors=INK)
    for name, spine in axes.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color(INK)
