"""``Manager`` and ``ManagerSync``: what ``Item.objects`` and ``client.objects(Item)`` are. A thin surface over the flows.

Both are stateless: a class, at most a client, and bound parents; making one costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Optional, TypeVar, Union, overload

from .. import _ambient
from .._suggest import did_you_mean
from ..errors import RonConfigError
from . import _operations
from ._description import description_of, encode_key
from .listing import Listing, ListingSync
from .watch import Watch, WatchSync

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..client import RonClient, RonClientSync
    from typing_extensions import Self

    from ._description import Description
    from ._drafts import Draft, Patch
    from ._model import Resource

__all__ = ["Manager", "ManagerAttribute", "ManagerSync", "ManagerSyncAttribute"]

R = TypeVar("R", bound="Resource")
C = TypeVar("C")
Key = Union[str, int, Any]


class _Manager(Generic[R]):
    """What both managers are: a resource, at most a client, parents and options; no I/O."""

    _resource: type[R]
    _description: Description
    _client: Any
    _parents: Mapping[str, Any]
    _options: Mapping[str, Any]

    def _bind(self, resource: type[R], client: Any, parents: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        self._resource = resource
        self._description = description_of(resource)
        self._client = client
        self._parents = parents
        self._options = options

    def _copy(self, **changed: Any) -> Self:
        other = type(self).__new__(type(self))
        other._resource = self._resource
        other._description = self._description
        other._client = changed.get("client", self._client)
        other._parents = changed.get("parents", self._parents)
        other._options = changed.get("options", self._options)
        return other

    def _resolve(self, ambient: _ambient.Ambient[Any]) -> Any:
        """The client to use now, with this manager's options."""
        client = ambient.current(self._description.name) if self._client is None else self._client
        return client.with_options(**self._options) if self._options else client

    def _with_options(
        self, timeout: Optional[float], max_retries: Optional[int], headers: Optional[Mapping[str, str]]
    ) -> Self:
        given = {"timeout": timeout, "max_retries": max_retries, "headers": headers}
        options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if headers is not None:
            options["headers"] = {**self._options.get("headers", {}), **headers}
        return self._copy(options={**self._options, **options})

    def _at(self, parents: Mapping[str, Any]) -> Self:
        description = self._description
        for name in parents:
            if name not in description.parameters:
                raise RonConfigError(
                    f"{description.name} has no path parameter {name!r}{did_you_mean(name, description.parameters)}; its "
                    f"path is {description.path!r}"
                )
        for name, value in parents.items():
            encode_key(value, name, encoded=description.encoded_keys)
        return self._copy(parents={**self._parents, **parents})

    def __repr__(self) -> str:
        where = "the ambient client" if self._client is None else repr(self._client)
        return f"<{type(self).__name__} of {self._description.name} on {where}>"


def _checked(client: Any, wanted: str, other: str, attribute: str) -> Any:
    """The client, if it is of the right colour."""
    swapped = other in {base.__name__ for base in type(client).__mro__}
    if swapped or not hasattr(client, "_session"):
        raise RonConfigError(
            f"this manager needs a {wanted}, not {type(client).__name__}"
            + (f": write .{attribute} for a {other}" if swapped else "")
        )
    return client


class Manager(_Manager[R]):
    """Typed access to one resource, async.

    Every call raises :class:`ron.RonError` and nothing else; ``RonConfigError`` and ``RonInputError`` before anything is sent."""

    def __init__(self, resource: type[R], client: Optional[RonClient] = None) -> None:
        self._bind(resource, client, {}, {})

    def _client_now(self) -> RonClient:
        client: RonClient = self._resolve(_ambient.ASYNC)
        return client

    def _scope_now(self, client: RonClient) -> _operations.Scope:
        return _operations.Scope(self._description, client._session, self._parents)

    def using(self, client: RonClient) -> Manager[R]:
        """The same manager on that client."""
        return self._copy(client=_checked(client, "RonClient", "RonClientSync", "objects_sync"))

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
        **by_field: Any,
    ) -> Listing[R]:
        """A lazy query; the client is resolved now, the requests are made as it is consumed.

        Args:
            filters: a mapping, or an object of the declared filter class; for names that collide with an option.
            limit: how many items in all.
            page_size: how many on one page on the wire; None leaves it to the node.
            page_token: where to begin, a page's ``next_page_token`` or a listing's ``checkpoint``.
            query: further parameters, unchecked.
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
        """Creates a new object, or sends what changed (with ``If-Match`` where an ETag is known); nothing if nothing did.

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
        idle_timeout: Optional[float] = None,
        query: Optional[Mapping[str, Any]] = None,
        **by_field: Any,
    ) -> Watch[R]:
        """The changes of the resource, as they happen; the client is resolved now, the stream opened when iterated.

        Args:
            filters: as for ``list``.
            cursor: where to go on from: an earlier ``watch.cursor``.
            idle_timeout: seconds of silence after which the stream counts as lost; None waits for ever.
            query: further parameters, unchecked.
            by_field: as for ``list``.
        """
        client = self._client_now()
        return Watch(
            client,
            self._scope_now(client),
            filters,
            by_field,
            cursor=cursor,
            idle_timeout=idle_timeout,
            query=query,
        )


