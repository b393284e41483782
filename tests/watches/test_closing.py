"""A watch that is left or closed, from wherever and whatever it is doing: who waits is woken, and nothing is left."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from ron import RonClient, RonClientSync
from ron._clock import Clock
from ron.testing import MemoryNode
from tests.watches.both import GUARD, Both, Item, item, wait_until

#: seconds that nobody waits for, unless a test has failed
LONG = 3600.0


class Sleepy(Clock):
    """The real clock, which tells when somebody sleeps."""

    def __init__(self) -> None:
        self.asleep_now = threading.Event()

    def wait(self, woken: threading.Event, seconds: float) -> None:
        self.asleep_now.set()
        super().wait(woken, seconds)

    async def asleep(self, seconds: float) -> None:
        self.asleep_now.set()
        await super().asleep(seconds)


def between_attempts(node: MemoryNode) -> None:
    """The node asks to be left alone for a minute."""
    node.fail(times=9, retry_after_ms=60_000)


def between_lists(node: MemoryNode) -> None:
    """The watch polls."""
    node.buffer_streams()


def reading(node: MemoryNode) -> None:
    """The watch waits for bytes."""
    del node


DOING = pytest.mark.parametrize("doing", [between_attempts, between_lists, reading], ids=lambda one: one.__name__)
BUFFERS = pytest.mark.parametrize("buffer", [0, 5])


@DOING
@BUFFERS
def test_closed_from_another_thread(doing: Callable[[MemoryNode], None], buffer: int) -> None:
    """The iteration ends, at once and without an error; the thread that reads ahead ends as well."""
    node, clock, ended = MemoryNode(Item), Sleepy(), []
    doing(node)
    with RonClientSync(transport=node, clock=clock) as client:
        changes = client.objects(Item).watch(buffer=buffer, poll_interval=LONG)
        reader = threading.Thread(target=lambda: ended.append(list(changes)))
        reader.start()
        if doing is reading:
            wait_until(lambda: node.open_streams)
        else:
            assert clock.asleep_now.wait(GUARD)
        changes.close()
        reader.join(GUARD)
        assert not reader.is_alive()
        assert [[]] == ended
        assert "closed" == changes.status
        assert 0 == node.open_streams
        assert [] == [one.name for one in threading.enumerate() if one.name.startswith("ron-")]


@DOING
@BUFFERS
@pytest.mark.anyio
async def test_closed_from_another_task(doing: Callable[[MemoryNode], None], buffer: int) -> None:
    """The same in an event loop; the task that sleeps, or reads ahead, is gone."""
    node, clock = MemoryNode(Item), Sleepy()
    doing(node)
    async with RonClient(transport=node, clock=clock) as client:
        changes = client.objects(Item).watch(buffer=buffer, poll_interval=LONG)

        async def follow() -> list[Any]:
            return [change async for change in changes]

        before = asyncio.all_tasks()
        reader = asyncio.ensure_future(follow())
        while not (clock.asleep_now.is_set() or node.open_streams):  # noqa: ASYNC110 - what it waits for sets no event
            await asyncio.sleep(0)
        for _ in range(5):
            await asyncio.sleep(0)
        await changes.aclose()
        assert [] == await asyncio.wait_for(reader, GUARD)
        for _ in range(5):
            await asyncio.sleep(0)
        assert before == asyncio.all_tasks()
        assert "closed" == changes.status
        assert 0 == node.open_streams


@DOING
@pytest.mark.parametrize("colour", ["async", "sync"])
def test_a_mirror_is_left(doing: Callable[[MemoryNode], None], colour: str) -> None:
    """Leaving the block of a mirror ends what follows the node, whatever that is doing."""
    node, clock = MemoryNode(Item), Sleepy()
    both = Both(colour, node, clock=clock)
    with both.inside(both.items.mirror(poll_interval=LONG)) as mirror:
        both.run(mirror.synced(timeout=GUARD))
        doing(node)
        if doing is not reading:
            node.end_streams()
            if both.loop is None:
                assert clock.asleep_now.wait(GUARD)
            else:
                both.run(_turns())
    both.end()


async def _turns() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.mark.parametrize("buffer", [0, 5])
def test_breaking_out(both: Both, buffer: int) -> None:
    """A bare loop that is left closes the watch; in a block, the block does, and the loop may go on before."""
    both.node.add(*(item(number) for number in range(4)))

    async def first(changes: Any) -> Any:
        iterator = changes.__aiter__()
        try:
            async for change in iterator:
                return change.key
        finally:
            await iterator.aclose()

    def first_sync(changes: Any) -> Any:
        for change in changes:
            return change.key
        return None

    step: Any = first_sync if both.loop is None else first
    bare = both.items.watch(cursor="0", buffer=buffer)
    assert "i-0" == both.run(step(bare))
    assert ("closed", 0) == (bare.status, both.node.open_streams)
    assert [] == both.finish(bare)
    with both.inside(both.items.watch(cursor="0", buffer=buffer)) as changes:
        assert ["i-0", "i-1"] == [both.run(step(changes)) for _ in range(2)]
        assert 1 == both.node.open_streams


def test_closing_races_with_a_step() -> None:
    """Wherever a thread is in its step when another one closes the watch, it ends without an error."""
    node = MemoryNode(Item)
    node.add(*(item(number) for number in range(20)))
    with RonClientSync(transport=node) as client:
        for turn in range(150):
            changes = client.objects(Item).watch(cursor="0", buffer=turn % 3)
            errors: list[BaseException] = []
            started = threading.Event()

            def read(changes: Any = changes, errors: Any = errors, started: Any = started) -> None:
                try:
                    for _ in changes:
                        started.set()
                except BaseException as error:  # noqa: BLE001 - what there must be none of
                    errors.append(error)

            reader = threading.Thread(target=read)
            reader.start()
            if turn % 2:
                assert started.wait(GUARD)
            changes.close()
            reader.join(GUARD)
            assert not reader.is_alive()
            assert [] == errors
            assert 0 == node.open_streams
