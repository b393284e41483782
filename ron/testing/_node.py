"""``MemoryNode``: a node in the process, made from the declarations. A transport, not a server.

This is what tests hold; what happens to a request is ``_engine``'s business.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional, TypeVar, Union

from pydantic import SecretStr

from .._clock import Clock
from .._suggest import shown
from ..errors import RonConfigError, RonInputError
from ..resources._description import description_of
from ..transport import Capabilities
from . import _faults
from ._assign import Assigner
from ._channels import AsyncMemoryChannel, SyncMemoryChannel
from ._collection import Collection
from ._engine import Engine
from ._queries import FilterHooks
from ._routes import bases_of
from ._store import Shelf
from ._whole import whole_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..resources import Resource
    from ..resources._description import Description
    from ..transport import Endpoint
    from ._received import Received

    Assign = Mapping[type[Resource], Callable[[dict[str, Any]], Mapping[str, Any]]]
    FilterFunctions = Mapping[type[Resource], Mapping[str, Callable[[Any, Any], bool]]]

__all__ = ["MemoryNode"]

R = TypeVar("R", bound="Resource")


class MemoryNode:
    """A node for tests: ``RonClient(transport=node)`` and ``RonClientSync(transport=node)``.

    ::

        node = MemoryNode(Item, Note)
        node.add(stored(Item, id="i-1", name="kettle"))
        with RonClientSync(transport=node) as client:
            client.objects(Item).get("i-1")
        assert "GET" == node.requests[-1].method

    It behaves as ``protocol.md`` says that real nodes do: keys and times are its own, objects and
    pages carry ETags, errors are Problems of the gateway's shape, a path that no resource declares
    is an empty 404 and an operation that none declares an empty 405. What it receives it checks as
    strictly as the service behind a real node would; only unknown query parameters, which real
    nodes ignore, are refused here (400), so that a test finds them. ``Idempotency-Key`` counts where
    the resource or its facet says ``idempotent=True``.

    Args:
        resources: the resource classes that it serves.
        clock: what its times are read from; ``FakeClock`` for times that repeat.
        token: the capability that it asks for; without one every request passes.
        assign: for ``server()`` fields that it has no value for, a function by class: it is given
            the new object's JSON and returns the fields' values by name.
        filters: what declared filters mean, by class and name: ``fn(item, value) -> bool``; a
            filter without a function is refused (400).

    Raises:
        RonConfigError: for what is no resource, the same path twice, a ``server()`` field that it
            cannot make.
    """

    needs_url = False
    capabilities = Capabilities(deadline=True, not_sent=True, surplus_check=True, stream_close=True, tls_info=False)

    def __init__(
        self,
        *resources: type[Resource],
        clock: Optional[Clock] = None,
        token: Union[str, SecretStr, None] = None,
        assign: Optional[Assign] = None,
        filters: Optional[FilterFunctions] = None,
    ) -> None:
        self._clock = Clock() if clock is None else clock
        self._engine = Engine(SecretStr(token) if isinstance(token, str) else token)
        for name, given in (("assign", assign), ("filters", filters)):
            _check_classes(name, given or {}, resources)
        for resource in resources:
            self._mount(resource, (assign or {}).get(resource), (filters or {}).get(resource) or {})

    def _mount(self, resource: type[Resource], assign: Any, filters: Any) -> None:
        description = description_of(resource)
        for other in self._engine.collections.values():
            if _paths(other.description) & _paths(description):
                raise RonConfigError(
                    f"MemoryNode: {description.name} and {other.description.name} have the same "
                    f"path {description.path!r}: give the node one of them"
                )
        collection = Collection(
            description,
            Shelf(self._engine.store),
            Assigner(description, self._clock, assign),
            FilterHooks(description, filters),
        )
        self._engine.mount(collection)

    # What tests do with it.

    @property
    def requests(self) -> tuple[Received, ...]:
        """Every request that arrived, in order: ``.method .path .query .headers .json .body``."""
        with self._engine.lock:
            return tuple(self._engine.requests)

    @property
    def open_streams(self) -> int:
        """How many event streams are open."""
        with self._engine.lock:
            return len(self._engine.feeds)

    def add(self, *objects: Resource) -> None:
        """Puts whole objects there, made by ``ron.testing.stored``; watchers see them as added.

        Raises:
            RonInputError: for an object without its ``server()`` fields, or a key that is taken.
            RonConfigError: for a resource that this node does not serve.
        """
        with self._engine.lock:
            for obj in objects:
                collection = self._collection(type(obj))
                collection.add(whole_fields(collection.description, obj))

    def items(self, resource: type[R]) -> list[R]:
        """All objects of a resource as they are now, in the order in which they came."""
        with self._engine.lock:
            found = self._collection(resource).shelf.all()
            validator = resource.__pydantic_validator__
            return [validator.validate_json(document.body) for document in found]

    def fail(
        self,
        times: int = 1,
        status: int = 503,
        retry_after_ms: Optional[int] = None,
        code: Optional[str] = None,
    ) -> None:
        """Answers the next ``times`` requests with an error; nothing is carried out.

        Args:
            times: how many requests.
            status: 400 to 599.
            retry_after_ms: the Problem's hint, in milliseconds.
            code: the Problem's code, in ``snake_case``; by the status where it is not given.
        """
        with self._engine.lock:
            self._engine.faults.plan(_faults.checked_fail(status, code, retry_after_ms), times)

    def lose_response(self, times: int = 1) -> None:
        """Carries the next ``times`` requests out and loses their answers."""
        with self._engine.lock:
            self._engine.faults.plan(_faults.Lose(), times)

    def refuse(self, times: int = 1) -> None:
        """Refuses the connection of the next ``times`` requests: they don't arrive at all."""
        with self._engine.lock:
            self._engine.faults.plan(_faults.Refuse(), times)

    # What goes wrong with event streams.

    def drop_stream(self, after: int = 0) -> None:
        """Loses the connection of the streams that are open (of the next one if none is) after ``after`` more events.

        Unlike ``end_streams`` it is no clean end: the client finds its connection broken.
        """
        if not isinstance(after, int) or isinstance(after, bool) or after < 0:
            raise RonInputError(f"drop_stream(after=...) is a number of events, 0 or more, not {shown(after)}")
        with self._engine.lock:
            feeds = tuple(self._engine.feeds)
            if not feeds:
                self._engine.next_cut = after
        for feed in feeds:
            feed.cut(after)

    def stall(self) -> None:
        """Lets the streams that are open say nothing any more, as a half-open connection does; new ones speak."""
        with self._engine.lock:
            for feed in self._engine.feeds:
                feed.stall()

    def expire_cursors(self, *, in_stream: bool = False) -> None:
        """Forgets the log: a stream that is opened with a cursor of before now is answered 410.

        Args:
            in_stream: open streams are told so as well, by an ``error`` event with a Problem of 410, and ended.
        """
        with self._engine.lock:
            self._engine.expired = self._engine.store.last
            feeds = tuple(self._engine.feeds) if in_stream else ()
        for feed in feeds:
            feed.expire()

    def buffer_streams(self, buffering: bool = True) -> None:
        """Buffers answers, as gateways do (protocol.md): a stream that is opened from now on never begins.

        Nobody waits for it: the request fails at once, as if its deadline had passed.
        """
        with self._engine.lock:
            self._engine.buffering = bool(buffering)

    def end_streams(self) -> None:
        """Ends the event streams that are open, as a restart of the node does: clients reconnect."""
        with self._engine.lock:
            feeds = tuple(self._engine.feeds)
        for feed in feeds:
            feed.end()

    def finish_streams(self) -> None:
        """Lets watches come to their end: from now on a stream gives what there is after its cursor
        and ends, and one that has nothing to give is answered 204, which means "don't come back".
        """
        with self._engine.lock:
            self._engine.finishing = True
        self.end_streams()

    # What makes it a transport.

    def open_async(self, endpoint: Endpoint) -> AsyncMemoryChannel:
        """See ``ron.transport.Transport``."""
        return AsyncMemoryChannel(self._engine.handle, endpoint)

    def open_sync(self, endpoint: Endpoint) -> SyncMemoryChannel:
        """See ``ron.transport.Transport``."""
        return SyncMemoryChannel(self._engine.handle, endpoint)

    def _collection(self, resource: type[Any]) -> Collection:
        collection = self._engine.collections.get(resource)
        if collection is None:
            name = getattr(resource, "__name__", shown(resource))
            raise RonConfigError(f"this node does not serve {name}: write MemoryNode({name}, ...)")
        return collection

    def __repr__(self) -> str:
        served = ", ".join(one.description.name for one in self._engine.collections.values())
        return f"<MemoryNode of {served or 'nothing'}: {len(self._engine.requests)} requests>"


def _paths(description: Description) -> set[str]:
    return {base + description.path for base in bases_of(description)}


def _check_classes(name: str, given: Any, resources: tuple[type[Any], ...]) -> None:
    if not isinstance(given, Mapping):
        raise RonInputError(f"MemoryNode({name}=...) is a mapping by class: {name}={{Item: ...}}")
    for resource in given:
        if resource not in resources:
            called = getattr(resource, "__name__", shown(resource))
            raise RonConfigError(f"MemoryNode({name}=...) speaks of {called}, which the node is not given")
