"""What a watch costs, and how soon it is back, on real sockets; no time is measured."""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import ron
from ron import Resource, RonClient, RonClientSync, server
from ron._clock import Clock
from tests.reference_node import Node, serve
from tests.watches.both import Both


class Thing(Resource, path="/app/items"):
    """What the reference node holds."""

    id: str = server()
    name: str


@pytest.fixture(scope="module")
def running() -> Iterator[Node]:
    """A reference node on a real socket."""
    with serve() as node:
        yield node


@pytest.fixture
def node(running: Node) -> Iterator[Node]:
    """The node, fresh."""
    running.reset()
    yield running
    running.hub.end()
    assert () == running.failures


class Recorded(Clock):
    """The real clock, but what it sleeps it only notes; its jitter is as long as can be."""

    def __init__(self) -> None:
        self.sleeps: list[float] = []

    def random(self) -> float:
        return 0.999

    def wait(self, woken: threading.Event, seconds: float) -> None:
        self.sleeps.append(seconds)

    async def asleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        await asyncio.sleep(0)


@pytest.mark.parametrize("colour", ["async", "sync"])
def test_back_within_a_second(node: Node, colour: str) -> None:
    """After a cut the watch has waited less than a second when the next stream is open (seed §7), at worst."""
    clock = Recorded()
    both = Both(colour, url=node.url, clock=clock)
    with both.inside(both.client.objects(Thing).watch()) as changes:
        node.store.insert("items", {"name": "a"}, key="i-1")
        assert "i-1" == both.next(changes).key
        node.hub.end()
        node.store.insert("items", {"name": "b"}, key="i-2")
        assert "i-2" == both.next(changes).key
    assert 1 == len(clock.sleeps)
    assert sum(clock.sleeps) < 1.0
    assert [None, "1"] == [one.header("last-event-id") for one in node.requests]
    both.end()


class CountingSelector(selectors.DefaultSelector):
    """Counts how often the loop has woken up."""

    def __init__(self) -> None:
        super().__init__()
        self.wakes = 0

    def select(self, timeout: Any = None) -> Any:
        found = super().select(timeout)
        self.wakes += 1
        return found


def test_an_idle_watch_costs_nothing(node: Node) -> None:
    """While nothing happens the event loop does not wake up at all: it lies in one `select`, without a timer."""
    selector = CountingSelector()
    loop = asyncio.SelectorEventLoop(selector)
    quiet: list[int] = []

    async def main() -> None:
        async with RonClient(node.url, allow_insecure_http=True) as client, client.objects(Thing).watch() as changes:
            upcoming = asyncio.ensure_future(changes.__anext__())
            for _ in range(10):
                await asyncio.sleep(0)
            # The loop sleeps until the thread has seen to it that other things happen for a while.
            before = selector.wakes
            await loop.run_in_executor(None, elsewhere)
            quiet.append(selector.wakes - before)
            node.store.insert("items", {"name": "a"}, key="i-1")
            change = await upcoming
            assert change.type == "added"
            assert "i-1" == change.key

    def elsewhere() -> None:
        with RonClientSync(node.url, allow_insecure_http=True) as other:
            for _ in range(50):
                other.objects(Thing).list().page()

    loop.run_until_complete(main())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    assert quiet[0] <= 3  # those of starting the thread and of its end


@pytest.mark.parametrize("colour", ["async", "sync"])
def test_streams_are_bounded(node: Node, colour: str) -> None:
    """A watch beyond `max_streams` is refused with advice; one that was closed makes room."""
    both = Both(colour, url=node.url, max_streams=1, clock=Recorded())
    with both.inside(both.client.objects(Thing).watch()):
        second = both.client.objects(Thing).watch()
        with pytest.raises(ron.RonConfigError, match=r"max_streams=1 streams are open already: close one, or give"):
            both.next(second)
        both.leave(second)
        with pytest.raises(ron.RonConfigError, match="max_streams=1"):
            both.run(both.client.objects(Thing).wait_for("i-1", lambda one: True))
    with both.inside(both.client.objects(Thing).watch()) as third:
        assert "live" == third.status
    both.end()
