"""Per-client counters (seed §6). They count logical calls: a call that was repeated twice counts once."""

from __future__ import annotations

from typing import Optional

from ._locks import ProcessLock
from .errors import RonConfigError, RonError, RonNetworkError, RonOutcomeUnknownError, RonTimeoutError

__all__ = ["RequestMetrics"]


class RequestMetrics:
    """Counters of one client; safe to use from many threads. A forked child goes on from its copy.

    A timeout counts in ``total_timeouts`` and ``total_errors``, not in ``total_network_errors`` as well.
    """

    def __init__(self) -> None:
        self._lock = ProcessLock()
        self._requests = 0
        self._errors = 0
        self._timeouts = 0
        self._network_errors = 0

    def record(self, error: Optional[RonError] = None) -> None:
        """Counts one logical call that ended: well, or with ``error``; one that was refused before sending is none."""
        if isinstance(error, RonConfigError):
            return
        with self._lock.here():
            self._requests += 1
            if error is None:
                return
            self._errors += 1
            late = isinstance(error, RonTimeoutError) or (isinstance(error, RonOutcomeUnknownError) and error.timed_out)
            if late:
                self._timeouts += 1
            elif isinstance(error, RonNetworkError):
                self._network_errors += 1

    def snapshot(self) -> dict[str, int]:
        """The counters now: ``total_requests``, ``total_errors``, ``total_timeouts``, ``total_network_errors``."""
        with self._lock.here():
            return {
                "total_requests": self._requests,
                "total_errors": self._errors,
                "total_timeouts": self._timeouts,
                "total_network_errors": self._network_errors,
            }

    def __repr__(self) -> str:
        counters = ", ".join(f"{name}={value}" for name, value in self.snapshot().items())
        return f"RequestMetrics({counters})"
