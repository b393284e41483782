"""The same over TLS, and what a certificate that does not verify means."""

from __future__ import annotations

import threading

import pytest

from tests.transport.conformance.adapters import everyone, on_a_socket
from tests.transport.conformance.answers import Answer, Wire
from tests.transport.conformance.rig import GUARD, TOKEN, Rig

_PAIRS = on_a_socket()
tls_adapters = pytest.mark.parametrize("tls_rig", _PAIRS, indirect=True)


@tls_adapters
def test_a_trusted_node_is_talked_to(tls_rig: Rig) -> None:
    """With its authority trusted, a node over TLS answers, on one connection."""
    tls_rig.node.play(Answer(body=b"secret"))
    assert [b"secret"] * 3 == [tls_rig.send(token=TOKEN).body for _ in range(3)]
    assert 1 == tls_rig.node.connections


@tls_adapters
def test_an_unknown_authority_is_a_permanent_failure(tls_rig: Rig) -> None:
    """A certificate nobody vouches for: `certificate`, not sent, never tried again."""
    tls_rig.node.disown()
    failure = tls_rig.fail(token=TOKEN)
    assert ("certificate", False, True) == (failure.kind, failure.sent, failure.permanent)
    assert [] == tls_rig.node.seen


@tls_adapters
def test_another_hosts_certificate_is_a_permanent_failure(tls_rig: Rig) -> None:
    """A certificate for another name is not this node's."""
    tls_rig.open(host="localhost")
    failure = tls_rig.fail(token=TOKEN)
    assert ("certificate", False, True) == (failure.kind, failure.sent, failure.permanent)


@tls_adapters
def test_closing_a_tls_stream_closes_its_connection(tls_rig: Rig) -> None:
    """The node sees the end of the connection at once."""
    gone = threading.Event()
    head = b"HTTP/1.1 200 OK\r\n\r\none"
    tls_rig.node.play(Wire((head,), then="hold", over=gone))
    stream = tls_rig.stream()
    assert b"one" == stream.read()
    stream.close()
    assert gone.wait(GUARD), "the connection is still open"


@pytest.mark.parametrize("rig", _PAIRS, indirect=True)
def test_a_node_without_tls_is_a_tls_failure(rig: Rig) -> None:
    """TLS to a port that speaks plain text: `tls`, not sent."""
    rig.speak("https")
    rig.node.greeting = b"220 plain text\r\n"
    failure = rig.fail(token=TOKEN)
    assert failure.kind in ("tls", "connect")
    assert not failure.sent


def test_every_adapter_is_tried() -> None:
    """The list has both colours of our own default and of httpx, on a socket and in process."""
    names = {f"{adapter.name}-{colour}" for adapter, colour in everyone()}
    wanted = {"lanes-async", "lanes-sync", "httpx-transport-async", "httpx-transport-sync"}
    wanted |= {"httpx-client-async", "httpx-client-sync", "httpx-mock-sync", "httpx-asgi-async"}
    assert wanted <= names
