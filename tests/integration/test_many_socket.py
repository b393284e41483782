"""Many items over real sockets: what is under way is really ended when the caller has had enough."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from typing import Any, Optional

import pytest

from ron import Resource, RonClient, RonClientSync, RonNetworkError, server
from tests.reference_node import Node

#: seconds that nothing waits for, unless a test has failed
LIMIT = 60_000


class Item(Resource, path="/app/items"):
    """What is asked for."""

    id: str = server()
    name: str


@pytest.fixture
def keys(node: Node) -> Iterator[list[str]]:
    """The keys of twenty items on a fresh node."""
    node.reset()
    yield [node.store.insert("items", {"name": f"n{n}"}).key for n in range(20)]
    node.reset()


def sync_client(node: Node, **fields: Any) -> RonClientSync:
    """A sync client that would wait long."""
    limits = {"overall_timeout_ms": LIMIT, "read_timeout_ms": LIMIT}
    return RonClientSync(node.url, allow_insecure_http=True, **{**limits, **fields})


def left() -> list[threading.Thread]:
    """The threads that bulk calls have left."""
    return [thread for thread in threading.enumerate() if thread.name == "ron-many"]


@pytest.mark.anyio
async def test_everything_arrives(node: Node, keys: list[str]) -> None:
    """Both colours get, create and delete over sockets, more at once than one connection carries."""
    with sync_client(node) as sync:
        assert keys == [item.id for item in sync.objects(Item).get_many(keys).ok]
        made = sync.objects(Item).create_many([{"name": "x"}] * 10).raise_for_failed().ok
        assert 10 == len(sync.objects(Item).delete_many(made, concurrency=3).ok)
    async with RonClient(node.url, allow_insecure_http=True) as client:
        assert keys == [item.id for item in (await client.objects(Item).get_many(keys)).ok]
        assert keys == [outcome.given async for outcome in client.objects(Item).iter_many(keys)]
        assert 20 == len((await client.objects(Item).delete_many(keys)).ok)


def test_leaving_a_sync_loop_takes_the_connections_away(node: Node, keys: list[str]) -> None:
    """Threads that wait for a node that never answers are ended when the loop is left, long before their deadlines."""
    node.answer(200, {"Content-Type": "application/json"}, b'{"id":"first","name":"n"}')
    node.hang(times=3)
    with sync_client(node) as client:
        for _ in client.objects(Item).iter_many(keys, concurrency=4, ordered=False):
            node.wait_waiting(3)
            break
        assert [] == left()
        node.wait_waiting(0)  # the node saw them go
        assert keys[0] == client.objects(Item).get(keys[0]).id


def test_ctrl_c_takes_the_connections_away(node: Node, keys: list[str]) -> None:
    """Ctrl-C while threads wait for a node ends them, and the client goes on to work."""
    node.answer(200, {"Content-Type": "application/json"}, b'{"id":"first","name":"n"}')
    node.hang(times=3)

    def progress(done: int, total: Optional[int]) -> None:
        node.wait_waiting(3)
        signal.raise_signal(signal.SIGINT)

    with sync_client(node) as client:
        with pytest.raises(KeyboardInterrupt):
            client.objects(Item).get_many(keys, concurrency=4, progress=progress)
        assert [] == left()
        node.wait_waiting(0)
        assert keys[0] == client.objects(Item).get(keys[0]).id


def test_closing_from_another_thread_ends_the_loop(node: Node, keys: list[str]) -> None:
    """``close`` wakes the thread that waits in the loop, which then ends as if there were no more."""
    node.hang(times=2)
    with sync_client(node) as client:
        outcomes = client.objects(Item).iter_many(keys, concurrency=2)

        def close() -> None:
            node.wait_waiting(2)
            outcomes.close()

        closer = threading.Thread(target=close)
        closer.start()
        assert [] == list(outcomes)
        closer.join()
        assert [] == left()


def test_who_waits_for_a_connection_is_ended_too(node: Node, keys: list[str]) -> None:
    """A thread in line for a connection gets out of it; the permits are as many as before."""
    errors: list[RonNetworkError] = []
    with sync_client(node, max_concurrency=1, max_retries=0) as client:
        lanes: Any = client._ports.channel

        def get() -> None:
            try:
                client.objects(Item).get(keys[0])
            except RonNetworkError as error:
                errors.append(error)

        node.hang()
        first, second = threading.Thread(target=get), threading.Thread(target=get)
        first.start()
        node.wait_waiting(1)
        second.start()
        while not lanes.stats().waiting:
            second.join(0.001)
        lanes.interrupt(frozenset([second.ident]))
        second.join()
        assert ["ended from another thread" in str(error) for error in errors] == [True]
        lanes.interrupt(frozenset([first.ident]))
        first.join()
        assert 2 == len(errors)
        assert (0, 0) == (lanes.stats().busy, lanes.stats().waiting)
        assert keys[1] == client.objects(Item).get(keys[1]).id


@pytest.mark.anyio
async def test_cancelling_closes_the_connections(node: Node, keys: list[str]) -> None:
    """A cancelled async call leaves no request at the node and no connection in use."""
    node.hang(times=4)
    async with RonClient(node.url, allow_insecure_http=True, overall_timeout_ms=LIMIT, read_timeout_ms=LIMIT) as client:
        call = asyncio.ensure_future(client.objects(Item).get_many(keys, concurrency=4))
        await asyncio.get_running_loop().run_in_executor(None, node.wait_waiting, 4)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.get_running_loop().run_in_executor(None, node.wait_waiting, 0)
        channel: Any = client._ports.channel
        assert (0, 0) == (channel.stats().busy, channel.stats().waiting)
        assert keys[0] == (await client.objects(Item).get(keys[0])).id
