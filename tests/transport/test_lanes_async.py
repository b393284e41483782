"""The default transport, async, on real sockets."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import zlib
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpcore
import httpx
import pytest
import respx

from ron._values import Failure, Reply
from ron.errors import RonConfigError
from ron.transport._async_lanes import AsyncLanes
from ron.transport._ledger import LaneStats
from ron.transport._protocol import Endpoint
from tests.transport.lane_cases import (
    BAD_ANSWERS,
    KEPT,
    LATE_ANSWERS,
    SOON,
    TOKEN,
    Handler,
    Kept,
    Outcome,
    endpoint,
    exchange,
    frames_of,
    outcome,
)
from tests.transport.raw_server import (
    OK,
    PATIENCE,
    Peer,
    RawServer,
    Tls,
    answer,
    keep_alive,
    once,
)

pytestmark = pytest.mark.anyio
T = TypeVar("T")


@asynccontextmanager
async def lanes(where: Endpoint) -> AsyncIterator[AsyncLanes]:
    """A channel that must have let everything go when it is closed."""
    before = asyncio.all_tasks()
    channel = AsyncLanes(where)
    try:
        yield channel
    finally:
        await channel.aclose()
    assert before == asyncio.all_tasks()
    assert channel.stats()[:4] == (0, 0, 0, 0)


async def failing(call: Awaitable[Any]) -> Failure:
    """The ``Failure`` that a call ends with."""
    with pytest.raises(Failure) as caught:
        await call
    assert caught.value.__context__ is None
    return caught.value


async def closed(server: RawServer, count: int) -> None:
    """Waits, the loop running, until the server has seen that many connections end."""
    await asyncio.get_running_loop().run_in_executor(None, server.wait_closed, count)


def is_waiting(channel: AsyncLanes) -> bool:
    """Whether the one busy lane waits for its node."""
    assert channel._pool is not None
    (lane,) = channel._pool.ledger.busy
    return lane.wire._connecting is not None or lane.wire._patience.waiting


async def until(condition: Any) -> None:
    """Lets the loop turn until something is so."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come to pass")


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
async def test_sends_what_it_is_given(tls: bool) -> None:
    """One request goes out byte for byte, Host first and Authorization last, and its answer comes back."""
    authority = Tls() if tls else None
    with RawServer(keep_alive(answer(b"[1]", b"X-One: a")), authority) as server:
        where = endpoint(server.port, verify=authority.client() if authority else None)
        async with lanes(where) as channel:
            reply = await channel.send(exchange("POST", b"/a?b=%20", b"body"), TOKEN)
    assert Reply(200, [(b"X-One", b"a"), (b"Content-Length", b"3")], b"[1]") == reply
    seen = server.seen[0]
    assert (b"POST /a?b=%20 HTTP/1.1", b"body") == (seen.line, seen.body)
    fields = seen.fields()
    assert (b"host", b"127.0.0.1:%d" % server.port) == fields[0]
    assert TOKEN.header()[1] == fields[-1][1]
    assert [b"host", b"accept", b"content-length", b"authorization"] == [name for name, _ in fields]


@pytest.mark.parametrize(("handler", "expected"), BAD_ANSWERS)
async def test_bad_answer(handler: Handler, expected: Outcome) -> None:
    """An answer that is not whole or not as promised is a typed failure, and its connection is closed."""
    with RawServer(handler) as server:
        async with lanes(endpoint(server.port)) as channel:
            assert expected == outcome(await failing(channel.send(exchange(), TOKEN)))
            assert LaneStats(0, 0, 0, 0, 1) == channel.stats()
            await closed(server, 1)


@pytest.mark.parametrize(("handler", "body"), LATE_ANSWERS)
async def test_deadline(handler: Handler, body: bytes) -> None:
    """Whatever the node does, the call ends by its deadline, and says that it may have been sent."""
    with RawServer(handler) as server:
        async with lanes(endpoint(server.port)) as channel:
            call = channel.send(exchange("PUT", body=body, seconds=SOON), TOKEN)
            assert Outcome("timeout", True, timed_out=True) == outcome(await failing(call))


