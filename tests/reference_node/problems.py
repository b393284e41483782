"""Errors in every form that nodes send them (protocol.md, "Errors as they really come").

A refusal is one value; how it looks on the wire is the dialect's business alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from starlette.responses import JSONResponse, PlainTextResponse, Response

from tests.reference_node.knobs import Dialect

# The kinds that protocol.md lists, by status.
_KINDS = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    410: "not_found",
    412: "conflict",
    413: "too_large",
    429: "rate_limited",
    451: "forbidden",
    503: "unavailable",
    504: "unavailable",
}
_RETRYABLE = frozenset({408, 425, 429, 502, 503, 504})


@dataclass(frozen=True)
class Refusal:
    """What is refused and why, before any dialect; `code` is in snake_case."""

    status: int
    code: str
    message: str
    reason: Optional[str] = None
    retryable: Optional[bool] = None
    retry_after_ms: Optional[int] = None
    retry_after: Optional[str] = None
    """The `Retry-After` header, verbatim: nodes may disagree with their own body."""


class Refused(Exception):
    """Raised by an endpoint that answers with an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, code, message)
        self.refusal = Refusal(status, code, message)


def render(refusal: Refusal, dialect: Dialect, correlation_id: Optional[str]) -> Response:
    """Return the refusal as the answer that a node of this dialect gives."""
    headers = {} if refusal.retry_after is None else {"Retry-After": refusal.retry_after}
    if dialect == "empty":
        return Response(status_code=refusal.status, headers=headers)
    if dialect == "text":
        return PlainTextResponse(refusal.message, refusal.status, headers)
    if dialect == "documents":
        return JSONResponse(_documents(refusal, correlation_id), refusal.status, headers)
    code = refusal.code.upper() if dialect == "omnigate" else refusal.code
    return JSONResponse(_gateway(refusal, code), refusal.status, headers)


def _gateway(refusal: Refusal, code: str) -> dict[str, Any]:
    retryable = refusal.retryable
    body: dict[str, Any] = {
        "code": code,
        "message": refusal.message,
        "retryable": refusal.status in _RETRYABLE if retryable is None else retryable,
    }
    if refusal.retry_after_ms is not None:
        body["retry_after_ms"] = refusal.retry_after_ms
    if refusal.reason is not None:
        body["reason"] = refusal.reason
    return body


def _documents(refusal: Refusal, correlation_id: Optional[str]) -> dict[str, Any]:
    fallback = "internal" if refusal.status >= 500 else "bad_request"
    return {
        "code": refusal.code,
        "message": refusal.message,
        "kind": _KINDS.get(refusal.status, fallback),
        "correlation_id": correlation_id,
        "details": {} if refusal.reason is None else {"reason": refusal.reason},
    }
