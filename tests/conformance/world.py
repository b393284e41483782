"""One client of either colour on one of the nodes, behind one sync face.

A test body is written once: what the async client gives is awaited in an event loop of the world's
own; what the sync client gives is handed on. Only names that both surfaces have can be used.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any, Callable, Optional

import pytest
from pydantic import Field

import ron
from ron import Facet, Resource, RonClient, RonClientSync, Timestamp, server
from ron.testing import MemoryNode, stored
from tests.reference_node import Node

__all__ = ["Item", "MemoryHand", "Note", "ReferenceHand", "Shop", "World", "worlds"]

GUARD = 20.0  # seconds; only reached when a test has failed
WHEN = "2026-01-02T03:04:05Z"


class Shop(Facet, id="shop", kind="proxy", upstream="http://127.0.0.1:4000"):
    """A facet of the tests."""


class Item(Resource, path="/items", facet=Shop):
    """Below a facet."""

    id: str = server()
    name: str
    status: str = "new"
    price: ron.U64 = 0
    note: Optional[str] = None
    created_at: Timestamp = server()


class Note(Resource, path="/app/notes", update_method="PUT"):
    """Below no facet, and written whole."""

    id: str = server()
    text: str
    tags: list[str] = Field(default_factory=list)
    created_at: Timestamp = server()


class MemoryHand:
    """What a test does behind the client's back, on a memory node."""

    def __init__(self) -> None:
        self.node = MemoryNode(Item, Note)

    def put(self, key: str, **fields: Any) -> None:
        """Has the node hold an item, with fields that the declaration doesn't have."""
        declared = {name: fields.pop(name) for name in tuple(fields) if name in Item.model_fields}
        self.node.add(stored(Item, fields, id=key, created_at=WHEN, **declared))

    def requests(self) -> list[tuple[str, str]]:
        """Method and path of each request that arrived."""
        return [(one.method, one.path) for one in self.node.requests]

    def sent(self, index: int = -1) -> Any:
        """The JSON that a request carried."""
        return self.node.requests[index].json

    def header(self, name: str, index: int = -1) -> Optional[str]:
        """A header that a request carried."""
        return self.node.requests[index].header(name)

    def fail(self, status: int, times: int = 1) -> None:
        """Has the next requests answered with a Problem."""
        self.node.fail(times=times, status=status, code="told_to")

    def lose(self) -> None:
        """Loses the next answer."""
        self.node.lose_response()

    def end_streams(self) -> None:
        """Ends the open streams."""
        self.node.end_streams()

    def finish_streams(self) -> None:
        """Lets watches end."""
        self.node.finish_streams()


class ReferenceHand:
    """The same, on the reference node."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def put(self, key: str, **fields: Any) -> None:
        """See `MemoryHand.put`."""
        defaults = {"status": "new", "price": "0"}
        self.node.store.insert("shop/items", {**defaults, **fields}, key=key)

    def requests(self) -> list[tuple[str, str]]:
        """See `MemoryHand.requests`."""
        return [(one.method, one.path) for one in self.node.requests]

    def sent(self, index: int = -1) -> Any:
        """See `MemoryHand.sent`."""
        request = self.node.requests[index]
        return request.json if request.body else None

    def header(self, name: str, index: int = -1) -> Optional[str]:
        """See `MemoryHand.header`."""
        return self.node.requests[index].header(name)

    def fail(self, status: int, times: int = 1) -> None:
        """See `MemoryHand.fail`."""
        self.node.fail(status, "told_to", times=times)

    def lose(self) -> None:
        """See `MemoryHand.lose`."""
        self.node.lose_response()

    def end_streams(self) -> None:
        """See `MemoryHand.end_streams`."""
        self.node.hub.end()

    def finish_streams(self) -> None:
        """See `MemoryHand.finish_streams`."""
        self.node.configure(stream_204=True)
        self.node.hub.end()


class World:
    """A client, the hand on the node, and the managers of both resources."""

    def __init__(self, hand: Any, colour: str, connect: Callable[[Any], Any]) -> None:
        self.hand = hand
        self.colour = colour
        self._loop = asyncio.new_event_loop() if colour == "async" else None
        self.client: Any = connect(RonClient if colour == "async" else RonClientSync)
        self._connect = connect
        self.items = self.on(self.client.objects(Item))
        self.notes = self.on(self.client.objects(Note))

    def run(self, result: Any) -> Any:
        """What an awaitable gives in the end; anything else as it is."""
        if self._loop is None or not inspect.isawaitable(result):
            return result

        async def wait() -> Any:
            return await asyncio.wait_for(_awaited(result), GUARD)

        return self._loop.run_until_complete(wait())

    def on(self, thing: Any) -> Face:
        """The sync face of a manager, listing or watch."""
        return Face(self, thing)

    def behind(self) -> RonClientSync:
        """Another client on the same node, sync whatever the colour: for what others do meanwhile."""
        other: RonClientSync = self._connect(RonClientSync)
        return other

    def close(self) -> None:
        """Closes the client, and sees that it left nothing behind."""
        if self._loop is None:
            self.client.close()
            return
        self.run(self.client.aclose())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        left = asyncio.all_tasks(self._loop)
        self._loop.close()
        assert set() == left, "the client left a task behind"


def worlds(request: pytest.FixtureRequest, colour: str, memory: Callable[[], Any]) -> Iterator[World]:
    """The world that a fixture with the parameter `memory` or `reference` asks for; closed afterwards."""
    hand: Any
    if request.param == "memory":
        hand = memory()
        made = World(hand, colour, lambda client: client(transport=hand.node))
    else:
        node: Node = request.getfixturevalue("reference")
        node.reset()
        hand = ReferenceHand(node)
        made = World(hand, colour, lambda client: client(node.url, allow_insecure_http=True))
    yield made
    made.close()
    assert () == getattr(hand.node, "failures", ()), "the reference node failed on its own"


async def _awaited(result: Any) -> Any:
    return await result


class Face:
    """The sync look of something that may be async."""

    def __init__(self, world: World, thing: Any) -> None:
        self._world = world
        self.thing = thing

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.thing, name)
        if not callable(value):
            return value

        def call(*args: Any, **kwargs: Any) -> Any:
            result = value(*args, **kwargs)
            if type(result).__name__.startswith(("Listing", "Watch", "Manager")) or hasattr(result, "__anext__"):
                return Face(self._world, result)
            return self._world.run(result)

        return call

    def __iter__(self) -> Iterator[Any]:
        if self._world.colour == "sync":
            yield from self.thing
            return
        iterator = self.thing.__aiter__()
        while True:
            try:
                item = self._world.run(iterator.__anext__())
            except StopAsyncIteration:
                return
            yield item

    def __enter__(self) -> Face:
        self._world.run(self.thing.__enter__() if self._is_sync else self.thing.__aenter__())
        return self

    def __exit__(self, *error: Any) -> None:
        leave = self.thing.__exit__ if self._is_sync else self.thing.__aexit__
        self._world.run(leave(*error))

    @property
    def _is_sync(self) -> bool:
        return self._world.colour == "sync"

    def take(self, count: int) -> list[Any]:
        """The next items of what is iterated, which goes on afterwards."""
        found = []
        for _ in range(count):
            step = next(self.thing) if self._is_sync else self._world.run(self.thing.__anext__())
            found.append(step)
        return found
