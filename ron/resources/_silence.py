"""How long a watch bears silence. Nothing here may do I/O."""

from __future__ import annotations

from typing import Optional

__all__ = ["Silence"]

#: a heartbeat that comes right with the head says nothing about when the next one comes
GREETING_SECONDS = 1.0
GAPS = 3.0
LEAST, MOST = 60.0, 600.0


class Silence:
    """After how many seconds without a byte a stream counts as lost.

    ``idle_timeout`` says so where it is given. Else there is no limit until a heartbeat (a comment line, or an event of
    that name) was seen; from then on it is three times the longest gap before one, 60 to 600 seconds.
    """

    __slots__ = ("_given", "_last", "_longest")

    def __init__(self, idle_timeout: Optional[float]) -> None:
        self._given = idle_timeout
        self._longest = 0.0
        self._last = 0.0

    def opened(self, now: float) -> None:
        """A stream was opened."""
        self._last = now

    def heard(self, now: float, heartbeat: bool) -> None:
        """Bytes have come."""
        gap, self._last = now - self._last, now
        if heartbeat and gap >= GREETING_SECONDS:
            self._longest = max(self._longest, gap)

    @property
    def limit(self) -> Optional[float]:
        """Seconds; None for ever."""
        if self._given is not None or not self._longest:
            return self._given
        return min(MOST, max(LEAST, GAPS * self._longest))
