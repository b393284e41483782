"""What managers do beyond one request of an operation: ``modify`` and ``act``, for both colours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional, TypeVar, Union, overload

from .._values import UNSET
from . import _acting, _modify
from ._manager import AsyncManager, SyncManager

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._actions import Action, CollectionAction
    from ._model import Resource
    from ._singleton import Singleton

__all__ = ["ActingManager", "ActingManagerSync"]

R = TypeVar("R", bound="Resource")
S = TypeVar("S", bound="Singleton")
B = TypeVar("B")
T = TypeVar("T")
Key = Union[str, int, Any]
IdempotencyKey = Union[str, bool, None]
Query = Optional[Mapping[str, Any]]


class ActingManager(AsyncManager[R]):
    """The part of :class:`Manager` that changes and acts."""

    @overload
    async def modify(self, key: Key, change: Callable[[R], Any], /, *, attempts: int = 5) -> R: ...
    @overload
    async def modify(self: ActingManager[S], change: Callable[[S], Any], /, *, attempts: int = 5) -> S: ...
    async def modify(self, key: Any, change: Any = UNSET, /, *, attempts: int = 5) -> Any:
        """Reads the object with that key, changes it, saves it; after a conflict reads and changes it again.

        It only notices what others write where the node gives ETags, or answers 409. One deadline spans all attempts,
        the function's own time included.

        Args:
            key: the object's key.
            change: a function that changes the object it is given, or returns a mapping of changes; async ones are
                awaited by an async manager. It may be called several times.
            attempts: how often it is tried in all.

        Raises:
            RonConflictError: of the last attempt, with ``local``, ``base`` and ``remote``.
        """
        client = self._client_now()
        return await client._run(_modify.modify(self._scope_now(client), key, change, attempts))

    @overload
    async def act(
        self,
        action: Action[R, None, T],
        target: Union[Key, R],
        /,
        *,
        idempotency_key: IdempotencyKey = None,
        query: Query = None,
    ) -> T: ...
    @overload
    async def act(
        self,
        action: Action[R, B, T],
        target: Union[Key, R],
        body: B,
        /,
        *,
        idempotency_key: IdempotencyKey = None,
        query: Query = None,
    ) -> T: ...
    @overload
    async def act(
        self, action: CollectionAction[R, None, T], /, *, idempotency_key: IdempotencyKey = None, query: Query = None
    ) -> T: ...
    @overload
    async def act(
        self,
        action: CollectionAction[R, B, T],
        body: B,
        /,
        *,
        idempotency_key: IdempotencyKey = None,
        query: Query = None,
    ) -> T: ...
    async def act(
        self,
        action: Any,
        target: Any = UNSET,
        body: Any = UNSET,
        /,
        *,
        idempotency_key: IdempotencyKey = None,
        query: Query = None,
    ) -> Any:
        """Does what the resource declares with ``action(...)``: ``act(Item.archive, item, ArchiveBody(...))``.

        Args:
            action: the action, from the class.
            target: the object or its key; an action on the collection takes none.
            body: the body, where the action declares one.
            idempotency_key: as for ``create``.
            query: parameters, unchecked.

        Returns:
            What the action declares as its result. With ``result="self"`` an object that was given is refreshed.
        """
        client = self._client_now()
        return await client._run(_acting.act(self._scope_now(client), action, target, body, idempotency_key, query))


class ActingManagerSync(SyncManager[R]):
    """The sync twin of :class:`ActingManager`."""

    @overload
    def modify(self, key: Key, change: Callable[[R], Any], /, *, attempts: int = 5) -> R: ...
    @overload
    def modify(self: ActingManagerSync[S], change: Callable[[S], Any], /, *, attempts: int = 5) -> S: ...
    def modify(self, key: Any, change: Any = UNSET, /, *, attempts: int = 5) -> Any:
        """Reads the object with that key, changes it, saves it; after a conflict reads and changes it again.

        It only notices what others write where the node gives ETags, or answers 409. One deadline spans all attempts,
        the function's own time included.

        Args:
            key: the object's key.
            change: a function that changes the object it is given, or returns a mapping of changes; async ones are
                awaited by an async manager. It may be called several times.
            attempts: how often it is tried in all.

        Raises:
            RonConflictError: of the last attempt, with ``local``, ``base`` and ``remote``.
        """
        client = self._client_now()
        return client._run(_modify.modify(self._scope_now(client), key, change, attempts))

    @overload
    def act(
        self,
        action: Action[R, None, T],
        target: Union[Key, R],
        /,
        *,
        idempotency_key: IdempotencyKey = None,
        query: Query = None,
    ) -> T: ...
    @overload
    def act(
        self,
        action: Action[R, B, T],
        target: Union[Key, R],
        body: B,
        /,
        *,
        idempotency_key: IdempotencyKey = None,
        query: Query = None,
    ) -> T: ...
    @overload
    def act(
        self, action: CollectionAction[R, None, T], /, *, idempotency_key: IdempotencyKey = None, query: Query = None
    ) -> T: ...
    @overload
    def act(
        self,
        action: CollectionAction[R, B, T],
        body: B,
        /,
        *,
        idempotency_key: IdempotencyKey = None,
        query: Query = None,
    ) -> T: ...
    def act(
        self,
        action: Any,
        target: Any = UNSET,
        body: Any = UNSET,
        /,
        *,
        idempotency_key: IdempotencyKey = None,
        query: Query = None,
    ) -> Any:
        """Does what the resource declares with ``action(...)``: ``act(Item.archive, item, ArchiveBody(...))``.

        Args:
            action: the action, from the class.
            target: the object or its key; an action on the collection takes none.
            body: the body, where the action declares one.
            idempotency_key: as for ``create``.
            query: parameters, unchecked.

        Returns:
            What the action declares as its result. With ``result="self"`` an object that was given is refreshed.
        """
        client = self._client_now()
        return client._run(_acting.act(self._scope_now(client), action, target, body, idempotency_key, query))
