"""The flow of a watch: streams that are opened again, lists where continuity is lost, polling where nothing streams.

What it promises (design §1): every change at least once, and right in the end. It emits ``Batch`` values. Which state
follows which stands in ``_watch_states``. Nothing here may do I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from .._effects import NOW, WALL, Emit, Sleep
from .._events import STREAM_HEADERS, StreamPosition, next_events, open_stream, sendable
from .._plan import Plan, encode_query
from .._reconnect import Reconnects
from ..errors import (
    RonError,
    RonGoneError,
    RonNetworkError,
    RonParseError,
    RonProblemError,
    RonRateLimitError,
    RonServerError,
    RonTimeoutError,
    RonWatchError,
)
from ..logging_ import get_logger
from ._changes import Deleted, Other, Put, Reader, Reason, Resync, says_expired
from ._relist import Lister
from ._replays import Replays
from ._silence import Silence
from ._tracked import Tracked
from ._watch_states import LAST, follow

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from .._effects import Effect
    from .._events import OpenStream
    from .._sse import Event
    from ._operations import Scope
    from ._relist import News
    from ._watch_options import WatchOptions

__all__ = ["Batch", "Watching"]

#: statuses that say "there is no stream here"
NO_STREAM = frozenset({404, 405, 406, 501})
#: how many of such answers (or heads that don't come) in a row are believed where a stream was open before
REFUSALS = 3
#: seconds after which a watch that polls, but once had a stream, tries to open one again
STREAM_AGAIN = 300.0
#: so many events are read at once: more of them make the garbage collector work, fewer the validator
_AT_ONCE = 64
#: a timer may ring a little before its time
_EARLY = 0.005
_ATTEMPT_LOST = (RonNetworkError, RonServerError, RonRateLimitError)


class Batch(NamedTuple):
    """Changes in order, and the position of the watch once the last of them was dealt with (None: unmoved)."""

    changes: list[Any]
    cursor: Optional[str]


class Watching:
    """One watch under way. ``flow`` is run once; ``position`` shows where it stands."""

    def __init__(self, scope: Scope, query: Mapping[str, Any], options: WatchOptions, position: StreamPosition) -> None:
        description = scope.description
        path = description.target(scope.session, scope.parents, description.watch)
        self._plan = Plan("GET", path, encode_query(query), STREAM_HEADERS, max_retries=0)
        self._options = options
        self._position = position
        self._session = scope.session
        self._can_list = "list" in description.operations
        self._reader = Reader(description, scope.session.authority, scope.parents)
        self._reconnects = Reconnects(options.max_failures, scope.session.random)
        self._replays = Replays()
        self._silence = Silence(options.idle_timeout)
        self._tracked = Tracked()
        self._lister = Lister(scope, query, self._tracked, options.max_tracked)
        #: the id of the last event received, behind which the next stream is opened
        self._resume = position.cursor
        #: why everything must be listed before going on; None where continuity holds
        self._gap: Optional[Reason] = "start" if options.initial and position.cursor is None else None
        self._announced = False
        #: since when the stream that is open was read: a list beside it may take its time, and says nothing of it
        self._followed = 0.0
        #: whether the log was told that this watch polls, since it last had a stream
        self._said = False
        self._was_live = False
        self._refusals = 0
        self._polls = False
        self._left = options.max_events
        self._until: Optional[float] = None
        self._over = False

    def flow(self) -> Generator[Effect, Any, None]:
        """Emits batches until the node ends the stream with 204, or a limit of the options is reached.

        The first one comes once the stream is open (or the first list is there), so that changes from then on are seen.
        """
        if self._options.max_duration is not None:
            self._until = (yield NOW) + self._options.max_duration
        try:
            while not self._over:
                if self._polls:
                    yield from self._poll()
                else:
                    yield from self._stream()
        finally:
            self._position.status = LAST

    # One stream, from its opening to its loss.

    def _stream(self) -> Generator[Effect, Any, None]:
        if self._position.status != "connecting":  # as it is once its cursor has turned out to be too old
            self._step("try a stream again" if self._position.status == "polling" else "open")
        lost: Optional[RonError] = None
        lasted: Optional[float] = None
        stream: Optional[OpenStream] = None
        try:
            plan = self._plan._replace(timeout=self._call_timeout((yield NOW)))
            stream = yield from open_stream(self._session, plan, self._resume)
        except RonError as caught:
            lost = caught
        if lost is not None:
            if isinstance(lost, RonTimeoutError) and self._is_late((yield NOW)):
                self._over = True
                return
            if self._is_answered(lost):
                return
            self._step("failed")
        elif stream is None:
            self._position.heard = yield NOW
            lost = yield from self._finish()
            if lost is None:
                return
            self._step("failed")
        else:
            lost = yield from self._follow(stream)
            yield stream.close()
            if self._over:
                return
            if stream.is_whole and self._can_list and self._position.status == "live":
                self._begin_polling("somebody on the way buffers streams: the answer was whole", "was buffered")
                return
            if self._position.status == "live":
                lasted = (yield NOW) - self._followed
                self._step("lost or ended")
            else:
                self._step("failed")
            self._said = False
            self._check_place(lost)
        yield from self._wait(lost, lasted)

    def _finish(self) -> Generator[Effect, Any, Optional[RonError]]:
        """The node won't stream any more (204). Where continuity was lost, what there is has still to be told."""
        if self._was_live and self._resume is None and self._gap is None:
            self._lose_place("no_ids")
        if self._gap is not None and self._can_list:
            self._step("204, but a gap")
            lost = yield from self._list_all(self._gap)
            if lost is not None and not self._over:
                return lost
        self._over = True
        return None

    def _is_answered(self, error: RonError) -> bool:
        """Whether a stream that could not be opened says how to go on otherwise. Raises what is final."""
        if isinstance(error, RonGoneError) and self._resume is not None and self._can_list:
            self._lose_place("expired")
            self._position.status = follow(self._position.status, "cursor expired")
            return True
        silent = isinstance(error, RonTimeoutError) and error.maybe_sent
        refused = isinstance(error, RonProblemError) and error.status_code in NO_STREAM
        if silent or refused:
            self._refusals += 1
            believed = not self._was_live or self._refusals >= REFUSALS
            if believed and self._can_list:
                self._begin_polling("no answer began in time" if silent else error.message, "can't stream")
                return True
            if silent or not believed:
                return False
            raise error
        if _is_permanent(error) or not isinstance(error, _ATTEMPT_LOST):
            raise error
        return False

    def _follow(self, stream: OpenStream) -> Generator[Effect, Any, Optional[RonError]]:
        """Emits what the stream brings, after everything was listed where continuity was lost. Returns the loss."""
        self._step("opened")
        self._refusals = 0
        if self._was_live and self._resume is None and self._gap is None:
            self._lose_place("no_ids")
        self._was_live = True
        self._silence.opened(stream.opened)
        self._position.heard = stream.opened
        self._replays.reconnected()
        yield from self._announce()
        if self._gap is not None:
            self._step("continuity lost")
            lost = yield from self._list_all(self._gap)
            if lost is not None or self._over:
                return lost
            self._step("listed")
        self._followed = yield NOW
        while not self._over and self._gap is None:
            events = yield from next_events(stream, self._patience((yield NOW)))
            now = yield NOW
            if events is None:
                self._over = self._is_late(now)
                break
            yield from self._heard(stream, events, now)
        self._reconnects.heed(stream.decoder.retry_ms)
        if stream.lost is not None and _is_permanent(stream.lost):
            raise stream.lost
        return stream.lost

    def _heard(self, stream: OpenStream, events: list[Event], now: float) -> Generator[Effect, Any, None]:
        """Takes note of what some bytes brought, and emits the changes among it."""
        self._position.heard = now
        decoder = stream.decoder
        comments, decoder.comments = decoder.comments, 0
        self._silence.heard(now, comments > 0 or any(event.event == "heartbeat" for event in events))
        wall = (yield WALL) if events else 0.0
        place = decoder.last_event_id
        moved = place != (self._resume or "") and sendable(place)
        for first in range(0, len(events) or int(moved), _AT_ONCE):
            changes, broken = self._read(stream, events[first : first + _AT_ONCE], wall)
            # Also where the last events are known already, or a block without data has moved the place.
            cursor = place if moved and first + _AT_ONCE >= len(events) and broken is None and not self._gap else None
            if changes or cursor is not None:
                yield from self._emit(changes, cursor)
            if broken is not None:
                raise broken
            if self._over or self._gap is not None:
                return
        if moved:
            self._resume = place
            self._tracked.forget()

    def _read(self, stream: OpenStream, events: list[Event], wall: float) -> tuple[list[Any], Optional[RonParseError]]:
        """The changes that events mean, without those that were delivered before, up to one that ends the watch."""
        expired = next((n for n, one in enumerate(events) if one.event == "error" and says_expired(one.data)), None)
        fresh = self._replays.fresh(events[:expired])
        if expired is not None:
            self._lose_place("expired")  # only now: what came before it belongs to the old log
        changes = self._reader.changes(fresh, stream.answer, wall)
        for number, change in enumerate(changes):
            if type(change) is Other and change.error is not None:
                if self._options.strict:
                    return changes[:number], change.error
                get_logger("watch").warning("%s: %s", self._plan.name, change.error.message)
            elif self._tracked.complete:
                self._track(change)
        if changes:
            self._reconnects.progress()
        return changes, None

    def _check_place(self, lost: Optional[RonError]) -> None:
        """Raises where the next stream has nothing to go on from, and the resource cannot be listed either."""
        if self._resume is None and not self._can_list:
            raise RonWatchError(
                f"{self._plan.name}: the stream was lost, and it gave no id to go on from: changes may have been "
                "missed, and this resource cannot be listed; watch anew if that is no matter",
                cursor=self._position.cursor,
                request_id=None if lost is None else lost.request_id,
            )

    # Lists.

    def _list_all(
        self, reason: Optional[Reason], *, deliver: bool = True
    ) -> Generator[Effect, Any, Optional[RonError]]:
        """Lists everything and emits what is news; returns the loss that it ended with, if any.

        With a ``reason`` news are ``listed``, and ``Resync`` says what there is; else they are told as what they are.
        """
        lister, lost = self._lister, None
        lister.begin(whole=reason is not None or not self._tracked.complete)
        while not lister.done and not self._over:
            news: list[News] = []
            try:
                news = yield from lister.next_page(self._call_timeout((yield NOW)))
            except _ATTEMPT_LOST as caught:
                lost = caught
            except RonWatchError as error:
                error.cursor = self._position.cursor
                raise
            if lost is not None:
                if _is_permanent(lost):
                    raise lost
                self._over = self._is_late((yield NOW))
                return lost
            self._position.heard = yield NOW
            if news and deliver:
                puts = [Put("listed" if reason else one.kind, one.key, one.item, None) for one in news]
                yield from self._emit(puts, None)
            self._over = self._over or self._is_late((yield NOW))  # also where page after page brings nothing
        if self._over:
            return None
        gone = self._tracked.keep(lister.keys)
        self._gap = None
        if reason is not None:
            keys = frozenset(lister.keys)
            yield from self._emit([Resync("resync", reason, keys, None)], None)
        elif gone and deliver:
            yield from self._emit([Deleted("deleted", key, None, None) for key in gone], None)
        return None

    def _begin_polling(self, why: str, step: str) -> None:
        self._step(step)
        self._polls = True
        if self._gap is None and (self._was_live or self._resume is not None):
            self._lose_place("poll_gap")
        if not self._said:
            self._said = True
            get_logger("watch").warning(
                "%s: %s; polling every %g seconds or so instead", self._plan.name, why, self._options.poll_interval
            )

    def _poll(self) -> Generator[Effect, Any, None]:
        """Lists at an interval, until a limit is reached or it is time to try a stream again."""
        again = (yield NOW) + STREAM_AGAIN if self._was_live else None
        while not self._over:
            if self._position.status == "lost":
                self._step("poll")
            # Without a gap the first list is only what later ones are compared with.
            lost = yield from self._list_all(self._gap, deliver=self._gap is not None or self._tracked.complete)
            if self._over:
                return
            if lost is not None:
                self._step("failed")
                yield from self._wait(lost, None)
                continue
            self._reconnects.progress()
            yield from self._announce()
            yield from self._pause(self._options.poll_interval * (0.5 + self._session.random()))
            if again is not None and (yield NOW) >= again:
                self._polls = False
                self._refusals = REFUSALS - 1  # one more "no" is enough now
                self._lose_place("poll_gap")
                return

    # Small steps.

    def _step(self, what: str) -> None:
        self._position.status = follow(self._position.status, what)

    def _lose_place(self, reason: Reason) -> None:
        """Continuity is lost: the next stream begins anew, and everything is listed beside it."""
        self._gap = reason
        self._resume = None
        self._replays.clear()
        if reason == "expired":
            # Given back later it might name a place in another log, whose ids have come that far by then.
            self._position.cursor = None

    def _track(self, change: Any) -> None:
        if type(change) is Put:
            self._tracked.put(change.key, change.item)
            if len(self._tracked) > self._options.max_tracked:
                self._tracked.forget()  # the next list will be told as a whole, if it is not too long itself
        elif type(change) is Deleted:
            self._tracked.drop(change.key)

    def _announce(self) -> Generator[Effect, Any, None]:
        """The first batch, an empty one, says that from here on nothing is missed."""
        if not self._announced:
            self._announced = True
            yield Emit(Batch([], None))

    def _emit(self, changes: list[Any], cursor: Optional[str]) -> Generator[Effect, Any, None]:
        if self._left is not None:
            if len(changes) >= self._left:
                self._over = True
                if len(changes) > self._left:
                    changes, cursor = changes[: self._left], None
            self._left -= len(changes)
        yield Emit(Batch(changes, cursor))
        if self._until is not None:  # also where bytes never cease to come, or the consumer took its time
            self._over = self._over or self._is_late((yield NOW))

    def _patience(self, now: float) -> Optional[float]:
        """Seconds to wait for bytes."""
        limits = [limit for limit in (self._silence.limit, self._seconds_left(now)) if limit is not None]
        return min(limits) if limits else None

    def _call_timeout(self, now: float) -> Optional[float]:
        """Seconds for one call; None for the client's own limit."""
        left = self._seconds_left(now)
        return None if left is None else min(left, self._session.timeout)

    def _seconds_left(self, now: float) -> Optional[float]:
        return None if self._until is None else max(0.001, self._until - now)

    def _is_late(self, now: float) -> bool:
        return self._until is not None and now >= self._until - _EARLY

    def _wait(self, lost: Optional[RonError], lasted: Optional[float]) -> Generator[Effect, Any, None]:
        """Waits before the next attempt, or raises ``RonWatchError`` if that was one too many."""
        wait = self._reconnects.lost(lasted, None if lost is None else lost.retry_after)
        if wait is None:
            failures = self._reconnects.failures
            raise RonWatchError(
                f"{self._plan.name}: gave up after {failures} failure{'s' if failures > 1 else ''} in a row; the last: "
                + ("a stream ended without a change" if lost is None else lost.message),
                cursor=self._position.cursor,
                request_id=None if lost is None else lost.request_id,
                attempts=failures,
                retry_after=None if lost is None else lost.retry_after,
            )
        if self._reconnects.failures == 2 and lost is not None:  # one alone is everyday life
            get_logger("watch").warning("%s: still trying, after: %s", self._plan.name, lost.message)
        yield from self._pause(wait)

    def _pause(self, seconds: float) -> Generator[Effect, Any, None]:
        left = self._seconds_left((yield NOW))
        yield Sleep(seconds if left is None else min(seconds, left))
        self._over = self._over or self._is_late((yield NOW))


def _is_permanent(error: RonError) -> bool:
    return isinstance(error, RonNetworkError) and error.permanent
