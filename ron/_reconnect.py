"""When a lost event stream is opened again, and when no more. Nothing here may do I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from ._backoff import BASE_TRANSIENT, full_jitter

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["STEADY_SECONDS", "Reconnects"]

#: a server's ``retry`` and a Problem's hint are respected up to here, in seconds
MAX_SERVER_WAIT = 60.0
#: a stream that stayed open so long was no failure, even if nothing happened on it: proxies end quiet ones
STEADY_SECONDS = 5.0
#: however many events short streams bring, they are opened no more often than about this many seconds apart
MAX_BRIEF_WAIT = 1.0


class Reconnects:
    """Counts lost streams in a row, and says how long to wait before the next one.

    A new event or a steady stream lets the count of failures begin anew. Short streams are counted apart, and events
    don't reset that count: a node that ends every stream after one event must not be asked in a hot loop.

    Attributes:
        failures: streams in a row, up to now, that brought nothing.
        limit: how many of them are borne.
        server_wait: the node's own ``retry`` (WHATWG HTML §9.2.6), in seconds, as far as it is respected.
    """

    __slots__ = ("_brief", "_draw", "failures", "limit", "server_wait")

    def __init__(self, limit: int, draw: Callable[[], float]) -> None:
        self.limit = limit
        self.failures = 0
        self.server_wait = 0.0
        self._brief = 0
        self._draw = draw

    def progress(self) -> None:
        """Something new has come."""
        self.failures = 0

    def heed(self, retry_ms: Optional[int]) -> None:
        """Takes note of what a stream said about its reconnection time."""
        if retry_ms is not None:
            self.server_wait = min(retry_ms / 1000.0, MAX_SERVER_WAIT)

    def lost(self, lasted: Optional[float], hint: Optional[float]) -> Optional[float]:
        """Seconds to wait before the next stream is opened; None if there shall be no next one.

        Args:
            lasted: for how many seconds the stream was open; None if it could not be opened.
            hint: after how many seconds the node asked to be tried again.
        """
        if lasted is not None and lasted >= STEADY_SECONDS:
            self.failures = self._brief = 0
        else:
            self._brief += 1
        self.failures += 1
        if self.failures > self.limit:
            return None
        jitter = full_jitter(self.failures, BASE_TRANSIENT, self._draw())
        return max(self.server_wait, min(hint or 0.0, MAX_SERVER_WAIT), jitter, self._brief_wait())

    def _brief_wait(self) -> float:
        if self._brief < 2:
            return 0.0
        ceiling = min(MAX_BRIEF_WAIT, BASE_TRANSIENT * 2.0 ** min(self._brief - 1, 32))
        return ceiling * (0.5 + self._draw() / 2.0)
