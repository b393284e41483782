"""What a memory node does to event streams on purpose, and what a watch makes of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

import ron
from ron._values import Failure
from ron.testing import MemoryNode
from tests.testing.raw import ask, endpoint, exchange
from tests.watches.both import Both, Item, item

EVENTS = "/app/items/events"


@pytest.fixture(params=["async", "sync"])
def both(request: pytest.FixtureRequest) -> Iterator[Both]:
    """A client of one colour on a memory node; in the end nothing may be left of it."""
    made = Both(request.param)
    yield made
    made.end()


def opened(node: MemoryNode, after: str = "") -> Any:
    """An open stream of items, sync."""
    headers = {"Accept": "text/event-stream", **({"Last-Event-ID": after} if after else {})}
    return node.open_sync(endpoint()).stream(exchange("GET", EVENTS, headers=headers), None)


def keys(changes: list[Any]) -> list[str]:
    """Which items changes are about."""
    return [change.key for change in changes]


def test_a_dropped_stream_is_no_clean_end() -> None:
    """What was to come before the cut comes, then the connection is broken; the node counts the stream no more."""
    node = MemoryNode(Item)
    stream = opened(node)
    node.drop_stream(after=1)
    node.add(item(1), item(2))
    assert 1 == stream.read(None).count(b"event: added")
    with pytest.raises(Failure, match="the connection was lost"):
        stream.read(None)
    stream.close()
    assert 0 == node.open_streams


def test_a_drop_waits_for_the_next_stream() -> None:
    """Where no stream is open the next one is cut, and only that."""
    node = MemoryNode(Item)
    node.drop_stream()
    first, second = opened(node), opened(node)
    with pytest.raises(Failure, match="lost"):
        first.read(None)
    node.add(item(1))
    assert second.read(None).startswith(b"id: 1\n")
    first.close()
    second.close()


@pytest.mark.parametrize("after", [-1, True, "1", 1.0, None])
def test_a_drop_after_no_number(after: Any) -> None:
    """It is refused with what it means."""
    with pytest.raises(ron.RonInputError, match=r"^drop_stream\(after=\.\.\.\) is a number of events, 0 or more, not "):
        MemoryNode(Item).drop_stream(after=after)


def test_a_watch_goes_on_behind_a_drop(both: Both) -> None:
    """It is opened again behind the last change, and nothing is missed or told twice."""
    with both.inside(both.items.watch()) as changes:
        both.node.drop_stream(after=2)
        both.node.add(item(1), item(2), item(3))
        assert ["i-1", "i-2", "i-3"] == keys(both.take(changes, 3))
    assert [None, "2"] == [one.header("Last-Event-ID") for one in both.node.requests]


def test_a_watch_outlives_a_stall(both: Both) -> None:
    """A stream that says nothing any more is lost after `idle_timeout`, by the client's clock; a new one speaks."""
    both.node.add(item(1))
    with both.inside(both.items.watch(cursor="0", idle_timeout=30)) as changes:
        assert "i-1" == both.next(changes).key
        both.node.stall()
        both.node.add(item(2))
        assert 1 == both.node.open_streams
        _pass_while_waiting(both, 30.0)
        assert "i-2" == both.next(changes).key
    assert "closed" == changes.status
    assert ["0", "1"] == [one.header("Last-Event-ID") for one in both.node.requests]


def _pass_while_waiting(both: Both, seconds: float) -> None:
    """Moves the clock on once the watch waits for bytes."""
    feed: Any = next(iter(both.node._engine.feeds))
    reading = threading.Event()
    look = feed.take

    def take() -> Any:
        reading.set()
        return look()

    feed.take = take

    def move() -> None:
        assert reading.wait(20.0)
        both.clock.advance(seconds)

    threading.Thread(target=move).start()


def test_expired_cursors(both: Both) -> None:
    """A cursor of before is answered 410, and everything is listed; one of later is not."""
    both.node.add(item(1), item(2))
    both.node.expire_cursors()
    with both.inside(both.items.watch(cursor="1")) as changes:
        first, second, resync = both.take(changes, 3)
        assert [("listed", "i-1"), ("listed", "i-2")] == [(one.type, one.key) for one in (first, second)]
        assert ("expired", frozenset({"i-1", "i-2"})) == (resync.reason, resync.keys)
        both.node.add(item(3))
        added = both.next(changes)
        assert ("added", "i-3", "3") == (added.type, added.key, added.cursor)


def test_cursors_that_expire_in_the_stream(both: Both) -> None:
    """An open stream is told by an `error` event, and ended; the watch lists everything."""
    both.node.add(item(1))
    with both.inside(both.items.watch(cursor="0")) as changes:
        assert ["i-1"] == keys(both.take(changes, 1))
        both.node.expire_cursors(in_stream=True)
        assert ["listed", "resync"] == [one.type for one in both.take(changes, 2)]
        both.node.add(item(2))
        assert ["i-2"] == keys(both.take(changes, 1))


def test_buffered_streams(both: Both) -> None:
    """A stream that is buffered never begins: the watch polls, until buffering is over and five minutes have passed."""
    with both.inside(both.items.watch(poll_interval=60)) as changes:
        both.node.buffer_streams()
        both.node.drop_stream()
        both.node.add(item(1))
        kinds = [one.type for one in both.take(changes, 2)]
        assert (["listed", "resync"], "polling") == (kinds, changes.status)
        both.node.buffer_streams(False)
        resync = both.next(changes)  # nothing has changed since the last list
        assert ("poll_gap", frozenset({"i-1"})) == (resync.reason, resync.keys)
        both.node.add(item(2))
        assert ["i-2"] == keys(both.take(changes, 1))
        assert "live" == changes.status


def test_a_buffered_call_is_a_timeout() -> None:
    """The failure of a stream that never begins is a deadline that has passed, without anybody waiting for it."""
    node = MemoryNode(Item)
    node.buffer_streams()
    with pytest.raises(Failure, match="no answer began before the deadline") as caught:
        opened(node)
    assert caught.value.timed_out
    assert caught.value.sent
    assert 200 == ask(node, "GET", "/app/items").status
