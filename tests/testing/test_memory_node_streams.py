"""Event streams of a memory node: what they say, how they wait, how they end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

import ron
from ron import RonClient, RonClientSync
from ron._values import Failure
from ron.testing import FakeClock, MemoryNode, stored
from tests.testing.raw import ask, endpoint, exchange
from tests.testing.shop import ITEMS, Item, Note, Task

GUARD = 20.0  # seconds; only reached when a test has failed
ACCEPT = {"Accept": "text/event-stream"}
EVENTS = "/app/notes/events"


def note(number: int, text: str = "a") -> Note:
    """A note as a node holds it."""
    return stored(Note, id=f"n-{number}", text=text)


def opening() -> Any:
    """The request for a stream of notes, with time enough on any clock."""
    return exchange("GET", EVENTS, headers=ACCEPT)._replace(deadline=float("inf"))


def opened(node: MemoryNode, **limits: Any) -> Any:
    """An open stream of notes, sync."""
    channel = node.open_sync(endpoint(**limits))
    return channel.stream(opening(), None)


def key_of(change: Any) -> str:
    """The key that a change speaks of."""
    key: str = change.key
    return key


async def turns_until(condition: Callable[[], bool]) -> None:
    """Returns when something that another task of this loop does has happened."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never happened")


def wait_until(condition: Callable[[], bool]) -> None:
    """Returns when something that another thread does has happened."""
    waiting = threading.Event()
    for _ in range(int(GUARD / 0.002)):
        if condition():
            return
        waiting.wait(0.002)
    raise AssertionError("it never happened")


def test_a_stream_says_what_happens() -> None:
    """An event has the log's number as id, the change as its name, the object as data."""
    node = MemoryNode(Note)
    node.add(note(1))
    stream = opened(node)
    ask(node, "PATCH", "/app/notes/n-1", json={"text": "b"})
    ask(node, "DELETE", "/app/notes/n-1")
    expected = b'id: 2\nevent: modified\ndata: {"id":"n-1","text":"b"}\n\nid: 3\nevent: deleted\ndata: {"id":"n-1"}\n\n'
    assert expected == stream.read(None)
    assert 200 == stream.status
    assert (b"Content-Type", b"text/event-stream") in stream.headers
    stream.close()


def test_collections_have_their_own_streams() -> None:
    """A stream tells of its own resource, below its own parent."""
    node = MemoryNode(Note, Task)
    with RonClientSync(transport=node) as client:
        for project in ("p1", "p2"):
            client.objects(Task).at(project_id=project).create(title=project)
        node.add(note(1))
        node.finish_streams()
        tasks = client.objects(Task).at(project_id="p2").watch(cursor="0")
        assert ["p2"] == [change.item.title for change in tasks if change.type == "added"]


def test_finishing_lets_a_watch_have_what_there_is() -> None:
    """After `finish_streams` a watch yields what there is after its cursor, and ends."""
    node = MemoryNode(Note)
    node.add(note(1), note(2))
    node.finish_streams()
    with RonClientSync(transport=node, clock=FakeClock()) as client:
        notes = client.objects(Note)
        assert ["n-1", "n-2"] == [key_of(change) for change in notes.watch(cursor="0")]
        assert [] == list(notes.watch())


def test_streams_are_counted() -> None:
    """`open_streams` counts those that clients have open."""
    node = MemoryNode(Note)
    first, second = opened(node), opened(node)
    assert 2 == node.open_streams
    first.close()
    first.close()
    assert 1 == node.open_streams
    second.close()
    assert 0 == node.open_streams


def test_an_ended_stream_gives_what_came_before() -> None:
    """What happened before the end is read, what happened after it isn't."""
    node = MemoryNode(Note)
    stream = opened(node)
    node.add(note(1))
    node.end_streams()
    node.add(note(2))
    assert b"n-1" in stream.read(None)
    assert b"" == stream.read(None)
    stream.close()


@pytest.mark.parametrize("cursor", ["9", "x", "-1", "1" * 30, "²"])
def test_a_cursor_that_is_none_is_gone(cursor: str) -> None:
    """A cursor that this log never gave is a 410 Problem: the watch lists, and says why."""
    node = MemoryNode(Note)
    with RonClientSync(transport=node) as client, client.objects(Note).watch(cursor=cursor) as changes:
        assert ron.Resync("resync", "expired", frozenset(), None) == next(changes)
    streams = [one for one in node.requests if one.path.endswith("/events")]
    sent = cursor.encode().decode("latin-1")  # fields are bytes (RFC 9110 §5.5)
    assert [sent, None] == [one.header("last-event-id") for one in streams]


