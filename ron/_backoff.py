"""When and whether to try again: jitter, hints, and the budget that stops retry storms. Nothing here may do I/O."""

from __future__ import annotations

import re
from datetime import timezone
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from ._values import Reply

__all__ = ["Budget", "full_jitter", "retry_hint", "wait_before"]

MAX_WAIT = 20.0
MAX_HINT = 60.0
BASE_TRANSIENT = 0.05
BASE_THROTTLED = 1.0
MAX_SECONDS = 1e9


def full_jitter(retry: int, base: float, draw: float) -> float:
    """Seconds before the ``retry``-th repeat (1 is the first): ``U(0, min(20 s, base * 2^(retry-1)))``.

    ``draw`` is the random number in [0, 1) that picks the place in that range.
    """
    return draw * min(MAX_WAIT, base * 2.0 ** min(retry - 1, 32))


def wait_before(retry: int, base: float, draw: float, hint: float, left: float) -> float:
    """Seconds before the ``retry``-th repeat: the node's ``hint`` (0.0 without one), and jitter on top of it.

    Clients that were sent away together must not come back together: beside a hint the jitter is at least
    ``U(0, hint / 2)``, in which it takes no more than half of what is ``left`` for the call once the hint is over.
    """
    spread = draw * min(hint, max(0.0, left - hint)) / 2.0
    return hint + max(full_jitter(retry, base, draw), spread)


def retry_hint(reply: Reply, retry_after_ms: Optional[int], wall: float) -> Optional[float]:
    """Seconds that the node asks to wait: the Problem's ``retry_after_ms``, else ``Retry-After`` (RFC 9110 §10.2.3).

    The body wins because it is the finer one (protocol.md). Garbage counts as absent; a date in the past is 0.
    ``wall`` is now, in seconds since the epoch.
    """
    if retry_after_ms is not None:
        return retry_after_ms / 1000.0
    value = reply.header(b"retry-after")
    if value is None:
        return None
    if re.fullmatch(r"[0-9]+", value):
        return min(float(value), MAX_SECONDS)
    from email.utils import parsedate_to_datetime  # rare, and slow to load

    try:
        date = parsedate_to_datetime(value)
        # The asctime form names no zone; HTTP-dates are always UTC (RFC 9110 §5.6.7).
        date = date if date.tzinfo is not None else date.replace(tzinfo=timezone.utc)
        return max(0.0, date.timestamp() - wall)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


class Budget:
    """A token bucket that all calls of a client share (design §3 "Retry").

    500 tokens; a transient retry takes 14, a throttled one 5; a success gives 1 back, a success after retries also
    what its last retry took. In a total outage about 35 transient retries empty it. Its plain arithmetic may lose an
    update when threads race; it is a brake, not an account.
    """

    CAPACITY = 500
    TRANSIENT = 14
    THROTTLED = 5

    __slots__ = ("tokens",)

    def __init__(self) -> None:
        self.tokens = self.CAPACITY

    def take(self, cost: int) -> bool:
        """Takes ``cost`` tokens if there are that many."""
        if self.tokens < cost:
            return False
        self.tokens -= cost
        return True

    def success(self, last_cost: int) -> None:
        """Gives back 1 token and what the call's last retry took."""
        if self.tokens < self.CAPACITY:
            self.tokens = min(self.CAPACITY, self.tokens + 1 + last_cost)
