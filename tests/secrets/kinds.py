"""Every kind of error that a client can give, each with the fault that leads to it. The nodes here are hostile: they
quote the token that they were sent wherever an answer has room for it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Optional
from urllib.parse import quote

from ron import Resource, server
from ron import errors as e
from ron._values import Reply
from tests.secrets.canary import TOKEN
from tests.transport.raw_server import Peer, answer, once

__all__ = ["ANSWERS", "FAULTS", "Item", "Kind", "drain", "echo"]


class Item(Resource, path="/app/items"):
    """What is read and written."""

    id: str = server()
    name: str
    count: int = 0


@dataclass(frozen=True)
class Kind:
    """One way to an error: what is called, what the node does, and what that must be.

    `reply` is an answer that any transport can be given; `handler` is what a node does on a socket.
    """

    name: str
    error: type[BaseException]
    act: Callable[[Any], Any]
    reply: Optional[Reply] = None
    handler: Optional[Callable[[Peer], Any]] = None
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    def with_honest_fields(self) -> Kind:
        """The same, where the token is quoted in the body only."""
        if self.reply is None:
            return self
        fields = [field for field in self.reply.headers if field[0].lower() in (b"content-type", b"content-encoding")]
        return replace(self, reply=self.reply._replace(headers=fields))


def drain(items: Any) -> Any:
    """Reads an iteration of either colour to its end."""
    if not hasattr(items, "__aiter__"):
        return list(items)

    async def read() -> list[Any]:
        return [item async for item in items]

    return read()


def echo() -> dict[str, Any]:
    """A Problem that quotes the token in each of its members: whole, in parts, escaped, encoded."""
    raw = TOKEN.encode()
    return {
        "code": f"bad {TOKEN}",
        "message": "x" * 470 + TOKEN,  # cut in its middle by the bound on messages
        "kind": TOKEN[:16],
        "correlation_id": TOKEN[9:25],
        "reason": quote(TOKEN, safe=""),
        "details": {"request": {"headers": [["authorization", f"Bearer {TOKEN}"]]}, TOKEN: [TOKEN[-13:]]},
        "basic": base64.b64encode(b"user:" + raw).decode(),
        "url": base64.urlsafe_b64encode(b"q" + raw + b"!").decode(),
        "again": [f"{TOKEN[:20]}…", f"…{TOKEN[20:]}", TOKEN * 3],
        "escaped": quote(TOKEN).lower(),
    }


def _problem(status: int, body: Optional[bytes] = None, **fields: str) -> Reply:
    if body is None:
        # Some encoders escape the slash, others all that HTML gives a meaning.
        body = json.dumps(echo()).replace("/", "\\/").replace("&", "\\u0026").replace("=", "\\u003D").encode()
    quoted = [
        (b"Content-Type", b"application/json"),
        (b"WWW-Authenticate", b'Bearer error="' + TOKEN.encode() + b'"'),
        (b"X-Correlation-Id", TOKEN[:30].encode()),
        (b"X-Request-Id", quote(TOKEN).encode()),
        (b"X-Debug", base64.b64encode(b"Bearer " + TOKEN.encode())),
        (b"ETag", b'"' + TOKEN[5:25].encode() + b'"'),
    ]
    more = [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()]
    return Reply(status, (*quoted, *more), body)


def _get(client: Any) -> Any:
    return client.get("/app/x")


def _post(client: Any) -> Any:
    return client.post("/app/x", json={"a": 1})


def _answered(status: int, error: type[BaseException]) -> Kind:
    return Kind(f"status-{status}", error, _get, _problem(status))


def _reply(body: bytes, *fields: tuple[bytes, bytes]) -> Reply:
    return Reply(200, ((b"Content-Type", b"application/json"), *fields), body)


_QUOTED = json.dumps({"id": "i-1", "name": "n", "count": TOKEN}).encode()
_SSE = (b"Content-Type", b"text/event-stream")
_ONE_LONG_LINE = f"data: {TOKEN}".encode() + b"x" * 2_000_000

#: faults that are answers: every transport can be given these
ANSWERS = [
    _answered(400, e.RonInvalidError),
    _answered(401, e.RonAuthError),
    _answered(403, e.RonPermissionError),
    _answered(404, e.RonNotFoundError),
    _answered(409, e.RonConflictError),
    _answered(410, e.RonGoneError),
    _answered(412, e.RonPreconditionError),
    _answered(418, e.RonProblemError),
    _answered(429, e.RonRateLimitError),
    _answered(451, e.RonPermissionError),
    _answered(500, e.RonServerError),
    Kind("retried-503", e.RonServerError, _get, _problem(503), options={"max_retries": 1}),
    Kind("hint-too-far", e.RonRateLimitError, _get, _problem(429, retry_after="900")),
    Kind("redirect", e.RonProblemError, _get, _problem(302, location=f"https://other.example/?t={quote(TOKEN)}")),
    Kind("html", e.RonServerError, _get, _problem(502, b"<html>Bearer " + TOKEN.encode() + b"</html>")),
    Kind("empty-404", e.RonNotFoundError, _get, _problem(404, b"")),
    Kind("not-json", e.RonParseError, _get, _reply(b'{"token": "' + TOKEN.encode()[:30])),
    Kind(
        "media-type", e.RonParseError, _get, Reply(200, ((b"Content-Type", b"text/" + TOKEN[-18:].encode()),), b"<p>")
    ),
    Kind("not-declared", e.RonParseError, lambda c: c.objects(Item).get("i-1"), _reply(_QUOTED)),
    Kind("page", e.RonParseError, lambda c: drain(c.objects(Item).list()), _reply(b'{"items": [' + _QUOTED + b"]}")),
    Kind(
        "cycle",
        e.RonPaginationError,
        lambda c: drain(c.objects(Item).list()),
        _reply(b'{"items": [], "next_page_token": "p-1", "echo": ' + json.dumps(TOKEN).encode() + b"}"),
    ),
    Kind("too-large", e.RonResponseTooLargeError, _get, _reply(TOKEN.encode() * 99), options={"max_response_bytes": 9}),
    Kind("coding", e.RonParseError, _get, _reply(TOKEN.encode(), (b"Content-Encoding", b"br"))),
    Kind("typed-write", e.RonConflictError, lambda c: c.objects(Item).create(name="n"), _problem(409)),
    Kind("stream-refused", e.RonAuthError, lambda c: drain(c.subscribe("/app/events")), _problem(401)),
    Kind("no-stream", e.RonParseError, lambda c: drain(c.subscribe("/app/e")), _reply(TOKEN.encode())),
    Kind(
        "lost-stream",
        e.RonWatchError,
        lambda c: drain(c.subscribe("/app/e")),
        Reply(200, (_SSE,), b"data: " + TOKEN.encode() + b"\n\n"),
        options={"max_retries": 0},
    ),
    Kind(
        "event-too-large",
        e.RonResponseTooLargeError,
        lambda c: drain(c.subscribe("/app/e")),
        Reply(200, (_SSE,), _ONE_LONG_LINE),
    ),
    Kind(
        "change",
        e.RonParseError,
        lambda c: drain(c.objects(Item).watch(strict=True)),
        Reply(200, (_SSE,), b"event: added\nid: 1\ndata: " + _QUOTED + b"\n\n"),
    ),
]


def _reset(peer: Peer) -> None:
    peer.request()
    peer.reset()


def _half_then_reset(peer: Peer) -> None:
    peer.request()
    peer.send(answer(json.dumps(echo()).encode(), b"X-Debug: " + TOKEN.encode())[:-20])
    peer.reset()


def _silent(peer: Peer) -> None:
    peer.request()
    peer.wait_closed()


_SOON = {"read_timeout_ms": 60, "overall_timeout_ms": 60_000}

#: faults of the wire
FAULTS = [
    Kind("closed", e.RonNetworkError, _get, handler=once()),
    Kind("closed-write", e.RonOutcomeUnknownError, _post, handler=once()),
    Kind("reset", e.RonNetworkError, _get, handler=_reset),
    Kind("reset-write", e.RonOutcomeUnknownError, _post, handler=_reset),
    Kind("half", e.RonNetworkError, _get, handler=_half_then_reset),
    Kind("half-write", e.RonOutcomeUnknownError, _post, handler=_half_then_reset),
    Kind("garbage", e.RonNetworkError, _get, handler=once(b"HTTP/9.9 " + TOKEN.encode() + b"\r\n\r\n")),
    Kind("bad-field", e.RonNetworkError, _get, handler=once(b"HTTP/1.1 200 OK\r\n" + TOKEN.encode() + b"\r\n\r\n")),
    Kind("silent", e.RonTimeoutError, _get, handler=_silent, options=_SOON),
    Kind("silent-write", e.RonOutcomeUnknownError, _post, handler=_silent, options=_SOON),
    Kind("silent-stream", e.RonWatchError, lambda c: drain(c.subscribe("/app/e")), handler=_silent, options=_SOON),
    Kind(
        "damaged-gzip",
        e.RonParseError,
        _get,
        handler=once(answer(TOKEN.encode(), b"Content-Encoding: gzip")),
    ),
]
