"""What nodes do to a connection, and what a lane must make of it: the same for both colours."""

from __future__ import annotations

import gzip
import ssl
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple, Optional, Union

import pytest
from pydantic import SecretStr

from ron._clock import Clock
from ron._values import Credential, Exchange, Failure
from ron.transport._protocol import Endpoint
from tests.transport.raw_server import OK, PATIENCE, Peer, RawServer, answer, once

__all__ = [
    "BAD_ANSWERS",
    "KEPT",
    "LATE_ANSWERS",
    "LIMIT",
    "SOON",
    "TOKEN",
    "endpoint",
    "exchange",
    "frames_of",
    "outcome",
]

LIMIT = 64 * 1024
#: Seconds for calls that are meant to run into their deadline.
SOON = 0.25
TOKEN = Credential("Bearer", SecretStr("canary-" + "0123456789abcdef" * 2))
CLOCK = Clock()


def endpoint(
    port: int,
    *,
    host: str = "127.0.0.1",
    verify: Union[bool, str, ssl.SSLContext, None] = None,
    timeout: float = PATIENCE,
    connect_timeout: float = PATIENCE,
    max_concurrency: int = 4,
    max_streams: int = 2,
) -> Endpoint:
    """An endpoint on loopback; https if ``verify`` is given."""
    return Endpoint(
        scheme="http" if verify is None else "https",
        host=host,
        port=port,
        connect_timeout=connect_timeout,
        read_timeout=timeout,
        write_timeout=timeout,
        max_concurrency=max_concurrency,
        max_streams=max_streams,
        max_response_bytes=LIMIT,
        verify=True if verify is None else verify,
        clock=CLOCK,
    )


def exchange(method: str = "GET", target: bytes = b"/", body: bytes = b"", seconds: float = PATIENCE) -> Exchange:
    """A request with a deadline that many seconds away."""
    fields: tuple[tuple[bytes, bytes], ...] = ((b"Accept", b"*/*"),)
    if body or method in ("POST", "PUT"):
        fields += ((b"Content-Length", b"%d" % len(body)),)
    return Exchange(method, target, fields, body, CLOCK.monotonic() + seconds)


class Outcome(NamedTuple):
    """The facts of a ``Failure``."""

    kind: str
    sent: bool
    timed_out: bool = False
    permanent: bool = False


def outcome(failure: Failure) -> Outcome:
    """The facts of a ``Failure``."""
    return Outcome(failure.kind, failure.sent, failure.timed_out, failure.permanent)


def frames_of(error: Optional[BaseException]) -> list[str]:
    """The text of everything that hangs on an exception: its chain, arguments, and locals of its frames."""
    texts: list[str] = []
    while error is not None:
        texts.append(repr((error, error.args, vars(error))))
        traceback = error.__traceback__
        while traceback is not None:
            for value in traceback.tb_frame.f_locals.values():
                texts.append(repr(value))
                texts.append(repr(getattr(value, "headers", None)))
            traceback = traceback.tb_next
        error = error.__cause__ or error.__context__
    return texts


def _reset_in_body(peer: Peer) -> None:
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
    peer.server.stopping.wait(0.05)
    peer.reset()


def _chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + end


def _bomb() -> bytes:
    deflate = zlib.compressobj(9, wbits=31)
    return b"".join(deflate.compress(bytes(1 << 20)) for _ in range(16)) + deflate.flush()


_GZ = b"Content-Encoding: gzip"
_ZIPPED = gzip.compress(b"hello")