def test_a_stream_takes_no_wrong_filter() -> None:
    """A filter that the node doesn't know is a 400, for a stream as for a list."""
    with RonClientSync(transport=MemoryNode(Item)) as client:
        changes = client.objects(Item).watch(query={"zip": "1"})
        with pytest.raises(ron.RonInvalidError, match="no filter 'zip'"):
            next(changes)


def test_a_fault_meets_a_stream_too() -> None:
    """A watch goes on over a failed and a lost opening."""
    node, clock = MemoryNode(Note), FakeClock()
    node.add(note(1))
    node.fail(status=503)
    node.lose_response()
    with RonClientSync(transport=node, clock=clock) as client, client.objects(Note).watch(cursor="0") as changes:
        assert "n-1" == key_of(next(changes))
    assert 2 == len(clock.sleeps)
    assert 0 == node.open_streams


def test_a_plain_get_of_a_stream_gives_what_there_is() -> None:
    """Read as a whole, a stream is what there is, as behind a gateway that buffers."""
    node = MemoryNode(Note)
    node.add(note(1))
    reply = ask(node, "GET", EVENTS, headers={**ACCEPT, "Last-Event-ID": "0"})
    assert reply.body.startswith(b"id: 1\nevent: added\n")
    assert 0 == node.open_streams


def test_a_sync_read_waits_for_a_change() -> None:
    """A reader in one thread is woken by a change in another."""
    node = MemoryNode(Note)
    keys: list[str] = []

    def read() -> None:
        with RonClientSync(transport=node) as client, client.objects(Note).watch() as changes:
            keys.extend(key_of(next(changes)) for _ in range(2))

    reader = threading.Thread(target=read)
    reader.start()
    wait_until(lambda: node.open_streams == 1)
    node.add(note(1))
    wait_until(lambda: keys == ["n-1"] or not reader.is_alive())
    node.end_streams()
    wait_until(lambda: len(node.requests) == 2)
    node.add(note(2))
    reader.join(GUARD)
    assert ["n-1", "n-2"] == keys


def test_an_async_read_waits_for_a_change() -> None:
    """A reader in a loop is woken by changes from its own loop and from a thread."""
    node = MemoryNode(Note)

    async def main() -> list[str]:
        async with RonClient(transport=node) as client:
            keys: list[str] = []

            async def read() -> None:
                async with client.objects(Note).watch() as changes:
                    async for change in changes:
                        keys.append(key_of(change))
                        if len(keys) == 2:
                            return

            reader = asyncio.ensure_future(read())
            await turns_until(lambda: node.open_streams == 1)
            await client.objects(Note).create(text="a")
            await turns_until(lambda: bool(keys))
            thread = threading.Thread(target=node.add, args=(note(7),))
            thread.start()
            await asyncio.wait_for(reader, GUARD)
            thread.join(GUARD)
            return keys

    assert ["n-1", "n-7"] == asyncio.run(main())
    assert 0 == node.open_streams


def test_closing_wakes_a_sync_reader() -> None:
    """`close` from another thread ends the watch that waits."""
    node = MemoryNode(Note)
    ended: list[Any] = []
    with RonClientSync(transport=node) as client:
        watch = client.objects(Note).watch()
        reader = threading.Thread(target=lambda: ended.append(list(watch)))
        reader.start()
        wait_until(lambda: node.open_streams == 1)
        watch.close()
        reader.join(GUARD)
    assert [[]] == ended
    assert 0 == node.open_streams


def test_closing_a_client_closes_its_streams() -> None:
    """A channel's close closes the streams that it opened, and no others."""
    node = MemoryNode(Note)
    kept = opened(node)
    channel = node.open_sync(endpoint())
    stream = channel.stream(opening(), None)
    channel.close()
    with pytest.raises(Failure, match="closed"):
        stream.read(None)
    assert 1 == node.open_streams
    kept.close()


