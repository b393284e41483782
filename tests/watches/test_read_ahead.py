"""`buffer`: a bounded number of changes is read ahead of a consumer that is busy; of both colours."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

import ron
from ron import RonClient, RonClientSync
from ron._read_ahead import ReadAheadAsync, ReadAheadSync
from ron.testing import FakeClock, MemoryNode
from tests.watches.both import GUARD, Both, Item, item, wait_until


class Source:
    """Stands for emissions: numbers for ever, or up to an error; counts what was taken."""

    def __init__(self, end: Any = None) -> None:
        self.taken = 0
        self.closed = threading.Event()
        self._end = end

    def step(self) -> Any:
        """The next number."""
        if self.closed.is_set():
            return None
        if self._end is not None and self.taken == 3:
            raise self._end
        self.taken += 1
        return self.taken


class AsyncSource(Source):
    """Of async colour."""

    async def advance(self) -> Any:
        """The next number."""
        await asyncio.sleep(0)
        return self.step()

    async def aclose(self) -> None:
        """Ends them."""
        self.closed.set()


class SyncSource(Source):
    """Of sync colour."""

    def advance(self) -> Any:
        """The next number."""
        return self.step()

    def close(self) -> None:
        """Ends them."""
        self.closed.set()


def one(number: int) -> int:
    """Every item takes the room of one."""
    del number
    return 1


@pytest.mark.anyio
async def test_a_slow_consumer_stops_the_reading_async() -> None:
    """No more is taken than the queue holds, all of it comes in order, and reading goes on as room is made."""
    source: Any = AsyncSource()
    ahead = ReadAheadAsync(source, 4, one)
    assert 1 == await ahead.advance()
    for _ in range(100):
        await asyncio.sleep(0)
    assert 5 == source.taken
    assert [2, 3, 4] == [await ahead.advance() for _ in range(3)]
    for _ in range(100):
        await asyncio.sleep(0)
    assert 8 == source.taken
    await ahead.aclose()
    await ahead.aclose()
    assert None is await ahead.advance()
    assert source.closed.is_set()


def test_a_slow_consumer_stops_the_reading_sync() -> None:
    """The same, in a thread that has a name and is joined."""
    source: Any = SyncSource()
    ahead = ReadAheadSync(source, 4, one, "ron-test")
    turn: Any = ahead._turn
    assert 1 == ahead.advance()
    wait_until(lambda: source.taken == 5 and turn._waiters)
    assert ["ron-test"] == [each.name for each in threading.enumerate() if each.name.startswith("ron-")]
    assert [2, 3, 4] == [ahead.advance() for _ in range(3)]
    wait_until(lambda: source.taken == 8 and turn._waiters)
    ahead.close()
    ahead.close()
    assert None is ahead.advance()
    assert [] == [each.name for each in threading.enumerate() if each.name.startswith("ron-")]


def test_errors_come_after_what_was_read(both: Both) -> None:
    """What was read before an error is delivered first, then the error, once; then it is over."""
    if both.loop is None:
        source: Any = SyncSource(ron.RonNetworkError("lost"))
        ahead: Any = ReadAheadSync(source, 10, one, "ron-test")
    else:
        source = AsyncSource(ron.RonNetworkError("lost"))
        ahead = ReadAheadAsync(source, 10, one)
    assert [1, 2, 3] == [both.run(ahead.advance()) for _ in range(3)]
    with pytest.raises(ron.RonNetworkError, match="lost"):
        both.run(ahead.advance())
    assert None is both.run(ahead.advance())
    both.leave(ahead)


def test_a_watch_with_a_buffer(both: Both) -> None:
    """It yields what a watch yields; its cursor is that of what was asked for, not of what was read."""
    with both.inside(both.items.watch(buffer=100)) as changes:
        both.node.add(*(item(number) for number in range(50)))
        first = both.take(changes, 3)
        assert ["i-0", "i-1", "i-2"] == [change.key for change in first]
        assert "2" == changes.cursor
        assert [f"i-{number}" for number in range(3, 50)] == [change.key for change in both.take(changes, 47)]
        both.node.finish_streams()
        assert [] == both.finish(changes)
        assert "50" == changes.cursor
    assert "closed" == changes.status


def test_a_buffer_goes_on_after_a_cut(both: Both) -> None:
    """Nothing is dropped or told twice where the stream is cut while changes wait."""
    with both.inside(both.items.watch(buffer=3)) as changes:
        both.node.drop_stream(after=5)
        both.node.add(*(item(number) for number in range(20)))
        assert [f"i-{number}" for number in range(20)] == [change.key for change in both.take(changes, 20)]


def test_the_last_changes_come_before_the_error(both: Both) -> None:
    """A watch that gives up with changes waiting delivers them first."""
    with both.inside(both.items.watch(buffer=100, max_failures=0)) as changes:
        both.node.refuse(times=9)
        both.node.drop_stream(after=2)
        both.node.add(item(1), item(2), item(3))
        assert ["i-1", "i-2"] == [change.key for change in both.take(changes, 2)]
        with pytest.raises(ron.RonWatchError) as caught:
            both.next(changes)
        assert "gave up after 1 failure in a row" in str(caught.value)


@pytest.mark.parametrize("buffer", [-1, True, "7", 100_001])
def test_a_buffer_that_is_none(both: Both, buffer: Any) -> None:
    """It is refused with its bounds."""
    with pytest.raises(ron.RonConfigError, match=r"^buffer must be a whole number from 0 to 100000, not "):
        both.items.watch(buffer=buffer)


def test_a_closed_buffer_wakes_its_reader() -> None:
    """`close()` from another thread ends who waits for a change."""
    node = MemoryNode(Item)
    with RonClientSync(transport=node, clock=FakeClock()) as client:
        changes = client.objects(Item).watch(buffer=5)
        found: list[Any] = []
        reader = threading.Thread(target=lambda: found.append(list(changes)))
        reader.start()
        wait_until(lambda: node.open_streams == 1)
        assert "ron-watch-Item" in [each.name for each in threading.enumerate()]
        changes.close()
        reader.join(GUARD)
        assert not reader.is_alive()
        assert [[]] == found
        assert 0 == node.open_streams
        assert "ron-watch-Item" not in [each.name for each in threading.enumerate()]


@pytest.mark.anyio
async def test_a_closed_buffer_wakes_its_task() -> None:
    """`aclose()` from another task ends who waits for a change."""
    node = MemoryNode(Item)
    async with RonClient(transport=node, clock=FakeClock()) as client:
        changes = client.objects(Item).watch(buffer=5)
        upcoming = asyncio.ensure_future(changes.__anext__())
        for _ in range(20):
            await asyncio.sleep(0)
        assert 1 == node.open_streams
        await changes.aclose()
        await asyncio.wait([upcoming])
        assert isinstance(upcoming.exception(), StopAsyncIteration)
        assert 0 == node.open_streams


@pytest.mark.anyio
async def test_a_cancelled_step_closes_the_buffer() -> None:
    """As without one: a step that is cancelled closes the watch."""
    node = MemoryNode(Item)
    async with RonClient(transport=node, clock=FakeClock()) as client:
        changes = client.objects(Item).watch(buffer=5)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(changes.__anext__(), 0.01)
        assert 0 == node.open_streams
        with pytest.raises(StopAsyncIteration):
            await changes.__anext__()
