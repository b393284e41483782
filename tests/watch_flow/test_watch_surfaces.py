"""The two surfaces over a memory node: loops that are left and taken up again, closing, reading ahead."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from ron import RonClient, RonClientSync
from ron.testing import FakeClock, MemoryNode, stored
from tests.watch_flow.stepper import apply
from tests.watch_flow.toy import Thing

BUFFERS = pytest.mark.parametrize("buffer", [0, 2, 50])


def new_node() -> MemoryNode:
    """A node that finishes its streams once they have told everything."""
    return MemoryNode(Thing, clock=FakeClock())


def add(node: MemoryNode, *keys: str) -> None:
    """What happens."""
    node.add(*(stored(Thing, id=key) for key in keys))


@contextmanager
def sync_watch(node: MemoryNode, **options: Any) -> Iterator[Any]:
    """A watch that is open."""
    with RonClientSync(transport=node, clock=FakeClock()) as client, client.objects(Thing).watch(**options) as watch:
        yield watch


@asynccontextmanager
async def async_watch(node: MemoryNode, **options: Any) -> AsyncIterator[Any]:
    """A watch that is open."""
    async with RonClient(transport=node, clock=FakeClock()) as client, client.objects(Thing).watch(**options) as watch:
        yield watch


@BUFFERS
def test_a_loop_that_is_left_loses_nothing(buffer: int) -> None:
    """Another loop over the same watch goes on with the next change, also within what was read at once."""
    node = new_node()
    with sync_watch(node, buffer=buffer) as watch:
        add(node, *"abcdef")
        found = []
        for change in watch:
            found.append((change.key, watch.cursor))
            break
        found.append((next(watch).key, watch.cursor))
        for change in watch:
            found.append((change.key, watch.cursor))
            if change.key == "d":
                break
        node.finish_streams()
        found += [(change.key, watch.cursor) for change in watch]
    assert list(zip("abcdef", (None, "1", "2", "3", "4", "5"))) == found
    assert ("closed", "6", 0) == (watch.status, watch.cursor, node.open_streams)


@BUFFERS
@pytest.mark.anyio
async def test_an_async_loop_that_is_left_loses_nothing(buffer: int) -> None:
    """The same, for `async for`."""
    node = new_node()
    async with async_watch(node, buffer=buffer) as watch:
        add(node, *"abcdef")
        found = []
        async for change in watch:
            found.append((change.key, watch.cursor))
            break
        found.append(((await watch.__anext__()).key, watch.cursor))
        async for change in watch:
            found.append((change.key, watch.cursor))
            if change.key == "d":
                break
        node.finish_streams()
        found += [(change.key, watch.cursor) async for change in watch]
    assert list(zip("abcdef", (None, "1", "2", "3", "4", "5"))) == found
    assert ("closed", "6", 0) == (watch.status, watch.cursor, node.open_streams)


@BUFFERS
def test_nothing_comes_after_close(buffer: int) -> None:
    """A loop that closes its watch ends, whatever was read already."""
    node = new_node()
    with sync_watch(node, buffer=buffer) as watch:
        add(node, *"abc")
        found = []
        for change in watch:
            found.append(change.key)
            watch.close()
        assert [] == list(watch)
        assert None is next(watch, None)
    assert (["a"], "closed", "1", 0) == (found, watch.status, watch.cursor, node.open_streams)


@BUFFERS
@pytest.mark.anyio
async def test_nothing_comes_after_aclose(buffer: int) -> None:
    """The same, for `aclose`."""
    node = new_node()
    async with async_watch(node, buffer=buffer) as watch:
        add(node, *"abc")
        found = []
        async for change in watch:
            found.append(change.key)
            await watch.aclose()
        assert [] == [change async for change in watch]
    assert (["a"], "closed", "1", 0) == (found, watch.status, watch.cursor, node.open_streams)


def test_close_from_another_thread_ends_the_wait() -> None:
    """A reader that waits for bytes comes to its end."""
    node = new_node()
    with sync_watch(node) as watch:
        threading.Thread(target=watch.close).start()
        assert [] == list(watch)
    assert 0 == node.open_streams


@BUFFERS
def test_a_bad_day_sync(buffer: int) -> None:
    """Cuts, expiry, restarts and buffering: the delivered changes, replayed, give what the node holds."""
    node = new_node()
    add(node, *"ab")
    cache: dict[str, Any] = {}
    with sync_watch(node, initial=True, buffer=buffer) as watch:
        for change in watch:
            apply(cache, change)
            if change.type == "resync":
                break
        for happens in _bad_day(node):
            happens()
        node.finish_streams()
        for change in watch:
            apply(cache, change)
    assert {item.id: item for item in node.items(Thing)} == cache


@BUFFERS
@pytest.mark.anyio
async def test_a_bad_day_async(buffer: int) -> None:
    """The same, for `async for`."""
    node = new_node()
    add(node, *"ab")
    cache: dict[str, Any] = {}
    async with async_watch(node, initial=True, buffer=buffer) as watch:
        async for change in watch:
            apply(cache, change)
            if change.type == "resync":
                break
        for happens in _bad_day(node):
            happens()
            await asyncio.sleep(0)
        node.finish_streams()
        async for change in watch:
            apply(cache, change)
    assert {item.id: item for item in node.items(Thing)} == cache


def _bad_day(node: MemoryNode) -> list[Any]:
    return [
        lambda: add(node, "c"),
        lambda: node.drop_stream(after=1),
        lambda: add(node, "d", "e"),
        lambda: node.expire_cursors(in_stream=True),
        lambda: node.fail(times=2, status=503),
        lambda: add(node, "f"),
        node.drop_stream,
        node.expire_cursors,
        lambda: add(node, "g"),
    ]


def test_positions_take_room_in_a_buffer() -> None:
    """A stream that brings nothing but positions does not fill the memory of a consumer that is busy."""
    from ron.resources._watching import Batch
    from ron.resources.watch import _weight

    assert [1, 1, 2] == [_weight(Batch(changes, "1")) for changes in ([], [1], [1, 2])]
