"""What nodes and networks do on a bad day besides cutting: silence, dribble, garbage, refusal, TLS that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple, Optional

import pytest

from ron._clock import Clock
from ron.errors import RonError, RonNetworkError, RonOutcomeUnknownError, RonTimeoutError
from ron.testing import FakeClock
from tests.faults.callers import TOKEN, Caller
from tests.faults.calls import CALLS
from tests.faults.certificates import DISTRUSTED, NO_HANDSHAKES
from tests.faults.proxy import Proxy, Way, Weather
from tests.transport.conformance.adapters import on_a_socket
from tests.transport.raw_server import PATIENCE, Peer, RawServer, Tls, keep_alive

callers = pytest.mark.parametrize("caller", on_a_socket(), indirect=True)
#: Milliseconds that a call may take where the case is about its deadline.
SOON = 200
ATTEMPTS = 4
BIG = "x" * (4 << 20)
GOOD = CALLS["get"].answer


class Steady(Clock):
    """The real clock, without chance: where a deadline has passed, no wait is so short that it fits in before."""

    def random(self) -> float:
        return 0.5


class Asked(NamedTuple):
    """A call that changes nothing, and one that may have: how each ends when its outcome is not known."""

    method: str
    late: type[RonError]
    lost: type[RonError]
    attempts: int


ASKED = [
    Asked("GET", RonTimeoutError, RonNetworkError, ATTEMPTS),
    Asked("POST", RonOutcomeUnknownError, RonOutcomeUnknownError, 1),
]
asked = pytest.mark.parametrize("ask", ASKED, ids=lambda ask: ask.method)


@pytest.fixture
def serve() -> Iterator[Callable[..., RawServer]]:
    """Starts servers that end with the test."""
    with ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(RawServer(*arguments))


def call(caller: Caller, port: int, method: str, json: Any = None, clock: Optional[Clock] = None, **fields: Any) -> Any:
    """What a plain call ends with; nothing of the client is busy afterwards."""
    body = {"json": {} if json is None else json} if method in ("POST", "PUT") else {}
    with caller.open(caller.config(port, **fields), clock) as session:
        end = session.end_of(lambda: session.client.call(method, "/app/i", **body))
        assert (0, 0) == session.books()[::2]
    return end


def check_late(end: Any, method: str, kind: type[RonError]) -> None:
    """The deadline ended the first attempt, and the message says so, and what to do about a write."""
    assert kind is type(end), end
    assert 1 == end.attempts
    text = str(end)
    assert text.startswith(f"{method} /app/i: ")
    assert "in time" in text or "deadline" in text
    if isinstance(end, RonOutcomeUnknownError):
        assert end.timed_out
        assert text.endswith("the request may have been carried out: look before you repeat it")


# --- Silence ----------------------------------------------------------------------------------


def silent(peer: Peer) -> None:
    """Accepts, then nothing."""
    peer.server.stopping.wait(PATIENCE)


def dribbling(peer: Peer) -> None:
    """An answer whose head never ends, a byte at a time."""
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        peer.dribble(b"z" * 100)


@callers
@asked
def test_accept_then_nothing(caller: Caller, serve: Callable[..., RawServer], ask: Asked) -> None:
    """A node that accepts and says nothing is given up at the deadline."""
    end = call(caller, serve(silent).port, ask.method, clock=Steady(), overall_timeout_ms=SOON)
    check_late(end, ask.method, ask.late)


@pytest.mark.parametrize("caller", on_a_socket("deadline"), indirect=True)
@asked
def test_a_dribbled_head(caller: Caller, serve: Callable[..., RawServer], ask: Asked) -> None:
    """Single bytes don't put the deadline off."""
    end = call(caller, serve(dribbling).port, ask.method, clock=Steady(), overall_timeout_ms=SOON)
    check_late(end, ask.method, ask.late)


@callers
@asked
def test_latency_beyond_the_deadline(caller: Caller, serve: Callable[..., RawServer], ask: Asked) -> None:
    """An answer that would come later is not waited for."""
    with Proxy(serve(keep_alive(GOOD)).port) as proxy:
        proxy.forecast(Weather(down=Way(latency=PATIENCE)))
        end = call(caller, proxy.port, ask.method, clock=Steady(), overall_timeout_ms=SOON)
    check_late(end, ask.method, ask.late)


