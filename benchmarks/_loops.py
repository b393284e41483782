"""Event loops that benchmarks run on, and contestants made of coroutines."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from benchmarks._rounds import Contestant

__all__ = ["LOOPS", "concurrently", "running"]

#: the loops that are installed
LOOPS = ("asyncio", "uvloop") if importlib.util.find_spec("uvloop") is not None else ("asyncio",)


@contextlib.contextmanager
def running(name: str) -> Iterator[asyncio.AbstractEventLoop]:
    """A loop of that kind, the current one of this thread for the block's time."""
    maker: Any = asyncio if name == "asyncio" else importlib.import_module(name)
    loop: asyncio.AbstractEventLoop = maker.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield loop
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def concurrently(loop: asyncio.AbstractEventLoop, call: Callable[[], Awaitable[object]], tasks: int = 1) -> Contestant:
    """A contestant that makes its calls from so many tasks at once."""

    async def work(calls: int) -> None:
        for _ in range(calls):
            await call()

    async def together(calls: int) -> None:
        await asyncio.gather(*(work(calls // tasks + (one < calls % tasks)) for one in range(min(tasks, calls))))

    return lambda calls: loop.run_until_complete(work(calls) if tasks == 1 else together(calls))
