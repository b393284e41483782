"""A client of either colour on a memory node, behind one sync face, for what watches and mirrors do."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Optional

from pydantic import Field

from ron import Resource, RonClient, RonClientSync, server
from ron.testing import FakeClock, MemoryNode, stored

__all__ = ["GUARD", "Both", "Item", "item", "wait_until"]

GUARD = 20.0  # seconds; only reached when a test has failed


class Item(Resource, path="/app/items"):
    """What the tests watch."""

    id: str = server()
    name: str
    price: int = 0
    tags: list[str] = Field(default_factory=list)


def item(number: int, name: str = "a", **fields: Any) -> Item:
    """An item as a node holds it."""
    return stored(Item, id=f"i-{number}", name=name, **fields)


def wait_until(condition: Any) -> None:
    """Returns when something that another thread does has happened."""
    waiting = threading.Event()
    for _ in range(int(GUARD / 0.002)):
        if condition():
            return
        waiting.wait(0.002)
    raise AssertionError("it never happened")


class Both:
    """One client; what the async one gives is awaited in a loop of our own, what the sync one gives is handed on."""

    def __init__(
        self, colour: str, node: Optional[MemoryNode] = None, url: Optional[str] = None, **settings: Any
    ) -> None:
        self.colour = colour
        self.node = MemoryNode(Item) if node is None else node
        self.loop = asyncio.new_event_loop() if colour == "async" else None
        self.clock = settings.setdefault("clock", FakeClock(jitter=0.0))
        made = RonClient if colour == "async" else RonClientSync
        if url is None:
            settings["transport"] = self.node
        self.client: Any = made(url, allow_insecure_http=True, **settings)
        self.items: Any = self.client.objects(Item)

    def run(self, result: Any) -> Any:
        """What an awaitable gives in the end; anything else as it is."""
        if self.loop is None or not inspect.isawaitable(result):
            return result

        async def wait() -> Any:
            return await asyncio.wait_for(_awaited(result), GUARD)

        return self.loop.run_until_complete(wait())

    @contextmanager
    def inside(self, manager: Any) -> Iterator[Any]:
        """`with`, or `async with`."""
        prefix = "__" if self.loop is None else "__a"
        self.run(getattr(manager, f"{prefix}enter__")())
        try:
            yield manager
        finally:
            self.run(getattr(manager, f"{prefix}exit__")(None, None, None))

    def next(self, changes: Any) -> Any:
        """The next change."""
        return next(changes) if self.loop is None else self.run(changes.__anext__())

    def take(self, changes: Any, count: int) -> list[Any]:
        """The next changes."""
        return [self.next(changes) for _ in range(count)]

    def finish(self, changes: Any) -> list[Any]:
        """All changes up to the end."""
        if self.loop is None:
            return list(changes)

        async def rest() -> list[Any]:
            return [change async for change in changes]

        return list(self.run(rest()))

    def leave(self, thing: Any) -> None:
        """Closes it."""
        self.run(thing.close() if self.loop is None else thing.aclose())

    def until(self, mirror: Any, condition: Any) -> None:
        """Follows a mirror until something is so."""
        while True:
            version = mirror.version
            if condition():
                return
            self.run(mirror.changed(version, timeout=GUARD))

    def end(self) -> None:
        """Closes the client; asserts that nothing is left behind."""
        self.leave(self.client)
        assert 0 == self.node.open_streams
        assert [] == [one.name for one in threading.enumerate() if one.name.startswith("ron-")]
        if self.loop is not None:
            self.loop.run_until_complete(asyncio.sleep(0))
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            left = asyncio.all_tasks(self.loop)
            self.loop.close()
            assert set() == left, "a task is left behind"


async def _awaited(result: Any) -> Any:
    return await result
