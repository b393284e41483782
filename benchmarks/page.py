"""A page of typed items: 1000 of them against raw httpx and a model by hand, and the cost against the size."""

from __future__ import annotations

import contextlib

import httpx

from benchmarks._engines import HEADERS
from benchmarks._loops import concurrently, running
from benchmarks._registry import Figures
from benchmarks._report import report, row
from benchmarks._rounds import Contestant, compare, interleaved
from benchmarks._server import serving
from benchmarks._shop import TOKEN, Item, PlainPage
from ron import RonClient, RonClientSync

__all__ = ["run"]

JUDGED = 1000
SIZES = (10, 30, 101, 300, JUDGED, 3000, 5000)  # 100 is the chain's, which has a second page
OURS, VALUES, BYTES = "ron", "raw httpx + json() + model_validate", "raw httpx + model_validate_json"
GOAL = 0.82


def run(*, smoke: bool, draw: bool) -> Figures:
    """See ``benchmarks._registry.Benchmark``."""
    rounds, seconds = (1, 0.01) if smoke else (15, 0.3)
    sizes = (10, JUDGED) if smoke else SIZES
    with serving(sizes=sizes) as server:
        by_size = {size: _sync(server.url, size, rounds, seconds) for size in sizes}
        in_async = _async(server.url, rounds, seconds)
    judged = by_size[JUDGED]
    rows = [
        row(f"page of {JUDGED} typed items, sync", VALUES, compare(judged, OURS, VALUES), GOAL),
        row(f"page of {JUDGED} typed items, sync", BYTES, compare(judged, OURS, BYTES)),
        row(f"page of {JUDGED} typed items, async", VALUES, compare(in_async, OURS, VALUES)),
    ]
    curves = {
        name: [(size, compare(times, name, OURS).ours) for size, times in by_size.items()]
        for name in (OURS, VALUES, BYTES)
    }
    pictures: dict[str, str] = {}
    if draw:
        from benchmarks._plot import plot_page

        pictures["page"] = plot_page(curves)
    return report("page", rows, server=server.what, series={"seconds_by_size": curves}, pictures=pictures)


def _sync(url: str, size: int, rounds: int, seconds: float) -> dict[str, list[float]]:
    with contextlib.ExitStack() as stack:
        raw = stack.enter_context(httpx.Client(base_url=url, headers=HEADERS))
        client = stack.enter_context(contextlib.closing(RonClientSync(url, token=TOKEN, allow_insecure_http=True)))
        items = client.objects(Item)
        query = {"page_size": size}

        def ours(calls: int) -> None:
            for _ in range(calls):
                items.list(page_size=size).page()

        def values(calls: int) -> None:
            for _ in range(calls):
                PlainPage.model_validate(raw.get("/app/items", params=query).json())

        def straight(calls: int) -> None:
            for _ in range(calls):
                PlainPage.model_validate_json(raw.get("/app/items", params=query).content)

        contestants: dict[str, Contestant] = {OURS: ours, VALUES: values, BYTES: straight}
        return interleaved(contestants, rounds=rounds, seconds=seconds)


def _async(url: str, rounds: int, seconds: float) -> dict[str, list[float]]:
    with running("asyncio") as loop:
        raw = httpx.AsyncClient(base_url=url, headers=HEADERS)
        client = RonClient(url, token=TOKEN, allow_insecure_http=True)
        items = client.objects(Item)

        async def ours() -> object:
            return await items.list(page_size=JUDGED)

        async def values() -> object:
            return PlainPage.model_validate((await raw.get("/app/items", params={"page_size": JUDGED})).json())

        contestants = {OURS: concurrently(loop, ours), VALUES: concurrently(loop, values)}
        times = interleaved(contestants, rounds=rounds, seconds=seconds)
        loop.run_until_complete(raw.aclose())
        loop.run_until_complete(client.aclose())
        return times
