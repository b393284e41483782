"""``create`` and ``save`` through the whole policy against a POST by hand with a key and a retry loop."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid

import httpx

from benchmarks._engines import HEADERS, PATH
from benchmarks._loops import concurrently, running
from benchmarks._registry import Figures
from benchmarks._report import Row, report, row
from benchmarks._rounds import Contestant, compare, interleaved
from benchmarks._server import serving
from benchmarks._shop import TOKEN, Item
from ron import RonClient, RonClientSync

__all__ = ["run"]

CREATE, SAVE, POST = "create", "save", "raw httpx post, a key and one retry loop"
GOAL = 0.60
RETRIES = 3
BODY = {"name": "kettle number 1", "status": "open", "price": "1001"}


def run(*, smoke: bool, draw: bool) -> Figures:
    """See ``benchmarks._registry.Benchmark``."""
    del draw
    rounds, seconds = (1, 0.01) if smoke else (21, 0.25)
    rows: list[Row] = []
    with serving() as server:
        for how, goal, times in (
            ("async", GOAL, _async(server.url, rounds, seconds)),
            ("sync", None, _sync(server.url, rounds, seconds)),
        ):
            rows += [row(f"{call}, {how}", POST, compare(times, call, POST), goal) for call in (CREATE, SAVE)]
    return report("writes", rows, server=server.what)


def _async(url: str, rounds: int, seconds: float) -> dict[str, list[float]]:
    with running("asyncio") as loop:
        raw = httpx.AsyncClient(base_url=url, headers=HEADERS)
        client = RonClient(url, token=TOKEN, allow_insecure_http=True)
        items = client.objects(Item)
        kept = loop.run_until_complete(items.get("i-1"))

        async def create() -> object:
            return await items.create(name="kettle number 1", status="open", price=1001)

        async def save() -> object:
            kept.price += 1
            return await items.save(kept)

        calls = {CREATE: create, SAVE: save, POST: lambda: _post(raw)}
        times = interleaved(
            {name: concurrently(loop, call) for name, call in calls.items()}, rounds=rounds, seconds=seconds
        )
        loop.run_until_complete(raw.aclose())
        loop.run_until_complete(client.aclose())
        return times


async def _post(client: httpx.AsyncClient) -> object:
    key = uuid.uuid4().hex
    for attempt in range(RETRIES + 1):
        with contextlib.suppress(httpx.TransportError):
            response = await client.post("/app/items", json=BODY, headers={"Idempotency-Key": key})
            if response.status_code < 500:
                response.raise_for_status()
                return response.json()
        await asyncio.sleep(0.05 * 2**attempt)
    raise RuntimeError("all attempts failed")


def _sync(url: str, rounds: int, seconds: float) -> dict[str, list[float]]:
    with contextlib.ExitStack() as stack:
        raw = stack.enter_context(httpx.Client(base_url=url, headers=HEADERS))
        client = stack.enter_context(contextlib.closing(RonClientSync(url, token=TOKEN, allow_insecure_http=True)))
        items = client.objects(Item)
        kept = items.get(PATH.rsplit("/", 1)[1])

        def create(calls: int) -> None:
            for _ in range(calls):
                items.create(name="kettle number 1", status="open", price=1001)

        def save(calls: int) -> None:
            for _ in range(calls):
                kept.price += 1
                items.save(kept)

        def post(calls: int) -> None:
            for _ in range(calls):
                _post_sync(raw)

        contestants: dict[str, Contestant] = {CREATE: create, SAVE: save, POST: post}
        return interleaved(contestants, rounds=rounds, seconds=seconds)


def _post_sync(client: httpx.Client) -> object:
    key = uuid.uuid4().hex
    for attempt in range(RETRIES + 1):
        with contextlib.suppress(httpx.TransportError):
            response = client.post("/app/items", json=BODY, headers={"Idempotency-Key": key})
            if response.status_code < 500:
                response.raise_for_status()
                return response.json()
        time.sleep(0.05 * 2**attempt)
    raise RuntimeError("all attempts failed")
