"""What a watch can be told, checked before anything is sent. Nothing here may do I/O."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

from .._plan import checked_timeout
from .._suggest import shown
from ..errors import RonConfigError
from ..pagination import checked_size

__all__ = ["WatchOptions", "watch_options"]

MAX_FAILURES = 12
MAX_TRACKED = 100_000
POLL_INTERVAL = 5.0
MAX_BUFFER = 100_000


class WatchOptions(NamedTuple):
    """See ``Manager.watch``; seconds and counts."""

    initial: bool = False
    strict: bool = False
    idle_timeout: Optional[float] = None
    max_events: Optional[int] = None
    max_duration: Optional[float] = None
    max_failures: int = MAX_FAILURES
    max_tracked: int = MAX_TRACKED
    poll_interval: float = POLL_INTERVAL
    buffer: int = 0


def watch_options(
    *,
    initial: bool,
    strict: bool,
    idle_timeout: Optional[float],
    max_events: Optional[int],
    max_duration: Optional[float],
    max_failures: Optional[int],
    max_tracked: Optional[int],
    poll_interval: Optional[float],
    buffer: Optional[int],
) -> WatchOptions:
    """The options with their defaults.

    Raises:
        RonConfigError: naming the option, what it must be and what was given.
    """
    for name, flag in (("initial", initial), ("strict", strict)):
        if not isinstance(flag, bool):
            raise RonConfigError(f"{name} must be True or False, not {shown(flag)}")
    return WatchOptions(
        initial=initial,
        strict=strict,
        idle_timeout=checked_timeout(idle_timeout, "idle_timeout"),
        max_events=checked_size("max_events", max_events),
        max_duration=checked_timeout(max_duration, "max_duration"),
        max_failures=_count("max_failures", max_failures, 0, 1_000_000, MAX_FAILURES),
        max_tracked=_count("max_tracked", max_tracked, 1, 2**31, MAX_TRACKED),
        poll_interval=checked_timeout(poll_interval, "poll_interval") or POLL_INTERVAL,
        buffer=_count("buffer", buffer, 0, MAX_BUFFER, 0),
    )


def _count(name: str, value: Any, low: int, high: int, default: int) -> int:
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise RonConfigError(f"{name} must be a whole number from {low} to {high}, not {shown(value)}")
    return value
