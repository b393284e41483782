"""What middleware sees and may do. Nothing here may do I/O: running the hooks is the drivers' work.

``before(request)`` runs once per logical call and may return header fields to add to all its attempts;
``after(request, response)`` runs when the call was answered, error statuses included. Neither ever sees
``Authorization``: the transport adds it further in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ._effects import Hook
from ._plan import checked_headers

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from ._values import Exchange

__all__ = ["Request", "Response", "after", "before"]


class Request(NamedTuple):
    """A request as middleware sees it. ``target`` is path and query, percent-encoded; header names are lower-case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    request_id: str


class Response(NamedTuple):
    """An answer as middleware sees it. ``body`` is empty for a stream; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    attempts: int


def before(chain: Sequence[Any], exchange: Exchange, request_id: str) -> Generator[Hook, Any, Exchange]:
    """Runs every ``before`` in order; returns the exchange with the fields they gave."""
    for middleware in chain:
        if not callable(getattr(middleware, "before", None)):
            continue
        added = checked_headers((yield Hook(middleware, "before", (_request(exchange, request_id),))))
        names = {name.lower() for name, _ in added}
        kept = tuple(field for field in exchange.headers if field[0].lower() not in names)
        exchange = exchange._replace(headers=(*kept, *added))
    return exchange


def after(
    chain: Sequence[Any], exchange: Exchange, reply: Any, request_id: str, attempts: int
) -> Generator[Hook, Any, None]:
    """Runs every ``after`` in reverse order."""
    request = _request(exchange, request_id)
    response = Response(reply.status, _text(reply.headers), getattr(reply, "body", b""), attempts)
    for middleware in reversed(chain):
        if callable(getattr(middleware, "after", None)):
            yield Hook(middleware, "after", (request, response))


def _request(exchange: Exchange, request_id: str) -> Request:
    return Request(
        exchange.method,
        exchange.target.decode("ascii"),
        _text(exchange.headers),
        exchange.body,
        request_id,
    )


def _text(fields: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in fields}
