"""What only `RonClient` can do, or do wrong: tasks, loops, cancellation, async callbacks."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from ron import Event, HttpxTransport, RonClient, iter_pages, sse_event_stream, subscribe
from ron.errors import RonConfigError, RonError
from tests.reference_node import Node

pytestmark = [pytest.mark.own_node, pytest.mark.anyio]

ITEMS = "/app/items"
EVENTS = "/app/items/events"


def client_of(node: Node, **options: Any) -> RonClient:
    """A client of that node."""
    return RonClient(node.url, allow_insecure_http=True, **options)


async def waiting(node: Node, count: int) -> None:
    """Lets this loop run until the node holds so many streams and requests."""
    await asyncio.to_thread(node.wait_waiting, count)


async def test_async_with_closes(node: Node) -> None:
    """The block's end closes the client."""
    async with client_of(node) as client:
        assert [] == (await client.get(ITEMS))["items"]
    assert client.is_closed


async def test_many_tasks_share_a_client(node: Node) -> None:
    """Each gets its own answer, on fewer connections than calls."""
    async with client_of(node, max_concurrency=4) as client:
        names = [f"n-{number}" for number in range(40)]
        created = await asyncio.gather(*(client.post(ITEMS, json={"name": name}) for name in names))
    assert names == [one["name"] for one in created]
    assert 40 == len({one["id"] for one in created})


async def test_cancelled_calls_leave_the_client_whole(node: Node) -> None:
    """After cancelling calls that wait for an answer all lanes are free, and nothing runs on."""
    before = asyncio.all_tasks()
    async with client_of(node, max_concurrency=2) as client:
        node.hang(times=2)
        calls = [asyncio.ensure_future(client.get(ITEMS)) for _ in range(6)]
        await waiting(node, 2)
        for call in calls:
            call.cancel()
        results: list[Any] = await asyncio.gather(*calls, return_exceptions=True)
        assert {asyncio.CancelledError} == {type(one) for one in results}
        await waiting(node, 0)
        assert [[]] * 4 == [page["items"] for page in await asyncio.gather(*(client.get(ITEMS) for _ in range(4)))]
    assert before == asyncio.all_tasks()


async def test_closing_ends_calls_that_wait(node: Node) -> None:
    """A call that is under way when its client is closed ends with an error of ours."""
    client = client_of(node, max_retries=0)
    node.hang()
    call = asyncio.ensure_future(client.get(ITEMS))
    await waiting(node, 1)
    await client.aclose()
    with pytest.raises(RonError):
        await call
    await waiting(node, 0)


def test_a_second_event_loop(node: Node) -> None:
    """A client that was left open is right in the next loop as well."""
    client = client_of(node)

    async def ask() -> Any:
        return await client.get(ITEMS)

    first = asyncio.run(ask())
    second = asyncio.run(ask())
    assert [] == first["items"] == second["items"]
    asyncio.run(client.aclose())


async def test_two_loops_at_once(node: Node) -> None:
    """A client in use on one loop refuses another that runs meanwhile, and says what to do."""
    async with client_of(node) as client:
        await client.get(ITEMS)
        with pytest.raises(RonConfigError, match="another event loop"):
            await asyncio.to_thread(asyncio.run, client.get(ITEMS))
        await client.get(ITEMS)


async def test_an_async_callback_and_a_stop_event(node: Node) -> None:
    """A callback may be async; setting the event ends a subscription that waits, and its stream."""
    stop, came = asyncio.Event(), asyncio.Event()
    found: list[int] = []
    before = asyncio.all_tasks()

    async def note(event: Event) -> None:
        await asyncio.sleep(0)
        found.append(event.json_data()["n"])
        came.set()

    async with client_of(node) as client:
        running = asyncio.ensure_future(subscribe(client, EVENTS, note, stop_event=stop))
        await waiting(node, 1)
        node.store.insert("items", {"n": 1})
        await came.wait()
        stop.set()
        await running
        await waiting(node, 0)
    assert [1] == found
    assert before == asyncio.all_tasks()


