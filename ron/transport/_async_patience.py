"""How an async wire waits: one future, and one timer that is armed anew only when it would fire too late.

Arming a timer for every read costs more than the read; a call's waits mostly end long before their time, so a timer
that is already set for an earlier moment looks, when it fires, whether it is needed later.
"""

from __future__ import annotations

import asyncio
import math
from typing import Optional

__all__ = ["Patience"]


class Patience:
    """Waits for ``wake``, or until a time of the loop's clock. One task at a time."""

    __slots__ = ("_fires_at", "_loop", "_timer", "_until", "_waiter")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiter: Optional[asyncio.Future[bool]] = None
        self._timer: Optional[asyncio.TimerHandle] = None
        self._until = self._fires_at = math.inf

    @property
    def waiting(self) -> bool:
        """Whether a task waits."""
        return self._waiter is not None

    async def wait(self, until: float) -> bool:
        """Waits for anything to happen. True if what happened is that ``until`` has come."""
        waiter: asyncio.Future[bool] = self._loop.create_future()
        self._waiter = waiter
        self._until = until
        if self._fires_at > until:
            self._arm(until)
        try:
            return await waiter
        finally:
            self._waiter = None

    def wake(self, late: bool = False) -> None:
        """Something has happened. The future gets a result, never an exception: a task that is cancelled in the same
        turn would not retrieve it.
        """
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(late)

    def end(self) -> None:
        """Wakes who waits and forgets the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._fires_at = math.inf
        self.wake()

    def _arm(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._fires_at = when
        self._timer = self._loop.call_at(when, self._fire)

    def _fire(self) -> None:
        fired_at, self._fires_at = self._fires_at, math.inf
        self._timer = None
        if self._waiter is None:
            return
        if fired_at >= self._until:
            self.wake(late=True)
        elif self._until < math.inf:
            self._arm(self._until)