def test_a_silent_stream_times_out_in_real_time() -> None:
    """With a real clock a read gives up after its timeout, in both colours."""
    node = MemoryNode(Note)
    real = ron.Clock()
    stream = opened(node, clock=real)
    with pytest.raises(Failure) as caught:
        stream.read(0.01)
    assert ("timeout", True) == (caught.value.kind, caught.value.timed_out)
    stream.close()

    async def main() -> Failure:
        channel = node.open_async(endpoint(clock=real))
        stream = await channel.stream(opening(), None)
        with pytest.raises(Failure) as caught:
            await stream.read(0.01)
        await channel.aclose()
        return caught.value

    assert "timeout" == asyncio.run(main()).kind


def test_a_silent_stream_times_out_when_a_fake_clock_is_moved() -> None:
    """With a `FakeClock` a read's timeout passes when the clock is moved, in no real time."""
    node, clock = MemoryNode(Note), FakeClock()

    async def main() -> None:
        channel = node.open_async(endpoint(clock=clock))
        stream = await channel.stream(opening(), None)
        reading = asyncio.ensure_future(stream.read(30.0))
        await asyncio.sleep(0)
        clock.advance(29.0)
        for _ in range(3):
            await asyncio.sleep(0)
        assert not reading.done()
        clock.advance(1.0)
        with pytest.raises(Failure, match="nothing came for 30 seconds"):
            await asyncio.wait_for(reading, GUARD)
        await stream.aclose()

    asyncio.run(main())


def test_a_cancelled_read_leaves_the_stream_whole() -> None:
    """A read that is cancelled loses nothing: the next one gets what came."""
    node = MemoryNode(Note)

    async def main() -> bytes:
        channel = node.open_async(endpoint())
        stream = await channel.stream(opening(), None)
        reading = asyncio.ensure_future(stream.read(None))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        node.add(note(1))
        data: bytes = await stream.read(None)
        await channel.aclose()
        return data

    assert b"n-1" in asyncio.run(main())


def test_a_reader_whose_loop_is_gone_harms_nobody() -> None:
    """A stream that was left open in a loop that has ended does not break later writes."""
    node = MemoryNode(Note)
    left: list[Any] = []

    async def main() -> None:
        channel = node.open_async(endpoint())
        left.append(await channel.stream(opening(), None))

    asyncio.run(main())
    node.add(note(1))
    node.add(note(2))
    assert 2 == len(node.items(Note))


@pytest.mark.parametrize("colour", ["async", "sync"])
def test_streams_have_a_limit(colour: str) -> None:
    """One stream more than `max_streams` is `RonConfigError`; a closed one makes room."""
    node = MemoryNode(Note)
    request = opening()

    async def use_async() -> None:
        channel = node.open_async(endpoint(max_streams=1))
        stream = await channel.stream(request, None)
        with pytest.raises(ron.RonConfigError, match="max_streams=1"):
            await channel.stream(request, None)
        await stream.aclose()
        await channel.stream(request, None)
        await channel.aclose()

    def use_sync() -> None:
        channel = node.open_sync(endpoint(max_streams=1))
        stream = channel.stream(request, None)
        with pytest.raises(ron.RonConfigError, match="max_streams=1"):
            channel.stream(request, None)
        stream.close()
        channel.stream(request, None)
        channel.close()

    if colour == "async":
        asyncio.run(use_async())
    else:
        use_sync()
    assert 0 == node.open_streams


def test_what_is_no_stream_can_be_read_as_one() -> None:
    """A plain answer that was asked for as a stream is read whole, then ends; in both colours."""
    node = MemoryNode(Note)
    stream = node.open_sync(endpoint()).stream(exchange("GET", "/healthz"), None)
    assert [b"ok", b""] == [stream.read(None), stream.read(None)]
    stream.close()

    async def main() -> list[bytes]:
        stream = await node.open_async(endpoint()).stream(exchange("GET", "/healthz"), None)
        found = [await stream.read(None), await stream.read(None)]
        await stream.aclose()
        return found

    assert [b"ok", b""] == asyncio.run(main())


def test_a_list_is_no_stream() -> None:
    """`subscribe` on a list is a clear error."""
    with RonClientSync(transport=MemoryNode(Item)) as client:
        events = iter(client.subscribe(ITEMS))
        with pytest.raises(ron.RonParseError, match="no event stream"):
            next(events)
