"""An httpx response that is being read, async: its raw chunks, and the stream made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional, Union

import anyio

from ron._values import Failure
from ron.transport._body import gunzip_for
from ron.transport._httpx_answer import Incoming
from ron.transport._httpx_errors import failure_of
from ron.transport._httpx_request import Process, forked
from ron.transport._mapping import bare

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from ron._values import Exchange
    from ron.transport._httpx_request import Guest

__all__ = ["Answer", "AsyncHttpxStream"]

_GRACE = 1.0  # seconds that closing a foreign connection may take, cancelled or not


class AsyncHttpxStream:
    """See ``AsyncReplyStream``. One reader at a time; when ``read`` raises, it closes."""

    def __init__(
        self,
        answer: Answer,
        incoming: Incoming,
        library: Any,
        ended: Callable[[AsyncHttpxStream], None],
    ) -> None:
        self.status: int = answer.status
        self.headers: Sequence[tuple[bytes, bytes]] = answer.headers
        self._answer = answer
        self._incoming = incoming
        self._gunzip = gunzip_for(incoming.framing)
        self._parts: Iterator[bytes] = iter(())
        self._library = library
        self._ended = ended
        self._finished = False
        self._closed = False
        self._process = Process()

    async def read(self, timeout: Optional[float]) -> bytes:  # noqa: ASYNC109 - the seam's own signature
        """See ``AsyncReplyStream.read``."""
        outcome: Union[bytes, Failure] = b""
        if self._process.left() and not self._finished:
            raise forked()
        if self._closed and not self._finished:
            outcome = Failure("read", "this stream is closed", sent=True)
        elif not self._finished:
            try:
                outcome = await self._next(timeout)
            except BaseException as error:  # noqa: BLE001 - raised again, without its frames
                await self.aclose()
                raise bare(error)  # noqa: B904 - it is the same one: a cancellation, whose frames hold the request
        if isinstance(outcome, Failure):
            await self.aclose()
            raise outcome
        return outcome

    async def _next(self, seconds: Optional[float]) -> Union[bytes, Failure]:
        try:
            while True:
                data = next(self._parts, b"")
                if data:
                    return data
                chunk: Optional[bytes] = None
                with anyio.move_on_after(seconds):
                    chunk = await self._answer.next_chunk()
                if chunk is None:
                    return Failure("timeout", "nothing arrived in time", sent=True, timed_out=True)
                if not chunk:
                    self._incoming.end()
                    if self._gunzip is not None:
                        self._gunzip.finish()
                    self._finished = True
                    await self.aclose()
                    return b""
                data = self._incoming.take(chunk)
                self._parts = iter((data,)) if self._gunzip is None else self._gunzip.feed(data)
        except Exception as error:  # noqa: BLE001 - a foreign transport may raise anything
            return failure_of(error, self._library, reading=True)

    async def aclose(self) -> None:
        """See ``AsyncReplyStream.aclose``."""
        if self._closed:
            return
        self._closed = True
        self._ended(self)
        if not self._process.left():
            await self._answer.aclose()


class Answer:
    """An httpx response whose head has arrived, and the iterator over its body."""

    __slots__ = ("chunks", "headers", "response", "status")

    def __init__(self, response: Any) -> None:
        self.response: Any = response
        self.status: int = response.status_code
        self.headers: tuple[tuple[bytes, bytes], ...] = tuple(response.headers.raw)
        self.chunks: Any = None

    def read_as(self, guest: Guest, exchange: Exchange) -> Incoming:
        """Begins with the body."""
        incoming = Incoming(exchange.method, self.response, guest.library)
        self.chunks = self.response.aiter_raw() if incoming.whole is None else _once(incoming.whole)
        return incoming

    async def next_chunk(self) -> bytes:
        """The next bytes as they came; ``b""`` at the end."""
        async for chunk in self.chunks:
            if chunk:
                data: bytes = chunk
                return data
        return b""

    async def aclose(self) -> None:
        """Closes the connection unless the whole answer was read. Never raises or takes long."""
        with anyio.move_on_after(_GRACE, shield=True):
            try:
                await self.response.aclose()
                if self.chunks is not None:
                    await self.chunks.aclose()
            except Exception:  # noqa: BLE001, S110 - there is nothing left to be told
                pass
            finally:
                self.response = self.chunks = None  # behind them is the request, with its token


async def _once(whole: bytes) -> AsyncIterator[bytes]:
    yield whole
