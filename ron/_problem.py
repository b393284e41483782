"""The canonical ``Problem`` and how it is read from what nodes really send. Nothing here may do I/O.

protocol.md, "Errors as they really come": the documents' shape ``{code, message, kind, correlation_id, details}`` is
sent by no service yet; gateway and omnigate send ``{code, message, retryable, retry_after_ms?, reason?}``; others
send text, HTML or nothing. So every field is optional and whatever comes becomes a Problem.
"""

from __future__ import annotations

from typing import Any, Optional

from pydantic import BaseModel, ConfigDict, Field

from ._json import read_json

__all__ = ["Problem", "read_problem"]

MAX_TEXT = 500
MAX_DETAIL_BYTES = 64 * 1024

_KINDS = {
    304: "not_modified",
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    410: "gone",
    412: "precondition_failed",
    413: "too_large",
    422: "bad_request",
    429: "rate_limited",
    451: "forbidden",
    503: "unavailable",
    504: "timeout",
}
_KNOWN = frozenset("code message kind correlation_id corr_id details retryable retry_after_ms reason".split())


class Problem(BaseModel):
    """What a node says went wrong (seed §8, protocol.md "Errors as they really come").

    Attributes:
        code: the machine-readable code as sent (``snake_case`` or ``UPPER_SNAKE``: compare with :meth:`is_code`).
        message: a text for people, at most 500 characters.
        kind: the class of error; derived from the status where the node sent none.
        correlation_id: from the body, else from ``x-correlation-id``, else from ``x-request-id``.
        details: whatever the node added under ``details``.
        retryable: the node's word on repeating the call; None when it did not say.
        retry_after_ms: milliseconds to wait, when the body said so.
        reason: omnigate's finer reason, such as the policy's.
        extra: members of the body that are none of the above.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True)

    code: str = "unknown"
    message: str = ""
    kind: str = "unknown"
    correlation_id: Optional[str] = None
    details: dict[str, Any] = Field(default_factory=dict)
    retryable: Optional[bool] = None
    retry_after_ms: Optional[int] = None
    reason: Optional[str] = None
    extra: dict[str, Any] = Field(default_factory=dict)

    def is_code(self, code: str) -> bool:
        """Whether this is the code given, without regard to case (nodes disagree on it)."""
        return self.code.casefold() == code.casefold()


def kind_for(status: int) -> str:
    """The ``kind`` that a status stands for, where the body names none."""
    known = _KINDS.get(status)
    if known is not None:
        return known
    if status >= 500:
        return "internal"
    if 300 <= status < 400:
        return "redirect"
    return "bad_request"


def read_problem(status: int, body: bytes, correlation_id: Optional[str]) -> Problem:
    """Reads any error answer; never raises, and never copies a raw body into the Problem.

    ``correlation_id`` is the one from the headers, used where the body names none.
    """
    correlation_id = _text(correlation_id)
    data = _json_object(body)
    if data is None:
        return Problem(
            code=kind_for(status),
            message=_generic_message(status, body),
            kind=kind_for(status),
            correlation_id=correlation_id,
        )
    reason = _text(data.get("reason"))
    return Problem(
        code=_text(data.get("code")) or reason or kind_for(status),
        message=_text(data.get("message")) or reason or f"the node answered {status}",
        kind=_text(data.get("kind")) or kind_for(status),
        correlation_id=_text(data.get("correlation_id")) or _text(data.get("corr_id")) or correlation_id,
        details=_details(data.get("details")),
        retryable=data["retryable"] if isinstance(data.get("retryable"), bool) else None,
        retry_after_ms=_milliseconds(data.get("retry_after_ms")),
        reason=reason,
        extra={name: value for name, value in data.items() if name not in _KNOWN},
    )


def _json_object(body: bytes) -> Optional[dict[str, Any]]:
    if not body or len(body) > MAX_DETAIL_BYTES or body.lstrip()[:1] != b"{":
        return None
    try:
        data = read_json(body)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def _generic_message(status: int, body: bytes) -> str:
    if not body.strip():
        return f"the node answered {status} with an empty body"
    return f"the node answered {status} with a body that is no Problem ({len(body)} bytes)"


def _text(value: Any) -> Optional[str]:
    if not isinstance(value, str) or not value:
        return None
    printable = "".join(c if c.isprintable() else " " for c in value[: MAX_TEXT + 1])
    return printable if len(printable) <= MAX_TEXT else printable[: MAX_TEXT - 1] + "…"


def _details(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    return {} if value is None else {"value": value}


def _milliseconds(value: Any) -> Optional[int]:
    """A whole, non-negative number of milliseconds, or None: garbage counts as absent (design §3)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if 0 <= value < 2**53 else None
