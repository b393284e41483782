"""Gets a second, and how long each takes, from 1 to 256 tasks at once, for what people use today and for ``ron``."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks._engines import available
from benchmarks._loops import LOOPS, concurrently, running
from benchmarks._registry import Figures
from benchmarks._report import report
from benchmarks._rounds import interleaved
from benchmarks._server import serving

__all__ = ["run"]

#: by event loop and engine: what was found for each number of tasks
Curves = dict[str, dict[str, list[dict[str, float]]]]

TASKS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
#: not among the contestants here: it costs what raw httpx costs
LEFT_OUT = "the earlier SDK's shape"
SUMMED_UP = (1, 4, 32, 256)


def run(*, smoke: bool, draw: bool) -> Figures:
    """See ``benchmarks._registry.Benchmark``."""
    rounds, seconds = (1, 0.005) if smoke else (5, 0.2)
    curves: Curves = {}
    with serving() as server:
        for loop in LOOPS:
            curves[loop] = {}
            for tasks in (1, 4) if smoke else TASKS:
                times, latencies = _measured(server.url, loop, tasks, rounds, seconds)
                for name, found in times.items():
                    point = {
                        "tasks": tasks,
                        "rate": round(1 / statistics.median(found), 1),
                        "median_seconds": float(f"{latencies[name]:.4g}"),
                    }
                    curves[loop].setdefault(name, []).append(point)
    pictures: dict[str, str] = {}
    if draw:
        from benchmarks._plot import plot_throughput

        pictures["throughput"] = plot_throughput(curves)
    left_out = available()[1] + ([] if "uvloop" in LOOPS else ["uvloop"])
    return report(
        "throughput",
        _table(curves),
        server=server.what,
        left_out=left_out,
        series={"curves": curves},
        pictures=pictures,
    )


def _table(curves: Curves) -> str:
    """Calls a second, for some numbers of tasks."""
    names = list(dict.fromkeys(name for by_engine in curves.values() for name in by_engine))
    rows = [f"| calls a second | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for loop, by_engine in curves.items():
        for place, point in enumerate(by_engine[names[0]]):
            if point["tasks"] in SUMMED_UP:
                cells = (f"{by_engine[name][place]['rate']:,.0f}".replace(",", " ") for name in names)
                rows.append(f"| {_tasks(point['tasks'])}, {loop} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _tasks(count: float) -> str:
    return f"{count:.0f} task{'s' if count > 1 else ''}"


def _measured(
    url: str, loop_name: str, tasks: int, rounds: int, seconds: float
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Seconds for one call by contestant and round, and the median time that a call's caller waits."""
    engines = {name: engine for name, engine in available()[0].items() if name != LEFT_OUT}
    waits: dict[str, list[float]] = {name: [] for name in engines}
    with running(loop_name) as loop:
        stack = contextlib.AsyncExitStack()
        contestants: dict[str, Any] = {}
        for name, engine in engines.items():
            get = loop.run_until_complete(stack.enter_async_context(engine(url, tasks)))
            contestants[name] = concurrently(loop, _watched(get, waits[name]), tasks)
        times = interleaved(contestants, rounds=rounds, seconds=seconds, first_try=tasks)
        loop.run_until_complete(stack.aclose())
    return times, {name: statistics.median(found) for name, found in waits.items()}


def _watched(get: Callable[[], Awaitable[object]], waits: list[float]) -> Callable[[], Awaitable[object]]:
    async def watched() -> object:
        began = time.perf_counter()
        found = await get()
        waits.append(time.perf_counter() - began)
        return found

    return watched
