"""Untyped streams under the seed's names: as every other call in credentials, deadline and bounds; both colours."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

import ron
from ron import sse_event_stream, subscribe
from ron.testing import MemoryNode
from tests.watches.both import GUARD, Both, Item, item, wait_until

EVENTS = "/app/items/events"


@pytest.mark.parametrize("colour", ["async", "sync"])
def test_they_carry_the_token(colour: str) -> None:
    """A node that asks for a token gets it; a wrong one is an error that does not show it."""
    node = MemoryNode(Item, token="right-token")
    node.add(item(1))
    for token, works in (("right-token", True), ("wrong-canary", False)):
        both = Both(colour, node, token=token)
        for stream in (both.client.subscribe(EVENTS, last_event_id="0"), sse_event_stream(both.client, EVENTS)):
            if works:
                node.finish_streams()
                assert len(both.finish(stream)) <= 1
                continue
            with pytest.raises(ron.RonAuthError) as caught:
                both.next(stream)
            assert "canary" not in str(caught.value) + repr(caught.value)
        both.end()


def test_a_deadline_holds_for_the_head_alone(both: Both) -> None:
    """A head that does not come in time is a failure; the stream itself may take as long as it likes."""
    both.node.add(item(1))
    stream = both.client.subscribe(EVENTS, last_event_id="0")
    assert "1" == both.next(stream).id
    both.clock.advance(1_000_000.0)
    both.node.add(item(2))
    assert "2" == both.next(stream).id
    both.leave(stream)
    both.node.buffer_streams()
    with pytest.raises(ron.RonTimeoutError, match="no answer began before the deadline"):
        both.next(sse_event_stream(both.client, EVENTS))


def test_the_callback_gives_up(both: Both) -> None:
    """After `max_retries` + 1 streams in a row without an event; with 0 the first loss is the end."""
    both.node.refuse(times=9)
    for limit, attempts in ((0, 1), (2, 3)):
        before = len(both.clock.sleeps)
        with pytest.raises(ron.RonWatchError, match=f"^GET {EVENTS}: {attempts} streams in a row brought no event"):
            both.run(subscribe(both.client, EVENTS, print, max_retries=limit))
        assert limit == len(both.clock.sleeps) - before


@pytest.mark.parametrize("limit", [-1, True, "3", 1.5])
def test_a_limit_that_is_none(both: Both, limit: Any) -> None:
    """It is refused at once."""
    with pytest.raises(ron.RonConfigError, match=r"^max_retries must be a whole number of at least 0, not "):
        both.run(subscribe(both.client, EVENTS, print, max_retries=limit))


def test_the_callback_is_stopped_by_its_event(both: Both) -> None:
    """Set in the callback, `stop_event` ends it after that event; set before, nothing is called."""

    async def in_the_loop() -> Any:  # where Python 3.9 binds it
        return asyncio.Event()

    stop: Any = threading.Event() if both.loop is None else both.run(in_the_loop())
    found: list[str] = []

    def note(event: Any) -> None:
        found.append(event.id)
        stop.set()

    if both.loop is None:
        thread = threading.Thread(target=subscribe, args=(both.client, EVENTS, note), kwargs={"stop_event": stop})
        thread.start()
        wait_until(lambda: both.node.open_streams)
        both.node.add(item(200))
        thread.join(GUARD)
        assert not thread.is_alive()
    else:

        async def main() -> None:
            running = asyncio.ensure_future(subscribe(both.client, EVENTS, note, stop_event=stop))
            for _ in range(20):
                await asyncio.sleep(0)
            both.node.add(item(200))
            await running

        both.run(main())
    assert 1 == len(found)
    both.run(subscribe(both.client, EVENTS, note, stop_event=stop))
    assert 1 == len(found)
    assert 0 == both.node.open_streams


def test_an_event_of_the_wrong_kind(both: Both) -> None:
    """A stop_event that could not stop it is refused, before it blocks anything."""
    wrong: Any = threading.Event() if both.loop is not None else object()
    kind = "RonClient is an asyncio.Event, not Event" if both.loop else "RonClientSync is a threading.Event, not object"
    with pytest.raises(ron.RonConfigError, match=f"^the stop_event of a {kind}"):
        both.run(subscribe(both.client, EVENTS, print, stop_event=wrong))
