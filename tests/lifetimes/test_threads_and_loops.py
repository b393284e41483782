"""One client in many threads, in several event loops, and closed at any moment: a right answer or a clear error."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Optional

import httpx
import pytest

from ron import (
    HttpxTransport,
    RonClient,
    RonClientSync,
    RonConfigError,
    RonError,
    RonNetworkError,
    RonOutcomeUnknownError,
    RonWatchError,
)
from ron._clock import Clock
from ron.testing import MemoryNode, stored
from tests.lifetimes.cases import Item
from tests.lifetimes.echo_node import EchoNode
from tests.transport.raw_server import RawServer, once

PATIENCE = 20.0
CLOSED = "this {} is closed: make a new one, or move the call inside its `with` block"
OTHER_LOOP = (
    "this client is in use on another event loop, which is still open: make one client for each loop, and close it "
    "there with `async with`"
)
MEANWHILE = "the client was closed while the call was under way"


def _handler(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"target": request.url.raw_path.decode(), "connection": 0})


async def _app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b'{"target": "%b"}' % scope["raw_path"]})


def _echo(client: RonClientSync, nonce: str) -> None:
    assert f"/app/echo/{nonce}" == client.get(f"/app/echo/{nonce}")["target"]


async def _echo_async(client: RonClient, nonce: str) -> None:
    assert f"/app/echo/{nonce}" == (await client.get(f"/app/echo/{nonce}"))["target"]


def _hundred_threads(client: RonClientSync) -> None:
    start = threading.Barrier(100)

    def work(number: int) -> None:
        start.wait(PATIENCE)
        for count in range(10):
            _echo(client, f"{number}-{count}")

    with ThreadPoolExecutor(100) as pool:
        for done in [pool.submit(work, number) for number in range(100)]:
            done.result()
    assert 1000 == client.metrics.snapshot()["total_requests"]
    assert 0 == client.metrics.snapshot()["total_errors"]


@pytest.mark.parametrize("kind", ["lanes", "httpx", "mock"])
def test_a_hundred_threads(kind: str) -> None:
    """Each of a hundred threads on one client gets its own answers, over no more connections than allowed."""
    with EchoNode.in_thread() as node, httpx.Client(trust_env=False) as foreign:
        transports: dict[str, Any] = {
            "lanes": "default",
            "httpx": HttpxTransport(foreign),
            "mock": HttpxTransport(httpx.MockTransport(_handler)),
        }
        with RonClientSync(node.url, allow_insecure_http=True, transport=transports[kind], max_concurrency=8) as client:
            _hundred_threads(client)
        assert node.accepted <= 8
        assert (1000 if kind != "mock" else 0) == len(node.requests)


def test_a_hundred_threads_on_a_memory_node() -> None:
    """The in-process node serves as many threads alike."""
    node = MemoryNode(Item)
    for number in range(100):
        node.add(stored(Item, id=f"i-{number}", name=f"n-{number}"))
    with RonClientSync(transport=node) as client, ThreadPoolExecutor(100) as pool:
        names = list(pool.map(lambda number: client.objects(Item).get(f"i-{number}").name, range(100)))
    assert [f"n-{number}" for number in range(100)] == names


@pytest.mark.anyio
async def test_sync_in_a_running_loop() -> None:
    """A sync client blocks the loop that it is used in, and works; in a thread of it, it blocks nobody."""
    with EchoNode.in_thread() as node, RonClientSync(node.url, allow_insecure_http=True) as client:
        _echo(client, "blocking")
        await asyncio.get_running_loop().run_in_executor(None, _echo, client, "beside")


def test_async_outside_a_loop() -> None:
    """An async call that nobody runs in a loop is refused, and the client is usable afterwards."""
    with EchoNode.in_thread() as node:
        client = RonClient(node.url, allow_insecure_http=True)
        with pytest.raises(RonConfigError, match=r"^no asyncio event loop is running, and the default transport runs"):
            client.get("/app/echo/1").send(None)

        async def main() -> None:
            async with client:
                await _echo_async(client, "inside")

        asyncio.run(main())


def test_entered_once_used_in_two_runs() -> None:
    """A client entered in one `asyncio.run` and used in the next opens a new connection there; the first is closed."""
    with EchoNode.in_thread() as node:
        client = RonClient(node.url, allow_insecure_http=True)

        async def first() -> None:
            await client.__aenter__()
            await _echo_async(client, "first")

        async def second() -> None:
            node.wait_connections(0)
            await _echo_async(client, "second")
            await client.aclose()

        asyncio.run(first())
        asyncio.run(second())
        node.wait_connections(0)
        assert 2 == node.accepted


def test_entered_in_each_of_two_runs() -> None:
    """Leaving the first `async with` closes the client for good: the second says so."""
    with EchoNode.in_thread() as node:
        client = RonClient(node.url, allow_insecure_http=True)

        async def main() -> None:
            async with client:
                await _echo_async(client, "once")

        asyncio.run(main())
        with pytest.raises(RonConfigError, match=f"^{re.escape(CLOSED.format('RonClient'))}$"):
            asyncio.run(main())


def test_a_watch_goes_on_in_the_next_run() -> None:
    """A watch that was open when its loop ended is lost, and goes on over a connection of the next loop."""
    with EchoNode.in_thread() as node:
        client = RonClient(node.url, allow_insecure_http=True)
        changes = client.objects(Item).watch(name="w")

        async def step() -> str:
            change: Any = await changes.__anext__()
            key: str = change.key
            return key

        async def end() -> str:
            key = await step()
            await changes.aclose()
            await client.aclose()
            return key

        assert "i-1" == asyncio.run(step())
        node.wait_connections(0)
        assert "i-2" == asyncio.run(end())
        assert [None, "1"] == [request.last_event_id for request in node.requests]
        node.wait_connections(0)


def _in_two_loops(client: RonClient, call: Callable[[RonClient, str], Any]) -> list[BaseException]:
    """Calls in this thread's loop while another thread's loop, which has called before, is still open."""
    here, errors = asyncio.new_event_loop(), []
    here.run_until_complete(call(client, "here"))
    with ThreadPoolExecutor(1) as pool:

        def there() -> None:
            asyncio.run(call(client, "there"))

        error = pool.submit(there).exception()
        errors += [] if error is None else [error]
    here.run_until_complete(call(client, "again"))
    here.run_until_complete(client.aclose())
    here.run_until_complete(here.shutdown_asyncgens())
    here.close()
    return errors


def test_two_loops_at_a_time() -> None:
    """The second loop is refused with advice, whatever it asks for; the first one goes on over its connection."""
    with EchoNode.in_thread() as node:
        errors = _in_two_loops(RonClient(node.url, allow_insecure_http=True), _echo_async)
        assert [f"RonConfigError: {OTHER_LOOP}"] == [f"{type(error).__name__}: {error}" for error in errors]
        assert 1 == node.accepted


def test_a_watch_read_in_two_loops() -> None:
    """A stream that another loop has opened can't be read here, and the other loop goes on reading it."""
    with EchoNode.in_thread() as node:
        client = RonClient(node.url, allow_insecure_http=True)

        async def opened() -> Any:
            flow = client.subscribe("/app/items/events")
            await flow.__anext__()
            return flow._streams[0]

        here = asyncio.new_event_loop()
        stream = here.run_until_complete(opened())
        text = "this stream was opened in another event loop, which is still open: read it there"
        with ThreadPoolExecutor(1) as pool:
            error = pool.submit(lambda: asyncio.run(stream.read(None))).exception()
        assert f"RonConfigError: {text}" == f"{type(error).__name__}: {error}"
        here.run_until_complete(client.get("/app/release"))
        assert b"id: 2" in here.run_until_complete(stream.read(PATIENCE))
        here.run_until_complete(client.aclose())
        here.run_until_complete(here.shutdown_asyncgens())
        here.close()


