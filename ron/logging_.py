"""Logging of calls through the standard library's ``logging``, under the logger ``ron`` (seed §6).

Requests at DEBUG, answers at INFO, repeats at INFO. Records carry ``method``, ``path`` (never the query), ``status``,
``duration_ms``, ``request_id`` and ``idempotency_key`` as attributes. Bodies are never logged; sensitive headers are
redacted.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["get_logger", "log_request", "log_response", "redact_headers"]

logger = logging.getLogger("ron")
logger.addHandler(logging.NullHandler())

REDACTED = "[redacted]"
_SENSITIVE = frozenset("authorization proxy-authorization cookie set-cookie www-authenticate x-api-key".split())
_SENSITIVE_PARTS = ("token", "secret", "password", "macaroon", "capability", "credential")


def get_logger(name: Optional[str] = None) -> logging.Logger:
    """The SDK's logger ``ron``, or its child ``ron.<name>``."""
    return logger if name is None else logger.getChild(name)


def redact_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """A copy in which the values of sensitive fields read ``[redacted]``."""
    return {name: REDACTED if _is_sensitive(name) else value for name, value in headers.items()}


def _is_sensitive(name: str) -> bool:
    lower = name.lower()
    return lower in _SENSITIVE or any(part in lower for part in _SENSITIVE_PARTS)


def log_request(
    target: logging.Logger,
    method: str,
    path: str,
    *,
    headers: Optional[Mapping[str, str]] = None,
    request_id: Optional[str] = None,
    idempotency_key: Optional[str] = None,
) -> None:
    """Logs at DEBUG that a call begins. ``path`` is cut at its query; ``headers`` are redacted."""
    if not target.isEnabledFor(logging.DEBUG):
        return
    extra: dict[str, Any] = {
        "method": method,
        "path": _without_query(path),
        "request_id": request_id,
        "idempotency_key": idempotency_key,
    }
    if headers is not None:
        extra["headers"] = redact_headers(headers)
    target.debug("%s %s request_id=%s", method, extra["path"], request_id, extra=extra)


def log_response(
    target: logging.Logger,
    method: str,
    path: str,
    status: Optional[int],
    duration: float,
    *,
    request_id: Optional[str] = None,
    idempotency_key: Optional[str] = None,
    error: Optional[BaseException] = None,
) -> None:
    """Logs at INFO how a call ended. ``duration`` is in seconds; ``status`` is None if no answer came.

    Of ``error`` only the class is logged.
    """
    if not target.isEnabledFor(logging.INFO):
        return
    extra: dict[str, Any] = {
        "method": method,
        "path": _without_query(path),
        "status": status,
        "duration_ms": round(duration * 1000.0, 3),
        "request_id": request_id,
        "idempotency_key": idempotency_key,
        "error": None if error is None else type(error).__name__,
    }
    outcome = extra["error"] or status
    target.info(
        "%s %s -> %s in %.1f ms request_id=%s",
        method,
        extra["path"],
        outcome if status is None else status,
        duration * 1000.0,
        request_id,
        extra=extra,
    )


def log_retry(target: logging.Logger, name: str, wait: float, attempts: int, request_id: str) -> None:
    """Logs at INFO that a call is going to be repeated. ``name`` is method and path."""
    target.info(
        "%s: attempt %d did not succeed, next one in %.3f s request_id=%s",
        name,
        attempts,
        wait,
        request_id,
        extra={"request_id": request_id, "attempts": attempts},
    )


def _without_query(path: str) -> str:
    return path.split("?", 1)[0]
