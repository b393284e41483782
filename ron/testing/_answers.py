"""Answers as real gateways give them (protocol.md, "Errors as they really come"). No I/O here."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Optional

from .._values import Reply

if TYPE_CHECKING:
    from ._received import Received

__all__ = [
    "EXPIRED",
    "Refused",
    "empty",
    "json_reply",
    "mirrored",
    "problem",
    "tag_of",
    "text_reply",
    "to_json",
    "unless_known",
]

_RETRYABLE = frozenset({408, 425, 429, 502, 503, 504})
_CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    410: "gone",
    412: "precondition_failed",
    413: "too_large",
    429: "rate_limited",
    503: "unavailable",
    504: "upstream_timeout",
}
#: the Problem of a cursor that is too old, as an event says it in a stream that is open
EXPIRED = {"code": "cursor_expired", "status": 410, "message": "the cursor is older than what is kept"}
_MIRRORED = ("x-request-id", "x-correlation-id")
_TAG = re.compile(r'(?:W/)?"[^"]*"')


class Refused(Exception):
    """Raised by whoever finds that a request cannot be carried out; ``reply`` says so to the client."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def to_json(value: Any) -> bytes:
    """A JSON value as compact UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def tag_of(body: bytes, version: int = 0) -> str:
    """A strong entity tag (RFC 9110 §8.8.3); the version tells equal contents apart."""
    return f'"{version}-{hashlib.sha256(body).hexdigest()[:16]}"'


def _reply(status: int, body: bytes, *headers: tuple[bytes, bytes]) -> Reply:
    return Reply(status, (*headers, (b"Content-Length", b"%d" % len(body))), body)


def empty(status: int, *headers: tuple[bytes, bytes]) -> Reply:
    """An answer without a body."""
    return Reply(status, headers, b"") if status in (204, 304) else _reply(status, b"", *headers)


def text_reply(text: str, status: int = 200) -> Reply:
    """Plain text, as gateways answer health checks and oversize bodies."""
    return _reply(status, text.encode("utf-8"), (b"Content-Type", b"text/plain; charset=utf-8"))


def json_reply(body: bytes, etag: Optional[str] = None, status: int = 200) -> Reply:
    """JSON, with its entity tag where it has one."""
    headers = [(b"Content-Type", b"application/json")]
    if etag is not None:
        headers.append((b"ETag", etag.encode("ascii")))
    return _reply(status, body, *headers)


def problem(
    status: int,
    message: str,
    code: Optional[str] = None,
    retry_after_ms: Optional[int] = None,
) -> Reply:
    """A Problem of the gateway's shape: ``{code, message, retryable, retry_after_ms?}``."""
    body: dict[str, Any] = {
        "code": code or _CODES.get(status, "internal" if status >= 500 else "bad_request"),
        "message": message,
        "retryable": status in _RETRYABLE,
    }
    if retry_after_ms is not None:
        body["retry_after_ms"] = retry_after_ms
    return json_reply(to_json(body), status=status)


def unless_known(request: Received, body: bytes, etag: str) -> Reply:
    """200 with the body, or an empty 304 if ``If-None-Match`` names its tag (RFC 9110 §13.1.2)."""
    sent = request.header("if-none-match")
    known = sent is not None and (
        sent.strip() == "*" or etag in {tag.replace("W/", "", 1) for tag in _TAG.findall(sent)}
    )
    return empty(304, (b"ETag", etag.encode("ascii"))) if known else json_reply(body, etag)


def require_match(request: Received, etag: str) -> None:
    """Refuses with 412 unless ``If-Match`` lets the write through; weak tags never match (§13.1.1)."""
    sent = request.header("if-match")
    if sent is not None and sent.strip() != "*" and etag not in _TAG.findall(sent):
        raise Refused(problem(412, "the object has another entity tag by now"))


def mirrored(reply: Reply, request: Received) -> Reply:
    """The answer with the request's ids, as the gateway gives them back; no body for a HEAD."""
    ids = tuple(
        (name.encode("ascii"), request.headers[name].encode("latin-1")) for name in _MIRRORED if name in request.headers
    )
    body = b"" if request.method == "HEAD" else reply.body
    return Reply(reply.status, (*reply.headers, *ids), body)
