"""How pictures look, and the two of ``docs/performance.md``. Needs matplotlib, the extra ``bench``.

The same figures give the same bytes with one version of matplotlib. A picture brings its own light background, so it
reads on pages of any colour.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["BACKGROUND", "plot_page", "plot_throughput", "pyplot", "svg_of"]

BACKGROUND = "#fcfcfa"
_SETTINGS = {
    "svg.hashsalt": "ron",  # ids are random without one
    "svg.fonttype": "none",  # text stays text
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib; the whole default list would stand at every number
    "font.size": 8.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_LONG_NUMBER = re.compile(r"\d+\.\d{3,}")  # a tenth of a point is fine enough, and a third of the bytes
# The palette of Okabe and Ito, which people with any colour vision can tell apart; and markers for those who print.
_STYLES: Sequence[Mapping[str, str]] = (
    {"color": "#777777", "marker": "x", "linestyle": ":"},
    {"color": "#e69f00", "marker": "^", "linestyle": "--"},
    {"color": "#d55e00", "marker": "s", "linestyle": "--"},
    {"color": "#0072b2", "marker": "o", "linestyle": "-"},
    {"color": "#009e73", "marker": "D", "linestyle": "-"},
)
_OF_ENGINES: Mapping[str, Mapping[str, str]] = dict(
    zip(("raw httpx", "raw httpx2", "raw aiohttp", "ron", "ron[fast]"), _STYLES)
)


@contextlib.contextmanager
def pyplot() -> Iterator[Any]:
    """``matplotlib.pyplot`` with the settings of our pictures, for the block's time."""
    matplotlib: Any = importlib.import_module("matplotlib")
    matplotlib.use("svg")
    with matplotlib.rc_context(_SETTINGS):
        yield importlib.import_module("matplotlib.pyplot")


def svg_of(figure: Any) -> str:
    """The picture as SVG text, without what differs from run to run; the figure is used up."""
    out = io.StringIO()
    figure.savefig(out, format="svg", facecolor=BACKGROUND, metadata={"Date": None, "Creator": None})
    importlib.import_module("matplotlib.pyplot").close(figure)
    text = _LONG_NUMBER.sub(lambda match: f"{float(match[0]):.1f}", out.getvalue())
    return "\n".join(line for line in map(str.strip, text.split("\n")) if line) + "\n"


def plot_throughput(curves: Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]) -> str:
    """Calls a second and the median time of one, against tasks; a row for each event loop."""
    with pyplot() as plotter:
        figure, axes = plotter.subplots(
            len(curves), 2, figsize=(9.0, 3.0 * len(curves)), squeeze=False, facecolor=BACKGROUND, sharex=True
        )
        for (left, right), (loop, by_engine) in zip(axes, curves.items()):
            for name, points in by_engine.items():
                style = {**_OF_ENGINES[name], "markersize": 3.5, "linewidth": 1.3}
                tasks = [point["tasks"] for point in points]
                left.plot(tasks, [point["rate"] for point in points], label=name, **style)
                right.plot(tasks, [point["median_seconds"] * 1e3 for point in points], **style)
            left.set_title(f"{loop}: calls a second", loc="left", fontsize=8.5, fontweight="bold")
            right.set_title(f"{loop}: median time of a call, ms", loc="left", fontsize=8.5, fontweight="bold")
            for axis in (left, right):
                _logarithmic(axis)
        for axis in axes[-1]:
            axis.set_xlabel("tasks at once")
        figure.legend(*axes[0][0].get_legend_handles_labels(), loc="upper center", ncol=5, frameon=False)
        figure.tight_layout(rect=(0.0, 0.0, 1.0, 0.95))
        return svg_of(figure)


def plot_page(curves: Mapping[str, Sequence[tuple[int, float]]]) -> str:
    """Milliseconds for a page against its items."""
    with pyplot() as plotter:
        figure, axis = plotter.subplots(figsize=(6.0, 3.2), facecolor=BACKGROUND)
        for (name, points), style in zip(curves.items(), (_STYLES[3], _STYLES[0], _STYLES[2])):
            sizes = [size for size, _ in points]
            axis.plot(sizes, [seconds * 1e3 for _, seconds in points], label=name, markersize=3.5, **style)
        axis.set_title("a page of typed items, sync: ms", loc="left", fontsize=8.5, fontweight="bold")
        axis.set_xlabel("items in the page")
        _logarithmic(axis)
        axis.legend(frameon=False)
        figure.tight_layout()
        return svg_of(figure)


def _logarithmic(axis: Any) -> None:
    axis.set_xscale("log", base=10 if axis.get_xlim()[1] > 1000 else 2)
    axis.set_yscale("log")
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_formatter(lambda value, _position: f"{value:g}")
    axis.grid(visible=True, which="major", color="#dddddd", linewidth=0.5)
    axis.set_facecolor(BACKGROUND)
