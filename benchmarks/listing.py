"""Every item of 20 pages from a server that takes 10 ms for each: the next page is fetched while the caller works."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import httpx

from benchmarks._content import CHAIN_PAGES, CHAIN_SIZE
from benchmarks._engines import HEADERS
from benchmarks._loops import concurrently, running
from benchmarks._registry import Figures
from benchmarks._report import Row, report, row
from benchmarks._rounds import compare, interleaved
from benchmarks._server import serving
from benchmarks._shop import TOKEN, Item, PlainPage
from ron import RonClient

__all__ = ["run"]

LATENCY = 0.010
OURS, NOT_AHEAD, BY_HAND = "ron", "ron with prefetch=False", "the same loop by hand on raw httpx"
GOAL = 0.70


class Work(NamedTuple):
    """What the caller does with each page: it awaits something for so long, and computes for so long (seconds)."""

    text: str
    awaits: float
    computes: float

    def scaled(self, share: float) -> Work:
        """Less of the same."""
        return self._replace(awaits=self.awaits * share, computes=self.computes * share)

    async def do(self) -> None:
        """Does it."""
        if self.awaits:
            await asyncio.sleep(self.awaits)
        until = time.perf_counter() + self.computes
        while self.computes and time.perf_counter() < until:
            pass


#: the goal is judged where there is as much work as latency, half of it awaited; without work nothing can overlap
JUDGED = Work("5 ms awaited and 5 ms computed for each page", 0.005, 0.005)
WORKS = (
    Work("no work", 0.0, 0.0),
    Work("5 ms computed for each page", 0.0, 0.005),
    JUDGED,
    Work("10 ms awaited for each page", 0.010, 0.0),
)


def run(*, smoke: bool, draw: bool) -> Figures:
    """See ``benchmarks._registry.Benchmark``."""
    del draw
    rows: list[Row] = []
    with serving(delay=LATENCY / 20 if smoke else LATENCY) as server:
        for work in WORKS:
            times = _times(server.url, work.scaled(1 / 20) if smoke else work, 1 if smoke else 7)
            what = f"every item of {CHAIN_PAGES} pages of {CHAIN_SIZE}, async, {work.text}"
            rows.append(row(what, BY_HAND, compare(times, OURS, BY_HAND), GOAL if work is JUDGED else None))
            if work is JUDGED:
                rows.append(row(what, NOT_AHEAD, compare(times, OURS, NOT_AHEAD)))
    return report("listing", rows, server=server.what)


def _times(url: str, work: Work, rounds: int) -> dict[str, list[float]]:
    with running("asyncio") as loop:
        raw = httpx.AsyncClient(base_url=url, headers=HEADERS)
        client = RonClient(url, token=TOKEN, allow_insecure_http=True)

        async def ours(prefetch: bool) -> None:
            count = 0
            async for _item in client.objects(Item).list(page_size=CHAIN_SIZE, prefetch=prefetch):
                count += 1
                if count % CHAIN_SIZE == 0:
                    await work.do()
            _check(count)

        calls: dict[str, Callable[[], Awaitable[object]]] = {
            OURS: lambda: ours(True),
            NOT_AHEAD: lambda: ours(False),
            BY_HAND: lambda: _by_hand(raw, work),
        }
        contestants = {name: concurrently(loop, call) for name, call in calls.items()}
        times = interleaved(contestants, rounds=rounds, seconds=0.0)
        loop.run_until_complete(raw.aclose())
        loop.run_until_complete(client.aclose())
        return times


async def _by_hand(client: httpx.AsyncClient, work: Work) -> None:
    count = 0
    query = {"page_size": str(CHAIN_SIZE)}
    while True:
        response = await client.get("/app/items", params=query)
        page = PlainPage.model_validate(response.json())
        for _item in page.items:
            count += 1
        await work.do()
        if page.next_page_token is None:
            break
        query["page_token"] = page.next_page_token
    _check(count)


def _check(count: int) -> None:
    if count != CHAIN_PAGES * CHAIN_SIZE:
        raise ValueError(f"there are {CHAIN_PAGES * CHAIN_SIZE} items, not {count}")