async def test_cancelling_a_subscription_closes_its_stream(node: Node) -> None:
    """A cancelled subscriber leaves no stream and no task behind."""
    before = asyncio.all_tasks()
    async with client_of(node) as client:
        running = asyncio.ensure_future(subscribe(client, EVENTS, print))
        await waiting(node, 1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await waiting(node, 0)
    assert before == asyncio.all_tasks()


async def test_closing_a_stream_ends_the_task_that_waits_for_it(node: Node) -> None:
    """`aclose()` from elsewhere ends the iteration as if the stream had ended."""
    async with client_of(node) as client:
        events: Any = client.subscribe(EVENTS)
        waits = asyncio.ensure_future(events.__anext__())
        await waiting(node, 1)
        await events.aclose()
        with pytest.raises(StopAsyncIteration):
            await waits
        await waiting(node, 0)
        with pytest.raises(StopAsyncIteration):
            await events.__anext__()


async def test_one_consumer_at_a_time(node: Node) -> None:
    """A second task on the same iterator is refused; the first one goes on."""
    async with client_of(node) as client:
        events: Any = client.subscribe(EVENTS)
        waits = asyncio.ensure_future(events.__anext__())
        await waiting(node, 1)
        with pytest.raises(
            RonConfigError, match="this iterator is being read by another task or thread: make one for each"
        ):
            await events.__anext__()
        node.store.insert("items", {"n": 1})
        assert "added" == (await waits).event
        await events.aclose()


async def test_streams_are_bounded(node: Node) -> None:
    """`max_streams` streams may be open; one more is refused, and closing one makes room."""
    async with client_of(node, max_streams=1) as client:
        first: Any = client.subscribe(EVENTS)
        waits = asyncio.ensure_future(first.__anext__())
        await waiting(node, 1)
        with pytest.raises(RonConfigError, match="max_streams"):
            await client.subscribe(EVENTS).__anext__()
        await first.aclose()
        await asyncio.gather(waits, return_exceptions=True)
        node.configure(end_after=1)
        node.store.insert("items", {"n": 1})
        stream: Any = sse_event_stream(client, EVENTS, last_event_id="0")
        assert 1 == len([event async for event in stream])


async def test_leaving_a_loop_closes_its_stream(node: Node) -> None:
    """A `break` out of a bare `async for` leaves no stream open, for raw events and for changes."""
    node.store.insert("items", {"n": 1})
    async with client_of(node, max_streams=1) as client:
        for _ in range(3):
            async for event in client.subscribe(EVENTS, last_event_id="0"):
                assert "added" == event.event
                break
            await asyncio.sleep(0)  # the loop closes an abandoned generator in its next turn
            await waiting(node, 0)


async def test_streams_do_not_take_the_calls_places(node: Node) -> None:
    """An open stream leaves `max_concurrency` to the calls."""
    async with client_of(node, max_concurrency=1) as client:
        events: Any = client.subscribe(EVENTS)
        waits = asyncio.ensure_future(events.__anext__())
        await waiting(node, 1)
        assert [] == (await client.get(ITEMS))["items"]
        await events.aclose()
        await asyncio.gather(waits, return_exceptions=True)


async def test_an_async_token_provider(node: Node) -> None:
    """It is awaited, once for many calls."""
    node.configure(require_token="t-1")
    calls = []

    async def provide() -> str:
        calls.append(1)
        await asyncio.sleep(0)
        return "t-1"

    async with client_of(node, token_provider=provide) as client:
        await asyncio.gather(*(client.get(ITEMS) for _ in range(5)))
    assert [1] == calls


async def test_the_users_own_httpx_client(node: Node) -> None:
    """`HttpxTransport` gives the same answers and never closes what it was given."""
    async with httpx.AsyncClient(trust_env=False) as own:
        async with client_of(node, transport=HttpxTransport(own)) as client:
            assert "kettle" == (await client.post(ITEMS, json={"name": "kettle"}))["name"]
            pages = [page async for page in iter_pages(client, ITEMS)]
        assert 1 == len(pages[0])
        assert not own.is_closed


async def test_a_sync_object_on_an_async_client(node: Node) -> None:
    """The wrong colour of httpx object is refused when the client is made."""
    with httpx.Client(trust_env=False) as own, pytest.raises(RonConfigError, match="which is sync"):
        client_of(node, transport=HttpxTransport(own))
