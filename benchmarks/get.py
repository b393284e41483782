"""A typed ``get`` against an untyped one, from 1 and from 32 tasks, async and sync."""

from __future__ import annotations

import contextlib

import httpx

from benchmarks._engines import HEADERS, PATH, available, earlier_headers, fast_is_there, raise_problem
from benchmarks._loops import LOOPS, concurrently, running
from benchmarks._registry import Figures
from benchmarks._report import Row, report, row, row_of_rates, row_of_speed
from benchmarks._rounds import Contestant, compare, interleaved
from benchmarks._server import serving
from benchmarks._shop import TOKEN, Item
from ron import RonClientSync

__all__ = ["run"]

RAW, EARLIER, OURS, FAST = "raw httpx", "the earlier SDK's shape", "ron", "ron[fast]"
GOALS = {1: 0.38, 32: 0.13}  # of raw httpx's time
SYNC_GOAL = 0.58
FAST_GOAL, FAST_RATE = 20.0, 10_000.0


def run(*, smoke: bool, draw: bool) -> Figures:
    """See ``benchmarks._registry.Benchmark``."""
    del draw
    rounds, seconds = (1, 0.01) if smoke else (21, 0.25)
    rows: list[Row] = []
    with serving() as server:
        for loop in LOOPS:
            for tasks in GOALS:
                rows += _async_rows(loop, tasks, server.url, rounds, seconds)
        rows += _sync_rows(server.url, rounds, seconds)
    left_out = [name for name in available()[1] if name == FAST]
    left_out += [] if "uvloop" in LOOPS else ["uvloop"]
    return report("get", rows, server=server.what, left_out=left_out)


def _async_rows(loop_name: str, tasks: int, url: str, rounds: int, seconds: float) -> list[Row]:
    engines = {name: engine for name, engine in available()[0].items() if name in (RAW, EARLIER, OURS, FAST)}
    with running(loop_name) as loop:
        stack = contextlib.AsyncExitStack()
        contestants: dict[str, Contestant] = {}
        for name, engine in engines.items():
            get = loop.run_until_complete(stack.enter_async_context(engine(url, 100)))
            contestants[name] = concurrently(loop, get, tasks)
        times = interleaved(contestants, rounds=rounds, seconds=seconds, first_try=tasks)
        loop.run_until_complete(stack.aclose())
    where = f"{tasks} task{'s' if tasks > 1 else ''}, {loop_name}"
    goal = GOALS[tasks] if loop_name == "asyncio" else None
    rows = [
        row(f"typed get, {where}", RAW, compare(times, OURS, RAW), goal),
        row(f"typed get, {where}", EARLIER, compare(times, OURS, EARLIER)),
    ]
    if FAST in times:
        judged = (tasks, loop_name) == (32, "uvloop")
        what = f"typed get, {FAST}, {where}"
        rows.append(row_of_speed(what, RAW, compare(times, FAST, RAW), FAST_GOAL if judged else None))
        if tasks > 1:
            rows.append(row_of_rates(what, times[FAST], FAST_RATE if judged else None))
    return rows


def _sync_rows(url: str, rounds: int, seconds: float) -> list[Row]:
    with contextlib.ExitStack() as stack:
        raw = stack.enter_context(httpx.Client(base_url=url, headers=HEADERS))
        bare = stack.enter_context(httpx.Client(base_url=url))

        def untyped(calls: int) -> None:
            for _ in range(calls):
                raw.get(PATH).json()

        def earlier(calls: int) -> None:
            for _ in range(calls):
                response = bare.request("GET", PATH, headers=earlier_headers(), timeout=10.0)
                raise_problem(response)
                response.json()

        contestants: dict[str, Contestant] = {RAW: untyped, EARLIER: earlier, OURS: _typed(stack, url, "default")}
        if fast_is_there():
            contestants[FAST] = _typed(stack, url, "fast")
        times = interleaved(contestants, rounds=rounds, seconds=seconds)
    rows = [
        row("typed get, sync", RAW, compare(times, OURS, RAW), SYNC_GOAL),
        row("typed get, sync", EARLIER, compare(times, OURS, EARLIER)),
    ]
    if FAST in times:
        rows.append(row(f"typed get, {FAST}, sync", RAW, compare(times, FAST, RAW)))
    return rows


def _typed(stack: contextlib.ExitStack, url: str, transport: str) -> Contestant:
    client = stack.enter_context(
        contextlib.closing(RonClientSync(url, token=TOKEN, allow_insecure_http=True, transport=transport))
    )
    items = client.objects(Item)

    def typed(calls: int) -> None:
        for _ in range(calls):
            items.get("i-1")

    return typed
