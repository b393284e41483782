"""The small parts of the default transport: its books, what it trusts, readiness, time shares."""

from __future__ import annotations

import math
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from ron._values import Failure
from ron.errors import RonConfigError
from ron.transport._lanes import LanesTransport
from ron.transport._ledger import IDLE_SECONDS, LaneStats, Ledger
from ron.transport._readiness import PollReadiness, Readiness, SelectReadiness, readiness
from ron.transport._tls import Trust
from ron.transport._wire import addresses, share


def test_permits_go_to_the_first_in_line() -> None:
    """A permit that comes back goes to who waits longest; one given to somebody who left goes on."""
    books: Ledger[str, str] = Ledger(1)
    assert [True, False] == [books.admit(), books.admit()]
    for waiter in ("first", "second", "third"):
        books.waiting[waiter] = None
    assert "first" == books.release()
    assert books.withdraw("second") is None
    assert "third" == books.withdraw("first")
    assert books.release() is None
    assert books.admit()


def test_idle_lanes_are_a_stack() -> None:
    """The lane used last is used first; those that lay idle for too long come out oldest first."""
    books: Ledger[str, str] = Ledger(4)
    books.idle.extend([(0.0, "old"), (1.0, "older"), (20.0, "new"), (21.0, "newest")])
    assert books.stale(IDLE_SECONDS) is None
    assert ["old", "older", None] == [books.stale(IDLE_SECONDS + 5) for _ in range(3)]
    assert ["newest", "new", None] == [books.newest() for _ in range(3)]


def test_books_are_cleared_and_counted() -> None:
    """Clearing hands out every lane and every waiter once."""
    books: Ledger[str, str] = Ledger(4)
    books.idle.append((0.0, "idle"))
    books.busy.add("busy")
    books.streams.add("stream")
    books.waiting["waiter"] = None
    assert LaneStats(1, 1, 1, 1, 0) == books.stats()
    lanes, waiters = books.clear()
    assert ({"idle", "busy", "stream"}, ["waiter"]) == (set(lanes), waiters)
    assert LaneStats(0, 0, 0, 0, 0) == books.stats()


@pytest.mark.parametrize("kind", [PollReadiness, SelectReadiness, readiness])
def test_readiness(kind: Callable[[socket.socket], Readiness]) -> None:
    """Bytes, and the other side's end, make a socket readable; room makes it writable."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ready = kind(ours)
        assert not ready.readable()
        assert not ready.readable(0.001)
        assert (False, True) == ready.ready(math.inf)
        theirs.send(b"x")
        assert ready.readable(math.inf)
        assert (True, True) == ready.ready(1.0)
        ours.recv(1)
        assert not ready.readable(-1.0)
        theirs.close()
        assert ready.readable()


def test_trust(tmp_path: Path) -> None:
    """The system's store, a bundle or a context is one context per channel, made once."""
    own = ssl.create_default_context()
    assert own is Trust(own).context()
    trust = Trust(True)
    context = trust.context()
    assert context is trust.context()
    assert (ssl.CERT_REQUIRED, True) == (context.verify_mode, context.check_hostname)
    bundle = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(bundle))
    assert 1 == Trust(str(bundle)).context().cert_store_stats()["x509_ca"]


def test_trust_without_a_system_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A system that has no certificate authorities falls back to certifi's."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert Trust(True).context().cert_store_stats()["x509_ca"] > 50


def test_trust_that_cannot_be(tmp_path: Path) -> None:
    """A bundle that is missing, a folder or no PEM is refused at once, and so is trusting everybody."""
    text = tmp_path / "text.pem"
    text.write_text("hello")
    for path in (text, tmp_path, tmp_path / "missing.pem"):
        with pytest.raises(RonConfigError, match="give the path of a CA bundle"):
            Trust(str(path))
    with pytest.raises(RonConfigError, match="verify=False"):
        Trust(False)


def test_share() -> None:
    """Each of a host's addresses gets an equal share of the time that is left."""
    assert [3.0, 10.0, 12.0] == [share(1.0, 7.0, 3), share(1.0, 10.0, 1), share(12.0, 10.0, 2)]


def test_addresses() -> None:
    """A host that is an address is not looked up; a name is, unless that was not asked for."""
    assert [("::1", 80)] == [each[4][:2] for each in addresses("::1", 80, literal=True)]
    assert [] == addresses("localhost", 80, literal=True)
    assert addresses("localhost", 80, literal=False)
    with pytest.raises(UnicodeError):
        addresses("x" * 70, 80, literal=False)


def test_transport() -> None:
    """The transport promises all that there is, needs a URL, and its failures' kinds are known ones."""
    transport = LanesTransport()
    assert transport.needs_url
    assert set() == {name for name, able in vars(transport.capabilities).items() if not able}
    assert "LanesTransport()" == repr(transport)
    assert {"dns", "tls"} < Failure.KINDS