@callers
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_node_that_stops_reading(caller: Caller, serve: Callable[..., RawServer], method: str) -> None:
    """4 MiB that the node stops reading are not written for ever, and may have been carried out for all we know."""
    with Proxy(serve(keep_alive(GOOD)).port) as proxy:
        proxy.forecast(Weather(up=Way(stall=1)))
        end = call(caller, proxy.port, method, BIG, Steady(), overall_timeout_ms=SOON)
    check_late(end, method, RonOutcomeUnknownError)


@callers
@asked
def test_a_silent_handshake(caller: Caller, serve: Callable[..., RawServer], ask: Asked) -> None:
    """A node that accepts and never shakes hands was sent nothing: also for a write, nothing can have happened."""
    caller.trust = Tls().client()
    node = serve(silent)
    end = call(caller, node.port, ask.method, clock=Steady(), connect_timeout_ms=SOON, max_retries=0)
    check_late(end, ask.method, RonTimeoutError)


# httpx and pyreqwest don't tell how far a call had come that its deadline ends, so there it counts as maybe sent.
@pytest.mark.parametrize("caller", [pair for pair in on_a_socket() if pair[0].name == "lanes"], indirect=True)
@asked
def test_a_silent_handshake_until_the_deadline(caller: Caller, serve: Callable[..., RawServer], ask: Asked) -> None:
    """Where the deadline ends the handshake it is the same."""
    caller.trust = Tls().client()
    end = call(caller, serve(silent).port, ask.method, clock=Steady(), overall_timeout_ms=SOON)
    check_late(end, ask.method, RonTimeoutError)


# --- Garbage ----------------------------------------------------------------------------------

GARBAGE = {
    "ssh": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "zeroes": bytes(64),
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
    "no chunk size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}\r\n",
}
#: RFC 9112 §6.3: it lasts until the connection ends, which is no proof that it is whole.
UNKNOWN_FRAMING = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: rot13\r\n\r\n{}"


@callers
@asked
@pytest.mark.parametrize("what", GARBAGE)
def test_garbage(caller: Caller, serve: Callable[..., RawServer], ask: Asked, what: str) -> None:
    """What is not HTTP/1.1 is no answer: a read is tried again, a write's outcome is unknown; none of it is shown."""
    node = serve(babbling(GARBAGE[what], ends=False))
    check_lost(call(caller, node.port, ask.method), ask, node)


@pytest.mark.parametrize("caller", on_a_socket(without="unknown framing"), indirect=True)
@asked
def test_an_unknown_framing(caller: Caller, serve: Callable[..., RawServer], ask: Asked) -> None:
    """Nor is an answer whose end nobody can know; it is not waited for."""
    node = serve(babbling(UNKNOWN_FRAMING, ends=False))
    check_lost(call(caller, node.port, ask.method), ask, node)


@callers
@asked
def test_an_unknown_framing_that_ends(caller: Caller, serve: Callable[..., RawServer], ask: Asked) -> None:
    """The end of the connection does not make one of it."""
    node = serve(babbling(UNKNOWN_FRAMING, ends=True))
    check_lost(call(caller, node.port, ask.method), ask, node)


def babbling(data: bytes, *, ends: bool) -> Callable[[Peer], None]:
    """Answers a request with these bytes, and ends the connection or leaves that to the client."""

    def babble(peer: Peer) -> None:
        peer.request()
        peer.send(data)
        if ends:
            peer.finish()
        peer.wait_closed()

    return babble


def check_lost(end: Any, ask: Asked, node: RawServer) -> None:
    """As often as it may, and on a new connection each time, the call was made; its message quotes no garbage."""
    assert ask.lost is type(end), end
    assert (ask.attempts, ask.attempts) == (end.attempts, len(node.seen))
    assert ask.attempts == node.accepted
    text = str(end)
    assert "HTTP" in text or "ended" in text
    assert "SSH" not in text
    assert ("look before you repeat it" in text) == (ask.method == "POST")


# --- Refusal ----------------------------------------------------------------------------------


class Waker(FakeClock):
    """Has a node begin to listen when a client waits for the first time."""

    def __init__(self, node: RawServer, stack: ExitStack) -> None:
        super().__init__()
        self._node = node
        self._stack = stack

    def sleep(self, seconds: float) -> None:
        if not self.sleeps:
            self._stack.enter_context(self._node)
        super().sleep(seconds)