@pytest.mark.parametrize("handler", [LATE_ANSWERS[4].values[0], LATE_ANSWERS[5].values[0]])
async def test_own_timeouts(handler: Handler) -> None:
    """A read or a write that makes no progress for its own timeout fails before the deadline."""
    with RawServer(handler) as server:
        async with lanes(endpoint(server.port, timeout=SOON)) as channel:
            call = channel.send(exchange("PUT", body=bytes(32 << 20)), TOKEN)
            assert Outcome("timeout", True, timed_out=True) == outcome(await failing(call))


async def test_deadline_that_has_passed() -> None:
    """A call that comes too late sends nothing."""
    with RawServer(keep_alive()) as server:
        async with lanes(endpoint(server.port)) as channel:
            assert not (await failing(channel.send(exchange(seconds=-1), TOKEN))).sent
            await channel.send(exchange(), TOKEN)
            assert not (await failing(channel.send(exchange(seconds=-1), TOKEN))).sent
    assert 1 == len(server.seen)


async def test_connect_failures() -> None:
    """What fails before a connection stands was not sent: no listener, no such name."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with lanes(endpoint(port)) as channel:
        assert Outcome("connect", False) == outcome(await failing(channel.send(exchange(), TOKEN)))
    async with lanes(endpoint(port, host="x" * 70)) as channel:
        assert Outcome("dns", False) == outcome(await failing(channel.send(exchange(), TOKEN)))


async def test_looks_a_name_up() -> None:
    """A host that is a name is resolved, and each of its addresses is tried."""
    with RawServer(keep_alive()) as server:
        async with lanes(endpoint(server.port, host="localhost")) as channel:
            assert b"{}" == (await channel.send(exchange(), TOKEN)).body


async def test_tls_failures() -> None:
    """A certificate that doesn't verify is permanent; a handshake that fails or hangs is not; none was sent."""

    async def ends(where: Endpoint, seconds: float = PATIENCE) -> Outcome:
        async with lanes(where) as channel:
            return outcome(await failing(channel.send(exchange(seconds=seconds), TOKEN)))

    ours, stranger = Tls(), Tls().client()
    with RawServer(once(), ours) as server:
        expected = Outcome("certificate", False, permanent=True)
        assert expected == await ends(endpoint(server.port, verify=stranger))
        assert expected == await ends(endpoint(server.port, host="localhost", verify=ours.client()))
    with RawServer(lambda peer: peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        assert Outcome("tls", False) == await ends(endpoint(server.port, verify=stranger))
    with RawServer(lambda peer: peer.wait_closed()) as server:
        late = Outcome("tls", False, timed_out=True)
        assert late == await ends(endpoint(server.port, verify=stranger), SOON)
        assert late == await ends(endpoint(server.port, verify=stranger, connect_timeout=SOON))


async def test_early_answer() -> None:
    """An answer that comes in the middle of an upload is the answer, however the node then closes."""

    def refuse(peer: Peer) -> None:
        peer.sock.recv(1000)
        peer.send(answer(b"too big", status=b"413 Content Too Large"))
        if peer.number == 1:
            peer.server.stopping.wait(PATIENCE)

    with RawServer(refuse) as server:
        async with lanes(endpoint(server.port)) as channel:
            for _ in range(2):
                reply = await channel.send(exchange("POST", body=bytes(32 << 20)), TOKEN)
                assert (413, b"too big") == (reply.status, reply.body)
            assert 0 == channel.stats().idle


@pytest.mark.parametrize("case", KEPT)
async def test_reuse(case: Kept) -> None:
    """A connection is used again exactly when its answer has provably ended."""
    with RawServer(keep_alive(case.reply)) as server:
        async with lanes(endpoint(server.port)) as channel:
            for _ in range(2):
                reply = await channel.send(exchange(case.method), TOKEN)
                assert (case.status, case.body) == (reply.status, reply.body)
            assert (1 if case.kept else 2) == channel.stats().opened_total


@pytest.mark.parametrize("end", ["closes", "resets", "speaks"])
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
async def test_idle_connection_that_ended(end: str, tls: bool) -> None:
    """What the node does to an idle connection is noticed before it is used again: one request each."""
    answered, acted = threading.Event(), threading.Event()

    def handle(peer: Peer) -> None:
        peer.request()
        peer.send(OK)
        if peer.number == 1:
            answered.wait(PATIENCE)
            if end == "speaks":
                peer.send(answer(b"forged"))
            elif end == "resets":
                peer.reset()
            else:
                peer.sock.close()
            acted.set()
        peer.wait_closed()

    authority = Tls() if tls else None
    with RawServer(handle, authority) as server:
        where = endpoint(server.port, verify=authority.client() if authority else None)
        async with lanes(where) as channel:
            assert b"{}" == (await channel.send(exchange("POST"), TOKEN)).body
            answered.set()
            acted.wait(PATIENCE)  # the loop stands still: only the descriptor can tell
            assert b"{}" == (await channel.send(exchange("POST"), TOKEN)).body
            assert LaneStats(0, 1, 0, 0, 2) == channel.stats()
    assert 2 == len(server.seen)


async def test_concurrency_is_bounded_and_fair() -> None:
    """At most max_concurrency calls are under way; the others get their turn in the order they came."""
    gate = threading.Event()

    def handle(peer: Peer) -> None:
        while True:
            peer.request()
            gate.wait(PATIENCE)
            peer.send(OK)

    with RawServer(handle) as server:
        async with lanes(endpoint(server.port, max_concurrency=1)) as channel:
            done: list[int] = []

            async def call(number: int) -> None:
                await channel.send(exchange(target=b"/%d" % number), TOKEN)
                done.append(number)

            tasks = [asyncio.create_task(call(number)) for number in range(6)]
            await until(lambda: len(server.seen) == 1)
            assert LaneStats(1, 0, 5, 0, 1) == channel.stats()
            tasks[3].cancel()
            gate.set()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert [0, 1, 2, 4, 5] == done
            assert LaneStats(0, 1, 0, 0, 1) == channel.stats()


async def test_no_lane_in_time() -> None:
    """A call that gets no lane before its deadline was not sent, and leaves the line."""
    with RawServer(LATE_ANSWERS[4].values[0]) as server:
        async with lanes(endpoint(server.port, max_concurrency=1)) as channel:
            first = asyncio.create_task(channel.send(exchange(), TOKEN))
            await until(lambda: server.seen)
            late = await failing(channel.send(exchange(seconds=SOON), TOKEN))
            assert Outcome("timeout", False, timed_out=True) == outcome(late)
            assert 0 == channel.stats().waiting
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first


@pytest.mark.parametrize("stage", ["connect", "handshake", "write", "read", "body"])
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
async def test_cancellation(stage: str, tls: bool) -> None:
    """A call cancelled at any stage leaves no lane, task or socket, and nothing that holds the token."""
    reached = threading.Event()

    def handle(peer: Peer) -> None:
        reached.set()
        if stage in ("read", "body"):
            peer.request()
            if stage == "body":
                peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
            peer.wait_closed()
        elif stage == "handshake":
            peer.wait_closed()
        else:
            peer.server.stopping.wait(PATIENCE)

    authority = Tls() if tls else None
    client = authority.client() if authority else None
    with RawServer(handle, None if stage in ("connect", "handshake") else authority) as server:
        async with lanes(endpoint(server.port, verify=client)) as channel:
            body = bytes(32 << 20) if stage == "write" else b""
            task = asyncio.create_task(channel.send(exchange("PUT", body=body), TOKEN))
            if stage == "connect":
                await asyncio.sleep(0)
            else:
                await until(reached.is_set)
                await until(lambda: server.seen or stage not in ("read", "body"))
                await until(lambda: is_waiting(channel))
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            assert not any("canary" in text for text in frames_of(caught.value))
            assert LaneStats(0, 0, 0, 0, 1) == channel.stats()
            if stage not in ("connect", "write"):
                await closed(server, 1)


async def test_failures_do_not_hold_the_token() -> None:
    """No frame, argument or chain of a failure leads to the token."""
    for handler in (once(), once(OK[:-1]), once(b"nonsense\r\n\r\n"), once(answer(bytes(99999)))):
        with RawServer(handler) as server:
            async with lanes(endpoint(server.port)) as channel:
                failure = await failing(channel.send(exchange(), TOKEN))
                assert not any("canary" in text for text in frames_of(failure))


async def test_churn() -> None:
    """After many cancelled calls every lane is free, and every fresh call gets its own answer."""

    def echo(peer: Peer) -> None:
        while True:
            peer.send(answer(peer.request().line))

    with RawServer(echo) as server:
        async with lanes(endpoint(server.port, max_concurrency=3)) as channel:
            for turn in range(60):
                tasks = [
                    asyncio.create_task(channel.send(exchange(target=b"/%d" % number), TOKEN)) for number in range(8)
                ]
                for _ in range(turn % 12):
                    await asyncio.sleep(0)
                for task in tasks[::2]:
                    task.cancel()
                for number, result in enumerate(await asyncio.gather(*tasks, return_exceptions=True)):
                    if isinstance(result, BaseException):
                        assert isinstance(result, asyncio.CancelledError)
                    else:
                        assert b"GET /%d HTTP/1.1" % number == result.body
                assert (0, 0) == (channel.stats().busy, channel.stats().waiting)


async def test_close_ends_everything() -> None:
    """Closing ends calls under way with a failure and calls in line with advice; later use is refused."""
    with RawServer(LATE_ANSWERS[4].values[0]) as server:
        async with lanes(endpoint(server.port, max_concurrency=1)) as channel:
            calls = [asyncio.create_task(channel.send(exchange(), TOKEN)) for _ in range(2)]
            await until(lambda: server.seen)
            await channel.aclose()
            busy, waiting = await asyncio.gather(*calls, return_exceptions=True)
            assert isinstance(busy, Failure)
            assert Outcome("read", True, permanent=True) == outcome(busy)
            assert isinstance(waiting, RonConfigError)
            await closed(server, 1)
            with pytest.raises(RonConfigError, match="closed"):
                await channel.send(exchange(), TOKEN)
            with pytest.raises(RonConfigError, match="closed"):
                await channel.stream(exchange(), TOKEN)


async def test_close_while_connecting() -> None:
    """Closing ends a TLS handshake under way; nothing was sent."""
    with RawServer(lambda peer: peer.wait_closed()) as server:
        async with lanes(endpoint(server.port, verify=Tls().client())) as channel:
            call = asyncio.create_task(channel.send(exchange(), TOKEN))
            await until(lambda: server.accepted)
            await channel.aclose()
            assert Outcome("connect", False, permanent=True) == outcome(await failing(call))
            await closed(server, 1)


def streamed(*parts: bytes, fields: bytes = b"") -> Handler:
    """Answers with an endless body of these parts, each its own chunk, and then nothing more."""

    def handle(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + fields + b"\r\n")
        for part in parts:
            peer.send(b"%x\r\n%b\r\n" % (len(part), part))
            peer.server.stopping.wait(0.05)
        peer.wait_closed()

    return handle


async def test_stream() -> None:
    """A stream gives bytes as they come, beyond the call's deadline, and closing it closes its connection."""
    with RawServer(streamed(b"one", b"two")) as server:
        async with lanes(endpoint(server.port, timeout=SOON)) as channel:
            stream = await channel.stream(exchange(seconds=SOON), TOKEN)
            assert (200, (b"Transfer-Encoding", b"chunked")) == (stream.status, stream.headers[0])
            assert [b"one", b"two"] == [await stream.read(PATIENCE) for _ in range(2)]
            assert LaneStats(0, 0, 0, 1, 1) == channel.stats()
            await stream.aclose()
            await stream.aclose()
            await closed(server, 1)
            assert 0 == channel.stats().streams
            assert "read" == (await failing(stream.read(None))).kind


async def test_stream_end() -> None:
    """The end of a stream is b"", again and again; one that ends early is a failure."""
    body = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    with RawServer(once(body + b"0\r\n\r\n")) as server:
        async with lanes(endpoint(server.port)) as channel:
            stream = await channel.stream(exchange(), TOKEN)
            assert [b"abc", b"", b""] == [await stream.read(None) for _ in range(3)]
            assert 0 == channel.stats().streams
    with RawServer(once(body)) as server:
        async with lanes(endpoint(server.port)) as channel:
            stream = await channel.stream(exchange(), TOKEN)
            assert b"abc" == await stream.read(None)
            assert Outcome("truncated", True) == outcome(await failing(stream.read(None)))
            assert 0 == channel.stats().streams


async def test_stream_timeout() -> None:
    """A stream on which nothing comes for the time given is a timeout, and closed."""
    with RawServer(streamed(b"one")) as server:
        async with lanes(endpoint(server.port)) as channel:
            stream = await channel.stream(exchange(), TOKEN)
            assert b"one" == await stream.read(PATIENCE)
            late = await failing(stream.read(SOON))
            assert Outcome("timeout", True, timed_out=True) == outcome(late)
            await closed(server, 1)


async def test_stream_of_gzip() -> None:
    """A stream that is gzip all the same is decoded in bounded steps; a damaged one is refused."""
    deflate = zlib.compressobj(wbits=31)
    first = deflate.compress(bytes(200_000)) + deflate.flush(zlib.Z_SYNC_FLUSH)
    with RawServer(streamed(first, b"\xff" * 9, fields=b"Content-Encoding: gzip\r\n")) as server:
        async with lanes(endpoint(server.port)) as channel:
            stream = await channel.stream(exchange(), TOKEN)
            sizes: list[int] = []
            while sum(sizes) < 200_000:
                sizes.append(len(await stream.read(PATIENCE)))
            assert 64 * 1024 == max(sizes)
            assert Outcome("encoding", True) == outcome(await failing(stream.read(PATIENCE)))
            await closed(server, 1)


async def test_streams_are_bounded() -> None:
    """One stream more than max_streams is refused at once; calls have lanes of their own."""

    def handle(peer: Peer) -> None:
        (keep_alive() if peer.number == 3 else streamed(b"x"))(peer)

    with RawServer(handle) as server:
        async with lanes(endpoint(server.port, max_streams=2, max_concurrency=1)) as channel:
            first, second = [await channel.stream(exchange(), TOKEN) for _ in range(2)]
            with pytest.raises(RonConfigError, match="max_streams=2"):
                await channel.stream(exchange(), TOKEN)
            assert b"{}" == (await channel.send(exchange(), TOKEN)).body
            assert b"x" == await first.read(None)
            await first.aclose()
            await (await channel.stream(exchange(), TOKEN)).aclose()
            await second.aclose()


async def test_stream_closed_while_read() -> None:
    """Closing a stream, or the channel, wakes the task that reads it; two readers are refused."""
    with RawServer(streamed()) as server:
        async with lanes(endpoint(server.port)) as channel:
            for close in ("stream", "channel"):
                stream = await channel.stream(exchange(), TOKEN)
                reading = asyncio.create_task(stream.read(None))
                await until(lambda: stream._busy)  # noqa: B023
                with pytest.raises(RonConfigError, match="another task"):
                    await stream.read(None)
                await (stream.aclose() if close == "stream" else channel.aclose())
                assert "read" == (await failing(reading)).kind
                await stream.aclose()


async def test_stream_read_cancelled() -> None:
    """A cancelled read closes the stream and its connection."""
    with RawServer(streamed()) as server:
        async with lanes(endpoint(server.port)) as channel:
            stream = await channel.stream(exchange(), TOKEN)
            reading = asyncio.create_task(stream.read(None))
            await until(lambda: stream._busy)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            await closed(server, 1)
            assert 0 == channel.stats().streams


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_second_loop(tls: bool) -> None:
    """A client that was not closed works in a second asyncio.run; the first one's sockets are closed."""
    authority = Tls() if tls else None
    with RawServer(keep_alive(), authority) as server:
        where = endpoint(server.port, verify=authority.client() if authority else None)
        channel = AsyncLanes(where)

        async def call() -> bytes:
            return (await channel.send(exchange(), TOKEN)).body

        for turn in range(3):
            assert b"{}" == asyncio.run(call())
            server.wait_closed(turn + 1)
        asyncio.run(channel.aclose())
        assert 3 == server.accepted


def test_other_loop_still_open() -> None:
    """Use on a second loop while the first is open is refused with advice."""
    with RawServer(keep_alive()) as server:
        channel = AsyncLanes(endpoint(server.port))

        async def call() -> bytes:
            return (await channel.send(exchange(), TOKEN)).body

        first = asyncio.new_event_loop()
        try:
            assert b"{}" == first.run_until_complete(call())
            with pytest.raises(RonConfigError, match="another event loop"):
                asyncio.run(call())
            assert b"{}" == first.run_until_complete(call())
            first.run_until_complete(channel.aclose())
        finally:
            first.close()


def test_no_loop() -> None:
    """Use without an asyncio loop is refused with advice."""
    coroutine = AsyncLanes(endpoint(1)).send(exchange(), TOKEN)
    with pytest.raises(RonConfigError, match="no asyncio event loop"):
        coroutine.send(None)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # 3.12 warns of threads
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_fork(tls: bool) -> None:
    """A forked child makes a connection of its own and leaves the parent's alone; both get their own answers."""

    def echo(peer: Peer) -> None:
        while True:
            peer.send(answer(peer.request().line))

    authority = Tls() if tls else None
    with RawServer(echo, authority) as server:
        where = endpoint(server.port, verify=authority.client() if authority else None)
        channel = AsyncLanes(where)

        async def call(target: bytes) -> bool:
            reply = await channel.send(exchange(target=target), TOKEN)
            return b"GET %b HTTP/1.1" % target == reply.body

        loop = asyncio.new_event_loop()
        try:
            assert loop.run_until_complete(call(b"/parent"))
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    code = 0 if asyncio.run(call(b"/child")) else 2
                finally:
                    os._exit(code)
            assert 0 == os.waitpid(child, 0)[1]
            assert loop.run_until_complete(call(b"/again"))
            assert 1 == channel.stats().opened_total
            loop.run_until_complete(channel.aclose())
        finally:
            loop.close()
        assert 2 == server.accepted


@respx.mock
async def test_respx() -> None:
    """A mock stands in for the node: whole answers, streams, and the headers that would have been sent."""
    route = respx.post("https://node.example/a?b=c").mock(
        return_value=httpx.Response(201, json={"id": 1}, headers={"ETag": '"x"'})
    )
    respx.get("https://node.example/events").mock(
        return_value=httpx.Response(200, stream=httpx.ByteStream(b"data: 1\n\n"))
    )
    respx.get("https://node.example/parts").mock(return_value=httpx.Response(200, content=iter([b"a", b"b"])))
    async with lanes(endpoint(443, host="node.example", verify=True)) as channel:
        for _ in range(2):
            reply = await channel.send(exchange("POST", b"/a?b=c", b"{}"), TOKEN)
            assert (201, b'"x"') == (reply.status, dict(reply.headers)[b"ETag"])
        assert b"ab" == (await channel.send(exchange(target=b"/parts"), TOKEN)).body
        stream = await channel.stream(exchange(target=b"/events"), TOKEN)
        assert [b"data: 1\n\n", b""] == [await stream.read(1), await stream.read(1)]
        unread = await channel.stream(exchange(target=b"/events"), TOKEN)
        await unread.aclose()
    request = route.calls[0].request
    assert (b"{}", "Bearer") == (request.content, request.headers["Authorization"].split()[0])


@respx.mock
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx.ConnectError, Outcome("connect", False)),
        (httpx.ConnectTimeout, Outcome("connect", False, timed_out=True)),
        (httpcore.ConnectError, Outcome("connect", False)),
        (httpx.ReadTimeout, Outcome("timeout", True, timed_out=True)),
        (httpx.WriteError, Outcome("write", True)),
        (httpx.RemoteProtocolError, Outcome("protocol", True)),
        (httpcore.ReadError, Outcome("read", True)),
        (ConnectionResetError, Outcome("read", True)),
    ],
)
async def test_respx_errors(error: type[Exception], expected: Outcome) -> None:
    """Exceptions that a mock raises are mapped; without activity on the wire only connect errors are unsent."""
    respx.get("https://node.example/").mock(side_effect=error("secret text"))
    async with lanes(endpoint(443, host="node.example", verify=True)) as channel:
        failure = await failing(channel.send(exchange(), TOKEN))
        assert expected == outcome(failure)
        assert "secret" not in failure.detail
        assert expected == outcome(await failing(channel.stream(exchange(), TOKEN)))


@respx.mock
async def test_respx_unknown_route() -> None:
    """What is no failure of the network, such as a mock's complaint, comes through."""
    async with lanes(endpoint(443, host="node.example", verify=True)) as channel:
        with pytest.raises(AssertionError, match="not mocked"):
            await channel.send(exchange(), TOKEN)
