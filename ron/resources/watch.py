"""``Watch`` and ``WatchSync``: the changes of a resource, as they happen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Optional, TypeVar

from .._events import OPENED, StreamPosition, stream_events
from .._plan import Plan, checked_timeout, encode_query
from ._changes import Change, change_of
from ._filters import filter_query

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from .._effects import Effect
    from .._emissions import EmissionsAsync, EmissionsSync
    from .._flow import Answer
    from .._sse import Event
    from ..client import RonClient, RonClientSync
    from ._operations import Scope

__all__ = ["Watch", "WatchSync"]

R = TypeVar("R")

_HEADERS = (
    (b"Accept", b"text/event-stream"),
    (b"Accept-Encoding", b"identity"),
    (b"Cache-Control", b"no-store"),
)


class _Changes(Generic[R]):
    """What a watch asks for, and where it stands; no I/O."""

    def __init__(
        self,
        scope: Scope,
        filters: Any,
        by_field: Mapping[str, Any],
        *,
        cursor: Optional[str],
        idle_timeout: Optional[float],
        query: Optional[Mapping[str, Any]],
    ) -> None:
        description = scope.description
        description.check_operation("watch")
        self._scope = scope
        self._query = encode_query(filter_query(description, filters, by_field, query))
        self._path = description.target(scope.session, scope.parents, description.watch)
        self._idle_timeout = checked_timeout(idle_timeout)
        self._position = StreamPosition(cursor)
        self._entered = False

    @property
    def cursor(self) -> Optional[str]:
        """The position of the last change after which the next one was asked for.

        Give it back as ``watch(cursor=...)`` after a restart: no change is lost, the last one may come again.
        """
        return self._position.cursor

    @property
    def status(self) -> str:
        """``idle``, ``connecting``, ``live``, ``lost`` or ``closed``."""
        return self._position.status

    def _flow(self) -> Generator[Effect, Any, None]:
        scope = self._scope

        def translate(event: Event, answer: Answer, wall: float) -> list[Any]:
            return [change_of(scope.description, scope.session, event, answer, wall)]

        return stream_events(
            scope.session,
            Plan("GET", self._path, self._query, _HEADERS, max_retries=0),
            self._position,
            idle_timeout=self._idle_timeout,
            translate=translate,
            needs_ids=True,
            announce=True,
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._scope.description.name}: {self.status}>"


class Watch(_Changes[R]):
    """The changes of a resource, for ``async for``. ``async with`` opens the stream and closes it; without it the first
    step opens it, and leaving the loop closes it.

    ::

        async with items.watch() as changes:
            async for change in changes:
                if change.type == "deleted":
                    ...

    A lost stream is opened again with ``Last-Event-ID``; a change is delivered at least once. A step that is cancelled
    (``asyncio.wait_for``) closes the watch: make another one from its ``cursor``.

    Raises (while iterating):
        RonGoneError: the cursor is older than what the node keeps: list again.
        RonWatchError: the node cannot be reached any more, or continuity was lost because its events carry no ids.
        RonParseError: an event is not what was declared.
    """

    def __init__(
        self, client: RonClient, scope: Scope, filters: Any, by_field: Mapping[str, Any], **options: Any
    ) -> None:
        super().__init__(scope, filters, by_field, **options)
        self._changes: EmissionsAsync[Change[R]] = client._emissions(self._flow())

    async def __aiter__(self) -> AsyncIterator[Change[R]]:
        try:
            while True:
                try:
                    change = await self.__anext__()
                except StopAsyncIteration:
                    return
                yield change
        finally:
            if not self._entered:
                await self.aclose()

    async def __anext__(self) -> Change[R]:
        change: Any = await self._changes.__anext__()
        return change if change is not OPENED else await self._changes.__anext__()

    async def aclose(self) -> None:
        """Closes the stream; idempotent."""
        self._position.status = "closed"
        await self._changes.aclose()

    async def __aenter__(self) -> Self:
        """Opens the stream: whatever changes from here on is seen."""
        self._entered = True
        if self.status == "idle":
            await self._changes.advance()
        return self

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.aclose()


class WatchSync(_Changes[R]):
    """The sync twin of :class:`Watch`; ``close()`` from another thread wakes the one that waits."""

    def __init__(
        self, client: RonClientSync, scope: Scope, filters: Any, by_field: Mapping[str, Any], **options: Any
    ) -> None:
        super().__init__(scope, filters, by_field, **options)
        self._changes: EmissionsSync[Change[R]] = client._emissions(self._flow())

    def __iter__(self) -> Iterator[Change[R]]:
        try:
            while True:
                try:
                    change = next(self)
                except StopIteration:
                    return
                yield change
        finally:
            if not self._entered:
                self.close()

    def __next__(self) -> Change[R]:
        change: Any = next(self._changes)
        return change if change is not OPENED else next(self._changes)

    def close(self) -> None:
        """Closes the stream; idempotent."""
        self._position.status = "closed"
        self._changes.close()

    def __enter__(self) -> Self:
        """Opens the stream: whatever changes from here on is seen."""
        self._entered = True
        if self.status == "idle":
            self._changes.advance()
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()