@callers
@asked
def test_refused_until_the_node_is_there(caller: Caller, ask: Asked) -> None:
    """A refused connection sent nothing: the call is repeated, a POST as well, and succeeds once somebody listens."""
    with RawServer(keep_alive(GOOD)) as gone:
        port = gone.port
    with ExitStack() as stack:
        node = RawServer(keep_alive(GOOD), None, port)
        end = call(caller, port, ask.method, clock=Waker(node, stack))
        assert {"id": "1", "name": "b"} == end, end
        assert (1, 1) == (len(node.seen), node.accepted)


@callers
@asked
def test_refused_for_ever(caller: Caller, ask: Asked) -> None:
    """Where nobody listens, all attempts are made, and nothing can have happened."""
    with RawServer(silent) as gone:
        port = gone.port
    clock = FakeClock(jitter=1.0)
    end = call(caller, port, ask.method, clock=clock)
    assert RonNetworkError is type(end), end
    assert ATTEMPTS == end.attempts
    assert [0.05, 0.1, 0.2] == clock.sleeps
    assert str(end).startswith(f"{ask.method} /app/i: ")
    assert str(end).endswith("the connection could not be made (Connection refused)")


@callers
@asked
@pytest.mark.parametrize("how", ["fin", "rst"])
def test_hung_up_at_once(caller: Caller, serve: Callable[..., RawServer], ask: Asked, how: str) -> None:
    """A node that ends the first connection unheard may do so before or after the client writes.

    Before, nothing was sent, and a POST is repeated, too; after, its outcome is unknown. No order can be forced here.
    """

    def hang_up(peer: Peer) -> None:
        if peer.number == 1:
            peer.reset() if how == "rst" else peer.finish()
            return
        keep_alive(GOOD)(peer)

    node = serve(hang_up)
    end = call(caller, node.port, ask.method)
    if isinstance(end, RonError):
        assert (RonOutcomeUnknownError, "POST", 1) == (type(end), ask.method, end.attempts)
    else:
        assert {"id": "1", "name": "b"} == end
        assert (2, 1) == (node.accepted, len(node.seen))


# --- TLS --------------------------------------------------------------------------------------


@callers
@asked
@pytest.mark.parametrize("why", DISTRUSTED)
def test_a_certificate_that_does_not_verify(
    caller: Caller, serve: Callable[..., RawServer], ask: Asked, why: str
) -> None:
    """It is no bad luck but a wrong setting, or somebody else: one attempt, and the message says what to look at."""
    distrusted = DISTRUSTED[why]
    tls = distrusted.serve()
    caller.trust = tls.client()
    node = serve(keep_alive(GOOD), tls)
    clock = FakeClock()
    end = call(caller, node.port, ask.method, clock=clock)
    assert RonNetworkError is type(end), end
    assert (1, 1) == (end.attempts, node.accepted)
    assert [] == clock.sleeps
    text = str(end)
    reason = distrusted.by_rustls if caller.name == "fast" else distrusted.reason
    assert f"the node's certificate does not verify: {reason}" in text
    assert text.endswith("check the host in base_url, the node's certificate and " + trusted_by(caller))
    assert [] == node.seen


def trusted_by(caller: Caller) -> str:
    """Where it is set which authorities are trusted."""
    ours = {"lanes": "verify=", "fast": "the authorities of the system or SSL_CERT_FILE"}
    return ours.get(caller.name, "what your httpx object trusts")


@callers
@asked
@pytest.mark.parametrize("how", NO_HANDSHAKES)
def test_no_handshake(caller: Caller, serve: Callable[..., RawServer], ask: Asked, how: str) -> None:
    """A node that doesn't shake hands was sent nothing, least of all the token; all attempts are made."""
    heard: list[bytes] = []

    def overheard(peer: Peer) -> None:
        heard.append(peer.sock.recv(65536))
        peer.rest = heard[-1]
        NO_HANDSHAKES[how](peer)

    caller.trust = Tls().client()
    node = serve(overheard)
    end = call(caller, node.port, ask.method)
    assert RonNetworkError is type(end), end
    assert (ATTEMPTS, ATTEMPTS) == (end.attempts, node.accepted)
    assert "TLS handshake" in str(end)
    assert ATTEMPTS == len(heard)
    for each in heard:
        assert each.startswith(b"\x16\x03")
        assert TOKEN.encode() not in each
        assert b"/app/i" not in each
