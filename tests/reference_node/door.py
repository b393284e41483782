"""What happens to every request before a route sees it, and to every answer on its way out.

In this order: record, planned answers, framing limits, the token, the route; ids are mirrored last.
"""

from __future__ import annotations

import asyncio
from typing import Optional

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.reference_node.knobs import Knobs
from tests.reference_node.node import Node
from tests.reference_node.planned import Canned, Fail, Hang, Lose, Planned, Wire
from tests.reference_node.problems import Refusal, render
from tests.reference_node.record import Seen, seen
from tests.reference_node.wire import hang_up, until_gone

MAX_BODY = 2 * 1024 * 1024
_MIRRORED = (b"x-request-id", b"x-correlation-id")


class Door:
    """ASGI middleware that stands before all routes."""

    def __init__(self, app: ASGIApp, node: Node) -> None:
        self._app = app
        self._node = node

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; lifespan messages pass untouched."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # An oversize body is read too: a client that writes before it reads must get the answer.
        body = await _read(receive)
        if body is None:
            return
        request = seen(scope, body)
        planned = self._node.received(request)
        try:
            await self._serve(planned, request, scope, receive, send)
        except Exception as error:
            self._node.failed(error)
            raise

    async def _serve(
        self,
        planned: Optional[Planned],
        request: Seen,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        if isinstance(planned, Wire):
            await hang_up(scope, receive, planned.data)
        elif isinstance(planned, Canned):
            await _send_canned(planned, send)
        elif isinstance(planned, Hang):
            await self._hold(scope, receive)
        elif isinstance(planned, Lose):
            await self._admit(request, scope, receive, _nowhere)
            await hang_up(scope, receive)
        elif isinstance(planned, Fail):
            answer = self._refuse(planned.refusal, request)
            await answer(scope, receive, self._mirroring(scope, send))
        else:
            await self._admit(request, scope, receive, self._mirroring(scope, send))

    async def _admit(self, request: Seen, scope: Scope, receive: Receive, send: Send) -> None:
        knobs = self._node.knobs
        refused = self._check_framing(request) or self._check_token(request, knobs)
        if refused is not None:
            await refused(scope, receive, send)
            return
        if knobs.keep_encoding:
            scope = {**scope, "path": request.path}
        await self._app(scope, _replay(request.body, receive), send)

    async def _hold(self, scope: Scope, receive: Receive) -> None:
        with self._node.hub.waiting() as waiter:
            gone = asyncio.ensure_future(until_gone(receive))
            gone.add_done_callback(lambda _: waiter.end())
            while not waiter.ended:
                await waiter.wait(None)
            await hang_up(scope, receive)
            await gone

    def _check_framing(self, request: Seen) -> Optional[Response]:
        if request.method in ("POST", "PUT", "PATCH") and request.header("content-length") is None:
            return self._refuse(Refusal(411, "length_required", "Content-Length is required"), request)
        if request.header("transfer-encoding") is not None:
            return self._refuse(Refusal(411, "length_required", "a Transfer-Encoding is not accepted"), request)
        if request.header("content-encoding") not in (None, "identity"):
            return self._refuse(Refusal(415, "unsupported_encoding", "compressed bodies are not accepted"), request)
        if len(request.body) > MAX_BODY:
            return PlainTextResponse("length limit exceeded", 413)
        return None

    def _check_token(self, request: Seen, knobs: Knobs) -> Optional[Response]:
        gated = request.path.startswith(("/app/", "/facets/")) and request.path != "/facets/meta"
        if knobs.require_token is None or not gated:
            return None
        if request.header("authorization") == f"{knobs.scheme} {knobs.require_token}":
            return None
        if knobs.scheme == "Macro":
            challenge = {"WWW-Authenticate": 'Macro realm="micronode"'}
            return PlainTextResponse("unauthorized", 401, challenge)
        return self._refuse(Refusal(401, "unauthorized", "the capability is missing or not valid"), request)

    def _refuse(self, refusal: Refusal, request: Seen) -> Response:
        return render(refusal, self._node.knobs.dialect, request.correlation_id)

    def _mirroring(self, scope: Scope, send: Send) -> Send:
        if not self._node.knobs.mirror_ids:
            return send
        ids = [(name, value) for name, value in scope["headers"] if name in _MIRRORED]

        async def send_with_ids(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *ids]}
            await send(message)

        return send_with_ids


async def _read(receive: Receive) -> Optional[bytes]:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting = [body]

    async def receive_again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return receive_again


async def _nowhere(message: Message) -> None:
    """Take an answer and lose it."""


async def _send_canned(canned: Canned, send: Send) -> None:
    headers: tuple[tuple[bytes, bytes], ...] = tuple(
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in canned.headers
    )
    await send({"type": "http.response.start", "status": canned.status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": canned.body, "more_body": False})
