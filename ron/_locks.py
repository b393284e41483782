"""A lock that a forked child can take."""

from __future__ import annotations

import os
import threading

__all__ = ["ProcessLock"]


class ProcessLock:
    """One lock for each process: one that some thread held at a fork would stay locked in the child for ever."""

    __slots__ = ("_locks",)

    def __init__(self) -> None:
        self._locks: dict[int, threading.Lock] = {}

    def here(self) -> threading.Lock:
        """This process's lock, always the same one."""
        pid = os.getpid()
        # `setdefault` is atomic: two threads that come first get one lock.
        return self._locks.get(pid) or self._locks.setdefault(pid, threading.Lock())
