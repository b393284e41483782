"""Whether memory stays flat: 100 000 gets, 10 000 listings and 1 000 000 watch events, in memory and over a socket."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple, Optional

from benchmarks._content import CHAIN_SIZE
from benchmarks._loops import running
from benchmarks._registry import Figures
from benchmarks._report import report
from benchmarks._server import serving
from benchmarks._shop import TOKEN, Item
from ron import RonClient
from ron.testing import MemoryNode, stored

__all__ = ["run"]

SAMPLES = 20
WARM = 0.01  # of all steps; what they leave behind is the base
#: a run is flat if it ends with less than this above its base: allocators breathe, leaks of a byte a step don't hide
RSS_BOUND, OBJECTS_BOUND = 4 * 2**20, 500
EVENTS = 1000  # in the memory node's log, and in one piece of the endless stream


class Sample(NamedTuple):
    """Memory after so many steps: resident bytes (None where the system doesn't tell), and objects that gc knows."""

    steps: int
    rss: Optional[int]
    objects: int


class _ForgetfulNode(MemoryNode):
    """A memory node remembers every request for the test that holds it; for a soak that would be the leak."""

    def forget(self) -> None:
        self._engine.requests.clear()


def run(*, smoke: bool, draw: bool) -> Figures:
    """See ``benchmarks._registry.Benchmark``."""
    del draw
    share = 1000 if smoke else 1
    gets, listings, events = 100_000 // share, 10_000 // share, 1_000_000 // share
    found: dict[str, list[Sample]] = {}
    node = _ForgetfulNode(Item)
    created = datetime(2026, 1, 2, tzinfo=timezone.utc)
    for number in range(1, EVENTS + 1):
        node.add(stored(Item, id=f"i-{number}", name="kettle", created_at=created))
    with running("asyncio") as loop:
        client = RonClient(transport=node)
        found["get, memory node"] = loop.run_until_complete(_gets(client, gets, node.forget))
        found["listing, memory node"] = loop.run_until_complete(_listings(client, listings, node.forget))
        found["watch event, memory node"] = loop.run_until_complete(_short_watches(client, events, node.forget))
        loop.run_until_complete(client.aclose())
        with serving(events=EVENTS, endless=True) as server:
            client = RonClient(server.url, token=TOKEN, allow_insecure_http=True)
            found["get, socket"] = loop.run_until_complete(_gets(client, gets))
            found["listing, socket"] = loop.run_until_complete(_listings(client, listings))
            found["watch event, socket, one stream"] = loop.run_until_complete(_one_watch(client, events))
            loop.run_until_complete(client.aclose())
    series = {"samples": found, "bounds": {"rss": RSS_BOUND, "objects": OBJECTS_BOUND}}
    return report("soak", _table(found), server=server.what, series=series)


def _nothing() -> None:
    """Nothing has to be forgotten."""


async def _sampled(steps: AsyncIterator[int], total: int) -> list[Sample]:
    """Samples along the way; each step says how many it was worth."""
    samples: list[Sample] = []
    done, following = 0, max(1, int(total * WARM))
    async for worth in steps:
        done += worth
        if done >= following or done >= total:
            samples.append(_sample(done))
            following += total // SAMPLES
        if done >= total:
            break
    return samples


def _sample(steps: int) -> Sample:
    gc.collect()
    return Sample(steps, _rss(), len(gc.get_objects()))


def _rss() -> Optional[int]:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


async def _gets(client: RonClient, total: int, forget: Callable[[], None] = _nothing) -> list[Sample]:
    items = client.objects(Item)
    return await _sampled(_repeated(lambda: items.get("i-1"), forget), total)


async def _listings(client: RonClient, total: int, forget: Callable[[], None] = _nothing) -> list[Sample]:
    items = client.objects(Item)

    async def listing() -> None:
        async for _item in items.list(page_size=CHAIN_SIZE, limit=CHAIN_SIZE + 1):  # a second page is fetched as well
            pass

    return await _sampled(_repeated(listing, forget), total)


async def _repeated(call: Callable[[], Awaitable[object]], forget: Callable[[], None]) -> AsyncIterator[int]:
    while True:
        await call()
        forget()
        yield 1


async def _short_watches(client: RonClient, total: int, forget: Callable[[], None]) -> list[Sample]:
    """The node's log from its beginning, again and again: what a watch that is left leaves behind shows, too."""

    async def watches() -> AsyncIterator[int]:
        while True:
            left = EVENTS
            async with client.objects(Item).watch(cursor="0") as changes:
                async for _change in changes:
                    left -= 1
                    if not left:
                        break
            forget()
            await asyncio.sleep(0)
            yield EVENTS

    return await _sampled(watches(), total)


async def _one_watch(client: RonClient, total: int) -> list[Sample]:
    async def changes() -> AsyncIterator[int]:
        async for _change in watch:
            yield 1

    async with client.objects(Item).watch() as watch:
        return await _sampled(changes(), total)


def _table(found: dict[str, list[Sample]]) -> str:
    rows = [
        "| what | steps | RSS at 1 % | at the end | objects at 1 % | at the end | flat |",
        "|---|---|---|---|---|---|---|",
    ]
    for what, samples in found.items():
        first, last = samples[0], samples[-1]
        flat = last.objects - first.objects < OBJECTS_BOUND
        if first.rss is not None and last.rss is not None:
            flat = flat and last.rss - first.rss < RSS_BOUND
        steps = f"{last.steps:,}".replace(",", " ")
        cells = (what, steps, _size(first.rss), _size(last.rss), str(first.objects), str(last.objects))
        rows.append(f"| {' | '.join(cells)} | {'yes' if flat else '**no**'} |")
    return "\n".join(rows)


def _size(size: Optional[int]) -> str:
    return "–" if size is None else f"{size / 2**20:.1f} MiB"
