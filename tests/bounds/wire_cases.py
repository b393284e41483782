"""Answers that overrun, understate or contradict their own framing, and what a plain call makes of each."""

from __future__ import annotations

import gzip
import zlib
from typing import Any, NamedTuple, Optional, Union

import pytest

from ron import RonError, RonNetworkError, RonParseError, RonProblemError, RonResponseTooLargeError, RonServerError
from tests.bounds.caller import LIMIT
from tests.transport.raw_server import answer

__all__ = ["CASES", "ES", "GZ", "Case", "Raises", "bomb", "chunked"]

GZ = b"Content-Encoding: gzip"
ES = b"Content-Type: text/event-stream"
_HEAD = b"HTTP/1.1 200 OK\r\n"
_CHUNKS = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
_ZIPPED = gzip.compress(b'{"a": 1}')
_BIG = b'"' + b"x" * LIMIT + b'"'


class Raises(NamedTuple):
    """The error's exact class, and a part of its message."""

    kind: type[RonError]
    says: str


class Case(NamedTuple):
    """An answer, what the default transport makes of it, and httpx or the fast transport where that differs."""

    raw: bytes
    expected: Union[Raises, Any]
    httpx: Optional[Union[Raises, Any]] = None
    fast: Optional[Union[Raises, Any]] = None

    def outcome(self, name: str) -> Any:
        """What is expected of the transport of that name."""
        other = {"lanes": None, "fast": self.fast}.get(name, self.httpx)
        return self.expected if other is None else other


