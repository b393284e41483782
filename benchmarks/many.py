"""``get_many`` and ``iter_many`` against a hand-written fan-out over raw httpx, async and with threads."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor

import httpx

from benchmarks._engines import HEADERS, PATH
from benchmarks._loops import running
from benchmarks._registry import Figures
from benchmarks._report import Row, report, row
from benchmarks._rounds import Contestant, compare, interleaved
from benchmarks._server import serving
from benchmarks._shop import TOKEN, Item
from ron import RonClient, RonClientSync

__all__ = ["run"]

MANY, EACH = "get_many", "iter_many"
GATHER, POOL = "asyncio.gather and a semaphore over raw httpx", "a ThreadPoolExecutor over raw httpx"
CONCURRENCY = (8, 32)
KEY = PATH.rpartition("/")[2]


def run(*, smoke: bool, draw: bool) -> Figures:
    """See ``benchmarks._registry.Benchmark``."""
    del draw
    rounds, seconds = (1, 0.01) if smoke else (21, 0.25)
    rows: list[Row] = []
    with serving() as server:
        for places in CONCURRENCY:
            for how, peer, times in (
                ("async", GATHER, _async(server.url, places, rounds, seconds)),
                ("sync", POOL, _sync(server.url, places, rounds, seconds)),
            ):
                rows += [
                    row(f"{call}, {places} at once, {how}", peer, compare(times, call, peer)) for call in (MANY, EACH)
                ]
    return report("many", rows, server=server.what)


def _async(url: str, places: int, rounds: int, seconds: float) -> dict[str, list[float]]:
    with running("asyncio") as loop:
        limits = httpx.Limits(max_connections=places, max_keepalive_connections=places)
        raw = httpx.AsyncClient(base_url=url, headers=HEADERS, limits=limits)
        client = RonClient(url, token=TOKEN, allow_insecure_http=True)
        items = client.objects(Item)

        async def many(calls: int) -> None:
            (await items.get_many([KEY] * calls, concurrency=places)).raise_for_failed()

        async def each(calls: int) -> None:
            async for outcome in items.iter_many([KEY] * calls, concurrency=places):
                assert outcome.error is None

        async def gathered(calls: int) -> None:
            free = asyncio.Semaphore(places)

            async def get() -> object:
                async with free:
                    return (await raw.get(PATH)).json()

            await asyncio.gather(*(get() for _ in range(calls)))

        contestants: dict[str, Contestant] = {
            MANY: lambda calls: loop.run_until_complete(many(calls)),
            EACH: lambda calls: loop.run_until_complete(each(calls)),
            GATHER: lambda calls: loop.run_until_complete(gathered(calls)),
        }
        times = interleaved(contestants, rounds=rounds, seconds=seconds, first_try=places)
        loop.run_until_complete(raw.aclose())
        loop.run_until_complete(client.aclose())
        return times


def _sync(url: str, places: int, rounds: int, seconds: float) -> dict[str, list[float]]:
    with contextlib.ExitStack() as stack:
        limits = httpx.Limits(max_connections=places, max_keepalive_connections=places)
        raw = stack.enter_context(httpx.Client(base_url=url, headers=HEADERS, limits=limits))
        client = stack.enter_context(contextlib.closing(RonClientSync(url, token=TOKEN, allow_insecure_http=True)))
        items = client.objects(Item)

        def many(calls: int) -> None:
            items.get_many([KEY] * calls, concurrency=places).raise_for_failed()

        def each(calls: int) -> None:
            for outcome in items.iter_many([KEY] * calls, concurrency=places):
                assert outcome.error is None

        def pooled(calls: int) -> None:
            with ThreadPoolExecutor(places) as pool:
                list(pool.map(lambda _: raw.get(PATH).json(), range(calls)))

        contestants: dict[str, Contestant] = {MANY: many, EACH: each, POOL: pooled}
        return interleaved(contestants, rounds=rounds, seconds=seconds, first_try=places)
