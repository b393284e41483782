"""The flow of an event stream: when it counts as lost, when the next one is opened, where that goes on.

One for ``subscribe``, ``sse_event_stream`` and ``watch``. Nothing here may do I/O.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Optional, Union

from ._backoff import BASE_TRANSIENT, full_jitter
from ._effects import NOW, WALL, Close, Emit, Read, Sleep
from ._flow import perform
from ._plan import Plan, checked_timeout, plain_plan
from ._sse import Event, SSEDecoder
from ._suggest import media_type
from ._values import Failure, Reply
from .errors import (
    RonConfigError,
    RonError,
    RonNetworkError,
    RonParseError,
    RonRateLimitError,
    RonResponseTooLargeError,
    RonServerError,
    RonTimeoutError,
    RonWatchError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from ._effects import Effect
    from ._flow import Answer
    from ._session import Session

__all__ = ["StreamPosition", "stream_events", "stream_plan"]

MAX_SERVER_RETRY = 60.0
#: a stream that stayed open so long was no failure, even if nothing happened on it: proxies end quiet ones
STEADY_SECONDS = 5.0
#: emitted once, when the first stream is open, by flows that are told to ``announce``
OPENED = object()
_HEADERS = ((b"Accept", b"text/event-stream"), (b"Accept-Encoding", b"identity"), (b"Cache-Control", b"no-store"))
#: an id that a header field can carry back (RFC 9110 §5.5): no controls, no blanks around it
_SENDABLE = re.compile(r"[^\x00-\x20\x7f\ud800-\udfff](?:[^\x00-\x1f\x7f\ud800-\udfff]*[^\x00-\x20\x7f\ud800-\udfff])?")
MAX_CURSOR = 4096


class StreamPosition:
    """Where a stream stands.

    Attributes:
        cursor: the id of the last event after which more was asked for; None before the first.
        status: ``idle``, ``connecting``, ``live``, ``lost`` or ``closed``.
    """

    __slots__ = ("cursor", "status")

    def __init__(self, cursor: Optional[str] = None) -> None:
        if cursor is not None and not sendable(cursor):
            raise RonConfigError(
                "a cursor is the id of an event as it came: 1 to 4096 characters, no controls, no blanks around it"
            )
        self.cursor = cursor
        self.status = "idle"


def sendable(cursor: Any) -> bool:
    """Whether an id can go back as ``Last-Event-ID``."""
    return isinstance(cursor, str) and len(cursor) <= MAX_CURSOR and bool(_SENDABLE.fullmatch(cursor))


def stream_plan(
    path: str,
    *,
    query: Optional[Mapping[str, Any]] = None,
    headers: Optional[Mapping[str, str]] = None,
    max_retries: Optional[int] = None,
) -> Plan:
    """The plan that opens a stream; a deadline holds for the head of the answer, not for its body."""
    plan = plain_plan("GET", path, query=query, headers=headers)
    return plan._replace(headers=(*_HEADERS, *plan.headers), max_retries=max_retries)


def stream_events(
    session: Session,
    plan: Plan,
    position: StreamPosition,
    *,
    idle_timeout: Optional[float] = None,
    reconnect: bool = True,
    max_retries: Optional[int] = None,
    translate: Optional[Callable[[Event, Answer, float], list[Any]]] = None,
    needs_ids: bool = False,
    announce: bool = False,
) -> Generator[Effect, Any, None]:
    """Emits the events of a stream, or what ``translate`` makes of each, until the node ends it with 204.

    A stream that ends, fails or is silent for ``idle_timeout`` seconds is lost. With ``reconnect`` the next one is
    opened with ``Last-Event-ID`` (WHATWG HTML §9.2.3), after a jittered wait that grows until an event comes and is
    never shorter than the server's ``retry``. Without it a clean end ends the iteration and a loss is raised.

    Raises:
        RonConfigError: at once, for an ``idle_timeout`` that is none.
        RonWatchError: while iterating, after ``max_retries`` + 1 streams in a row that brought no event.
    """
    idle = checked_timeout(idle_timeout)
    limit = session.max_retries if max_retries is None else max_retries
    return _stream(session, plan, position, idle, limit if reconnect else None, translate, needs_ids, announce)


def _stream(
    session: Session,
    plan: Plan,
    position: StreamPosition,
    idle_timeout: Optional[float],
    limit: Optional[int],
    translate: Optional[Callable[[Event, Answer, float], list[Any]]],
    needs_ids: bool,
    announce: bool,
) -> Generator[Effect, Any, None]:
    """``stream_events`` with checked arguments; ``limit`` is None where the first stream is the only one."""
    server_retry = 0.0
    failures = 0
    while True:
        position.status = "connecting"
        answer: Optional[Answer] = None
        lost: Optional[RonError] = None
        try:
            answer = yield from perform(session, _resumed(plan, position.cursor), stream=True)
        except (RonNetworkError, RonServerError, RonRateLimitError) as caught:
            lost = caught
        if answer is not None:
            stream = answer.reply
            if stream.status == 204:
                yield Close(stream)
                break
            _check_content_type(answer)
            position.status = "live"
            opened = yield NOW
            if announce:
                announce = False
                yield Emit(OPENED)
            decoder = SSEDecoder()
            placed = True
            data = yield from _read(stream, idle_timeout)
            while isinstance(data, bytes) and data:
                wall = yield WALL
                for event in _decoded(decoder, data, answer):
                    failures = 0
                    for item in [event] if translate is None else translate(event, answer, wall):
                        yield Emit(item)
                    placed = sendable(event.id)
                    if placed:
                        position.cursor = event.id
                if sendable(decoder.last_event_id):  # a block without data commits its id, too
                    position.cursor, placed = decoder.last_event_id, True
                data = yield from _read(stream, idle_timeout)
            yield Close(stream)
            if (yield NOW) - opened >= STEADY_SECONDS:
                failures = 0
            lost = _loss(data, answer)
            if needs_ids and not placed:
                raise _unplaced(plan, answer, position.cursor)
            if decoder.retry_ms is not None:
                server_retry = min(decoder.retry_ms / 1000.0, MAX_SERVER_RETRY)
        if isinstance(lost, RonResponseTooLargeError):
            raise lost
        if limit is None:
            if lost is None:
                break
            raise lost
        failures += 1
        if failures > limit:
            raise _gave_up(plan, lost, failures, position.cursor)
        position.status = "lost"
        jitter = full_jitter(failures, BASE_TRANSIENT, session.random())
        hint = lost.retry_after if lost is not None and lost.retry_after is not None else 0.0
        yield Sleep(max(server_retry, min(hint, MAX_SERVER_RETRY), jitter))
    position.status = "closed"


def _resumed(plan: Plan, cursor: Optional[str]) -> Plan:
    if cursor is None:
        return plan
    return plan._replace(headers=(*plan.headers, (b"Last-Event-ID", cursor.encode("utf-8"))))


def _read(stream: Any, timeout: Optional[float]) -> Generator[Effect, Any, Union[bytes, Failure]]:
    try:
        data: bytes = yield Read(stream, timeout)
    except Failure as failure:
        return failure
    return data


def _decoded(decoder: SSEDecoder, data: bytes, answer: Answer) -> list[Event]:
    try:
        return decoder.feed(data)
    except RonResponseTooLargeError as caught:
        error = caught
    error.request_id, error.attempts = answer.request_id, answer.attempts
    raise error


def _loss(end: Union[bytes, Failure], answer: Answer) -> Optional[RonError]:
    """The error for how a stream ended; None for a clean end."""
    if isinstance(end, bytes):
        return None
    kind = RonTimeoutError if end.timed_out else RonNetworkError
    if end.kind == "too_large":
        kind = RonResponseTooLargeError
    return kind(f"the event stream was lost: {end.detail}", request_id=answer.request_id, attempts=answer.attempts)


def _check_content_type(answer: Answer) -> None:
    reply = Reply(answer.reply.status, answer.reply.headers, b"")
    named = media_type(reply.header(b"content-type"))
    if named != "text/event-stream":
        raise RonParseError(
            f"the answer is no event stream: Content-Type must be text/event-stream, not {named or 'something else'}",
            request_id=answer.request_id,
            attempts=answer.attempts,
        )


def _unplaced(plan: Plan, answer: Answer, cursor: Optional[str]) -> RonWatchError:
    return RonWatchError(
        f"{plan.name}: the stream was lost, and its events carry no id to go on from: changes may have been missed; "
        "list "
        "again, then watch anew",
        cursor=cursor,
        request_id=answer.request_id,
        attempts=answer.attempts,
    )


def _gave_up(plan: Plan, lost: Optional[RonError], failures: int, cursor: Optional[str]) -> RonWatchError:
    why = "the last one ended without an event" if lost is None else lost.message
    return RonWatchError(
        f"{plan.name}: {failures} streams in a row brought no event; {why}",
        cursor=cursor,
        request_id=None if lost is None else lost.request_id,
        attempts=failures,
        retry_after=None if lost is None else lost.retry_after,
    )
