"""Typed changes of a watch against httpx-sse with a model by hand."""

from __future__ import annotations

import contextlib

import httpx
import httpx_sse

from benchmarks._engines import HEADERS
from benchmarks._loops import LOOPS, concurrently, running
from benchmarks._registry import Figures
from benchmarks._report import Row, report, row_of_rates, row_of_speed
from benchmarks._rounds import Contestant, compare, interleaved
from benchmarks._server import serving
from benchmarks._shop import TOKEN, Item, PlainItem
from ron import RonClient, RonClientSync

__all__ = ["run"]

PATH = "/app/items/events"
OURS, PEER = "ron", "httpx-sse + model_validate_json"
GOAL = 1.3


def run(*, smoke: bool, draw: bool) -> Figures:
    """See ``benchmarks._registry.Benchmark``."""
    del draw
    rounds, events = (1, 200) if smoke else (11, 20_000)
    rows: list[Row] = []
    with serving(events=events) as server:
        for loop in LOOPS:
            times = _per_event(_async(server.url, loop, rounds, events), events)
            goal = GOAL if loop == "asyncio" else None
            rows.append(row_of_speed(f"typed watch events, {loop}", PEER, compare(times, OURS, PEER), goal))
            rows.append(row_of_rates(f"typed watch events, {loop}", times[OURS]))
        times = _per_event(_sync(server.url, rounds, events), events)
        rows.append(row_of_speed("typed watch events, sync", PEER, compare(times, OURS, PEER)))
    return report("watch", rows, server=f"{server.what}; streams of {events} events")


def _per_event(times: dict[str, list[float]], events: int) -> dict[str, list[float]]:
    return {name: [one / events for one in found] for name, found in times.items()}


def _async(url: str, loop_name: str, rounds: int, events: int) -> dict[str, list[float]]:
    with running(loop_name) as loop:
        raw = httpx.AsyncClient(base_url=url, headers=HEADERS)
        client = RonClient(url, token=TOKEN, allow_insecure_http=True)

        async def ours() -> None:
            left = events
            async with client.objects(Item).watch() as changes:
                async for _change in changes:
                    left -= 1
                    if not left:
                        break

        async def by_hand() -> None:
            async with httpx_sse.aconnect_sse(raw, "GET", PATH) as source:
                async for event in source.aiter_sse():
                    PlainItem.model_validate_json(event.data)

        contestants = {OURS: concurrently(loop, ours), PEER: concurrently(loop, by_hand)}
        times = interleaved(contestants, rounds=rounds, seconds=0.0)
        loop.run_until_complete(raw.aclose())
        loop.run_until_complete(client.aclose())
        return times


def _sync(url: str, rounds: int, events: int) -> dict[str, list[float]]:
    with contextlib.ExitStack() as stack:
        raw = stack.enter_context(httpx.Client(base_url=url, headers=HEADERS))
        client = stack.enter_context(contextlib.closing(RonClientSync(url, token=TOKEN, allow_insecure_http=True)))

        def ours(calls: int) -> None:
            for _ in range(calls):
                with client.objects(Item).watch() as changes:
                    for _number, _change in zip(range(events), changes):
                        pass

        def by_hand(calls: int) -> None:
            for _ in range(calls):
                with httpx_sse.connect_sse(raw, "GET", PATH) as source:
                    for event in source.iter_sse():
                        PlainItem.model_validate_json(event.data)

        contestants: dict[str, Contestant] = {OURS: ours, PEER: by_hand}
        return interleaved(contestants, rounds=rounds, seconds=0.0)
