"""The default transport, sync, on real sockets: the same behaviour as the async one, and threads."""

from __future__ import annotations

import os
import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx
import pytest
import respx

from ron._values import Failure, Reply
from ron.errors import RonConfigError
from ron.transport._ledger import LaneStats
from ron.transport._protocol import Endpoint
from ron.transport._sync_lanes import SyncLanes
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

SILENT: Handler = LATE_ANSWERS[4].values[0]


@contextmanager
def lanes(where: Endpoint) -> Iterator[SyncLanes]:
    """A channel that must have let everything go when it is closed."""
    channel = SyncLanes(where)
    try:
        yield channel
    finally:
        channel.close()
    assert (0, 0, 0, 0) == channel.stats()[:4]


def failing(call: Callable[[], Any]) -> Failure:
    """The ``Failure`` that a call ends with."""
    with pytest.raises(Failure) as caught:
        call()
    assert caught.value.__context__ is None
    return caught.value


def until(condition: Callable[[], Any]) -> None:
    """Waits until something is so."""
    pause = threading.Event()
    for _ in range(2000):
        if condition():
            return
        pause.wait(0.005)
    raise AssertionError("it did not come to pass")


@contextmanager
def another_thread(call: Callable[[], Any]) -> Iterator[Future[Any]]:
    """Runs a call in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(call)


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_sends_what_it_is_given(tls: bool) -> None:
    """One request goes out byte for byte, Host first and Authorization last, and its answer comes back."""
    authority = Tls() if tls else None
    with RawServer(keep_alive(answer(b"[1]", b"X-One: a")), authority) as server:
        where = endpoint(server.port, verify=authority.client() if authority else None)
        with lanes(where) as channel:
            reply = channel.send(exchange("POST", b"/a?b=%20", b"body"), TOKEN)
    assert Reply(200, [(b"X-One", b"a"), (b"Content-Length", b"3")], b"[1]") == reply
    seen = server.seen[0]
    assert (b"POST /a?b=%20 HTTP/1.1", b"body") == (seen.line, seen.body)
    fields = seen.fields()
    assert (b"host", b"127.0.0.1:%d" % server.port) == fields[0]
    assert TOKEN.header()[1] == fields[-1][1]
    assert [b"host", b"accept", b"content-length", b"authorization"] == [name for name, _ in fields]


@pytest.mark.parametrize(("handler", "expected"), BAD_ANSWERS)
def test_bad_answer(handler: Handler, expected: Outcome) -> None:
    """An answer that is not whole or not as promised is a typed failure, and its connection is closed."""
    with RawServer(handler) as server, lanes(endpoint(server.port)) as channel:
        assert expected == outcome(failing(lambda: channel.send(exchange(), TOKEN)))
        assert LaneStats(0, 0, 0, 0, 1) == channel.stats()
        server.wait_closed(1)


@pytest.mark.parametrize(("handler", "body"), LATE_ANSWERS)
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_deadline(handler: Handler, body: bytes, tls: bool) -> None:
    """Whatever the node does, the call ends by its deadline, and says that it may have been sent."""
    authority = Tls() if tls else None
    with RawServer(handler, authority) as server:
        where = endpoint(server.port, verify=authority.client() if authority else None)
        with lanes(where) as channel:
            late = failing(lambda: channel.send(exchange("PUT", body=body, seconds=SOON), TOKEN))
            assert Outcome("timeout", True, timed_out=True) == outcome(late)


@pytest.mark.parametrize("handler", [SILENT, LATE_ANSWERS[5].values[0]])
def test_own_timeouts(handler: Handler) -> None:
    """A read or a write that makes no progress for its own timeout fails before the deadline."""
    with RawServer(handler) as server, lanes(endpoint(server.port, timeout=SOON)) as channel:
        late = failing(lambda: channel.send(exchange("PUT", body=bytes(32 << 20)), TOKEN))
        assert Outcome("timeout", True, timed_out=True) == outcome(late)


def test_deadline_that_has_passed() -> None:
    """A call that comes too late sends nothing."""
    with RawServer(keep_alive()) as server, lanes(endpoint(server.port)) as channel:
        assert not failing(lambda: channel.send(exchange(seconds=-1), TOKEN)).sent
        channel.send(exchange(), TOKEN)
        assert not failing(lambda: channel.send(exchange(seconds=-1), TOKEN)).sent
    assert 1 == len(server.seen)


def test_connect_failures() -> None:
    """What fails before a connection stands was not sent: no listener, no such name."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with lanes(endpoint(port)) as channel:
        refused = failing(lambda: channel.send(exchange(), TOKEN))
        assert Outcome("connect", False) == outcome(refused)
    with lanes(endpoint(port, host="x" * 70)) as channel:
        unknown = failing(lambda: channel.send(exchange(), TOKEN))
        assert Outcome("dns", False) == outcome(unknown)