BAD_ANSWERS = [
    pytest.param(once(), Outcome("read", True), id="closes without an answer"),
    pytest.param(once(b"HTTP/1.1 20"), Outcome("truncated", True), id="ends in the head"),
    pytest.param(once(OK[:-1]), Outcome("truncated", True), id="ends in a body of known length"),
    pytest.param(once(_chunked(b"abc", end=b"")), Outcome("truncated", True), id="ends between chunks"),
    pytest.param(_reset_in_body, Outcome("read", True), id="resets in the body"),
    pytest.param(once(b"SSH-2.0-OpenSSH\r\n\r\n"), Outcome("protocol", True), id="speaks SSH"),
    pytest.param(
        once(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        Outcome("protocol", True),
        id="gives two lengths",
    ),
    pytest.param(
        once(answer(b"abc", b"Content-Encoding: br")),
        Outcome("encoding", True, permanent=True),
        id="uses an unknown coding",
    ),
    pytest.param(
        once(answer(gzip.compress(_ZIPPED), b"Content-Encoding: gzip, gzip")),
        Outcome("encoding", True, permanent=True),
        id="zips twice",
    ),
    pytest.param(once(answer(b"hello", _GZ)), Outcome("encoding", True), id="zips nothing"),
    pytest.param(once(answer(_ZIPPED[:-3], _GZ)), Outcome("truncated", True), id="cuts its gzip"),
    pytest.param(once(answer(_ZIPPED * 2, _GZ)), Outcome("encoding", True), id="sends two gzip members"),
    pytest.param(
        once(answer(bytes(LIMIT + 1))),
        Outcome("too_large", True, permanent=True),
        id="announces too much",
    ),
    pytest.param(
        once(_chunked(*[bytes(LIMIT // 4)] * 5)),
        Outcome("too_large", True, permanent=True),
        id="sends too much",
    ),
    pytest.param(
        once(answer(_bomb(), _GZ)),
        Outcome("too_large", True, permanent=True),
        id="sends a gzip bomb",
    ),
]


def _dribble_head(peer: Peer) -> None:
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        peer.dribble(b"z" * 100)


def _dribble_body(peer: Peer) -> None:
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
    peer.dribble(b"z" * 60000)


def _dribble_chunks(peer: Peer) -> None:
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        peer.dribble(b"1;x=y\r\nz\r\n")


def _interim_for_ever(peer: Peer) -> None:
    peer.request()
    while True:
        peer.dribble(b"HTTP/1.1 102 Processing\r\n\r\n")


def _silent(peer: Peer) -> None:
    peer.request()
    peer.wait_closed()


def _never_reads(peer: Peer) -> None:
    peer.server.stopping.wait(PATIENCE)


LATE_ANSWERS: list[Any] = [
    pytest.param(_dribble_head, b"", id="dribbles the head"),
    pytest.param(_dribble_body, b"", id="dribbles the body"),
    pytest.param(_dribble_chunks, b"", id="dribbles chunks"),
    pytest.param(_interim_for_ever, b"", id="sends interim answers for ever"),
    pytest.param(_silent, b"", id="is silent"),
    pytest.param(_never_reads, bytes(32 << 20), id="does not read the upload"),
]


class Kept(NamedTuple):
    """An answer, and whether the connection may be used again after it."""

    method: str
    reply: bytes
    status: int
    body: bytes
    kept: bool


KEPT = [
    pytest.param(Kept("GET", OK, 200, b"{}", True), id="Content-Length"),
    pytest.param(Kept("GET", _chunked(b"ab", b"c"), 200, b"abc", True), id="chunks"),
    pytest.param(Kept("GET", _chunked(b"ab", end=b"0\r\nX-Sum: 1\r\n\r\n"), 200, b"ab", True), id="trailers"),
    pytest.param(Kept("GET", answer(_ZIPPED, _GZ), 200, b"hello", True), id="gzip"),
    pytest.param(
        Kept("GET", answer(_ZIPPED, b"Content-Encoding: identity, x-gzip"), 200, b"hello", True),
        id="x-gzip",
    ),
    pytest.param(Kept("GET", answer(b"", _GZ), 200, b"", True), id="an empty body called gzip"),
    pytest.param(Kept("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", 200, b"", True), id="HEAD"),
    pytest.param(Kept("DELETE", b"HTTP/1.1 204 Gone\r\n\r\n", 204, b"", True), id="204"),
    pytest.param(Kept("GET", b"HTTP/1.1 304 As Was\r\nContent-Length: 9\r\n\r\n", 304, b"", True), id="304"),
    pytest.param(Kept("GET", answer(b"{}", b"Connection: close"), 200, b"{}", False), id="Connection: close"),
    pytest.param(Kept("GET", OK + OK, 200, b"{}", False), id="a forged second answer"),
    pytest.param(Kept("DELETE", b"HTTP/1.1 204 Gone\r\n\r\nbody", 204, b"", False), id="a 204 with a body"),
    pytest.param(Kept("GET", _chunked(b"ab") + b"x", 200, b"ab", False), id="a byte after chunks"),
    pytest.param(
        Kept(
            "GET",
            _chunked(b"ab").replace(b"\r\n\r\n", b"\r\nContent-Length: 12\r\n\r\n", 1),
            200,
            b"ab",
            False,
        ),
        id="both framings",
    ),
    pytest.param(
        Kept("GET", b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK, 200, b"{}", False),
        id="an interim answer",
    ),
]

Handler = Callable[[Peer], None]
Server = RawServer
