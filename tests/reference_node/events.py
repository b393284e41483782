"""A collection's changes as `text/event-stream` (WHATWG HTML, 9.2).

A stream starts behind `Last-Event-ID`, or with the first change after it was opened. Filters
compare the document after the change, the last one for a deletion.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Optional

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.reference_node.bodies import write_json
from tests.reference_node.hub import Waiter
from tests.reference_node.knobs import Knobs
from tests.reference_node.node import Node
from tests.reference_node.problems import Refused
from tests.reference_node.resources import query_of
from tests.reference_node.store import Change
from tests.reference_node.wire import until_gone

_MEDIA_TYPE = "text/event-stream"


@dataclass(frozen=True)
class Opening:
    """What a stream was opened with."""

    collection: str
    after: int
    query: dict[str, list[str]]
    knobs: Knobs


class Events:
    """The event-stream endpoint of one collection."""

    def __init__(self, node: Node, name: str) -> None:
        self._node = node
        self._name = name

    async def open(self, request: Request) -> Response:
        """Answer a GET with the stream, 204, or 410 when the cursor is too old."""
        knobs = self._node.knobs
        if knobs.stream_204:
            return Response(status_code=204)
        after = self._cursor(request.headers.get("last-event-id", ""), knobs.expire)
        return EventStream(self._node, Opening(self._name, after, query_of(request), knobs))

    def _cursor(self, text: str, kept: Optional[int]) -> int:
        last = self._node.store.last_seq()
        if not text:
            return last
        known = text.isascii() and text.isdigit() and len(text) < 19 and int(text) <= last
        if not known:
            raise Refused(410, "cursor_expired", "the cursor is not one of this log")
        missed = len(self._node.store.changes(self._name, int(text)))
        if kept is not None and missed > kept:
            raise Refused(410, "cursor_expired", "changes after the cursor are no longer kept")
        return int(text)


class EventStream(Response):
    """An answer that goes on until the client leaves, the node ends it, or a knob does."""

    def __init__(self, node: Node, opening: Opening) -> None:
        super().__init__(headers={"Cache-Control": "no-store"}, media_type=_MEDIA_TYPE)
        del self.headers["content-length"]
        self._node = node
        self._opening = opening

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events; the departure of the client ends the wait."""
        with self._node.hub.waiting() as waiter:
            gone = asyncio.ensure_future(until_gone(receive))
            gone.add_done_callback(lambda _: waiter.end())
            try:
                if self._opening.knobs.buffer_streams:
                    await self._send_buffered(waiter, send)
                else:
                    await self._send_live(waiter, send)
            finally:
                gone.cancel()

    async def _send_live(self, waiter: Waiter, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async for frame in self._frames(waiter):
            await send({"type": "http.response.body", "body": frame, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_buffered(self, waiter: Waiter, send: Send) -> None:
        body = b"".join([frame async for frame in self._frames(waiter)])
        headers = [*self.raw_headers, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _frames(self, waiter: Waiter) -> AsyncIterator[bytes]:
        opening, knobs = self._opening, self._opening.knobs
        after, sent = opening.after, 0
        if knobs.retry_ms is not None:
            yield f"retry: {knobs.retry_ms}\n\n".encode()
        while not waiter.ended:
            for change in self._node.store.changes(opening.collection, after):
                after = change.seq
                if not self._node.store.matches(opening.collection, change.text, opening.query):
                    continue
                yield _frame(change, knobs)
                sent += 1
                if sent == knobs.end_after:
                    return
            if not await waiter.wait(knobs.heartbeat):
                yield b": heartbeat\n\n"


def _frame(change: Change, knobs: Knobs) -> bytes:
    whole = change.kind != "deleted" or knobs.deleted_whole
    data = change.document if whole else {"id": change.key}
    lines = [] if knobs.no_ids else [f"id: {change.seq}".encode()]
    lines += [
        b"event: " + change.kind.encode(),
        b"data: " + write_json(data, numbers=knobs.numbers),
    ]
    return b"\n".join(lines) + b"\n\n"
