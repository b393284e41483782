"""Which HTTP answer a server gives for an error of a call. Nothing here may do I/O.

The rule: what the caller of *your* service can do something about keeps its status and the node's own words; what only
you can do something about (a wrong token, a route that isn't mounted, an answer that can't be read) is a 502 without
details; a mistake in your program is no answer of the node's, and raised on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from ..errors import (
    RonAuthError,
    RonConfigError,
    RonError,
    RonInputError,
    RonNetworkError,
    RonNotFoundError,
    RonOutcomeUnknownError,
    RonPermissionError,
    RonProblemError,
    RonResponseTooLargeError,
    RonTimeoutError,
)
from ..logging_ import get_logger

__all__ = ["HttpAnswer", "answer_for", "logged_answer"]

#: statuses of the node that speak of what the caller asked for: they are passed on, with the node's words
_PASSED_ON = frozenset({400, 404, 409, 410, 412, 413, 422, 451})
_UNREADABLE = ("bad_gateway", "the service behind this one gave no answer that can be used")
_WORDS: Mapping[int, tuple[str, str]] = {
    403: ("forbidden", "the service behind this one does not allow this"),
    429: ("rate_limited", "too many requests: try again later"),
    502: _UNREADABLE,
    503: ("unavailable", "the service behind this one is not available: try again later"),
    504: ("timeout", "the service behind this one did not answer in time"),
}


@dataclass(frozen=True)
class HttpAnswer:
    """The answer of a server for an error: a status, a body in the shape of a ``Problem``, and header fields.

    Attributes:
        status: the HTTP status.
        body: ``code``, ``message``, ``kind``; ``correlation_id`` and ``retry_after_ms`` where they are known.
        headers: ``Retry-After`` in whole seconds, where the node gave a hint.
    """

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]


def answer_for(error: RonError) -> Optional[HttpAnswer]:
    """The answer for an error of a call; None for one that is a mistake in the program.

    ====================================================== =======================================
    error                                                  status
    ====================================================== =======================================
    ``RonInputError``                                      422
    ``RonNotFoundError``                                   404; 502 where the route is missing
    ``RonPermissionError``                                 403, 451
    ``RonAuthError``                                       502: it is the server's token
    ``RonRateLimitError``                                  429
    other 4xx of the node: 400, 409, 410, 412, 413, 422    the same
    ``RonTimeoutError``                                    504
    ``RonOutcomeUnknownError``                             504 after a timeout, else 502
    ``RonNetworkError``, a 503 of the node                 503
    all others                                             502
    other ``RonConfigError``                               None
    ====================================================== =======================================
    """
    if isinstance(error, RonConfigError):
        if not isinstance(error, RonInputError):
            return None
        return _answer(error, 422, "invalid_input", error.message)
    if isinstance(error, RonOutcomeUnknownError):
        status = 504 if error.timed_out else 502
        return _answer(
            error, status, "outcome_unknown", "the change may or may not have been made: look before repeating"
        )
    status = _status(error)
    if status in _PASSED_ON and isinstance(error, RonProblemError):
        return _answer(error, status, error.problem.code, error.problem.message, error.problem.kind)
    return _answer(error, status, *_WORDS[status])


def _status(error: RonError) -> int:
    if isinstance(error, RonTimeoutError):
        return 504
    if isinstance(error, RonNetworkError):
        return 502 if isinstance(error, RonResponseTooLargeError) else 503
    if not isinstance(error, RonProblemError):
        return 502
    if isinstance(error, RonAuthError) and not isinstance(error, RonPermissionError):
        return 502
    if isinstance(error, RonNotFoundError) and error.route_missing:
        return 502
    status = error.status_code
    return status if status in _PASSED_ON or status in _WORDS else 502


def _answer(error: RonError, status: int, code: str, message: str, kind: Optional[str] = None) -> HttpAnswer:
    body: dict[str, Any] = {"code": code, "message": message, "kind": kind or _kind(status)}
    headers: dict[str, str] = {}
    correlation_id = error.problem.correlation_id if isinstance(error, RonProblemError) else None
    if correlation_id or error.request_id:
        body["correlation_id"] = correlation_id or error.request_id
    if error.retry_after is not None:
        body["retry_after_ms"] = math.ceil(error.retry_after * 1000)
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    return HttpAnswer(status, body, headers)


def _kind(status: int) -> str:
    return {403: "forbidden", 422: "bad_request", 429: "rate_limited", 503: "unavailable", 504: "timeout"}.get(
        status, "internal"
    )


def logged_answer(error: RonError) -> Optional[HttpAnswer]:
    """``answer_for(error)``; a 5xx is said in the log ``ron.contrib``, since the answer itself tells nothing."""
    answer = answer_for(error)
    if answer is not None and answer.status >= 500:
        get_logger("contrib").warning(
            "answered %d for %s: %s request_id=%s",
            answer.status,
            type(error).__name__,
            error.message,
            error.request_id,
            extra={"status": answer.status, "request_id": error.request_id},
        )
    return answer