class ManagerSync(_Manager[R]):
    """The sync twin of :class:`Manager`; the same calls without ``await``."""

    def __init__(self, resource: type[R], client: Optional[RonClientSync] = None) -> None:
        self._bind(resource, client, {}, {})

    def _client_now(self) -> RonClientSync:
        client: RonClientSync = self._resolve(_ambient.SYNC)
        return client

    def _scope_now(self, client: RonClientSync) -> _operations.Scope:
        return _operations.Scope(self._description, client._session, self._parents)

    def using(self, client: RonClientSync) -> ManagerSync[R]:
        """The same manager on that client."""
        return self._copy(client=_checked(client, "RonClientSync", "RonClient", "objects"))

    def with_options(
        self,
        *,
        timeout: Optional[float] = None,
        max_retries: Optional[int] = None,
        headers: Optional[Mapping[str, str]] = None,
    ) -> ManagerSync[R]:
        """The same manager with other limits: ``timeout`` in seconds for a whole call, repeats, extra headers."""
        return self._with_options(timeout, max_retries, headers)

    def at(self, **parents: Key) -> ManagerSync[R]:
        """The same manager below these parents, the parameters of the resource's path."""
        return self._at(parents)

    def get(self, key: Key, /) -> R:
        """The object with that key.

        Raises:
            RonNotFoundError: there is none (``route_missing`` tells when it is the route that is missing).
            RonError: as any call.
        """
        client = self._client_now()
        return client._run(_operations.get(self._scope_now(client), key))

    def get_or_none(self, key: Key, /) -> Optional[R]:
        """The object with that key, or None; an empty 404, which usually means "route not mounted", still raises."""
        client = self._client_now()
        return client._run(_operations.get_or_none(self._scope_now(client), key))

    def list(
        self,
        filters: Any = None,
        /,
        *,
        limit: Optional[int] = None,
        page_size: Optional[int] = None,
        page_token: Optional[str] = None,
        query: Optional[Mapping[str, Any]] = None,
        **by_field: Any,
    ) -> ListingSync[R]:
        """A lazy query; the client is resolved now, the requests are made as it is consumed.

        Args:
            filters: a mapping, or an object of the declared filter class; for names that collide with an option.
            limit: how many items in all.
            page_size: how many on one page on the wire; None leaves it to the node.
            page_token: where to begin, a page's ``next_page_token`` or a listing's ``checkpoint``.
            query: further parameters, unchecked.
            by_field: equality with the resource's own fields, and its declared filters.

        Raises:
            RonInputError: at once, for an unknown or wrongly typed filter.
        """
        client = self._client_now()
        return ListingSync(
            client,
            self._scope_now(client),
            filters,
            by_field,
            limit=limit,
            page_size=page_size,
            page_token=page_token,
            query=query,
        )

    @overload
    def create(self, obj: Union[R, Draft[R]], /, *, idempotency_key: Union[str, bool, None] = None) -> R: ...
    @overload
    def create(self, /, *, idempotency_key: Union[str, bool, None] = None, **fields: Any) -> R: ...
    def create(
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
        return client._run(_operations.create(self._scope_now(client), obj, fields, idempotency_key))

    def save(self, obj: R, /, *, idempotency_key: Union[str, bool, None] = None) -> R:
        """Creates a new object, or sends what changed (with ``If-Match`` where an ETag is known); nothing if nothing did.

        The object is refreshed in place.
        """
        client = self._client_now()
        return client._run(_operations.save(self._scope_now(client), obj, idempotency_key))

    def update(
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
        return client._run(_operations.update(self._scope_now(client), key, patch, changes, idempotency_key))

    def replace(self, obj: R, /, *, idempotency_key: Union[str, bool, None] = None) -> R:
        """Writes the whole object (PUT), unknown fields that the node had sent included; refreshed in place."""
        client = self._client_now()
        return client._run(_operations.replace(self._scope_now(client), obj, idempotency_key))

    def delete(
        self,
        key_or_obj: Union[Key, R],
        /,
        *,
        missing_ok: bool = False,
        idempotency_key: Union[str, bool, None] = None,
    ) -> None:
        """Deletes an object; that it was not there any more is only an error on the first attempt."""
        client = self._client_now()
        return client._run(
            _operations.delete(
                self._scope_now(client), key_or_obj, missing_ok=missing_ok, idempotency_key=idempotency_key
            )
        )

    def refresh(self, obj: R, /) -> R:
        """Reads the object again, in place; local changes are gone."""
        client = self._client_now()
        return client._run(_operations.refresh(self._scope_now(client), obj))

    def watch(
        self,
        filters: Any = None,
        /,
        *,
        cursor: Optional[str] = None,
        idle_timeout: Optional[float] = None,
        query: Optional[Mapping[str, Any]] = None,
        **by_field: Any,
    ) -> WatchSync[R]:
        """The changes of the resource, as they happen; the client is resolved now, the stream opened when iterated.

        Args:
            filters: as for ``list``.
            cursor: where to go on from: an earlier ``watch.cursor``.
            idle_timeout: seconds of silence after which the stream counts as lost; None waits for ever.
            query: further parameters, unchecked.
            by_field: as for ``list``.
        """
        client = self._client_now()
        return WatchSync(
            client,
            self._scope_now(client),
            filters,
            by_field,
            cursor=cursor,
            idle_timeout=idle_timeout,
            query=query,
        )


class ManagerAttribute:
    """What ``Item.objects`` is: on the class a manager, on an instance an error that says so."""

    def __get__(self, instance: None, owner: type[R]) -> Manager[R]:
        _on_class(instance, owner, "objects")
        return Manager(owner)


class ManagerSyncAttribute:
    """What ``Item.objects_sync`` is."""

    def __get__(self, instance: None, owner: type[R]) -> ManagerSync[R]:
        _on_class(instance, owner, "objects_sync")
        return ManagerSync(owner)


def _on_class(instance: object, owner: type[Any], attribute: str) -> None:
    if instance is not None:
        raise RonConfigError(
            f"{attribute} belongs to the class: write {owner.__name__}.{attribute}, not through one of its objects"
        )
