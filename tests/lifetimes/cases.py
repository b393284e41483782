"""Clients of every transport, the calls they make, and what must be left when a call was cancelled."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NamedTuple, Optional, TypeVar

import httpx

from ron import Resource, RonClient, server
from ron.transport._async_lanes import AsyncLanes

__all__ = ["CALLS", "TRANSPORTS", "Item", "Loop", "Made", "descriptors", "make", "run", "turns"]

T = TypeVar("T")
PATIENCE = 60.0


class Item(Resource, path="/app/items"):
    """What the echo node gives back."""

    id: str = server()
    name: str


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose clock can be put forward."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead


def run(main: Coroutine[Any, Any, T]) -> T:
    """``asyncio.run``, on a `Loop`; nothing but ``main`` may be left when it ends."""
    loop = Loop()
    loop.set_exception_handler(_complain)
    try:
        result = loop.run_until_complete(main)
        loop.run_until_complete(turns(3))
        assert set() == asyncio.all_tasks(loop)
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        assert [] == complaints, complaints
        return result
    finally:
        complaints.clear()
        loop.close()


complaints: list[dict[str, Any]] = []


def _complain(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    complaints.append(context)


async def turns(count: int) -> None:
    """Lets the loop turn."""
    for _ in range(count):
        await asyncio.sleep(0)


def descriptors() -> int:
    """How many descriptors this process has open."""
    for place in ("/proc/self/fd", "/dev/fd"):
        if os.path.isdir(place):
            return len(os.listdir(place))
    return 0  # Windows tells nobody: there, threads and connections are counted alone


class Made(NamedTuple):
    """A client, and how to look into it."""

    client: RonClient
    foreign: Optional[httpx.AsyncClient]

    async def close(self) -> None:
        """Closes all of it."""
        await self.client.aclose()
        if self.foreign is not None:
            await self.foreign.aclose()

    def busy(self) -> tuple[int, int, int]:
        """Calls under way, calls in line, and permits that are missing."""
        channel: Any = self.client._ports.channel
        bound = self.client.config.max_concurrency
        if isinstance(channel, AsyncLanes):
            stats = channel.stats()
            pool = channel._pool
            return stats.busy + stats.streams, stats.waiting, 0 if pool is None else bound - pool.ledger.free
        under_way = len(channel._scopes) + len(channel._streams) + channel._opening
        calls = list(channel._calls.values())
        waiting = sum(each.statistics().tasks_waiting for each in calls)
        return under_way, waiting, sum(bound - each.value for each in calls)

    def idle(self) -> Optional[int]:
        """Connections that lie ready; None where httpx keeps that to itself."""
        channel: Any = self.client._ports.channel
        return channel.stats().idle if isinstance(channel, AsyncLanes) else None


def make(kind: str, url: str, verify: Any = True, **fields: Any) -> Made:
    """A client that speaks through lanes or through an httpx client."""
    foreign = None
    if kind == "httpx":
        foreign = httpx.AsyncClient(verify=verify, trust_env=False)
        from ron import HttpxTransport

        fields["transport"] = HttpxTransport(foreign)
    else:
        fields["verify"] = verify
    long = int(PATIENCE * 1000)
    for name in ("overall", "connect", "read", "write"):
        fields.setdefault(f"{name}_timeout_ms", long)
    fields.setdefault("token", "t-1")
    if "token_provider" in fields:
        del fields["token"]
    return Made(RonClient(url, allow_insecure_http=True, **fields), foreign)


# Not "fast", which goes on with what was cancelled: `capabilities.cancel` is False.
TRANSPORTS = ["lanes", "httpx"]


async def _get(client: RonClient, nonce: str) -> str:
    return (await client.objects(Item).get(nonce)).name


async def _create(client: RonClient, nonce: str) -> str:
    return (await client.objects(Item).create(name=nonce)).name


async def _list(client: RonClient, nonce: str) -> str:
    names = [item.name async for item in client.objects(Item).list(name=nonce)]
    assert 2 == len(names)
    assert 1 == len(set(names))
    return names[0]


async def _watch(client: RonClient, nonce: str) -> str:
    async with client.objects(Item).watch(name=nonce) as changes:
        async for change in changes:
            assert change.type == "added"
            name: str = change.item.name
            return name
    raise AssertionError("the stream ended")


async def _watch_ahead(client: RonClient, nonce: str) -> str:
    async for change in client.objects(Item).watch(name=nonce, buffer=10):
        assert change.type == "added"
        name: str = change.item.name
        return name
    raise AssertionError("the stream ended")


async def _mirror(client: RonClient, nonce: str) -> str:
    async with client.objects(Item).mirror(name=nonce) as mirror:
        await mirror.synced()
        assert {"i-1", "i-2"} == set(mirror)
        return mirror["i-2"].name


async def _wait_for(client: RonClient, nonce: str) -> str:
    return (await client.objects(Item).wait_for(nonce, lambda item: item.name == nonce)).name


CALLS: dict[str, Callable[[RonClient, str], Awaitable[str]]] = {
    "get": _get,
    "create": _create,
    "list": _list,
    "watch": _watch,
    "watch, reading ahead": _watch_ahead,
    "mirror": _mirror,
    "wait_for": _wait_for,
}


def threads() -> int:
    """How many threads this process has."""
    return threading.active_count()
