"""The default transport, sync: a channel of keep-alive connections ("lanes"), each used by one thread at a time.

Native: no event loop, no thread of its own. The lock is held for bookkeeping only, never while anything waits.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Optional

from ron._values import Failure
from ron.transport._ledger import LaneStats, Ledger
from ron.transport._site import Site, closed_client, no_free_lane, too_many_streams
from ron.transport._sync_lane import SyncLane
from ron.transport._wire import CLIENT_CLOSED

if TYPE_CHECKING:
    from ron._values import Credential, Exchange, Reply
    from ron.transport._protocol import Endpoint, TlsInfo
    from ron.transport._sync_stream import SyncStream

__all__ = ["SyncLanes"]

INTERRUPTED = "the call was ended from another thread"


class _Pool:
    """The lanes of one process, and the lock over their books."""

    __slots__ = ("ledger", "lock")

    def __init__(self, site: Site) -> None:
        self.lock = threading.Lock()
        self.ledger: Ledger[SyncLane, _Turn] = Ledger(site.max_concurrency)


class _Turn:
    """One thread's place in the line for a permit."""

    __slots__ = ("_lock", "interrupted", "user")

    def __init__(self) -> None:
        self.user = threading.get_ident()
        self.interrupted = False
        self._lock = threading.Lock()
        self._lock.acquire()

    def wait(self, seconds: float) -> None:
        """Blocks until ``come`` was called, or for ``seconds``."""
        self._lock.acquire(timeout=min(max(0.0, seconds), threading.TIMEOUT_MAX))

    def come(self) -> None:
        """Wakes the thread. To be called once."""
        self._lock.release()


class SyncLanes:
    """See ``SyncChannel``. Any number of threads; a forked process makes connections of its own."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._site = Site(endpoint)
        self._closed = False
        # By process: a lock that some thread held at a fork stays locked in the child, so the child takes no lock of
        # the parent's; and `setdefault` is atomic.
        self._pools: dict[int, _Pool] = {}

    def send(self, exchange: Exchange, credential: Optional[Credential]) -> Reply:
        """See ``SyncChannel.send``."""
        by = time.monotonic() + exchange.deadline - self._site.clock.monotonic()
        pool = self._pools.get(os.getpid()) or self._pool()
        turn: Optional[_Turn] = None
        with pool.lock:
            self._check_open()
            if not pool.ledger.admit():
                turn = _Turn()
                pool.ledger.waiting[turn] = None
        if turn is not None:
            self._wait(pool, turn, by)
        lane: Optional[SyncLane] = None
        try:
            lane = self._lane(pool)
            return lane.talk(exchange, credential, by)
        finally:
            self._give_back(pool, lane)

    def stream(self, exchange: Exchange, credential: Optional[Credential]) -> SyncStream:
        """See ``SyncChannel.stream``. Raises ``RonConfigError`` beyond ``max_streams``."""
        by = time.monotonic() + exchange.deadline - self._site.clock.monotonic()
        pool = self._pools.get(os.getpid()) or self._pool()
        lane = SyncLane(self._site)
        with pool.lock:
            self._check_open()
            if len(pool.ledger.streams) >= self._site.max_streams:
                raise too_many_streams(self._site.max_streams)
            pool.ledger.streams.add(lane)
            pool.ledger.opened_total += 1

        def leave() -> None:
            with pool.lock:
                pool.ledger.streams.discard(lane)

        try:
            return lane.open(exchange, credential, by, leave)
        except BaseException:
            leave()
            lane.wire.abort()
            raise

    def close(self) -> None:
        """See ``SyncChannel.close``. A call under way in another thread ends with a ``Failure``."""
        pool = self._pools.get(os.getpid()) or self._pool()
        with pool.lock:
            self._closed = True
            idle = [lane for _, lane in pool.ledger.idle]
            lanes, turns = pool.ledger.clear()
            for lane in lanes:
                lane.wire.shut(CLIENT_CLOSED)
        for lane in idle:
            lane.wire.abort()
        for stream in [lane.stream for lane in lanes if lane.stream is not None]:
            stream.close()
        for turn in turns:
            turn.come()

    def interrupt(self, threads: frozenset[int]) -> None:
        """Ends the calls that these threads, by their idents, wait for now: each gets a ``Failure``."""
        pool = self._pools.get(os.getpid()) or self._pool()
        with pool.lock:
            for lane in pool.ledger.busy:
                if lane.user in threads:
                    lane.wire.shut(INTERRUPTED)
            for turn in [turn for turn in pool.ledger.waiting if turn.user in threads]:
                pool.ledger.withdraw(turn)
                turn.interrupted = True
                turn.come()

    def tls_info(self) -> Optional[TlsInfo]:
        """What the newest TLS handshake agreed on; None while there was none."""
        return self._site.tls_info

    def stats(self) -> LaneStats:
        """What is open now."""
        pool = self._pools.get(os.getpid()) or self._pool()
        with pool.lock:
            return pool.ledger.stats()

    def _check_open(self) -> None:
        if self._closed:
            raise closed_client()

    def _pool(self) -> _Pool:
        """This process's pool; what was inherited from the parent is let go."""
        pid = os.getpid()
        for inherited in [key for key in list(self._pools) if key != pid]:
            pool = self._pools.pop(inherited, None)
            for lane in [] if pool is None else pool.ledger.clear()[0]:
                lane.wire.discard()
        return self._pools.setdefault(pid, _Pool(self._site))

    def _wait(self, pool: _Pool, turn: _Turn, by: float) -> None:
        """Waits in line for a permit."""
        try:
            turn.wait(by - time.monotonic())
        except BaseException:
            self._withdraw(pool, turn)
            raise
        with pool.lock:
            if turn.interrupted:
                raise Failure("connect", INTERRUPTED, sent=False, permanent=True)
            late = turn in pool.ledger.waiting
            if late:
                pool.ledger.withdraw(turn)
            self._check_open()
        if late:
            raise no_free_lane(self._site)

    def _withdraw(self, pool: _Pool, turn: _Turn) -> None:
        with pool.lock:
            successor = None if turn.interrupted else pool.ledger.withdraw(turn)
        if successor is not None:
            successor.come()

    def _lane(self, pool: _Pool) -> SyncLane:
        """A lane for the holder of a permit: the newest idle one that is still alive, else a new one."""
        ledger = pool.ledger
        while True:
            with pool.lock:
                self._check_open()
                stale = ledger.stale(time.monotonic())
                lane = None if stale is not None else ledger.newest()
                if lane is not None:
                    lane.user = threading.get_ident()
                    ledger.busy.add(lane)
            if stale is not None:
                stale.wire.abort()
            elif lane is None:
                break
            elif lane.wire.alive():
                return lane
            else:
                with pool.lock:
                    ledger.busy.discard(lane)
                lane.wire.abort()
        lane = SyncLane(self._site)
        with pool.lock:
            self._check_open()
            ledger.busy.add(lane)
            ledger.opened_total += 1
        return lane

    def _give_back(self, pool: _Pool, lane: Optional[SyncLane]) -> None:
        ledger = pool.ledger
        with pool.lock:
            keep = lane is not None and lane.reusable and not self._closed
            if lane is not None:
                ledger.busy.discard(lane)
                if keep:
                    ledger.idle.append((time.monotonic(), lane))
            successor = ledger.release()
        if lane is not None and not keep:
            lane.wire.abort()
        if successor is not None:
            successor.come()
