"""From comparisons to what is written down: rows, a table of them, and what they were measured on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Optional, Union

from benchmarks._registry import Figures
from benchmarks._rounds import Comparison, spread

__all__ = ["PAGE", "Row", "report", "row", "row_of_rates", "row_of_speed", "table"]

PAGE = "docs/performance.md"
_LIBRARIES = ("aiohttp", "httpcore", "httpx", "httpx-sse", "httpx2", "pydantic", "pyreqwest", "uvloop")
_HEAD = "| what | against | ours | peer | ratio (p10–p90) | goal | met |\n|---|---|---|---|---|---|---|"


class Row(NamedTuple):
    """One line of a table.

    Attributes:
        what, against: what was measured, and the peer.
        ours, peer: medians, seconds for one call; None where there is no peer.
        kind: what ``value`` is: "time" (ours / peer), "speed" (peer / ours) or "rate" (calls a second).
        value, low, high: the median over rounds, its 10th and its 90th percentile.
        goal: at most this for "time", at least this for the others; None without a goal.
    """

    what: str
    against: str
    ours: float
    peer: Optional[float]
    kind: str
    value: float
    low: float
    high: float
    goal: Optional[float] = None

    @property
    def met(self) -> Optional[bool]:
        """Whether the goal is; None without one."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.kind == "time" else self.value >= self.goal


def row(what: str, against: str, found: Comparison, goal: Optional[float] = None) -> Row:
    """How much of the peer's time ours takes."""
    return Row(what, against, found.ours, found.peer, "time", found.ratio, found.low, found.high, goal)


def row_of_speed(what: str, against: str, found: Comparison, goal: Optional[float] = None) -> Row:
    """How many times as fast as the peer ours is."""
    return Row(what, against, found.ours, found.peer, "speed", 1 / found.ratio, 1 / found.high, 1 / found.low, goal)


def row_of_rates(what: str, times: Sequence[float], goal: Optional[float] = None) -> Row:
    """How many calls a second ours makes."""
    low, high = spread(times)
    middle = statistics.median(times)
    return Row(what, "", middle, None, "rate", 1 / middle, 1 / high, 1 / low, goal)


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """The rows in Markdown; they are given as they stand in the JSON."""
    return "\n".join([_HEAD, *(_line(Row(**one)) for one in rows)])


def _line(one: Row) -> str:
    value = f"{_value(one, one.value)} ({_value(one, one.low)}–{_value(one, one.high)})"
    goal = "" if one.goal is None else f"{'≤' if one.kind == 'time' else '≥'} {_value(one, one.goal)}"
    met = {None: "", True: "yes", False: "**no**"}[one.met]
    peer = "" if one.peer is None else _seconds(one.peer)
    return f"| {one.what} | {one.against} | {_seconds(one.ours)} | {peer} | {value} | {goal} | {met} |"


def _value(one: Row, value: float) -> str:
    if one.kind == "rate":
        return f"{value:,.0f}/s".replace(",", " ")
    return f"{value:.3f}" if one.kind == "time" else f"{value:.1f}×"


def _seconds(value: float) -> str:
    if value < 1e-3:
        return f"{value * 1e6:.3g} µs"
    return f"{value * 1e3:.3g} ms" if value < 1 else f"{value:.3g} s"


def report(
    name: str,
    found: Union[str, Sequence[Row]],
    *,
    server: str = "",
    left_out: Sequence[str] = (),
    series: Optional[Mapping[str, Any]] = None,
    pictures: Optional[Mapping[str, str]] = None,
) -> Figures:
    """The figures of a benchmark whose block in ``docs/performance.md`` has its name.

    ``found`` are its rows, or a table of another form. ``left_out`` are contestants that are not installed; ``series``
    is more for the JSON.
    """
    result: dict[str, Any] = {"machine": machine(), "server": server, "left_out": list(left_out)}
    if isinstance(found, str):
        text = found
    else:
        result["rows"] = [{**one._asdict(), **_rounded(one)} for one in found]
        text = table(result["rows"])
    result.update(series or {})
    notes = []
    if server:
        notes.append(f"Server: {server}.")
    if left_out:
        notes.append(f"Left out, because not installed: {', '.join(left_out)}.")
    block = f"{text}\n\n{' '.join(notes)}" if notes else text
    return Figures(result, block, pictures or {}, {PAGE: {name: block}})


def _rounded(one: Row) -> dict[str, Any]:
    names = ("ours", "peer", "value", "low", "high")
    return {name: None if getattr(one, name) is None else float(f"{getattr(one, name):.4g}") for name in names}


def machine() -> dict[str, Any]:
    """What it was measured on."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "libraries": {name: version for name in _LIBRARIES if (version := _version(name))},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
