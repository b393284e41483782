"""What only `RonClientSync` can do, or do wrong: threads, closing from elsewhere, blocking callbacks."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from ron import Event, HttpxTransport, RonClientSync, subscribe
from ron.errors import RonConfigError
from tests.reference_node import Node

pytestmark = pytest.mark.own_node

ITEMS = "/app/items"
EVENTS = "/app/items/events"


def client_of(node: Node, **options: Any) -> RonClientSync:
    """A client of that node."""
    return RonClientSync(node.url, allow_insecure_http=True, **options)


def test_with_closes(node: Node) -> None:
    """The block's end closes the client."""
    with client_of(node) as client:
        assert [] == client.get(ITEMS)["items"]
    assert client.is_closed


def test_no_loop_and_no_thread(node: Node) -> None:
    """A sync client starts neither, also while it has an open stream."""
    before = threading.active_count()
    node.store.insert("items", {"n": 1})
    with client_of(node) as client:
        client.get(ITEMS)
        events: Any = client.subscribe(EVENTS, last_event_id="0")
        next(events)
        assert before == threading.active_count()
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        events.close()


def test_many_threads_share_a_client(node: Node) -> None:
    """Each gets its own answer."""
    names = [f"n-{number}" for number in range(40)]
    with client_of(node, max_concurrency=3) as client, ThreadPoolExecutor(8) as pool:
        created = list(pool.map(lambda name: client.post(ITEMS, json={"name": name}), names))
    assert names == [one["name"] for one in created]
    assert 40 == len({one["id"] for one in created})


def test_closing_a_stream_wakes_the_thread_that_waits(node: Node) -> None:
    """`close()` from another thread ends a waiting iteration at once."""
    with client_of(node) as client:
        events: Any = client.subscribe(EVENTS)
        found: list[Event] = []
        reader = threading.Thread(target=lambda: found.extend(events))
        reader.start()
        node.wait_waiting(1)
        events.close()
        reader.join(10)
        assert not reader.is_alive()
        node.wait_waiting(0)
    assert [] == found
    assert [] == list(events)


def test_one_consumer_at_a_time(node: Node) -> None:
    """A second thread on the same iterator is refused; the first one goes on."""
    with client_of(node) as client:
        events: Any = client.subscribe(EVENTS)
        found: list[Event] = []
        reader = threading.Thread(target=lambda: found.append(next(events)))
        reader.start()
        node.wait_waiting(1)
        with pytest.raises(
            RonConfigError, match="this iterator is being read by another task or thread: make one for each"
        ):
            next(events)
        node.store.insert("items", {"n": 1})
        reader.join(10)
        events.close()
    assert ["added"] == [event.event for event in found]


def test_a_stop_event_is_looked_at_between_events(node: Node) -> None:
    """A callback that sets the event has seen the last one."""
    for number in range(3):
        node.store.insert("items", {"n": number})
    node.configure(end_after=3)
    stop, found = threading.Event(), []
    with client_of(node) as client:
        node.answer(200, {"Content-Type": "text/event-stream"}, b"data: a\n\ndata: b\n\n")

        def note(event: Event) -> None:
            found.append(event.data)
            stop.set()

        subscribe(client, EVENTS, note, stop_event=stop)
    assert ["a"] == found
    assert 1 == len(node.requests)


async def _note(event: Event) -> None:
    """A callback of the wrong colour."""


def test_an_async_callback_is_refused(node: Node) -> None:
    """Nobody would await it: refused with the first event, and the stream is closed."""
    node.answer(200, {"Content-Type": "text/event-stream"}, b"data: a\n\n")
    wrong: Any = _note
    with client_of(node) as client:
        with pytest.raises(
            RonConfigError, match="this callback is async, but the client is sync: give a plain function"
        ):
            subscribe(client, EVENTS, wrong)
        node.wait_waiting(0)


def test_the_users_own_httpx_client(node: Node) -> None:
    """`HttpxTransport` gives the same answers and never closes what it was given."""
    with httpx.Client(trust_env=False) as own:
        with client_of(node, transport=HttpxTransport(own)) as client:
            assert "kettle" == client.post(ITEMS, json={"name": "kettle"})["name"]
        assert not own.is_closed


def test_an_async_object_on_a_sync_client(node: Node) -> None:
    """The wrong colour of httpx object is refused when the client is made."""
    with pytest.raises(RonConfigError, match="which is async"):
        client_of(node, transport=HttpxTransport(httpx.AsyncClient(trust_env=False)))


def test_leaving_a_loop_closes_its_stream(node: Node) -> None:
    """A `break` out of a bare `for` leaves no stream open: with `max_streams=1` the next one opens."""
    node.store.insert("items", {"n": 1})
    with client_of(node, max_streams=1) as client:
        for _ in range(3):
            for event in client.subscribe(EVENTS, last_event_id="0"):
                assert "added" == event.event
                break
