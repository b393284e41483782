"""``Manager``: what ``Item.objects`` and ``client.objects(Item)`` are. A thin surface over the flows.

Stateless: a class, at most a client, and bound parents; making one costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional, TypeVar, Union, overload

from .. import _ambient
from . import _operations
from ._manager import BaseManager, checked_client
from ._watch_options import watch_options
from .listing import Listing
from .watch import Watch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..client import RonClient
    from ._drafts import Draft, Patch
    from ._model import Resource

__all__ = ["Manager"]

R = TypeVar("R", bound="Resource")
Key = Union[str, int, Any]


class Manager(BaseManager[R]):
    """Typed access to one resource, async.

    Every call raises :class:`ron.RonError` and nothing else; ``RonConfigError`` and ``RonInputError`` before anything
    is sent.
    """

    def __init__(self, resource: type[R], client: Optional[RonClient] = None) -> None:
        self._bind(resource, client, {}, {})

    def _client_now(self) -> RonClient:
        client: RonClient = self._resolve(_ambient.ASYNC)
        return client

    def _scope_now(self, client: RonClient) -> _operations.Scope:
        return _operations.Scope(self._description, client._session, self._parents)

    def using(self, client: RonClient) -> Manager[R]:
        """The same manager on that client."""
        return self._copy(client=checked_client(client, sync=False))

    def with_options(
        self,
        *,
        timeout: Optional[float] = None,
        max_retries: Optional[int] = None,
        headers: Optional[Mapping[str, str]] = None,
    ) -> Manager[R]:
        """The same manager with other limits: ``timeout`` in seconds for a whole call, repeats, extra headers."""
        return self._with_options(timeout, max_retries, headers)

    def at(self, **parents: Key) -> Manager[R]:
        """The same manager below these parents, the parameters of the resource's path."""
        return self._at(parents)

    async def get(self, key: Key, /) -> R:
        """The object with that key.

        Raises:
            RonNotFoundError: there is none (``route_missing`` tells when it is the route that is missing).
            RonError: as any call.
        """
        client = self._client_now()
        return await client._run(_operations.get(self._scope_now(client), key))

    async def get_or_none(self, key: Key, /) -> Optional[R]:
        """The object with that key, or None; an empty 404, which usually means "route not mounted", still raises."""
        client = self._client_now()
        return await client._run(_operations.get_or_none(self._scope_now(client), key))

    def list(
        self,
        filters: Any = None,
        /,
        *,
        limit: Optional[int] = None,
        page_size: Optional[int] = None,
        page_token: Optional[str] = None,
        query: Optional[Mapping[str, Any]] = None,
        prefetch: bool = True,
        **by_field: Any,
    ) -> Listing[R]:
        """A lazy query; the client is resolved now, the requests are made as it is consumed.

        Args:
            filters: a mapping, or an object of the declared filter class; for names that collide with an option.
            limit: how many items in all.
            page_size: how many on one page on the wire; None leaves it to the node.
            page_token: where to begin, a page's ``next_page_token`` or a listing's ``checkpoint``.
            query: further parameters, unchecked.
            prefetch: whether the next page is fetched while the caller works on this one.
            by_field: equality with the resource's own fields, and its declared filters.

        Raises:
            RonInputError: at once, for an unknown or wrongly typed filter.
        """
        client = self._client_now()
        return Listing(
            client,
            self._scope_now(client),
            filters,
            by_field,
            limit=limit,
            page_size=page_size,
            page_token=page_token,
            query=query,
            prefetch=prefetch,
        )

    @overload
    async def create(self, obj: Union[R, Draft[R]], /, *, idempotency_key: Union[str, bool, None] = None) -> R: ...
    @overload
    async def create(self, /, *, idempotency_key: Union[str, bool, None] = None, **fields: Any) -> R: ...
    async def create(
        self,
        obj: Union[R, Draft[R], None] = None,
        /,
        *,
        idempotency_key: Union[str, bool, None] = None,
        **fields: Any,
    ) -> R:
        """Creates an object: from a new one (which is refreshed in place), from a draft, or from fields.

        ``idempotency_key`` is your word that the service honours it, so that a lost POST may be repeated; without it a
        fresh key is sent and the POST repeated only if the resource or its facet says ``idempotent=True``.
        """
        client = self._client_now()
        return await client._run(_operations.create(self._scope_now(client), obj, fields, idempotency_key))

    async def save(self, obj: R, /, *, idempotency_key: Union[str, bool, None] = None) -> R:
        """Creates a new object, or sends what changed (with ``If-Match`` where an ETag is known); nothing if nothing
        did.

        The object is refreshed in place.
        """
        client = self._client_now()
        return await client._run(_operations.save(self._scope_now(client), obj, idempotency_key))

    async def update(
        self,
        key: Key,
        patch: Optional[Patch[R]] = None,
        /,
        *,
        idempotency_key: Union[str, bool, None] = None,
        **changes: Any,
    ) -> R:
        """Changes only the given fields of the object with that key; ``None`` is sent where it is given."""
        client = self._client_now()
        return await client._run(_operations.update(self._scope_now(client), key, patch, changes, idempotency_key))

    async def replace(self, obj: R, /, *, idempotency_key: Union[str, bool, None] = None) -> R:
        """Writes the whole object (PUT), unknown fields that the node had sent included; refreshed in place."""
        client = self._client_now()
        return await client._run(_operations.replace(self._scope_now(client), obj, idempotency_key))

    async def delete(
        self,
        key_or_obj: Union[Key, R],
        /,
        *,
        missing_ok: bool = False,
        idempotency_key: Union[str, bool, None] = None,
    ) -> None:
        """Deletes an object; that it was not there any more is only an error on the first attempt."""
        client = self._client_now()
        return await client._run(
            _operations.delete(
                self._scope_now(client), key_or_obj, missing_ok=missing_ok, idempotency_key=idempotency_key
            )
        )

    async def refresh(self, obj: R, /) -> R:
        """Reads the object again, in place; local changes are gone."""
        client = self._client_now()
        return await client._run(_operations.refresh(self._scope_now(client), obj))

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
