"""What a client offers in the first record of a TLS handshake (RFC 8446 §4.1.2, §4.2.7, §4.2.8)."""

from __future__ import annotations

import contextlib
import ssl
from typing import NamedTuple

__all__ = ["X25519MLKEM768", "Offer", "read_offer", "record_length", "what_ssl_offers"]

#: The code point of the hybrid of X25519 and ML-KEM-768 in IANA's registry of TLS groups.
X25519MLKEM768 = 0x11EC
_SUPPORTED_GROUPS, _KEY_SHARE = 10, 51


class Offer(NamedTuple):
    """The key-exchange groups that a ClientHello supports, and those that it sends a key for at once."""

    groups: list[int]
    key_shares: list[int]


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, length: int) -> bytes:
        assert length <= len(self.data), "the record ends too early"
        taken, self.data = self.data[:length], self.data[length:]
        return taken

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length), "big")

    def vector(self, length_of_length: int) -> _Reader:
        return _Reader(self.take(self.number(length_of_length)))


def record_length(header: bytes) -> int:
    """The length of the record that begins with these five bytes, without them."""
    assert 22 == header[0], "not a handshake record"
    return int.from_bytes(header[3:5], "big")


def read_offer(record: bytes) -> Offer:
    """Reads the body of the record with the ClientHello."""
    message = _Reader(record)
    assert 1 == message.number(1), "not a ClientHello"
    hello = message.vector(3)
    hello.take(2 + 32)  # version, random
    hello.vector(1)  # session id
    hello.vector(2)  # cipher suites
    hello.vector(1)  # compression methods
    extensions = hello.vector(2)
    offer = Offer([], [])
    while extensions.data:
        kind, body = extensions.number(2), extensions.vector(2)
        if kind == _SUPPORTED_GROUPS:
            groups = body.vector(2)
            while groups.data:
                offer.groups.append(groups.number(2))
        elif kind == _KEY_SHARE:
            shares = body.vector(2)
            while shares.data:
                offer.key_shares.append(shares.number(2))
                shares.vector(2)
    return offer


def what_ssl_offers() -> Offer:
    """The offer of this Python's own `ssl`, without any library above it."""
    outgoing = ssl.MemoryBIO()
    connection = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="node.example")
    with contextlib.suppress(ssl.SSLWantReadError):
        connection.do_handshake()
    record = outgoing.read()
    return read_offer(record[5 : 5 + record_length(record[:5])])
