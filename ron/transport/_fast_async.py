"""The fast transport, async: calls of pyreqwest, its connections on no event loop. Streams are the default's."""

from __future__ import annotations

import asyncio
import types
from typing import TYPE_CHECKING, Any, Optional

from pyreqwest.client import ClientBuilder

from ron._values import Reply
from ron.errors import RonConfigError
from ron.transport._async_lanes import AsyncLanes
from ron.transport._body import Body
from ron.transport._fast_errors import failure_of
from ron.transport._fast_site import FastSite, fields_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from ron._values import Credential, Exchange
    from ron.transport._async_stream import AsyncStream
    from ron.transport._protocol import Endpoint

__all__ = ["AsyncFastChannel"]


class AsyncFastChannel:
    """See ``AsyncChannel``. Calls may come from one event loop after the other; streams stay on theirs."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._site = FastSite(endpoint, ClientBuilder, ("__aenter__", "__aexit__"))
        self._lanes = AsyncLanes(endpoint)

    async def send(self, exchange: Exchange, credential: Optional[Credential]) -> Reply:
        """See ``AsyncChannel.send``."""
        site = self._site
        enter, leave = site.begin(exchange, credential)
        reading = False
        try:
            response = await _patiently(enter())
            reading = True
            headers = fields_of(response)
            framing = site.framing(exchange.method, response.status, headers)
            body = Body(framing, site.limit)
            missing = framing.length
            read = response.body_reader.read_chunk
            while missing != 0:
                chunk = await read()  # it has arrived already: this never waits
                if chunk is None or not body.feed(chunk.to_bytes()):
                    break
                if missing is not None:
                    missing -= len(chunk)
            return Reply(response.status, headers, body.finish())
        except Exception as error:  # noqa: BLE001 - mapped, and raised below without its frames
            failure = failure_of(error, site, reading=reading)
        _check_loop()
        if reading:
            await leave(None, None, None)
        try:
            raise failure
        finally:
            del failure

    async def stream(self, exchange: Exchange, credential: Optional[Credential]) -> AsyncStream:
        """See ``AsyncChannel.stream``: on a connection of the default transport."""
        self._site.check_open()
        return await self._lanes.stream(exchange, credential)

    async def aclose(self) -> None:
        """See ``AsyncChannel.aclose``."""
        client = self._site.close()
        if client is not None:
            await client.close()
        await self._lanes.aclose()


@types.coroutine
def _patiently(waiting: Any) -> Generator[Any, Any, Any]:
    """Awaits a coroutine of pyreqwest's; a cancellation comes out as it was thrown in.

    pyreqwest would raise one of its own in its place, without the message by which AnyIO knows its cancel scopes.
    """
    while True:
        try:
            step = waiting.send(None)
        except StopIteration as done:
            return done.value
        try:
            yield step
        except BaseException:
            waiting.close()
            raise


def _check_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        return
    raise RonConfigError(
        "no asyncio event loop is running, and transport='fast' runs on no other kind: use RonClientSync, or "
        "transport=HttpxTransport(...)"
    )
