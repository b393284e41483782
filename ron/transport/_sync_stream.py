"""An answer that is read as it comes, for threads. It owns its connection; closing it, from any thread, closes that."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Callable, Optional

from ron.errors import RonConfigError
from ron.transport._body import gunzip_for
from ron.transport._mapping import settle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ron.transport._framing import Framing
    from ron.transport._sync_wire import SyncWire

__all__ = ["SyncStream"]


class SyncStream:
    """See ``SyncReplyStream``. A read that fails closes the stream."""

    __slots__ = (
        "_busy",
        "_chunks",
        "_closed",
        "_ended",
        "_guard",
        "_gunzip",
        "_leave",
        "_pieces",
        "_wire",
        "headers",
        "status",
    )

    def __init__(
        self,
        wire: SyncWire,
        response: Any,
        chunks: Iterator[bytes],
        framing: Framing,
        leave: Callable[[], None],
    ) -> None:
        self.status: int = response.status
        self.headers: Sequence[tuple[bytes, bytes]] = response.headers
        self._gunzip = gunzip_for(framing)
        self._wire = wire
        self._chunks = chunks
        self._leave = leave
        self._pieces: Iterable[bytes] = iter(())
        self._guard = threading.Lock()
        self._busy = self._ended = self._closed = False

    def read(self, timeout: Optional[float]) -> bytes:
        """See ``SyncReplyStream.read``. One thread at a time."""
        if self._wire.inherited() and not self._ended:
            self._wire.discard()
            raise self._wire.closed_here()
        with self._guard:
            if self._busy:
                raise RonConfigError("another thread is reading this stream: open one stream for each")
            if self._closed and not self._ended:
                raise self._wire.closed_here()
            self._busy = True
        error: Optional[BaseException] = None
        data = b""
        try:
            data = self._next(timeout)
        except BaseException as caught:  # noqa: BLE001 - raised below, without its frames
            error = settle(caught, self._wire, reading=True)
        with self._guard:
            self._busy = False
            over = self._closed
        if error is None:
            if over or self._ended:
                self._end()
            return data
        try:
            self._end()
            raise error
        finally:
            del error

    def close(self) -> None:
        """See ``SyncReplyStream.close``."""
        if self._wire.inherited():  # no lock: a thread that is not in this process may have held it
            self._wire.discard()
            return
        with self._guard:
            self._closed = True
            busy = self._busy
        if busy:
            self._wire.shut("the stream was closed while it was read")
        else:
            self._end()

    def _end(self) -> None:
        self._closed = True
        self._leave()
        self._wire.abort()

    def _next(self, seconds: Optional[float]) -> bytes:
        while not self._ended:
            for piece in self._pieces:
                return piece
            self._wire.begin_stream(seconds)
            chunk = next(self._chunks, None)
            if chunk is None:
                if self._gunzip is not None:
                    self._gunzip.finish()
                self._ended = True
            else:
                self._pieces = iter((chunk,)) if self._gunzip is None else self._gunzip.feed(chunk)
        return b""
