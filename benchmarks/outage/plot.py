"""The picture: goodput and attempts over time, a row for each bad day. Needs matplotlib, the extra ``bench``.

The same figures give the same bytes with one version of matplotlib. The picture brings its own light background, so it
reads on pages of any colour.
"""

from __future__ import annotations

import importlib
import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.outage.measures import Tally
    from benchmarks.outage.scenarios import Scenario

__all__ = ["plot"]

# The palette of Okabe and Ito, which people with any colour vision can tell apart; and a dash for those who print.
_LINES = {
    "ron": {"color": "#0072b2", "linewidth": 1.8, "linestyle": "-", "zorder": 3},
    "plain back-off": {"color": "#d55e00", "linewidth": 1.2, "linestyle": "--", "zorder": 2},
    "no retry": {"color": "#777777", "linewidth": 1.2, "linestyle": ":", "zorder": 1},
}
_SETTINGS = {
    "svg.hashsalt": "ron",  # ids are random without one
    "svg.fonttype": "none",  # text stays text
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib; the whole default list would stand at every number
    "font.size": 8.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
SMOOTH = 3  # seconds in one point
_LONG_NUMBER = re.compile(r"\d+\.\d{3,}")  # a tenth of a point is fine enough, and a third of the bytes


def plot(days: Sequence[Scenario], tallies: Mapping[str, Mapping[str, Tally]]) -> str:
    """The picture as SVG text."""
    matplotlib: Any = importlib.import_module("matplotlib")
    matplotlib.use("svg")
    pyplot: Any = importlib.import_module("matplotlib.pyplot")
    with matplotlib.rc_context(_SETTINGS):
        figure, axes = pyplot.subplots(len(days), 2, figsize=(9.0, 1.9 * len(days)), squeeze=False, facecolor="#fcfcfa")
        for (left, right), day in zip(axes, days):
            for policy, style in _LINES.items():
                tally = tallies[day.name][policy]
                left.plot(*_points(tally.goodput()), label=policy, **style)
                right.plot(*_points(tally.offered()), **style)
            left.set_title(day.title, loc="left", fontsize=8.5, fontweight="bold")
            left.set_ylabel("successes/s")
            right.set_ylabel("attempts/s")
            for axis in (left, right):
                axis.axvspan(day.bad_begins, day.bad_ends, color="#000000", alpha=0.06, linewidth=0)
                axis.axhline(1.0, color="#999999", linewidth=0.6)
                axis.set_ylim(bottom=0.0)
                axis.set_xlim(0.0, day.ends)
                axis.locator_params(nbins=4)
                axis.set_facecolor("#fcfcfa")
        axes[0][1].set_title("shares of the node's capacity; the bad phase is grey", loc="right", fontsize=8)
        axes[-1][0].set_xlabel("seconds")
        axes[-1][1].set_xlabel("seconds")
        figure.legend(*axes[0][0].get_legend_handles_labels(), loc="upper center", ncol=len(_LINES), frameon=False)
        figure.tight_layout(rect=(0.0, 0.0, 1.0, 0.97))
        out = io.StringIO()
        figure.savefig(out, format="svg", facecolor="#fcfcfa", metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
    lines = (
        line.strip() for line in _LONG_NUMBER.sub(lambda match: f"{float(match[0]):.1f}", out.getvalue()).split("\n")
    )
    return "\n".join(line for line in lines if line) + "\n"


def _points(values: Sequence[float]) -> tuple[list[float], list[float]]:
    """Means of a few seconds each, at their middles."""
    starts = range(0, len(values) - SMOOTH + 1, SMOOTH)
    return [start + SMOOTH / 2 for start in starts], [
        round(sum(values[start : start + SMOOTH]) / SMOOTH, 3) for start in starts
    ]
