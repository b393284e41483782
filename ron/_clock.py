"""Time, sleep and randomness: the one place where a client takes them from, so that tests can give their own."""

from __future__ import annotations

import asyncio
import random
import secrets
import threading
import time

__all__ = ["Clock"]


class Clock:
    """The real clock. ``ron.testing.FakeClock`` is the one for tests; any object with these methods will do."""

    def monotonic(self) -> float:
        """Seconds that only ever grow; deadlines are counted in them."""
        return time.monotonic()

    def time(self) -> float:
        """Seconds since the epoch; only used to read HTTP-dates."""
        return time.time()

    def random(self) -> float:
        """A number in [0, 1); jitter is drawn from it."""
        return random.random()  # noqa: S311 - jitter, not a secret

    def token_hex(self) -> str:
        """32 hexadecimal digits nobody can guess: request ids and idempotency keys."""
        return secrets.token_hex(16)

    def sleep(self, seconds: float) -> None:
        """Blocks this thread."""
        time.sleep(seconds)

    def wait(self, woken: threading.Event, seconds: float) -> None:
        """Blocks this thread until another one sets ``woken``, at most ``seconds``."""
        woken.wait(seconds)

    async def asleep(self, seconds: float) -> None:
        """Lets other tasks run meanwhile."""
        await asyncio.sleep(seconds)
