"""Who is being kept waiting: open event streams and held requests.

The server's loop waits here; writes, resets and the end of the server wake it from any thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Optional


class Waiter:
    """One waiting request; made in the server's loop, woken from anywhere."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self.ended = False

    def wake(self) -> None:
        """Let `wait()` return soon."""
        self._loop.call_soon_threadsafe(self._event.set)

    def end(self) -> None:
        """Wake the request for the last time."""
        self.ended = True
        self.wake()

    async def wait(self, timeout: Optional[float]) -> bool:
        """Wait to be woken; False when `timeout` seconds passed first."""
        try:
            await asyncio.wait_for(self._event.wait(), timeout)
        except asyncio.TimeoutError:
            return False
        self._event.clear()
        return True


class Hub:
    """The set of waiting requests."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiters: set[Waiter] = set()
        self._closed = False

    @contextmanager
    def waiting(self) -> Iterator[Waiter]:
        """Register the calling request for the length of the block, in the server's loop."""
        waiter = Waiter()
        with self._changed:
            waiter.ended = self._closed
            self._waiters.add(waiter)
            self._changed.notify_all()
        try:
            yield waiter
        finally:
            with self._changed:
                self._waiters.discard(waiter)
                self._changed.notify_all()

    def wake(self) -> None:
        """Wake every waiting request to look for changes."""
        with self._changed:
            for waiter in self._waiters:
                waiter.wake()

    def end(self) -> None:
        """End every waiting request; later ones wait again."""
        with self._changed:
            for waiter in self._waiters:
                waiter.end()

    def close(self) -> None:
        """End every waiting request, and every later one at once."""
        with self._changed:
            self._closed = True
        self.end()

    def wait_for(self, count: int, timeout: float) -> bool:
        """Block until exactly `count` requests wait; False after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._waiters) == count, timeout)
