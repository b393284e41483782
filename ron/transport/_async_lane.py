"""One async lane: a connection of httpcore's on a wire of ours, used by one request at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Callable, Optional

import httpcore

from ron._values import Reply
from ron.transport._async_stream import AsyncStream
from ron.transport._async_wire import AsyncWire
from ron.transport._body import Body
from ron.transport._framing import read_framing
from ron.transport._mapping import settle

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from ron._values import Credential, Exchange
    from ron.transport._site import Site

__all__ = ["AsyncLane"]


class AsyncLane:
    """One connection: httpcore's, on a wire of ours."""

    __slots__ = ("_connection", "_site", "reusable", "wire")

    def __init__(self, site: Site, loop: asyncio.AbstractEventLoop) -> None:
        self._site = site
        self.wire = AsyncWire(site, loop)
        self._connection = httpcore.AsyncHTTPConnection(
            site.origin, ssl_context=site.ssl_context(), network_backend=self.wire
        )
        self.reusable = False

    async def talk(self, exchange: Exchange, credential: Optional[Credential], by: float) -> Reply:
        """One request and its whole answer."""
        wire = self.wire
        self.reusable = reading = False
        wire.begin(by)
        try:
            response = await self._send(exchange, credential)
            reading = True
            framing = read_framing(exchange.method, response.status, response.headers)
            wire.meter.frame(framing)
            body = Body(framing, self._site.max_response_bytes)
            async for chunk in _chunks(response.stream):
                if not body.feed(chunk):
                    # The next read is refused, which ends httpcore's generators from inside: none is left over.
                    wire.abort(body.failure)
            reply = Reply(response.status, response.headers, body.finish())
            await _close(response.stream)
            self.reusable = wire.clean() and self._connection.is_idle()
            return reply
        except BaseException as caught:  # noqa: BLE001 - raised below, without its frames
            error = settle(caught, wire, reading=reading)
        wire.abort()
        try:
            raise error
        finally:
            del error

    async def open(
        self,
        exchange: Exchange,
        credential: Optional[Credential],
        by: float,
        leave: Callable[[], None],
    ) -> AsyncStream:
        """One request and the head of its answer; the stream has this lane for itself."""
        wire = self.wire
        wire.begin(by)
        try:
            response = await self._send(exchange, credential)
            framing = read_framing(exchange.method, response.status, response.headers)
            wire.meter.frame(framing)
            return AsyncStream(wire, response, _chunks(response.stream).__aiter__(), framing, leave)
        except BaseException as caught:  # noqa: BLE001 - raised below, without its frames
            error = settle(caught, wire, reading=False)
        wire.abort()
        try:
            raise error
        finally:
            del error

    async def _send(self, exchange: Exchange, credential: Optional[Credential]) -> httpcore.Response:
        request = self._site.request(exchange, credential)
        try:
            return await self._connection.handle_async_request(request)
        finally:
            request.headers.clear()  # the token is in there


def _chunks(stream: Any) -> AsyncIterator[bytes]:
    """The stream as it is; a mock may give a plain iterable."""
    return stream if hasattr(stream, "__aiter__") else _lifted(stream)


async def _lifted(stream: Any) -> AsyncGenerator[bytes, None]:
    for chunk in stream:
        yield chunk


async def _close(stream: Any) -> None:
    if hasattr(stream, "aclose"):
        await stream.aclose()
