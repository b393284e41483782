"""``FakeClock``: time that moves only when it is told to, chance that repeats."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from .._clock import Clock
from ..errors import RonConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FakeClock"]


class FakeClock(Clock):
    """A clock for tests: ``RonClient(transport=node, clock=clock)``. Any thread may use it.

    Sleeping takes no time: it moves the clock on at once and is noted in ``sleeps``.

    Args:
        start: what ``time()`` gives at first, seconds since the epoch. ``monotonic()`` begins at 0.
        jitter: what ``random()`` gives, in [0, 1); set it anew at any time.

    Attributes:
        jitter: see above.
        sleeps: the seconds of every sleep so far, in order.
    """

    def __init__(self, start: float = 1_700_000_000.0, *, jitter: float = 0.5) -> None:
        self.jitter = jitter
        self.sleeps: list[float] = []
        self._start = start
        self._elapsed = 0.0
        self._ids = 0
        self._lock = threading.Lock()
        self._watchers: set[Callable[[], None]] = set()

    def monotonic(self) -> float:
        """Seconds by which the clock has been moved on."""
        return self._elapsed

    def time(self) -> float:
        """Seconds since the epoch."""
        return self._start + self._elapsed

    def random(self) -> float:
        """``jitter``."""
        return self.jitter

    def token_hex(self) -> str:
        """32 hexadecimal digits that count up: the first are ``00…01``."""
        with self._lock:
            self._ids += 1
            return f"{self._ids:032x}"

    def advance(self, seconds: float) -> None:
        """Moves the clock on; what waits on it (a stream's ``idle_timeout``) notices.

        Raises:
            RonConfigError: for less than 0 seconds: clocks do not go back.
        """
        if seconds < 0:
            raise RonConfigError(f"a clock does not go back: advance({seconds!r})")
        with self._lock:
            self._elapsed += seconds
            watchers = tuple(self._watchers)
        for notice in watchers:
            notice()

    def sleep(self, seconds: float) -> None:
        """Moves the clock on by that much, at once."""
        self.sleeps.append(seconds)
        self.advance(max(0.0, seconds))

    def wait(self, woken: threading.Event, seconds: float) -> None:
        """Like ``sleep``, unless it was woken already."""
        if not woken.is_set():
            self.sleep(seconds)

    async def asleep(self, seconds: float) -> None:
        """Moves the clock on by that much, at once; other tasks get their turn."""
        self.sleep(seconds)
        await asyncio.sleep(0)

    def on_advance(self, notice: Callable[[], None]) -> Callable[[], None]:
        """Has ``notice`` called after every move, in the mover's thread; returns what ends that."""
        with self._lock:
            self._watchers.add(notice)
        return lambda: self._watchers.discard(notice)

    def __repr__(self) -> str:
        return f"<FakeClock at {self.time():.3f}, moved by {self._elapsed:.3f} s>"
