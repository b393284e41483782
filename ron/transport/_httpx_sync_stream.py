"""An httpx response that is being read, sync: its raw chunks, and the stream made of them."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any, Optional, Union

from ron._values import Failure
from ron.transport._body import gunzip_for
from ron.transport._httpx_answer import Incoming
from ron.transport._httpx_errors import failure_of
from ron.transport._httpx_request import Process, forked
from ron.transport._mapping import bare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ron._values import Exchange
    from ron.transport._httpx_request import Guest

__all__ = ["Answer", "SyncHttpxStream"]


class SyncHttpxStream:
    """See ``SyncReplyStream``. Once ``read`` has raised, the stream is closed.

    httpx takes the time for a read when the body begins: the ``timeout`` of the first ``read``
    holds for all.
    """

    def __init__(
        self,
        answer: Answer,
        incoming: Incoming,
        library: Any,
        limits: dict[str, Any],
        ended: Callable[[SyncHttpxStream], None],
    ) -> None:
        self.status: int = answer.status
        self.headers: Sequence[tuple[bytes, bytes]] = answer.headers
        self._answer = answer
        self._incoming = incoming
        self._gunzip = gunzip_for(incoming.framing)
        self._parts: Iterator[bytes] = iter(())
        self._library = library
        self._limits = limits
        self._ended = ended
        self._finished = False
        self._closed = False
        self._reading = threading.Lock()
        self._process = Process()

    def read(self, timeout: Optional[float]) -> bytes:
        """See ``SyncReplyStream.read``."""
        if self._process.left() and not self._finished:
            raise forked()
        try:
            with self._reading:
                outcome = self._next(timeout)
        except BaseException as error:  # noqa: BLE001 - raised again, without its frames
            self.close()
            raise bare(error)  # noqa: B904 - it is the same one: an interrupt, whose frames hold the request
        if isinstance(outcome, Failure) or self._finished:
            self._closed = True
        self._release()
        if isinstance(outcome, Failure):
            raise outcome
        return outcome

    def _next(self, seconds: Optional[float]) -> Union[bytes, Failure]:
        if self._finished:
            return b""
        if self._closed:
            return Failure("read", "this stream is closed", sent=True)
        self._limits["read"] = seconds
        try:
            while True:
                data = next(self._parts, b"")
                if data:
                    return data
                chunk = next(self._answer.chunks, None)
                if chunk is None:
                    self._incoming.end()
                    if self._gunzip is not None:
                        self._gunzip.finish()
                    self._finished = True
                    return b""
                data = self._incoming.take(chunk)
                self._parts = iter((data,)) if self._gunzip is None else self._gunzip.feed(data)
        except Exception as error:  # noqa: BLE001 - a foreign transport may raise anything
            return failure_of(error, self._library, reading=True)

    def close(self) -> None:
        """See ``SyncReplyStream.close``."""
        self._closed = True
        if self._process.left():  # no lock: a thread that is not in this process may hold it
            return
        if self._reading.locked() and not self._finished:
            self._answer.wake()
        self._release()

    def _release(self) -> None:
        """Closes once no thread reads: httpx's own close isn't made for two threads at a time.

        Whoever comes second, the closing thread or the reader that it woke, finds the lock free and
        does it.
        """
        if self._closed and self._reading.acquire(blocking=False):
            try:
                self._answer.close()
            finally:
                self._reading.release()
            self._ended(self)


class Answer:
    """An httpx response whose head has arrived, and the iterator over its body."""

    __slots__ = ("chunks", "headers", "response", "status")

    def __init__(self, response: Any) -> None:
        self.response: Any = response
        self.status: int = response.status_code
        self.headers: tuple[tuple[bytes, bytes], ...] = tuple(response.headers.raw)
        self.chunks: Iterator[bytes] = iter(())

    def read_as(self, guest: Guest, exchange: Exchange) -> Incoming:
        """Begins with the body."""
        incoming = Incoming(exchange.method, self.response, guest.library)
        self.chunks = self.response.iter_raw() if incoming.whole is None else iter((incoming.whole,))
        return incoming

    def wake(self) -> None:
        """Ends a read in another thread: closing a socket doesn't, shutting it down does."""
        try:
            sock = self.response.extensions["network_stream"].get_extra_info("socket")
            # Not the TLS socket's own method, which drops the state that the other thread is using.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
        except Exception:  # noqa: BLE001, S110 - no socket, or gone already
            pass

    def close(self) -> None:
        """Closes the connection unless the whole answer was read. Never raises."""
        with contextlib.suppress(Exception):  # there is nothing left to be told
            self.response.close()
        self.response, self.chunks = None, iter(())  # behind them is the request, with its token
