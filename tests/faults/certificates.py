"""Servers whose TLS is wrong in one way each, with certificates of trustme; and one whose handshake never varies."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Callable
from typing import NamedTuple

import trustme

from tests.transport.raw_server import Peer, Tls

__all__ = ["DISTRUSTED", "NO_HANDSHAKES", "Distrusted", "even_tls"]

_LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)


class Distrusted(NamedTuple):
    """A server whose certificate does not verify, and what is said of it: by OpenSSL, and of what rustls says."""

    serve: Callable[[], Tls]
    reason: str
    by_rustls: str


def _expired() -> Tls:
    tls = Tls()
    tls.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.authority.issue_cert("127.0.0.1", not_before=_LONG_AGO, not_after=_LONG_AGO).configure_cert(tls.server)
    return tls


def _of_unknown_authority() -> Tls:
    tls = Tls()
    tls.authority = trustme.CA()
    return tls


DISTRUSTED = {
    "expired": Distrusted(_expired, "certificate has expired", "it has expired"),
    "for another host": Distrusted(lambda: Tls("node.example"), "IP address mismatch", "it is for another host"),
    "of an unknown authority": Distrusted(
        _of_unknown_authority, "unable to get local issuer certificate", "its issuer is not trusted"
    ),
}

#: RFC 2246 §7.4.1.3: "TLS 1.0 it is, with TLS_RSA_WITH_AES_128_CBC_SHA". Written out, since OpenSSL may refuse to.
_TLS_1_0 = b"\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01" + b"7" * 32 + b"\x00\x00\x2f\x00"


def _greets_with(data: bytes) -> Callable[[Peer], None]:
    def handle(peer: Peer) -> None:
        if peer.spoken_to():
            peer.send(data)
            peer.wait_closed()

    return handle


def _closes_half_way(peer: Peer) -> None:
    if peer.spoken_to():
        peer.send(_TLS_1_0[:9])
        peer.finish()
        peer.wait_closed()


NO_HANDSHAKES: dict[str, Callable[[Peer], None]] = {
    "plain http": _greets_with(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
    "tls 1.0": _greets_with(_TLS_1_0),
    "an alert": _greets_with(b"\x15\x03\x01\x00\x02\x02\x28"),
    "closed half-way": _closes_half_way,
}


def even_tls() -> Tls:
    """TLS 1.3 whose handshake has the same length every time, and after which the node says nothing but answers.

    An RSA signature has one length, others vary; session tickets would follow the handshake.
    """
    tls = Tls()
    tls.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.server.minimum_version = ssl.TLSVersion.TLSv1_3
    tls.server.num_tickets = 0
    tls.authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.RSA).configure_cert(tls.server)
    return tls
