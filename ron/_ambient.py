"""Which client a bare ``Item.objects`` uses: the one entered, or activated, in this context.

Two ContextVars a colour hold clients, never a token. ``async with client`` *enters* (and owns the client's lifetime);
``with client.activate()`` only binds, and wins. Leaving removes a client by identity, in whatever order and context.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .errors import RonConfigError

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["ASYNC", "SYNC", "Activation", "Ambient"]

C = TypeVar("C")


class Ambient(Generic[C]):
    """The clients of one colour that this context sees."""

    def __init__(self, colour: str, client: str, block: str, attribute: str) -> None:
        self._client = client
        self._block = block
        self._attribute = attribute
        self._entered: ContextVar[tuple[C, ...]] = ContextVar(f"ron_entered_{colour}", default=())
        self._activated: ContextVar[tuple[C, ...]] = ContextVar(f"ron_activated_{colour}", default=())

    def enter(self, client: C) -> None:
        """Makes an entered client visible in this context."""
        self._entered.set((*self._entered.get(), client))

    def leave(self, client: C) -> None:
        """Removes one entry of that client, if this context has one."""
        self._entered.set(_without(self._entered.get(), client))

    def activate(self, client: C) -> None:
        """Binds a client in this context, before all entered ones."""
        self._activated.set((*self._activated.get(), client))

    def deactivate(self, client: C) -> None:
        """Removes the latest binding of that client, if this context has one."""
        self._activated.set(_without(self._activated.get(), client))

    def current(self, resource: str) -> C:
        """The client for ``<resource>.objects``.

        Raises:
            RonConfigError: saying whether none, a closed one, or two different ones are there, and what to write.
        """
        write = f"client.objects({resource})"
        activated = self._activated.get()
        if activated:
            return self._open(activated[-1], "the client activated here", write)
        entered = self._entered.get()
        open_ones = {id(client): client for client in entered if not _is_closed(client)}
        if len(open_ones) > 1:
            raise RonConfigError(
                f"two clients are entered: write {write} or `with client.activate()` to say which one "
                f"{resource}.{self._attribute} uses"
            )
        if open_ones:
            return next(iter(open_ones.values()))
        if entered:
            return self._open(entered[-1], "the client entered here", write)
        raise RonConfigError(
            f"no client here for {resource}.{self._attribute}: write {write}, or put the call inside `{self._block}`; "
            "a client entered in another thread, or before this context was made, is not seen: use `with "
            "client.activate()`"
        )

    def _open(self, client: C, which: str, write: str) -> C:
        if _is_closed(client):
            raise RonConfigError(f"{which} is closed: make a new {self._client}, or write {write} with an open one")
        return client


def _is_closed(client: Any) -> bool:
    closed: bool = client.is_closed
    return closed


def _without(clients: tuple[C, ...], client: C) -> tuple[C, ...]:
    for index in range(len(clients) - 1, -1, -1):
        if clients[index] is client:
            return (*clients[:index], *clients[index + 1 :])
    return clients


class Activation(Generic[C]):
    """``with client.activate():`` — re-entrant, in any thread and task; gives the client."""

    def __init__(self, ambient: Ambient[C], client: C) -> None:
        self._ambient = ambient
        self._client = client

    def __enter__(self) -> C:
        self._ambient.activate(self._client)
        return self._client

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ambient.deactivate(self._client)


ASYNC: Ambient[Any] = Ambient("async", "RonClient", "async with RonClient(...) as client:", "objects")
SYNC: Ambient[Any] = Ambient("sync", "RonClientSync", "with RonClientSync(...) as client:", "objects_sync")
