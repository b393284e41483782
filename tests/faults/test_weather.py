"""Every canonical call through the proxy: weather that delays is no fault."""

from __future__ import annotations

from typing import Any

import pytest

from ron.errors import RonError
from tests.faults.callers import Caller
from tests.faults.calls import CALLS, FRAMINGS, framed
from tests.faults.certificates import even_tls
from tests.faults.node import ScriptedNode, Step
from tests.faults.proxy import Proxy, Way, Weather
from tests.transport.conformance.adapters import on_a_socket
from tests.transport.raw_server import RawServer, Tls, keep_alive

callers = pytest.mark.parametrize("caller", on_a_socket(), indirect=True)
#: Every byte is a packet of its own; on one machine the other side may still read several at once.
SLICED = Weather(Way(piece=1), Way(piece=1))
LATE = Weather(Way(latency=0.005), Way(latency=0.005))
WEATHERS = pytest.mark.parametrize("weather", [SLICED, LATE], ids=["sliced", "late"])
CALLED = [*CALLS.values(), *(framed(CALLS["get"], each) for each in FRAMINGS if each != "gzip until the end")]


@pytest.fixture(scope="module")
def tls() -> Tls:
    """A node's TLS."""
    return even_tls()


@callers
@WEATHERS
def test_every_call_succeeds(caller: Caller, weather: Weather) -> None:
    """Slow or in single bytes, each call gets the answer that it gets without a proxy, from one request."""
    with ScriptedNode() as node, Proxy(node.port) as proxy:
        proxy.forecast(weather)
        config = caller.config(proxy.port)
        for call in CALLED:
            with caller.open(config) as session:
                items, subject = session.client.objects(call.resource), None
                if call.prepare is not None:
                    node.play([Step(call.before)])
                    subject = session.end_of(call.prepare, items)
                node.play([Step(call.answer)])
                end = session.end_of(call.make, items, subject)
                assert not isinstance(end, RonError), (call.name, end)
                assert ("1", "b") == _named(end) or call.method == "DELETE"
                assert 1 == len(node.arrivals), call.name
                assert (0, 0) == session.books()[::2]


@callers
@WEATHERS
def test_tls_succeeds(caller: Caller, tls: Tls, weather: Weather) -> None:
    """So does a call over TLS, handshake and all, on one connection."""
    call = CALLS["create"]
    caller.trust = tls.client()
    with RawServer(keep_alive(call.answer), tls) as node, Proxy(node.port) as proxy:
        proxy.forecast(weather)
        with caller.open(caller.config(proxy.port)) as session:
            end = session.end_of(call.make, session.client.objects(call.resource), None)
        assert ("1", "b") == _named(end), end
        assert (1, 1) == (len(node.seen), proxy.accepted)


def _named(end: Any) -> object:
    item = end[0] if hasattr(end, "items") else end
    return (getattr(item, "id", None), getattr(item, "name", None))
