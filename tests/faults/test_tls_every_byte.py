"""An exchange over TLS, its ciphertext cut in the handshake and after it, with FIN and with RST."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from ron.errors import RonError, RonNetworkError
from tests.faults.callers import Caller
from tests.faults.calls import CALLS, COARSER, Call
from tests.faults.certificates import even_tls
from tests.faults.proxy import CLEAR, Proxy, Way, Weather
from tests.faults.table import expected
from tests.transport.conformance.adapters import on_a_socket
from tests.transport.raw_server import RawServer, Tls, keep_alive

#: Bytes between two cuts, since handshakes are dear; the two calls are cut at different ones.
STRIDES = {"lanes": 16, "httpx-transport": 128}
OTHERS = 512
CALLED = [CALLS["create"], CALLS["get"]]
APPLICATION_DATA = 0x17
#: Bytes by which a record is longer than what it holds: its head, the inner type, the tag (RFC 8446 §5.2).
SEAL = 5 + 1 + 16

callers = pytest.mark.parametrize("caller", on_a_socket(), indirect=True)
# CPython's SSLSocket._create leaves itself open where a reset comes while it looks whether it is connected, before the
# handshake; no caller has it in hand then. What ron itself leaves open is counted by descriptor in tests/lifetimes.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")


@pytest.fixture(scope="module")
def tls() -> Tls:
    """A node's TLS, always of the same length."""
    return even_tls()


class Sizes(NamedTuple):
    """Bytes of ciphertext of one good call: of the handshake, and in all."""

    up_handshake: int
    up: int
    down_handshake: int
    down: int


def records(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Type, beginning and end of each TLS record (RFC 8446 §5.1)."""
    at = 0
    while at < len(data):
        end = at + 5 + int.from_bytes(data[at + 3 : at + 5], "big")
        yield data[at], at, end
        at = end


class TlsBench:
    """A call over TLS through the proxy, and how many bytes of it are what."""

    def __init__(self, caller: Caller, node: RawServer, proxy: Proxy, tls: Tls, call: Call) -> None:
        caller.trust = tls.client()
        self.caller = caller
        self.node = node
        self.proxy = proxy
        self.call = call
        self._config = caller.config(proxy.port)
        self.result = self._end(CLEAR)
        assert not isinstance(self.result, RonError), self.result
        (carried,) = proxy.carried
        up = [record for record in records(bytes(carried.up)) if record[0] == APPLICATION_DATA]
        # The answer's record is told by its length: an alert may follow, that the client went without a farewell.
        sealed = len(call.answer) + SEAL
        ((start, end),) = [(at, end) for _, at, end in records(bytes(carried.down)) if end - at == sealed]
        # What the client says first in cipher is Finished.
        self.sizes = Sizes(up[0][2], up[-1][2], start, end)

    def _end(self, weather: Weather) -> object:
        self.node.seen.clear()
        self.proxy.forecast(weather, CLEAR)
        with self.caller.open(self._config) as session:
            end = session.end_of(self.call.make, session.client.objects(self.call.resource), None)
            assert (0, 0) == session.books()[::2]
        return end

    def check(self, weather: Weather, *, sent: bool, carried_out: bool, whole: bool = False) -> None:
        """Cuts the first connection and asserts that everything is as the table says."""
        sent = sent or not self.caller.capabilities.not_sent
        wanted = expected(self.call, whole=whole, sent=sent, carried_out=carried_out, every=False, retries=3)
        end = self._end(weather)
        assert wanted.error is (type(end) if isinstance(end, RonError) else None), (weather, end)
        if isinstance(end, RonError):
            assert wanted.attempts == end.attempts
        else:
            assert self.result == end
        assert wanted.attempts == len(self.proxy.carried)
        assert wanted.attempts - (not carried_out) == len(self.node.seen)
        assert 1 >= len({(seen.head, seen.body) for seen in self.node.seen})


@callers
@pytest.mark.parametrize("call", CALLED, ids=lambda call: call.name)
def test_ciphertext_is_cut(caller: Caller, tls: Tls, call: Call) -> None:
    """In the handshake nothing was sent, so that a POST is repeated, too; after it, it may have been."""
    stride = STRIDES.get(caller.name, OTHERS) * COARSER
    first = 0 if call.method == "GET" else stride // 2
    with RawServer(keep_alive(call.answer), tls) as node, Proxy(node.port) as proxy:
        bench = TlsBench(caller, node, proxy, tls, call)
        sizes = bench.sizes
        for how in ("fin", "rst"):
            for at in {*range(first, sizes.down_handshake, stride), sizes.down_handshake - 1}:
                bench.check(Weather(down=Way(cut=at, how=how)), sent=False, carried_out=False)
            for at in {*range(sizes.down_handshake, sizes.down, stride), sizes.down - 1}:
                bench.check(Weather(down=Way(cut=at, how=how)), sent=True, carried_out=True)
            at_end = Way(cut=sizes.down, at_once=True, how=how)
            bench.check(Weather(down=at_end), sent=True, carried_out=True, whole=True)
            # Within Finished, which the request follows without a pause, either may come first.
            for at in range(sizes.up_handshake, sizes.up, stride):
                bench.check(Weather(up=Way(cut=at, how=how)), sent=True, carried_out=False)


@callers
def test_client_hello_is_cut(caller: Caller, tls: Tls) -> None:
    """A node that goes away while the client greets it was sent nothing."""
    call = CALLS["create"]
    with RawServer(keep_alive(call.answer), tls) as node, Proxy(node.port) as proxy:
        bench = TlsBench(caller, node, proxy, tls, call)
        for how in ("fin", "rst"):
            for at in (0, 1, 5, 100):
                bench.check(Weather(up=Way(cut=at, how=how)), sent=False, carried_out=False)
            bench.check(Weather(up=Way(cut=0, at_once=True, how=how)), sent=False, carried_out=False)


@callers
def test_no_handshake_ever_succeeds(caller: Caller, tls: Tls) -> None:
    """Where every handshake is cut, a POST ends after all its attempts as a failure to connect: nothing happened."""
    call = CALLS["create"]
    caller.trust = tls.client()
    with RawServer(keep_alive(call.answer), tls) as node, Proxy(node.port) as proxy:
        proxy.forecast(Weather(down=Way(cut=100)))
        with caller.open(caller.config(proxy.port)) as session:
            end = session.end_of(call.make, session.client.objects(call.resource), None)
    assert RonNetworkError is type(end)
    assert (4, 4) == (end.attempts, proxy.accepted)
    assert [] == node.seen
    assert "TLS handshake" in str(end)
