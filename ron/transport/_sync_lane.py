"""One sync lane: a connection of httpcore's on a wire of ours, used by one request at a time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Callable, Optional

import httpcore

from ron._values import Reply
from ron.transport._body import Body
from ron.transport._framing import read_framing
from ron.transport._mapping import settle
from ron.transport._sync_stream import SyncStream
from ron.transport._sync_wire import SyncWire

if TYPE_CHECKING:
    from ron._values import Credential, Exchange
    from ron.transport._site import Site

__all__ = ["SyncLane"]


class SyncLane:
    """One connection: httpcore's, on a wire of ours."""

    __slots__ = ("_connection", "_site", "reusable", "stream", "user", "wire")

    def __init__(self, site: Site) -> None:
        self._site = site
        self.wire = SyncWire(site)
        self._connection = httpcore.HTTPConnection(
            site.origin, ssl_context=site.ssl_context(), network_backend=self.wire
        )
        self.reusable = False
        self.user = threading.get_ident()  # who talks on it, for who may end that from another thread
        self.stream: Optional[SyncStream] = None

    def talk(self, exchange: Exchange, credential: Optional[Credential], by: float) -> Reply:
        """One request and its whole answer."""
        wire = self.wire
        self.reusable = reading = False
        wire.begin(by)
        try:
            response = self._send(exchange, credential)
            reading = True
            framing = read_framing(exchange.method, response.status, response.headers)
            wire.meter.frame(framing)
            body = Body(framing, self._site.max_response_bytes)
            stream: Any = response.stream
            for chunk in stream:
                if not body.feed(chunk):
                    wire.abort(body.failure)
            reply = Reply(response.status, response.headers, body.finish())
            if hasattr(stream, "close"):
                stream.close()
            self.reusable = wire.clean() and self._connection.is_idle()
            return reply
        except BaseException as caught:  # noqa: BLE001 - raised below, without its frames
            error = settle(caught, wire, reading=reading)
        try:
            raise error
        finally:
            del error

    def open(
        self,
        exchange: Exchange,
        credential: Optional[Credential],
        by: float,
        leave: Callable[[], None],
    ) -> SyncStream:
        """One request and the head of its answer; the stream has this lane for itself."""
        wire = self.wire
        wire.begin(by)
        try:
            response = self._send(exchange, credential)
            framing = read_framing(exchange.method, response.status, response.headers)
            wire.meter.frame(framing)
            stream: Any = response.stream
            self.stream = SyncStream(wire, response, iter(stream), framing, leave)
            return self.stream
        except BaseException as caught:  # noqa: BLE001 - raised below, without its frames
            error = settle(caught, wire, reading=False)
        try:
            raise error
        finally:
            del error

    def _send(self, exchange: Exchange, credential: Optional[Credential]) -> httpcore.Response:
        request = self._site.request(exchange, credential)
        try:
            return self._connection.handle_request(request)
        finally:
            request.headers.clear()  # the token is in there
