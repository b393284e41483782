"""Event streams of a memory node: one feed of bytes, and an async and a sync way to wait for it.

Nothing sleeps: a change wakes its readers, whichever thread or loop they wait in. With a
``FakeClock`` a read's timeout passes when the clock is moved, else in real time.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Optional

from .._values import Failure
from . import _faults
from ._answers import EXPIRED, to_json
from ._clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._clock import Clock
    from .._values import Reply
    from ._collection import Opening
    from ._store import Change, Store

__all__ = ["AsyncFeedStream", "Feed", "SyncFeedStream", "WholeStream"]


_EXPIRED = b"event: error\ndata: " + to_json(EXPIRED) + b"\n\n"


class Feed:
    """What a stream has to say, from its cursor on; the node's lock guards it.

    ``wake`` is called, in any thread, when there may be more.
    """

    def __init__(
        self,
        opening: Opening,
        after: int,
        store: Store,
        lock: threading.RLock,
        left: Callable[[Feed], None],
    ) -> None:
        self.wake: Callable[[], None] = _nobody
        self._end: Optional[int] = None
        self._opening = opening
        self._after = after
        self._store = store
        self._lock = lock
        self._left = left
        self._stalled = False
        self._until_cut: Optional[int] = None
        self._last_words = b""

    def take(self) -> Optional[bytes]:
        """The events since the last call; ``b""`` once it has ended, None if there are none yet.

        Raises ``Failure`` once the connection was cut.
        """
        with self._lock:
            if self._stalled:
                return None
            if self._until_cut == 0:
                raise _faults.lost()
            frames = self._frames()
            if self._until_cut is not None:
                frames = frames[: self._until_cut]
                self._until_cut -= len(frames)
            self._after = frames[-1][0] if self._until_cut == 0 else self._store.last
            data, self._last_words = b"".join(frame for _, frame in frames) + self._last_words, b""
            return data or (None if self._end is None else b"")

    def outstanding(self) -> bytes:
        """The events that were not taken yet."""
        return b"".join(frame for _, frame in self._frames())

    def _frames(self) -> list[tuple[int, bytes]]:
        opening = self._opening
        return [
            (change.seq, _frame(change, opening.key_field))
            for change in self._store.since(opening.shelf, opening.place, self._after, self._end)
            if opening.filters.match(change.document.fields)
        ]

    def cut(self, after: int) -> None:
        """Loses the connection after so many more events."""
        with self._lock:
            self._until_cut = after
        self.wake()

    def stall(self) -> None:
        """Says nothing any more, not even that it has ended."""
        with self._lock:
            self._stalled = True

    def expire(self) -> None:
        """Says that the position of its reader is too old, and ends."""
        with self._lock:
            self._last_words = _EXPIRED
        self.end()

    def end(self) -> None:
        """Lets the reader have what there is now, then the end."""
        with self._lock:
            self._end = self._store.last if self._end is None else self._end
        self.wake()

    def leave(self) -> None:
        """The reader has gone."""
        with self._lock:
            self._left(self)
        self.end()


def _nobody() -> None:
    """Nobody waits yet."""


def _frame(change: Change, key_field: str) -> bytes:
    """One event (WHATWG HTML §9.2.6); of what was deleted only the key is told."""
    document = change.document
    data = document.body
    if change.kind == "deleted":
        data = to_json({key_field: document.fields[key_field]})
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (change.seq, change.kind.encode("ascii"), data)


def closed() -> Failure:
    """The failure of a read from a closed stream."""
    return Failure("read", "this stream is closed", sent=True)


def silent(timeout: float) -> Failure:
    """The failure of a read that waited for nothing."""
    return Failure("timeout", f"nothing came for {timeout:g} seconds", sent=True, timed_out=True)


class _Reading:
    """What both colours of stream share: the head, the feed, and when to give up."""

    status = 200

    def __init__(self, feed: Feed, headers: Sequence[tuple[bytes, bytes]], clock: Clock) -> None:
        self.headers = headers
        self._feed = feed
        self._clock = clock
        self.on_close: Callable[[], None] = _nobody
        self._closed = False
        self._forget = clock.on_advance(self._wake) if isinstance(clock, FakeClock) else _nobody
        feed.wake = self._wake

    def _wake(self) -> None: ...

    def _close(self) -> None:
        self._closed = True
        self._forget()
        self._feed.leave()
        self.on_close()
        self._wake()

    def _look(self, timeout: Optional[float], until: Optional[float]) -> Optional[bytes]:
        """What there is to read now, None to wait on."""
        if self._closed:
            raise closed()
        data = self._feed.take()
        if data is None and timeout is not None and until is not None and self._left(until) <= 0:
            raise silent(timeout)
        return data

    def _until(self, timeout: Optional[float]) -> Optional[float]:
        return None if timeout is None else self._clock.monotonic() + timeout

    def _left(self, until: float) -> float:
        return until - self._clock.monotonic()

    def _seconds(self, until: Optional[float]) -> Optional[float]:
        """How long to wait in real time: for ever where the clock wakes its waiters itself."""
        return None if until is None or isinstance(self._clock, FakeClock) else self._left(until)


class AsyncFeedStream(_Reading):
    """See ``AsyncReplyStream``; made and read in one event loop, woken from any thread."""

    def __init__(self, feed: Feed, headers: Sequence[tuple[bytes, bytes]], clock: Clock) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        super().__init__(feed, headers, clock)

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._event.set)
        except RuntimeError:  # its loop is gone, and the reader with it
            self._feed.wake = _nobody
            self._forget()

    async def read(self, timeout: Optional[float]) -> bytes:
        """See ``AsyncReplyStream.read``."""
        until = self._until(timeout)
        while True:
            self._event.clear()
            data = self._look(timeout, until)
            if data is not None:
                return data
            seconds = self._seconds(until)
            alarm = None if seconds is None else self._loop.call_later(seconds, self._event.set)
            try:
                await self._event.wait()
            finally:
                if alarm is not None:
                    alarm.cancel()

    async def aclose(self) -> None:
        """See ``AsyncReplyStream.aclose``."""
        self._close()


class SyncFeedStream(_Reading):
    """See ``SyncReplyStream``."""

    def __init__(self, feed: Feed, headers: Sequence[tuple[bytes, bytes]], clock: Clock) -> None:
        self._event = threading.Event()
        super().__init__(feed, headers, clock)

    def _wake(self) -> None:
        self._event.set()

    def read(self, timeout: Optional[float]) -> bytes:
        """See ``SyncReplyStream.read``."""
        until = self._until(timeout)
        while True:
            self._event.clear()
            data = self._look(timeout, until)
            if data is not None:
                return data
            self._event.wait(self._seconds(until))

    def close(self) -> None:
        """See ``SyncReplyStream.close``."""
        self._close()


class WholeStream:
    """An answer that is no event stream, read as if it were one; of either colour."""

    def __init__(self, reply: Reply) -> None:
        self.status = reply.status
        self.headers = reply.headers
        self._body = reply.body

    def take(self) -> bytes:
        """The body, then ``b""``."""
        body, self._body = self._body, b""
        return body


class AsyncWholeStream(WholeStream):
    """See ``AsyncReplyStream``."""

    async def read(self, timeout: Optional[float]) -> bytes:
        """See ``AsyncReplyStream.read``."""
        del timeout
        return self.take()

    async def aclose(self) -> None:
        """See ``AsyncReplyStream.aclose``."""
        self._body = b""


class SyncWholeStream(WholeStream):
    """See ``SyncReplyStream``."""

    def read(self, timeout: Optional[float]) -> bytes:
        """See ``SyncReplyStream.read``."""
        del timeout
        return self.take()

    def close(self) -> None:
        """See ``SyncReplyStream.close``."""
        self._body = b""
