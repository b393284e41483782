"""The fast transport, sync: blocking calls of pyreqwest, which waits without the GIL. Streams are the default's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from pyreqwest.client import SyncClientBuilder

from ron._values import Reply
from ron.transport._body import Body
from ron.transport._fast_errors import failure_of
from ron.transport._fast_site import FastSite, fields_of
from ron.transport._sync_lanes import SyncLanes

if TYPE_CHECKING:
    from ron._values import Credential, Exchange
    from ron.transport._protocol import Endpoint
    from ron.transport._sync_stream import SyncStream

__all__ = ["SyncFastChannel"]


class SyncFastChannel:
    """See ``SyncChannel``."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._site = FastSite(endpoint, SyncClientBuilder, ("__enter__", "__exit__"))
        self._lanes = SyncLanes(endpoint)

    def send(self, exchange: Exchange, credential: Optional[Credential]) -> Reply:
        """See ``SyncChannel.send``."""
        site = self._site
        enter, leave = site.begin(exchange, credential)
        reading = False
        try:
            response = enter()
            reading = True
            headers = fields_of(response)
            framing = site.framing(exchange.method, response.status, headers)
            body = Body(framing, site.limit)
            missing = framing.length
            read = response.body_reader.read_chunk
            while missing != 0:
                chunk = read()
                if chunk is None or not body.feed(chunk.to_bytes()):
                    break
                if missing is not None:
                    missing -= len(chunk)
            return Reply(response.status, headers, body.finish())
        except Exception as error:  # noqa: BLE001 - mapped, and raised below without its frames
            failure = failure_of(error, site, reading=reading)
        if reading:
            leave(None, None, None)
        try:
            raise failure
        finally:
            del failure

    def stream(self, exchange: Exchange, credential: Optional[Credential]) -> SyncStream:
        """See ``SyncChannel.stream``: on a connection of the default transport."""
        self._site.check_open()
        return self._lanes.stream(exchange, credential)

    def close(self) -> None:
        """See ``SyncChannel.close``."""
        client = self._site.close()
        if client is not None:
            client.close()
        self._lanes.close()