def bomb(mebibytes: int = 16, fill: bytes = b"\0", before: bytes = b"") -> bytes:
    """Gzip data that begin with ``before`` and decode to so many MiB of ``fill``; nobody comes to their end."""
    deflate = zlib.compressobj(9, wbits=31)
    begin = deflate.compress(before) + deflate.flush(zlib.Z_FULL_FLUSH)
    # A full flush forgets what came before, so one block of 1 MiB is the same wherever it stands.
    block = deflate.compress(fill * ((1 << 20) // len(fill))) + deflate.flush(zlib.Z_FULL_FLUSH)
    return begin + block * mebibytes


def chunked(*chunks: bytes, fields: bytes = b"") -> bytes:
    """A chunked answer."""
    sent = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return _HEAD + fields + b"Transfer-Encoding: chunked\r\n\r\n" + sent + b"0\r\n\r\n"


_LARGE = Raises(RonResponseTooLargeError, f"GET /x: the answer is larger than max_response_bytes={LIMIT}")
_HEAD_LARGE = Raises(
    RonResponseTooLargeError, "the head of the answer, interim answers included, is larger than 256 KiB"
)
_CODING = Raises(RonParseError, "the content coding of the answer is neither identity nor a single gzip")
_GZIP_CUT = Raises(RonNetworkError, "GET /x: the gzip data ends too early")
_ENDED = Raises(RonNetworkError, "the connection ended in the middle of the answer")
_NOT_HTTP = Raises(RonNetworkError, "the answer is not HTTP/1.1")
_HTTPX_NOT_HTTP = Raises(RonNetworkError, "the answer is not HTTP, or there was none")
_HTTPX_BROKEN = Raises(RonNetworkError, "the answer ended early, or its framing is broken")

_SIZES: dict[str, Case] = {
    "Content-Length beyond the limit": Case(answer(_BIG), _LARGE),
    "Content-Length of 17 digits, little sent": Case(
        _HEAD + b"Content-Length: 99999999999999999\r\n\r\n{}", _LARGE, fast=_ENDED
    ),
    "Content-Length of 5000 digits": Case(
        _HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}", _NOT_HTTP, _HTTPX_NOT_HTTP
    ),
    "chunks beyond the limit": Case(chunked(_BIG), _LARGE),
    "read to close beyond the limit": Case(_HEAD + b"\r\n" + _BIG, _LARGE),
    "gzip beyond the limit": Case(answer(bomb(), GZ), _LARGE),
    "chunked gzip beyond the limit": Case(chunked(bomb(), fields=GZ + b"\r\n"), _LARGE),
    "gzip to close beyond the limit": Case(_HEAD + GZ + b"\r\n\r\n" + bomb(), _LARGE),
    "an error answer with a gzip bomb": Case(answer(bomb(), GZ, status=b"503 Bomb"), _LARGE),
    "chunks of one byte within the limit": Case(chunked(*[b"%c" % c for c in b'{"a": 1}']), {"a": 1}),
    "50 000 header fields": Case(_HEAD + b"X-Y: z\r\n" * 50_000 + b"\r\n{}", _NOT_HTTP, _HTTPX_NOT_HTTP),
    "a field of 2 MB": Case(_HEAD + b"X-Y: " + b"z" * 2_000_000 + b"\r\n\r\n{}", _NOT_HTTP, _HTTPX_NOT_HTTP),
    "a field of 90 KB": Case(answer(b"{}", b"X-Y: " + b"z" * 90_000), {}),
    "50 interim answers": Case(b"HTTP/1.1 103 Hint\r\n\r\n" * 50 + answer(b"{}"), {}),
    "5 MB of interim answers": Case(
        (b"HTTP/1.1 103 Hint\r\nLink: " + b"x" * 50_000 + b"\r\n\r\n") * 100 + answer(b"{}"), _HEAD_LARGE, {}, {}
    ),
    "a chunk extension of 200 KB": Case(
        _CHUNKS + b"2;" + b"x" * 200_000 + b"\r\n{}\r\n0\r\n\r\n", _NOT_HTTP, _HTTPX_BROKEN
    ),
    "trailers of 300 KB": Case(
        _CHUNKS + b"2\r\n{}\r\n0\r\n" + b"X: y\r\n" * 50_000 + b"\r\n", _NOT_HTTP, _HTTPX_BROKEN
    ),
}

_CODINGS: dict[str, Case] = {
    "gzip cut": Case(answer(_ZIPPED[:-3], GZ), _GZIP_CUT),
    "gzip cut in an error answer": Case(answer(_ZIPPED[:-3], GZ, status=b"503 Cut"), _GZIP_CUT),
    "gzip with a byte behind": Case(
        answer(_ZIPPED + b"x", GZ), Raises(RonParseError, "bytes follow the end of the gzip data")
    ),
    "no gzip at all": Case(answer(b"{}", GZ), Raises(RonParseError, "the gzip data is damaged")),
    "two layers, both named": Case(answer(gzip.compress(_ZIPPED), b"Content-Encoding: gzip, gzip"), _CODING),
    "two layers, one named": Case(
        answer(gzip.compress(_ZIPPED), GZ), Raises(RonParseError, "the body is not valid JSON, at line 1 column 1")
    ),
    "br": Case(answer(b"{}", b"Content-Encoding: br"), _CODING),
    "br in an error answer": Case(answer(b"{}", b"Content-Encoding: br", status=b"400 Br"), _CODING),
    "deflate": Case(answer(zlib.compress(b"{}"), b"Content-Encoding: deflate"), _CODING),
    "3000 codings": Case(answer(b"{}", b"Content-Encoding: " + b"gzip, " * 3000), _CODING),
    "identity, gzip": Case(answer(_ZIPPED, b"Content-Encoding: identity, gzip"), {"a": 1}),
    "gzip, identity": Case(answer(_ZIPPED, b"Content-Encoding: gzip, identity"), {"a": 1}),
    "an empty body of length 0, called gzip": Case(answer(b"", GZ), None),
    "an empty chunked body, called gzip": Case(chunked(fields=GZ + b"\r\n"), None),
    "an empty body to close, called gzip": Case(_HEAD + GZ + b"\r\n\r\n", _GZIP_CUT),
}

_LENGTHS: dict[str, Case] = {
    "a short body": Case(_HEAD + b"Content-Length: 9\r\n\r\n{}", _ENDED, _HTTPX_BROKEN),
    "a long body": Case(_HEAD + b"Content-Length: 2\r\n\r\n{}xx", {}),
    "two lengths": Case(_HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", _NOT_HTTP, _HTTPX_NOT_HTTP),
    "one length twice": Case(_HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", {}),
    "a negative length": Case(_HEAD + b"Content-Length: -1\r\n\r\n{}", _NOT_HTTP, _HTTPX_NOT_HTTP),
    "a length with a sign": Case(_HEAD + b"Content-Length: +2\r\n\r\n{}", _NOT_HTTP, _HTTPX_NOT_HTTP),
    "a length and chunks": Case(
        _HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", {}
    ),
    "an unknown transfer coding": Case(_HEAD + b"Transfer-Encoding: wat\r\n\r\n{}", _NOT_HTTP, _HTTPX_NOT_HTTP),
    "gzip as a transfer coding": Case(
        _HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", _NOT_HTTP, _HTTPX_NOT_HTTP
    ),
}

_CHUNKINGS: dict[str, Case] = {
    name: Case(_CHUNKS + body, *expected)
    for name, body, *expected in (
        ("no last chunk", b"2\r\n{}\r\n", _ENDED, _HTTPX_BROKEN),
        ("an unfinished chunk", b"9\r\n{}", _ENDED, _HTTPX_BROKEN),
        ("no end after the last chunk", b"2\r\n{}\r\n0\r\n", _ENDED, _HTTPX_BROKEN),
        ("a chunk size of letters", b"zz\r\n{}\r\n0\r\n\r\n", _NOT_HTTP, _HTTPX_BROKEN),
        ("a negative chunk size", b"-6\r\n{}\r\n0\r\n\r\n", _NOT_HTTP, _HTTPX_BROKEN),
        ("a chunk size with a prefix", b"0x2\r\n{}\r\n0\r\n\r\n", _NOT_HTTP, _HTTPX_BROKEN),
        ("a chunk size with an underscore", b"0_2\r\n{}\r\n0\r\n\r\n", _NOT_HTTP, _HTTPX_BROKEN),
        ("a chunk size of 21 digits", b"0" * 20 + b"2\r\n{}\r\n0\r\n\r\n", _NOT_HTTP, _HTTPX_BROKEN, {}),
        ("a chunk of 16 EiB", b"f" * 16 + b"\r\n{}\r\n0\r\n\r\n", _ENDED, _HTTPX_BROKEN),
        ("a chunk longer than its size", b"2\r\n{}xx0\r\n\r\n", _NOT_HTTP, _HTTPX_BROKEN),
    )
}

_EMPTY = b" Status\r\nContent-Length: 2\r\n\r\n{}"
_HEADS: dict[str, Case] = {
    # Its own framing is not HTTP/1's. httpx hands it on, and there HTTP is its business.
    "HTTP/2.0": Case(b"HTTP/2.0 200" + _EMPTY, _NOT_HTTP, {}),
    "HTTP/0.9": Case(b"HTTP/0.9 200" + _EMPTY, _NOT_HTTP, {}),
    "HTTP/1.0": Case(b"HTTP/1.0 200" + _EMPTY, {}),
    "HTTP/1.10": Case(b"HTTP/1.10 200" + _EMPTY, _NOT_HTTP, _HTTPX_NOT_HTTP),
    "no status line": Case(b"{}", _ENDED, _HTTPX_NOT_HTTP, _NOT_HTTP),
    "status 000": Case(b"HTTP/1.1 000" + _EMPTY, _NOT_HTTP, _HTTPX_NOT_HTTP),
    "status 101": Case(b"HTTP/1.1 101 Switch\r\nUpgrade: x\r\n\r\n", _NOT_HTTP, _HTTPX_NOT_HTTP),
    "status 999": Case(b"HTTP/1.1 999" + _EMPTY, Raises(RonServerError, "GET /x: 999 internal: the node answered 999")),
    "status 304": Case(b"HTTP/1.1 304 As Was\r\n\r\n", Raises(RonProblemError, "GET /x: 304 not_modified")),
    "NUL in a field": Case(answer(b"{}", b"X: a\0b"), _NOT_HTTP, _HTTPX_NOT_HTTP),
    "a blank in a field's name": Case(answer(b"{}", b"X y: a"), _NOT_HTTP, _HTTPX_NOT_HTTP),
    "bytes outside ASCII in a field": Case(answer(b"{}", b"X: \xff\xfe"), {}),
    "escape codes in the reason": Case(answer(b"{}", status=b"200 \x1b[31m"), {}, fast=_NOT_HTTP),
}

CASES = [
    pytest.param(case, id=name)
    for table in (_SIZES, _CODINGS, _LENGTHS, _CHUNKINGS, _HEADS)
    for name, case in table.items()
]
