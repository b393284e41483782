"""Who may talk, who waits, which connections are open. Nothing here may do I/O, wait or lock: callers do that.

Every operation takes constant time. Idle lanes are a stack, so that the fewest connections stay warm and the rest run
into their expiry. A permit that comes back while somebody waits goes to the first waiter, and to no one else.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, NamedTuple, Optional, TypeVar

__all__ = ["IDLE_SECONDS", "LaneStats", "Ledger"]

#: How long a connection may lie idle. Servers keep theirs for 5 s (uvicorn) to 75 s (nginx): one that the node has
#: closed is noticed by looking at the descriptor, this bound only tidies up.
IDLE_SECONDS = 30.0

L = TypeVar("L")
W = TypeVar("W")


class LaneStats(NamedTuple):
    """What a channel has open, at one moment. ``opened_total`` counts the lanes made since the channel was opened."""

    busy: int
    idle: int
    waiting: int
    streams: int
    opened_total: int


class Ledger(Generic[L, W]):
    """The books of one pool of lanes ``L`` and those who wait for one, ``W``. A stream's lane is on no other list."""

    __slots__ = ("busy", "free", "idle", "opened_total", "streams", "waiting")

    def __init__(self, permits: int) -> None:
        self.free = permits
        self.idle: deque[tuple[float, L]] = deque()
        self.busy: set[L] = set()
        self.streams: set[L] = set()
        self.waiting: OrderedDict[W, None] = OrderedDict()
        self.opened_total = 0

    def admit(self) -> bool:
        """Takes a permit if one is free; then nobody is waiting."""
        if self.free:
            self.free -= 1
            return True
        return False

    def release(self) -> Optional[W]:
        """Gives a permit back. Returns the waiter that has it now and must be woken, None if it is free."""
        if self.waiting:
            return self.waiting.popitem(last=False)[0]
        self.free += 1
        return None

    def withdraw(self, waiter: W) -> Optional[W]:
        """Takes a waiter out that gives up. If it had been given a permit meanwhile, that one is released."""
        if waiter in self.waiting:
            del self.waiting[waiter]
            return None
        return self.release()

    def stale(self, now: float) -> Optional[L]:
        """Takes out the lane that has lain idle longest, if that was too long: close it, and ask again."""
        if self.idle and now - self.idle[0][0] > IDLE_SECONDS:
            return self.idle.popleft()[1]
        return None

    def newest(self) -> Optional[L]:
        """Takes out the idle lane that was used last."""
        return self.idle.pop()[1] if self.idle else None

    def clear(self) -> tuple[list[L], list[W]]:
        """Takes out every lane and every waiter: the channel is closing."""
        lanes = [*(lane for _, lane in self.idle), *self.busy, *self.streams]
        waiters = list(self.waiting)
        for book in (self.idle, self.busy, self.streams, self.waiting):
            book.clear()
        return lanes, waiters

    def stats(self) -> LaneStats:
        """The books, counted."""
        return LaneStats(
            len(self.busy),
            len(self.idle),
            len(self.waiting),
            len(self.streams),
            self.opened_total,
        )
