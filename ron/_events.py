"""One event stream, from its opening to how it ended; and the flow of untyped events that goes on over many.

``subscribe``, ``sse_event_stream`` and the typed watch (``ron.resources._watching``) stand on it. Nothing here may do
I/O.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Optional

from ._effects import NOW, Close, Emit, Read, Sleep
from ._flow import perform
from ._plan import Plan, checked_timeout, plain_plan
from ._reconnect import Reconnects
from ._sse import Event, SSEDecoder
from ._suggest import media_type, shown
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
    from collections.abc import Generator, Mapping

    from ._effects import Effect
    from ._flow import Answer
    from ._session import Session

__all__ = [
    "STREAM_HEADERS",
    "OpenStream",
    "StreamPosition",
    "gave_up",
    "next_events",
    "open_stream",
    "stream_events",
    "stream_plan",
]

STREAM_HEADERS = (
    (b"Accept", b"text/event-stream"),
    (b"Accept-Encoding", b"identity"),
    (b"Cache-Control", b"no-store"),
)
#: an id that a header field can carry back (RFC 9110 §5.5): no controls, no blanks around it
_SENDABLE = re.compile(r"[^\x00-\x20\x7f\ud800-\udfff](?:[^\x00-\x1f\x7f\ud800-\udfff]*[^\x00-\x20\x7f\ud800-\udfff])?")
MAX_CURSOR = 4096


class StreamPosition:
    """Where a stream stands.

    Attributes:
        cursor: the id of the last event after which more was asked for; None before the first.
        status: ``idle``, ``connecting``, ``live``, ``lost`` or ``closed``; of a watch, see ``_watch_states``.
        heard: of a watch, when the node last gave a sign of life, by the monotonic clock; None before the first.
    """

    __slots__ = ("cursor", "heard", "status")

    def __init__(self, cursor: Optional[str] = None) -> None:
        if cursor is not None and not sendable(cursor):
            raise RonConfigError(
                "a cursor is the id of an event as it came: 1 to 4096 characters, no controls, no blanks around it"
            )
        self.cursor = cursor
        self.status = "idle"
        self.heard: Optional[float] = None


def sendable(cursor: Any) -> bool:
    """Whether an id can go back as ``Last-Event-ID``."""
    if type(cursor) is str and cursor.isalnum() and cursor.isascii() and len(cursor) <= MAX_CURSOR:
        return True  # what nearly all ids are; the expression below takes three times as long
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
    return plan._replace(headers=(*STREAM_HEADERS, *plan.headers), max_retries=max_retries)


class OpenStream:
    """A stream that is open, and in the end how it was lost.

    Attributes:
        answer: the call that opened it.
        decoder: its reader, which knows the last id.
        opened: when, by the monotonic clock.
        lost: the error that ended it; None as long as it is open, and after a clean end.
    """

    __slots__ = ("answer", "decoder", "lost", "opened")

    def __init__(self, answer: Answer, opened: float) -> None:
        self.answer = answer
        self.decoder = SSEDecoder()
        self.opened = opened
        self.lost: Optional[RonError] = None

    @property
    def is_whole(self) -> bool:
        """Whether its length was known beforehand, so that somebody has buffered it (protocol.md "Streaming")."""
        return Reply(self.answer.reply.status, self.answer.reply.headers, b"").header(b"content-length") is not None

    def close(self) -> Close:
        """The effect that closes it."""
        return Close(self.answer.reply)


def open_stream(session: Session, plan: Plan, cursor: Optional[str]) -> Generator[Effect, Any, Optional[OpenStream]]:
    """Opens a stream behind ``cursor`` (WHATWG HTML §9.2.3 ``Last-Event-ID``); None for a 204: "don't come back".

    Raises:
        RonParseError: for an answer that is no ``text/event-stream``.
        RonError: as any call.
    """
    if cursor is not None:
        plan = plan._replace(headers=(*plan.headers, (b"Last-Event-ID", cursor.encode("utf-8"))))
    answer = yield from perform(session, plan, stream=True)
    if answer.reply.status == 204:
        yield Close(answer.reply)
        return None
    _check_content_type(answer)
    return OpenStream(answer, (yield NOW))


def next_events(stream: OpenStream, timeout: Optional[float]) -> Generator[Effect, Any, Optional[list[Event]]]:
    """What the next bytes complete, perhaps no event; None at the end: ``stream.lost`` says whether it was a loss.

    Raises:
        RonResponseTooLargeError: a line or an event is over its bound.
    """
    try:
        data: bytes = yield Read(stream.answer.reply, timeout)
    except Failure as failure:
        stream.lost = _loss(failure, stream.answer)
        return None
    return _decoded(stream.decoder, data, stream.answer) if data else None


def stream_events(
    session: Session,
    plan: Plan,
    position: StreamPosition,
    *,
    idle_timeout: Optional[float] = None,
    reconnect: bool = True,
    max_retries: Optional[int] = None,
) -> Generator[Effect, Any, None]:
    """Emits the events of a stream until the node ends it with 204.

    A stream that ends, fails or is silent for ``idle_timeout`` seconds is lost. With ``reconnect`` the next one is
    opened with ``Last-Event-ID`` (WHATWG HTML §9.2.3), after a jittered wait that grows until an event comes and is
    never shorter than the server's ``retry``. Without it a clean end ends the iteration and a loss is raised.

    Raises:
        RonConfigError: at once, for an ``idle_timeout`` or ``max_retries`` that is none.
        RonWatchError: while iterating, after ``max_retries`` + 1 streams in a row that brought no event.
    """
    idle = checked_timeout(idle_timeout, "idle_timeout")
    limit = session.max_retries if max_retries is None else max_retries
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise RonConfigError(f"max_retries must be a whole number of at least 0, not {shown(limit)}")
    return _stream(session, plan, position, idle, Reconnects(limit, session.random) if reconnect else None)


def _stream(
    session: Session,
    plan: Plan,
    position: StreamPosition,
    idle_timeout: Optional[float],
    reconnects: Optional[Reconnects],
) -> Generator[Effect, Any, None]:
    """``stream_events`` with checked arguments; without ``reconnects`` the first stream is the only one."""
    while True:
        position.status = "connecting"
        lost: Optional[RonError] = None
        lasted: Optional[float] = None
        stream: Optional[OpenStream] = None
        try:
            stream = yield from open_stream(session, plan, position.cursor)
        except (RonNetworkError, RonServerError, RonRateLimitError) as caught:
            lost = caught
        if lost is None:
            if stream is None:
                break
            position.status = "live"
            yield from _events_of(stream, position, idle_timeout, reconnects)
            yield stream.close()
            lost = stream.lost
            lasted = (yield NOW) - stream.opened
        if isinstance(lost, RonNetworkError) and lost.permanent:
            raise lost
        if reconnects is None:
            if lost is None:
                break
            raise lost
        wait = reconnects.lost(lasted, None if lost is None else lost.retry_after)
        if wait is None:
            raise gave_up(plan, lost, reconnects.failures, position.cursor)
        position.status = "lost"
        yield Sleep(wait)
    position.status = "closed"


def _events_of(
    stream: OpenStream,
    position: StreamPosition,
    idle_timeout: Optional[float],
    reconnects: Optional[Reconnects],
) -> Generator[Effect, Any, None]:
    """Emits what one stream brings; the position moves when the next event is asked for."""
    events = yield from next_events(stream, idle_timeout)
    while events is not None:
        for event in events:
            if reconnects is not None:
                reconnects.progress()
            yield Emit(event)
            if sendable(event.id):
                position.cursor = event.id
        if sendable(stream.decoder.last_event_id):  # a block without data commits its id, too
            position.cursor = stream.decoder.last_event_id
        events = yield from next_events(stream, idle_timeout)
    if reconnects is not None:
        reconnects.heed(stream.decoder.retry_ms)


def _decoded(decoder: SSEDecoder, data: bytes, answer: Answer) -> list[Event]:
    try:
        return decoder.feed(data)
    except RonResponseTooLargeError as caught:
        error = caught
    error.request_id, error.attempts = answer.request_id, answer.attempts
    raise error


def _loss(failure: Failure, answer: Answer) -> RonError:
    kind = RonTimeoutError if failure.timed_out else RonNetworkError
    if failure.kind == "too_large":
        kind = RonResponseTooLargeError
    return kind(f"the event stream was lost: {failure.detail}", request_id=answer.request_id, attempts=answer.attempts)


def _check_content_type(answer: Answer) -> None:
    reply = Reply(answer.reply.status, answer.reply.headers, b"")
    named = media_type(reply.header(b"content-type"))
    if named != "text/event-stream":
        raise RonParseError(
            f"the answer is no event stream: Content-Type must be text/event-stream, not {named or 'something else'}",
            request_id=answer.request_id,
            attempts=answer.attempts,
        )


def gave_up(plan: Plan, lost: Optional[RonError], failures: int, cursor: Optional[str]) -> RonWatchError:
    """The error of a watch that has tried often enough."""
    why = "the last one ended without an event" if lost is None else lost.message
    return RonWatchError(
        f"{plan.name}: {failures} streams in a row brought no event; {why}",
        cursor=cursor,
        request_id=None if lost is None else lost.request_id,
        attempts=failures,
        retry_after=None if lost is None else lost.retry_after,
    )