def test_two_loops_on_an_in_process_node() -> None:
    """A node in the same process serves any number of loops: an ASGI application, a memory node."""
    transport = HttpxTransport(httpx.ASGITransport(app=_app))
    assert [] == _in_two_loops(RonClient(transport=transport, max_concurrency=1), _echo_async)
    node = MemoryNode(Item)
    node.add(stored(Item, id="i-1", name="n"))

    async def get(client: RonClient, _: str) -> None:
        assert "n" == (await client.objects(Item).get("i-1")).name

    assert [] == _in_two_loops(RonClient(transport=node), get)


def test_loops_in_threads_share_an_asgi_node() -> None:
    """Ten loops at a time on one client and one permit a loop: nobody wakes another loop's task, all get answers."""
    client = RonClient(transport=HttpxTransport(httpx.ASGITransport(app=_app)), max_concurrency=1)

    async def many(number: int) -> None:
        await asyncio.gather(*[_echo_async(client, f"{number}-{count}") for count in range(20)])

    with ThreadPoolExecutor(10) as pool:
        assert [None] * 10 == list(pool.map(lambda number: asyncio.run(many(number)), range(10)))


@pytest.mark.parametrize("method", ["get", "post", "put"])
def test_closed_from_another_thread(method: str) -> None:
    """A sync call ends when its client is closed: a read was lost, of a write nobody knows; what is in line is refused,
    and closing again is nothing.
    """
    with EchoNode.in_thread() as node:
        client = RonClientSync(node.url, allow_insecure_http=True, max_concurrency=1)
        with ThreadPoolExecutor(2) as pool:
            busy = pool.submit(getattr(client, method), "/app/silent/1")
            node.wait_requests(1)
            waiting = pool.submit(client.get, "/app/echo/1")
            _until(lambda: client._ports.channel.stats().waiting == 1)
            client.close()
            client.close()
        _lost(node, method, busy.exception())
        assert isinstance(waiting.exception(), RonConfigError)
        assert "the client is closed: make a new one" in str(waiting.exception())
        assert 1 == len(node.requests)
        with pytest.raises(RonConfigError, match=f"^{re.escape(CLOSED.format('RonClientSync'))}$"):
            client.get("/app/echo/1")


