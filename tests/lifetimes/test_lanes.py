"""What the pool of lanes promises of its connections, seen from the node; both colours, through whole clients."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from ron import RonClient, RonClientSync, RonNetworkError, RonParseError
from ron.transport._ledger import IDLE_SECONDS
from tests.lifetimes.echo_node import EchoNode
from tests.transport.lane_cases import KEPT, Kept
from tests.transport.raw_server import OK, Peer, RawServer

COLOURS = ["async", "sync"]
LANES = 4


class Rig:
    """A client of either colour behind one sync face; its calls can also be made several at a time."""

    def __init__(self, colour: str, url: str, **fields: Any) -> None:
        fields = {"max_concurrency": LANES, "max_retries": 0, "allow_insecure_http": True, **fields}
        self._loop = asyncio.new_event_loop() if colour == "async" else None
        self._client: Any = (RonClient if colour == "async" else RonClientSync)(url, **fields)

    def call(self, method: str = "GET", path: str = "/app/echo/1", **options: Any) -> Any:
        """One call's result."""
        result = self._client.call(method, path, **options)
        return result if self._loop is None else self._loop.run_until_complete(result)

    def at_once(self, paths: list[str]) -> list[Any]:
        """These calls at the same time."""
        if self._loop is None:
            with ThreadPoolExecutor(len(paths)) as pool:
                return list(pool.map(self._client.get, paths))

        async def gather() -> list[Any]:
            return list(await asyncio.gather(*[self._client.get(path) for path in paths]))

        return self._loop.run_until_complete(gather())

    def stats(self) -> Any:
        """The books, counted."""
        return self._client._ports.channel.stats()

    def age(self, seconds: float) -> None:
        """Makes every idle connection so much older."""
        channel = self._client._ports.channel
        ledger = (channel._pool if self._loop is not None else channel._pool()).ledger
        for _ in range(len(ledger.idle)):
            since, lane = ledger.idle.popleft()
            ledger.idle.append((since - seconds, lane))

    def close(self) -> None:
        """Closes the client and its loop."""
        if self._loop is None:
            self._client.close()
            return
        self._loop.run_until_complete(self._client.aclose())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()


@pytest.fixture(params=COLOURS)
def colour(request: pytest.FixtureRequest) -> str:
    """Each colour in turn."""
    name: str = request.param
    return name


@pytest.fixture
def node() -> Iterator[EchoNode]:
    """A node in a thread."""
    with EchoNode.in_thread() as running:
        yield running


@pytest.fixture
def rig(colour: str, node: EchoNode) -> Iterator[Rig]:
    """A client of that colour, and the node it talks to."""
    made = Rig(colour, node.url)
    yield made
    made.close()
    node.wait_connections(0)


def _fill(rig: Rig, node: EchoNode) -> list[int]:
    """Opens as many connections as there may be; gives the order in which they came back."""
    with ThreadPoolExecutor(1) as other:
        held = other.submit(rig.at_once, [f"/app/held/{number}" for number in range(LANES)])
        node.wait_requests(LANES)
        node.wait_for(lambda node: len(node.connections) == LANES)
        with RonClientSync(node.url, allow_insecure_http=True) as helper:
            helper.get("/app/release")
        return [told["connection"] for told in held.result()]


def test_the_newest_connection_is_used_first(rig: Rig, node: EchoNode) -> None:
    """After a burst, one call at a time uses one connection; the others stay idle and run into their expiry."""
    _fill(rig, node)
    assert (0, LANES) == (rig.stats().busy, rig.stats().idle)
    first = rig.call()["connection"]
    assert {first} == {rig.call()["connection"] for _ in range(5)}
    assert LANES == rig.stats().opened_total


def test_an_idle_connection_expires(rig: Rig, node: EchoNode) -> None:
    """What has lain idle for too long is closed when the next call comes, which opens a new one if none is left."""
    _fill(rig, node)
    rig.age(IDLE_SECONDS - 1)
    kept = rig.call()["connection"]
    assert LANES == rig.stats().idle
    rig.age(2)
    assert kept == rig.call()["connection"]
    assert (1, LANES) == (rig.stats().idle, rig.stats().opened_total)
    node.wait_connections(1)
    rig.age(IDLE_SECONDS + 1)
    assert kept != rig.call()["connection"]
    assert (1, LANES + 1) == (rig.stats().idle, rig.stats().opened_total)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_node_closed_idle_connections(rig: Rig, node: EchoNode, method: str) -> None:
    """All idle connections are closed by the node: the next call, even a write that may not be repeated, goes through
    on a new connection, once.
    """
    _fill(rig, node)
    node.hang_up()
    before = len(node.requests)
    told = rig.call(method, "/app/echo/again")
    assert "/app/echo/again" == told["target"]
    assert [method] == [request.method for request in node.requests[before:]]
    assert (1, LANES + 1) == (rig.stats().idle, rig.stats().opened_total)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("case", [case for case in KEPT if not cast("Kept", case.values[0]).kept])
def test_a_doubtful_connection_is_not_used_again(colour: str, case: Kept, method: str) -> None:
    """Surplus bytes, contradicting lengths, `Connection: close`: the answer may be good, its connection is not."""

    def handle(peer: Peer) -> None:
        peer.request()
        peer.send(case.reply if peer.number == 1 else OK)
        peer.wait_closed()

    with RawServer(handle) as server:
        rig = Rig(colour, f"http://127.0.0.1:{server.port}")
        try:
            with contextlib.suppress(RonParseError):  # not all of these bodies are JSON
                rig.call(case.method)
            server.wait_closed(1)
            assert {} == rig.call(method)
            assert [case.method, method] == [seen.line.decode().split()[0] for seen in server.seen]
            assert 2 == server.accepted
        finally:
            rig.close()


def test_a_connection_is_not_used_after_an_error(colour: str) -> None:
    """A call whose answer breaks off, and one whose deadline passes, take their connections with them."""
    late = threading.Event()

    def handle(peer: Peer) -> None:
        peer.request()
        if peer.number == 1:
            peer.send(OK[:-1])
            peer.sock.close()
        elif peer.number == 2:
            late.wait(20)
            peer.send(OK)  # nobody's answer any more
            peer.wait_closed()
        else:
            peer.send(OK)
            peer.wait_closed()

    with RawServer(handle) as server:
        rig = Rig(colour, f"http://127.0.0.1:{server.port}")
        try:
            for seconds in (None, 0.1):
                with pytest.raises(RonNetworkError):
                    rig.call(timeout=seconds)
                assert (0, 0) == (rig.stats().busy, rig.stats().idle)
            late.set()
            assert {} == rig.call()
            assert 3 == server.accepted
        finally:
            rig.close()


def test_at_most_so_many_connections(rig: Rig, node: EchoNode) -> None:
    """However many calls there are at a time, the node never sees more than `max_concurrency` connections."""
    paths = [f"/app/echo/{number}" for number in range(20 * LANES)]
    assert paths == [told["target"] for told in rig.at_once(paths)]
    assert LANES >= node.accepted
    assert (0, 0) == (rig.stats().busy, rig.stats().waiting)