def test_looks_a_name_up() -> None:
    """A host that is a name is resolved, and each of its addresses is tried."""
    with RawServer(keep_alive()) as server, lanes(endpoint(server.port, host="localhost")) as channel:
        assert b"{}" == channel.send(exchange(), TOKEN).body


def test_tls_failures() -> None:
    """A certificate that doesn't verify is permanent; a handshake that fails or hangs is not; none was sent."""

    def ends(where: Endpoint, seconds: float = PATIENCE) -> Outcome:
        with lanes(where) as channel:
            return outcome(failing(lambda: channel.send(exchange(seconds=seconds), TOKEN)))

    ours, stranger = Tls(), Tls().client()
    with RawServer(once(), ours) as server:
        expected = Outcome("certificate", False, permanent=True)
        assert expected == ends(endpoint(server.port, verify=stranger))
        assert expected == ends(endpoint(server.port, host="localhost", verify=ours.client()))
    with RawServer(lambda peer: peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        assert Outcome("tls", False) == ends(endpoint(server.port, verify=stranger))
    with RawServer(lambda peer: peer.wait_closed()) as server:
        late = Outcome("tls", False, timed_out=True)
        assert late == ends(endpoint(server.port, verify=stranger), SOON)
        assert late == ends(endpoint(server.port, verify=stranger, connect_timeout=SOON))


def test_early_answer() -> None:
    """An answer that comes in the middle of an upload is the answer, however the node then closes."""

    def refuse(peer: Peer) -> None:
        peer.sock.recv(1000)
        peer.send(answer(b"too big", status=b"413 Content Too Large"))
        if peer.number == 1:
            peer.server.stopping.wait(PATIENCE)

    with RawServer(refuse) as server, lanes(endpoint(server.port)) as channel:
        for _ in range(2):
            reply = channel.send(exchange("POST", body=bytes(32 << 20)), TOKEN)
            assert (413, b"too big") == (reply.status, reply.body)
        assert 0 == channel.stats().idle


@pytest.mark.parametrize("case", KEPT)
def test_reuse(case: Kept) -> None:
    """A connection is used again exactly when its answer has provably ended."""
    with RawServer(keep_alive(case.reply)) as server, lanes(endpoint(server.port)) as channel:
        for _ in range(2):
            reply = channel.send(exchange(case.method), TOKEN)
            assert (case.status, case.body) == (reply.status, reply.body)
        assert (1 if case.kept else 2) == channel.stats().opened_total


@pytest.mark.parametrize("end", ["closes", "resets", "speaks"])
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_idle_connection_that_ended(end: str, tls: bool) -> None:
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
        with lanes(where) as channel:
            assert b"{}" == channel.send(exchange("POST"), TOKEN).body
            answered.set()
            acted.wait(PATIENCE)
            assert b"{}" == channel.send(exchange("POST"), TOKEN).body
            assert LaneStats(0, 1, 0, 0, 2) == channel.stats()
    assert 2 == len(server.seen)


def test_threads() -> None:
    """Any number of threads share max_concurrency connections, and each gets its own answers."""

    def echo(peer: Peer) -> None:
        while True:
            peer.send(answer(peer.request().line))

    def calls(number: int) -> bool:
        targets = [b"/%d/%d" % (number, turn) for turn in range(10)]
        return all(
            b"GET %b HTTP/1.1" % target == channel.send(exchange(target=target), TOKEN).body for target in targets
        )

    with RawServer(echo) as server, lanes(endpoint(server.port, max_concurrency=3)) as channel:
        with ThreadPoolExecutor(16) as pool:
            assert all(pool.map(calls, range(16)))
        assert 0 == channel.stats().busy
        assert channel.stats().opened_total <= 3


def test_waiting_is_fair_and_ends_at_the_deadline() -> None:
    """Calls get their turn in the order they came; one that gets none in time was not sent and leaves the line."""
    gate = threading.Event()

    def handle(peer: Peer) -> None:
        while True:
            peer.request()
            gate.wait(PATIENCE)
            peer.send(OK)

    with RawServer(handle) as server, lanes(endpoint(server.port, max_concurrency=1)) as channel:
        with ThreadPoolExecutor(4) as pool:
            calls = []
            for number in range(4):
                calls.append(pool.submit(channel.send, exchange(target=b"/%d" % number), TOKEN))
                until(lambda: server.seen and len(calls) - 1 == channel.stats().waiting)
            late = failing(lambda: channel.send(exchange(seconds=SOON), TOKEN))
            assert Outcome("timeout", False, timed_out=True) == outcome(late)
            assert 3 == channel.stats().waiting
            gate.set()
        assert [b"/0", b"/1", b"/2", b"/3"] == [seen.line.split()[1] for seen in server.seen]
        assert LaneStats(0, 1, 0, 0, 1) == channel.stats()


def test_failures_do_not_hold_the_token() -> None:
    """No frame, argument or chain of a failure leads to the token."""
    for handler in (once(), once(OK[:-1]), once(b"nonsense\r\n\r\n"), once(answer(bytes(99999)))):
        with RawServer(handler) as server, lanes(endpoint(server.port)) as channel:
            failure = failing(lambda: channel.send(exchange(), TOKEN))
            assert not any("canary" in text for text in frames_of(failure))


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_close_ends_everything(tls: bool) -> None:
    """Closing ends calls under way with a failure and calls in line with advice; later use is refused."""
    authority = Tls() if tls else None
    with RawServer(SILENT, authority) as server:
        client = authority.client() if authority else None
        with lanes(endpoint(server.port, max_concurrency=1, verify=client)) as channel:
            with ThreadPoolExecutor(2) as pool:
                busy = pool.submit(channel.send, exchange(), TOKEN)
                until(lambda: server.seen)
                waiting = pool.submit(channel.send, exchange(), TOKEN)
                until(lambda: channel.stats().waiting)
                channel.close()
            failure = busy.exception()
            assert isinstance(failure, Failure)
            assert Outcome("read", True, permanent=True) == outcome(failure)
            assert isinstance(waiting.exception(), RonConfigError)
            server.wait_closed(1)
            with pytest.raises(RonConfigError, match="closed"):
                channel.send(exchange(), TOKEN)
            with pytest.raises(RonConfigError, match="closed"):
                channel.stream(exchange(), TOKEN)


def test_close_while_connecting() -> None:
    """Closing ends a TLS handshake under way in another thread; nothing was sent."""
    client = Tls().client()
    with RawServer(SILENT) as server, lanes(endpoint(server.port, verify=client)) as channel:
        with another_thread(lambda: channel.send(exchange(), TOKEN)) as call:
            until(lambda: server.accepted)
            channel.close()
        failure = call.exception()
        assert isinstance(failure, Failure)
        assert Outcome("connect", False, permanent=True) == outcome(failure)
        server.wait_closed(1)


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


def test_stream() -> None:
    """A stream gives bytes as they come, beyond the call's deadline, and closing it closes its connection."""
    with RawServer(streamed(b"one", b"two")) as server, lanes(endpoint(server.port, timeout=SOON)) as channel:
        stream = channel.stream(exchange(seconds=SOON), TOKEN)
        assert (200, (b"Transfer-Encoding", b"chunked")) == (stream.status, stream.headers[0])
        assert [b"one", b"two"] == [stream.read(PATIENCE) for _ in range(2)]
        assert LaneStats(0, 0, 0, 1, 1) == channel.stats()
        stream.close()
        stream.close()
        server.wait_closed(1)
        assert 0 == channel.stats().streams
        assert "read" == failing(lambda: stream.read(None)).kind


def test_stream_end() -> None:
    """The end of a stream is b"", again and again; one that ends early is a failure."""
    body = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    with RawServer(once(body + b"0\r\n\r\n")) as server, lanes(endpoint(server.port)) as channel:
        stream = channel.stream(exchange(), TOKEN)
        assert [b"abc", b"", b""] == [stream.read(None) for _ in range(3)]
        assert 0 == channel.stats().streams
    with RawServer(once(body)) as server, lanes(endpoint(server.port)) as channel:
        stream = channel.stream(exchange(), TOKEN)
        assert b"abc" == stream.read(None)
        assert Outcome("truncated", True) == outcome(failing(lambda: stream.read(None)))
        assert 0 == channel.stats().streams


def test_stream_timeout() -> None:
    """A stream on which nothing comes for the time given is a timeout, and closed."""
    with RawServer(streamed(b"one")) as server, lanes(endpoint(server.port)) as channel:
        stream = channel.stream(exchange(), TOKEN)
        assert b"one" == stream.read(PATIENCE)
        late = failing(lambda: stream.read(SOON))
        assert Outcome("timeout", True, timed_out=True) == outcome(late)
        server.wait_closed(1)


def test_stream_of_gzip() -> None:
    """A stream that is gzip all the same is decoded in bounded steps; a damaged one is refused."""
    deflate = zlib.compressobj(wbits=31)
    first = deflate.compress(bytes(200_000)) + deflate.flush(zlib.Z_SYNC_FLUSH)
    handler = streamed(first, b"\xff" * 9, fields=b"Content-Encoding: gzip\r\n")
    with RawServer(handler) as server, lanes(endpoint(server.port)) as channel:
        stream = channel.stream(exchange(), TOKEN)
        sizes: list[int] = []
        while sum(sizes) < 200_000:
            sizes.append(len(stream.read(PATIENCE)))
        assert 64 * 1024 == max(sizes)
        assert Outcome("encoding", True) == outcome(failing(lambda: stream.read(PATIENCE)))
        server.wait_closed(1)


def test_streams_are_bounded() -> None:
    """One stream more than max_streams is refused at once; calls have lanes of their own."""

    def handle(peer: Peer) -> None:
        (keep_alive() if peer.number == 3 else streamed(b"x"))(peer)

    with RawServer(handle) as server, lanes(endpoint(server.port, max_streams=2, max_concurrency=1)) as channel:
        first, _ = [channel.stream(exchange(), TOKEN) for _ in range(2)]
        with pytest.raises(RonConfigError, match="max_streams=2"):
            channel.stream(exchange(), TOKEN)
        assert b"{}" == channel.send(exchange(), TOKEN).body
        first.close()
        channel.stream(exchange(), TOKEN)


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("close", ["stream", "channel"])
def test_stream_closed_while_read(close: str, tls: bool) -> None:
    """Closing a stream or the channel wakes the thread that reads it; two readers are refused."""
    authority = Tls() if tls else None
    with RawServer(streamed(b"one"), authority) as server:
        where = endpoint(server.port, verify=authority.client() if authority else None)
        with lanes(where) as channel:
            stream = channel.stream(exchange(), TOKEN)
            assert b"one" == stream.read(None)
            with another_thread(lambda: stream.read(None)) as reading:
                until(lambda: stream._busy)
                with pytest.raises(RonConfigError, match="another thread"):
                    stream.read(None)
                (stream.close if close == "stream" else channel.close)()
            failure = reading.exception()
            assert isinstance(failure, Failure)
            assert Outcome("read", True, permanent=close == "channel") == outcome(failure)
            server.wait_closed(1)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # 3.12 warns of threads
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_fork(tls: bool) -> None:
    """A forked child makes a connection of its own, whatever locks were held; the parent's goes on."""

    def echo(peer: Peer) -> None:
        while True:
            peer.send(answer(peer.request().line))

    authority = Tls() if tls else None
    with RawServer(echo, authority) as server:
        where = endpoint(server.port, verify=authority.client() if authority else None)

        def call(target: bytes) -> bool:
            reply = channel.send(exchange(target=target), TOKEN)
            return b"GET %b HTTP/1.1" % target == reply.body

        with lanes(where) as channel:
            assert call(b"/parent")
            with channel._pool().lock:
                child = os.fork()
                if child == 0:
                    code = 1
                    try:
                        code = 0 if call(b"/child") else 2
                    finally:
                        os._exit(code)
            assert 0 == os.waitpid(child, 0)[1]
            assert call(b"/again")
            assert 1 == channel.stats().opened_total
        assert 2 == server.accepted


@respx.mock
def test_respx() -> None:
    """A mock stands in for the node: whole answers, streams, and the headers that would have been sent."""
    route = respx.post("https://node.example/a?b=c").mock(
        return_value=httpx.Response(201, json={"id": 1}, headers={"ETag": '"x"'})
    )
    respx.get("https://node.example/events").mock(
        return_value=httpx.Response(200, stream=httpx.ByteStream(b"data: 1\n\n"))
    )
    with lanes(endpoint(443, host="node.example", verify=True)) as channel:
        for _ in range(2):
            reply = channel.send(exchange("POST", b"/a?b=c", b"{}"), TOKEN)
            assert (201, b'"x"') == (reply.status, dict(reply.headers)[b"ETag"])
        stream = channel.stream(exchange(target=b"/events"), TOKEN)
        assert [b"data: 1\n\n", b""] == [stream.read(1), stream.read(1)]
        channel.stream(exchange(target=b"/events"), TOKEN).close()
    request = route.calls[0].request
    assert (b"{}", "Bearer") == (request.content, request.headers["Authorization"].split()[0])


@respx.mock
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx.ConnectError, Outcome("connect", False)),
        (httpx.ConnectTimeout, Outcome("connect", False, timed_out=True)),
        (httpcore.PoolTimeout, Outcome("timeout", False, timed_out=True)),
        (httpx.ReadTimeout, Outcome("timeout", True, timed_out=True)),
        (httpx.DecodingError, Outcome("encoding", True)),
        (TimeoutError, Outcome("read", True)),
    ],
)
def test_respx_errors(error: type[Exception], expected: Outcome) -> None:
    """Exceptions that a mock raises are mapped; without activity on the wire only connect errors are unsent."""
    respx.get("https://node.example/").mock(side_effect=error("secret text"))
    with lanes(endpoint(443, host="node.example", verify=True)) as channel:
        failure = failing(lambda: channel.send(exchange(), TOKEN))
        assert expected == outcome(failure)
        assert "secret" not in failure.detail
        assert expected == outcome(failing(lambda: channel.stream(exchange(), TOKEN)))


@respx.mock
def test_respx_unknown_route() -> None:
    """What is no failure of the network, such as a mock's complaint, comes through."""
    where = endpoint(443, host="node.example", verify=True)
    with lanes(where) as channel, pytest.raises(AssertionError, match="not mocked"):
        channel.send(exchange(), TOKEN)