def test_closed_while_in_line_for_httpx() -> None:
    """Over an httpx client, whose sync calls nobody can end, a call in line is still refused and never sent."""
    with EchoNode.in_thread() as node, httpx.Client(trust_env=False) as foreign:
        client = RonClientSync(node.url, allow_insecure_http=True, transport=HttpxTransport(foreign), max_concurrency=1)
        with ThreadPoolExecutor(2) as pool:
            busy = pool.submit(client.get, "/app/held/1")
            node.wait_requests(1)
            waiting = pool.submit(client.get, "/app/echo/1")
            _until(lambda: client._ports.channel._here().calls._cond._waiters)
            client.close()
            foreign.get(f"{node.url}/app/release")
        assert "/app/held/1" == busy.result()["target"]
        assert isinstance(waiting.exception(), RonConfigError)
        assert ["/app/held/1", "/app/release"] == [request.target for request in node.requests]


@pytest.mark.parametrize("where", ["task", "thread"])
@pytest.mark.parametrize("method", ["get", "post", "put"])
def test_closed_while_async_calls_are_under_way(method: str, where: str) -> None:
    """The same for an async client, closed by another task or by another thread's loop."""

    async def main(node: EchoNode) -> BaseException:
        client = RonClient(node.url, allow_insecure_http=True)
        busy = asyncio.ensure_future(getattr(client, method)("/app/silent/1"))
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, node.wait_requests, 1)
        if where == "task":
            await client.aclose()
        else:
            await loop.run_in_executor(None, lambda: asyncio.run(client.aclose()))
        await client.aclose()
        await asyncio.wait([busy])
        error: Optional[BaseException] = busy.exception()
        assert error is not None
        with pytest.raises(RonConfigError, match=f"^{re.escape(CLOSED.format('RonClient'))}$"):
            await client.get("/app/echo/1")
        return error

    with EchoNode.in_thread() as node:
        _lost(node, method, asyncio.run(main(node)))
        node.wait_connections(0)


def _lost(node: EchoNode, method: str, error: Any) -> None:
    expected = RonNetworkError if method == "get" else RonOutcomeUnknownError
    assert expected is type(error)
    assert 1 == error.attempts
    begin = f"{method.upper()} /app/silent/1: {node.url[7:]}: {MEANWHILE}"
    assert str(error).startswith(begin)


class _ClosingClock(Clock):
    """Closes a client when a call waits for its next attempt."""

    client: Any = None

    def sleep(self, seconds: float) -> None:
        self.client.close()

    async def asleep(self, seconds: float) -> None:
        await self.client.aclose()


@pytest.mark.parametrize("colour", ["async", "sync"])
def test_closed_between_attempts(colour: str) -> None:
    """A write whose first answer was lost, and whose client is closed before the second attempt, may have happened."""
    clock = _ClosingClock()
    with RawServer(once()) as server:
        fields: dict[str, Any] = {"allow_insecure_http": True, "clock": clock}
        where, path = f"http://127.0.0.1:{server.port}", "/app/echo/1"
        with pytest.raises(RonOutcomeUnknownError, match="the client is closed") as caught:
            if colour == "sync":
                clock.client = RonClientSync(where, **fields)
                clock.client.put(path, json=1)
            else:
                clock.client = RonClient(where, **fields)
                asyncio.run(clock.client.put(path, json=1))
        assert (2, 1) == (caught.value.attempts, len(server.seen))


@pytest.mark.parametrize("colour", ["async", "sync"])
def test_a_watch_whose_client_is_closed(colour: str) -> None:
    """Who waits for a change when the client is closed gets an error that says so, at once."""
    with EchoNode.in_thread() as node:
        if colour == "sync":
            sync = RonClientSync(node.url, allow_insecure_http=True)
            changes = sync.objects(Item).watch()
            next(changes)
            with ThreadPoolExecutor(1) as pool:
                waiting: Future[Any] = pool.submit(next, changes)
                source: Any = changes._source
                _until(lambda: source._busy)
                sync.close()
            error: Any = waiting.exception()
        else:

            async def main() -> Any:
                client = RonClient(node.url, allow_insecure_http=True)
                changes = client.objects(Item).watch()
                await changes.__anext__()
                task = asyncio.ensure_future(changes.__anext__())
                await asyncio.sleep(0)
                await client.aclose()
                await asyncio.wait([task])
                return task.exception()

            error = asyncio.run(main())
        assert isinstance(error, RonError)
        assert isinstance(error, (RonConfigError, RonWatchError))
        assert "closed" in str(error)
        node.wait_connections(0)


def _until(condition: Callable[[], Any]) -> None:
    """Waits until something is so that another thread brings about."""
    pause = threading.Event()
    for _ in range(4000):
        if condition():
            return
        pause.wait(0.005)
    raise AssertionError("it did not come to pass")
