"""``Watch`` and ``WatchSync``: the changes of a resource, as they happen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Optional, TypeVar, Union

from .._events import StreamPosition
from .._plan import encode_query
from ._changes import Change
from ._filters import filter_query
from ._watch_states import FIRST, LAST
from ._watching import Watching

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from .._emissions import EmissionsAsync, EmissionsSync
    from .._read_ahead import ReadAheadAsync, ReadAheadSync
    from ..client import RonClient, RonClientSync
    from ._operations import Scope
    from ._watch_options import WatchOptions
    from ._watching import Batch

__all__ = ["Watch", "WatchSync"]

R = TypeVar("R")

#: changes that leave no position behind them: what was listed is not a place in the node's log
_FROM_A_LIST = frozenset({"listed", "resync"})


class _Changes(Generic[R]):
    """What a watch asks for, and where it stands; no I/O."""

    def __init__(
        self,
        scope: Scope,
        filters: Any,
        by_field: Mapping[str, Any],
        *,
        cursor: Optional[str],
        query: Optional[Mapping[str, Any]],
        options: WatchOptions,
    ) -> None:
        description = scope.description
        description.check_operation("watch")
        if options.initial:
            description.check_operation("list")
        self._scope = scope
        self._options = options
        self._query = filter_query(description, filters, by_field, query)
        encode_query(self._query)
        self._position = StreamPosition(cursor)
        self._watching = Watching(scope, self._query, options, self._position)
        self._entered = self._closed = False
        self._ready: Iterator[Change[R]] = iter(())

    @property
    def cursor(self) -> Optional[str]:
        """The position of the last change after which the next one was asked for.

        Give it back as ``watch(cursor=...)`` after a restart: no change is lost, the last one may come again. It is
        None before the first, and on streams whose events carry no ids.
        """
        return self._position.cursor

    @property
    def status(self) -> str:
        """``idle``, ``connecting``, ``live``, ``listing``, ``lost``, ``polling`` or ``closed`` (docs/watching.md)."""
        return LAST if self._closed else self._position.status

    def _handed_out(self, batch: Optional[Batch]) -> Iterator[Change[R]]:
        """The changes of a batch, one by one; the cursor moves on when the next one is asked for."""
        if batch is None:
            return
        position = self._position
        for change in batch.changes:
            if self._closed:
                return
            yield change
            if change.cursor is not None or change.type in _FROM_A_LIST:
                position.cursor = change.cursor
        if batch.cursor is not None:
            position.cursor = batch.cursor

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._scope.description.name}: {self.status}>"


def _weight(batch: Batch) -> int:
    return len(batch.changes) or 1  # a position that moves takes room, too


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

    Where that is not possible everything is listed again (``Put`` of type ``listed``), and ``Resync`` says what there
    is; where the node can't stream, the list is polled. docs/watching.md has the guarantees.

    Raises (while iterating):
        RonWatchError: too many failures in a row, or more objects than ``max_tracked``; ``cursor`` says where it stood.
        RonParseError: the stream is none, a list is not what was declared, or with ``strict`` an event is not.
        RonProblemError: the node refuses both the stream and the list.
    """

    def __init__(
        self, client: RonClient, scope: Scope, filters: Any, by_field: Mapping[str, Any], **options: Any
    ) -> None:
        super().__init__(scope, filters, by_field, **options)
        source: EmissionsAsync[Batch] = client._emissions(self._watching.flow())
        self._source: Union[EmissionsAsync[Batch], ReadAheadAsync[Batch]] = source
        if self._options.buffer:
            from .._read_ahead import ReadAheadAsync

            self._source = ReadAheadAsync(source, self._options.buffer, _weight)

    async def __aiter__(self) -> AsyncIterator[Change[R]]:
        try:
            while True:
                for change in self._ready:
                    yield change
                batch = await self._source.advance()
                if batch is None:
                    return
                self._ready = self._handed_out(batch)
        finally:
            if not self._entered:
                await self.aclose()

    async def __anext__(self) -> Change[R]:
        while True:
            for change in self._ready:
                return change
            batch = await self._source.advance()
            if batch is None:
                raise StopAsyncIteration
            self._ready = self._handed_out(batch)

    async def aclose(self) -> None:
        """Closes the stream; idempotent."""
        self._closed = True
        await self._source.aclose()

    async def __aenter__(self) -> Self:
        """Opens the stream: whatever changes from here on is seen."""
        self._entered = True
        if self.status == FIRST:
            self._ready = self._handed_out(await self._source.advance())
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
        source: EmissionsSync[Batch] = client._emissions(self._watching.flow())
        self._source: Union[EmissionsSync[Batch], ReadAheadSync[Batch]] = source
        if self._options.buffer:
            from .._read_ahead import ReadAheadSync

            name = f"ron-watch-{self._scope.description.name}"
            self._source = ReadAheadSync(source, self._options.buffer, _weight, name)

    def __iter__(self) -> Iterator[Change[R]]:
        try:
            while True:
                # `yield from` would end these with a loop that is left, and lose them.
                for change in self._ready:  # noqa: UP028 - see above
                    yield change
                batch = self._source.advance()
                if batch is None:
                    return
                self._ready = self._handed_out(batch)
        finally:
            if not self._entered:
                self.close()

    def __next__(self) -> Change[R]:
        while True:
            for change in self._ready:
                return change
            batch = self._source.advance()
            if batch is None:
                raise StopIteration
            self._ready = self._handed_out(batch)

    def close(self) -> None:
        """Closes the stream; idempotent."""
        self._closed = True
        self._source.close()

    def __enter__(self) -> Self:
        """Opens the stream: whatever changes from here on is seen."""
        self._entered = True
        if self.status == FIRST:
            self._ready = self._handed_out(self._source.advance())
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()
