"""The default transport, async: a channel of keep-alive connections ("lanes"), each used by one request at a time.

Everything open belongs to one event loop of one process. Taking a lane awaits nothing unless all are busy; giving it
back never does, so that a cancelled call leaves neither a lane nor a permit behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, Optional

from ron.errors import RonConfigError
from ron.transport._async_lane import AsyncLane
from ron.transport._ledger import LaneStats, Ledger
from ron.transport._loop import running_loop
from ron.transport._site import Site, closed_client, no_free_lane, too_many_streams
from ron.transport._wire import CLIENT_CLOSED

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ron._values import Credential, Exchange, Reply
    from ron.transport._async_stream import AsyncStream
    from ron.transport._protocol import Endpoint, TlsInfo

__all__ = ["AsyncLanes"]


class _Pool:
    """The lanes of one event loop in one process."""

    __slots__ = ("_guard", "ledger", "loop", "pid")

    def __init__(self, site: Site, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.pid = os.getpid()
        self.ledger: Ledger[AsyncLane, asyncio.Future[None]] = Ledger(site.max_concurrency)
        self._guard = self._until_the_loop_ends()

    async def start(self) -> None:
        """Lets the loop know of this pool, which is closed with it."""
        await self._guard.__anext__()

    async def _until_the_loop_ends(self) -> AsyncGenerator[None, None]:
        # `asyncio.run` closes a loop's asynchronous generators before the loop: connections of a client that nobody
        # closed end here, in order, and not in the hands of the garbage collector.
        try:
            yield
        finally:
            self.abort("the event loop has ended")

    def abort(self, reason: str) -> None:
        """Closes everything; who waits is woken."""
        lanes, waiters = self.ledger.clear()
        for lane in lanes:
            lane.wire.abort(reason)
        for waiter in waiters:
            _wake(waiter)

    def close(self) -> None:
        """Closes everything because the client is. From within its loop."""
        self.abort(CLIENT_CLOSED)
        self.end()

    def end(self) -> None:
        """Closes everything, by way of the guard, so that the loop forgets this pool. From within its loop."""
        with contextlib.suppress(StopIteration):
            self._guard.aclose().send(None)  # there is nothing in it to wait for

    def discard(self) -> None:
        """Lets go of everything without touching the loop, which is dead or the parent's."""
        for lane in self.ledger.clear()[0]:
            lane.wire.discard()
        self.end()


class AsyncLanes:
    """See ``AsyncChannel``. Binds to the event loop of its first use; to a new one, once that is closed."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._site = Site(endpoint)
        self._pool: Optional[_Pool] = None
        self._closed = False

    async def send(self, exchange: Exchange, credential: Optional[Credential]) -> Reply:
        """See ``AsyncChannel.send``."""
        pool = self._pool_here() or await self._bind()
        by = pool.loop.time() + exchange.deadline - self._site.clock.monotonic()
        if not pool.ledger.admit():
            await self._wait(pool, by)
        lane: Optional[AsyncLane] = None
        try:
            lane = self._lane(pool)
            return await lane.talk(exchange, credential, by)
        finally:
            self._give_back(pool, lane)

    async def stream(self, exchange: Exchange, credential: Optional[Credential]) -> AsyncStream:
        """See ``AsyncChannel.stream``. Raises ``RonConfigError`` beyond ``max_streams``."""
        pool = self._pool_here() or await self._bind()
        ledger, limit = pool.ledger, self._site.max_streams
        if len(ledger.streams) >= limit:
            raise too_many_streams(limit)
        by = pool.loop.time() + exchange.deadline - self._site.clock.monotonic()
        lane = AsyncLane(self._site, pool.loop)
        ledger.streams.add(lane)
        ledger.opened_total += 1

        def leave() -> None:
            ledger.streams.discard(lane)

        try:
            return await lane.open(exchange, credential, by, leave)
        except BaseException:
            leave()
            raise

    async def aclose(self) -> None:
        """See ``AsyncChannel.aclose``."""
        self._closed = True
        pool, self._pool = self._pool, None
        if pool is None:
            return
        if pool.pid != os.getpid() or pool.loop.is_closed():
            pool.discard()
        elif pool.loop is running_loop():
            pool.close()
            await asyncio.sleep(0)  # sockets are closed in the loop's next turn
        else:
            try:
                pool.loop.call_soon_threadsafe(pool.close)
            except RuntimeError:  # the loop was closed in this very moment
                pool.discard()

    def tls_info(self) -> Optional[TlsInfo]:
        """What the newest TLS handshake agreed on; None while there was none."""
        return self._site.tls_info

    def stats(self) -> LaneStats:
        """What is open now."""
        return LaneStats(0, 0, 0, 0, 0) if self._pool is None else self._pool.ledger.stats()

    def _pool_here(self) -> Optional[_Pool]:
        """The pool, if it is this loop's and this process's."""
        if self._closed:
            raise closed_client()
        pool = self._pool
        if pool is not None and pool.loop is running_loop() and pool.pid == os.getpid():
            return pool
        return None

    async def _bind(self) -> _Pool:
        loop = running_loop()
        if loop is None:
            raise RonConfigError(
                "no asyncio event loop is running, and the default transport runs on no other kind: "
                "use RonClientSync, or transport=HttpxTransport(...)"
            )
        old = self._pool
        if old is not None:
            if old.pid == os.getpid() and not old.loop.is_closed():
                raise RonConfigError(
                    "this client is in use on another event loop, which is still open: make one "
                    "client for each loop, and close it there with `async with`"
                )
            old.discard()
        self._pool = pool = _Pool(self._site, loop)
        await pool.start()
        return pool

    async def _wait(self, pool: _Pool, by: float) -> None:
        """Waits in line for a permit."""
        ledger = pool.ledger
        waiter = pool.loop.create_future()
        ledger.waiting[waiter] = None
        timer = pool.loop.call_at(by, _wake, waiter)
        try:
            await waiter
        except BaseException:
            _wake(ledger.withdraw(waiter))
            raise
        finally:
            timer.cancel()
        if self._closed:
            raise closed_client()
        if waiter in ledger.waiting:
            ledger.withdraw(waiter)
            raise no_free_lane(self._site)

    def _lane(self, pool: _Pool) -> AsyncLane:
        """A lane for the holder of a permit: the newest idle one that is still alive, else a new one."""
        ledger = pool.ledger
        stale = ledger.stale(pool.loop.time())
        while stale is not None:
            stale.wire.abort()
            stale = ledger.stale(pool.loop.time())
        lane = ledger.newest()
        while lane is not None and not lane.wire.alive():
            lane.wire.abort()
            lane = ledger.newest()
        if lane is None:
            lane = AsyncLane(self._site, pool.loop)
            ledger.opened_total += 1
        ledger.busy.add(lane)
        return lane

    def _give_back(self, pool: _Pool, lane: Optional[AsyncLane]) -> None:
        ledger = pool.ledger
        if lane is not None:
            ledger.busy.discard(lane)
            if lane.reusable and not self._closed:
                ledger.idle.append((pool.loop.time(), lane))
            else:
                lane.wire.abort()
        _wake(ledger.release())


def _wake(waiter: Optional[asyncio.Future[None]]) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
