"""``ManagerSync``: what ``Item.objects_sync`` is. The sync twin of ``Manager``.

Stateless: a class, at most a client, and bound parents; making one costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional, TypeVar, Union, overload

from . import _operations
from ._manager import checked_client
from ._watch_calls import WatchCallsSync
from .listing import ListingSync

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..client import RonClientSync
    from ._drafts import Draft, Patch
    from ._model import Resource

__all__ = ["ManagerSync"]

R = TypeVar("R", bound="Resource")
Key = Union[str, int, Any]


class ManagerSync(WatchCallsSync[R]):
    """The sync twin of :class:`Manager`; the same calls without ``await``."""

    def __init__(self, resource: type[R], client: Optional[RonClientSync] = None) -> None:
        self._bind(resource, client, {}, {})

    def using(self, client: RonClientSync) -> ManagerSync[R]:
        """The same manager on that client."""
        return self._copy(client=checked_client(client, sync=True))

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
        """Creates a new object, or sends what changed (with ``If-Match`` where an ETag is known); nothing if nothing
        did.

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
