"""Whether a socket can be read or written, asked of the system without touching a byte.

``poll`` has no bound on the descriptor's number, and its object can be kept for a connection's life. Where the system
has none (Windows), ``select`` does, whose bound there is on the number of sockets.
"""

from __future__ import annotations

import math
import select
from typing import TYPE_CHECKING, Optional, Protocol

if TYPE_CHECKING:
    import socket

__all__ = ["PollReadiness", "Readiness", "SelectReadiness", "readiness"]


class Readiness(Protocol):
    """One socket's readiness. Waits at most ``seconds``; a closed or failed connection counts as ready."""

    def readable(self, seconds: float = 0.0) -> bool:
        """Whether reading would not block."""
        ...

    def ready(self, seconds: float) -> tuple[bool, bool]:
        """Whether reading, and whether writing, would not block; waits for either."""
        ...


class PollReadiness:
    """``Readiness`` by poll."""

    __slots__ = ("_both", "_read")

    def __init__(self, sock: socket.socket) -> None:
        self._read = select.poll()
        self._read.register(sock, select.POLLIN)
        self._both = select.poll()
        self._both.register(sock, select.POLLIN | select.POLLOUT)

    def readable(self, seconds: float = 0.0) -> bool:
        """See ``Readiness``."""
        return bool(self._read.poll(_milliseconds(seconds) if seconds else 0))

    def ready(self, seconds: float) -> tuple[bool, bool]:
        """See ``Readiness``."""
        events = self._both.poll(_milliseconds(seconds))
        mask = events[0][1] if events else 0
        failed = mask & (select.POLLERR | select.POLLHUP | select.POLLNVAL)
        return bool(mask & select.POLLIN or failed), bool(mask & select.POLLOUT or failed)


class SelectReadiness:
    """``Readiness`` by select."""

    __slots__ = ("_sock",)

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def readable(self, seconds: float = 0.0) -> bool:
        """See ``Readiness``."""
        return bool(select.select([self._sock], [], [], _seconds(seconds))[0])

    def ready(self, seconds: float) -> tuple[bool, bool]:
        """See ``Readiness``."""
        # On Windows a connection that could not be made is "exceptional", not writable.
        both = [self._sock]
        reading, writing, failed = select.select(both, both, both, _seconds(seconds))
        return bool(reading), bool(writing or failed)


def readiness(sock: socket.socket) -> Readiness:
    """The best that this system has."""
    return PollReadiness(sock) if hasattr(select, "poll") else SelectReadiness(sock)


def _milliseconds(seconds: float) -> Optional[int]:
    # Rounded up: rounded down, the last millisecond of a wait would be spent spinning.
    return None if seconds == math.inf else max(0, math.ceil(seconds * 1000))


def _seconds(seconds: float) -> Optional[float]:
    return None if seconds == math.inf else max(0.0, seconds)
