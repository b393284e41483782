"""``watch``, ``mirror`` and ``wait_for`` of both managers. A thin surface; nothing here may do I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional, TypeVar, Union, overload

from .._values import UNSET
from ._manager import AsyncManager, SyncManager
from ._mirror import Mirrored
from ._waiting import wait_for
from ._watch_options import watch_options
from .watch import Watch, WatchSync

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ._mirror import Index
    from ._model import Resource
    from ._singleton import Singleton
    from .mirror import Mirror, MirrorSync

__all__ = ["WatchCalls", "WatchCallsSync"]

R = TypeVar("R", bound="Resource")
S = TypeVar("S", bound="Singleton")
Key = Union[str, int, Any]


class WatchCalls(AsyncManager[R]):
    """The part of :class:`ron.Manager` that follows changes."""

    def watch(
        self,
        filters: Any = None,
        /,
        *,
        cursor: Optional[str] = None,
        initial: bool = False,
        strict: bool = False,
        idle_timeout: Optional[float] = None,
        max_events: Optional[int] = None,
        max_duration: Optional[float] = None,
        max_failures: Optional[int] = None,
        max_tracked: Optional[int] = None,
        poll_interval: Optional[float] = None,
        buffer: Optional[int] = None,
        query: Optional[Mapping[str, Any]] = None,
        **by_field: Any,
    ) -> Watch[R]:
        """The changes of the resource, as they happen; the client is resolved now, the stream opened when entered.

        Args:
            filters: as for ``list``.
            cursor: where to go on from: an earlier ``watch.cursor``.
            initial: where there is no ``cursor``, begin with a list of everything, then ``Resync("start")``.
            strict: an event that can't be read as its name says is an error; else it is an ``Other`` with its
                ``error``, and is logged.
            idle_timeout: seconds of silence after which a stream counts as lost; without it there is a limit only
                after a heartbeat was seen (three times the gap before it, at least a minute).
            max_events: end after so many changes, ``Resync`` included.
            max_duration: end after so many seconds.
            max_failures: how many attempts in a row may bring nothing (12 by default) before ``RonWatchError``.
            max_tracked: how many objects are kept account of (100 000 by default) where continuity is not the node's
                doing: in lists, without ids, and when polling.
            poll_interval: seconds between lists where the node can't stream (5 by default), give or take half.
            buffer: how many changes are read ahead of a consumer that is busy (0 by default); when it is full, the
                stream is not read on, and nothing is dropped.
            query: further parameters, unchecked.
            by_field: as for ``list``.
        """
        client = self._client_now()
        options = watch_options(
            initial=initial,
            strict=strict,
            idle_timeout=idle_timeout,
            max_events=max_events,
            max_duration=max_duration,
            max_failures=max_failures,
            max_tracked=max_tracked,
            poll_interval=poll_interval,
            buffer=buffer,
        )
        return Watch(client, self._scope_now(client), filters, by_field, cursor=cursor, query=query, options=options)

    def mirror(
        self,
        filters: Any = None,
        /,
        *,
        index: Sequence[Union[str, Index[R, Any]]] = (),
        strict: bool = False,
        idle_timeout: Optional[float] = None,
        max_failures: Optional[int] = None,
        max_tracked: Optional[int] = None,
        poll_interval: Optional[float] = None,
        query: Optional[Mapping[str, Any]] = None,
        **by_field: Any,
    ) -> Mirror[R]:
        """The objects in memory, kept right by a watch: ``async with items.mirror(index=["status"]) as mirror:``.

        Args:
            filters: as for ``list``.
            index: what objects are looked up by with ``mirror.by``: names of fields, or :class:`ron.Index`.
            strict: as for ``watch``, like the other options; with it an event that can't be read ends the mirror.
            idle_timeout: see ``watch``.
            max_failures: see ``watch``.
            max_tracked: the most objects that are held (100 000 by default).
            poll_interval: see ``watch``.
            query: further parameters, unchecked.
            by_field: as for ``list``.
        """
        from .mirror import Mirror

        client = self._client_now()
        watch = self._copy(client=client, options={}).watch(
            filters,
            initial=True,
            strict=strict,
            idle_timeout=idle_timeout,
            max_failures=max_failures,
            max_tracked=max_tracked,
            poll_interval=poll_interval,
            query=query,
            **by_field,
        )
        return Mirror(watch, Mirrored(self._description, index, watch._options.max_tracked), client._ports)

    @overload
    async def wait_for(self, key: Key, predicate: Callable[[R], bool], *, timeout: Optional[float] = None) -> R: ...
    @overload
    async def wait_for(
        self: WatchCalls[S], predicate: Callable[[S], bool], /, *, timeout: Optional[float] = None
    ) -> S: ...
    async def wait_for(self, key: Any, predicate: Any = UNSET, *, timeout: Optional[float] = None) -> Any:
        """The object, once ``predicate`` is true of it: it is read, then watched.

        An object that is not there is waited for as well. ``timeout`` is in seconds for the whole; None waits for ever.

        Raises:
            RonTimeoutError: it was not as wanted in time; says whether it was there at all.
            RonError: as ``get`` and ``watch``.
        """
        client = self._client_now()
        flow = wait_for(self._scope_now(client), key, predicate, timeout)
        found: R = await client._emissions(flow).only()
        return found


class WatchCallsSync(SyncManager[R]):
    """The part of :class:`ron.ManagerSync` that follows changes."""

    def watch(
        self,
        filters: Any = None,
        /,
        *,
        cursor: Optional[str] = None,
        initial: bool = False,
        strict: bool = False,
        idle_timeout: Optional[float] = None,
        max_events: Optional[int] = None,
        max_duration: Optional[float] = None,
        max_failures: Optional[int] = None,
        max_tracked: Optional[int] = None,
        poll_interval: Optional[float] = None,
        buffer: Optional[int] = None,
        query: Optional[Mapping[str, Any]] = None,
        **by_field: Any,
    ) -> WatchSync[R]:
        """The changes of the resource, as they happen; the client is resolved now, the stream opened when entered.

        Args:
            filters: as for ``list``.
            cursor: where to go on from: an earlier ``watch.cursor``.
            initial: where there is no ``cursor``, begin with a list of everything, then ``Resync("start")``.
            strict: an event that can't be read as its name says is an error; else it is an ``Other`` with its
                ``error``, and is logged.
            idle_timeout: seconds of silence after which a stream counts as lost; without it there is a limit only
                after a heartbeat was seen (three times the gap before it, at least a minute).
            max_events: end after so many changes, ``Resync`` included.
            max_duration: end after so many seconds.
            max_failures: how many attempts in a row may bring nothing (12 by default) before ``RonWatchError``.
            max_tracked: how many objects are kept account of (100 000 by default) where continuity is not the node's
                doing: in lists, without ids, and when polling.
            poll_interval: seconds between lists where the node can't stream (5 by default), give or take half.
            buffer: how many changes are read ahead of a consumer that is busy (0 by default); when it is full, the
                stream is not read on, and nothing is dropped.
            query: further parameters, unchecked.
            by_field: as for ``list``.
        """
        client = self._client_now()
        options = watch_options(
            initial=initial,
            strict=strict,
            idle_timeout=idle_timeout,
            max_events=max_events,
            max_duration=max_duration,
            max_failures=max_failures,
            max_tracked=max_tracked,
            poll_interval=poll_interval,
            buffer=buffer,
        )
        return WatchSync(
            client, self._scope_now(client), filters, by_field, cursor=cursor, query=query, options=options
        )

    def mirror(
        self,
        filters: Any = None,
        /,
        *,
        index: Sequence[Union[str, Index[R, Any]]] = (),
        strict: bool = False,
        idle_timeout: Optional[float] = None,
        max_failures: Optional[int] = None,
        max_tracked: Optional[int] = None,
        poll_interval: Optional[float] = None,
        query: Optional[Mapping[str, Any]] = None,
        **by_field: Any,
    ) -> MirrorSync[R]:
        """The objects in memory, kept right by a watch: ``with items.mirror(index=["status"]) as mirror:``.

        Args:
            filters: as for ``list``.
            index: what objects are looked up by with ``mirror.by``: names of fields, or :class:`ron.Index`.
            strict: as for ``watch``, like the other options; with it an event that can't be read ends the mirror.
            idle_timeout: see ``watch``.
            max_failures: see ``watch``.
            max_tracked: the most objects that are held (100 000 by default).
            poll_interval: see ``watch``.
            query: further parameters, unchecked.
            by_field: as for ``list``.
        """
        from .mirror import MirrorSync

        client = self._client_now()
        watch = self._copy(client=client, options={}).watch(
            filters,
            initial=True,
            strict=strict,
            idle_timeout=idle_timeout,
            max_failures=max_failures,
            max_tracked=max_tracked,
            poll_interval=poll_interval,
            query=query,
            **by_field,
        )
        return MirrorSync(watch, Mirrored(self._description, index, watch._options.max_tracked), client._ports)

    @overload
    def wait_for(self, key: Key, predicate: Callable[[R], bool], *, timeout: Optional[float] = None) -> R: ...
    @overload
    def wait_for(
        self: WatchCallsSync[S], predicate: Callable[[S], bool], /, *, timeout: Optional[float] = None
    ) -> S: ...
    def wait_for(self, key: Any, predicate: Any = UNSET, *, timeout: Optional[float] = None) -> Any:
        """The object, once ``predicate`` is true of it: it is read, then watched.

        An object that is not there is waited for as well. ``timeout`` is in seconds for the whole; None waits for ever.

        Raises:
            RonTimeoutError: it was not as wanted in time; says whether it was there at all.
            RonError: as ``get`` and ``watch``.
        """
        client = self._client_now()
        flow = wait_for(self._scope_now(client), key, predicate, timeout)
        found: R = client._emissions(flow).only()
        return found
