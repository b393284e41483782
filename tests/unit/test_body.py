"""Bodies within bounds: identity, or one layer of gzip in bounded steps."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ron._values import Failure
from ron.transport._body import STEP, Body, Gunzip, gunzip_for
from ron.transport._framing import Framing

PLAIN = Framing(None, True, b"", True)
ZIPPED = Framing(None, False, b"gzip", True)


def read(framing: Framing, *chunks: bytes, limit: int = 1000) -> bytes:
    """The whole body of these chunks."""
    body = Body(framing, limit)
    for chunk in chunks:
        body.feed(chunk)
    return body.finish()


def refusal(framing: Framing, *chunks: bytes, limit: int = 1000) -> Failure:
    """Why the body of these chunks is refused."""
    with pytest.raises(Failure) as caught:
        read(framing, *chunks, limit=limit)
    return caught.value


def test_identity() -> None:
    """Chunks are put together; one chunk is handed on as it is."""
    assert b"" == read(PLAIN)
    assert b"abc" == read(PLAIN, b"a", b"bc")
    only = b"x" * 900
    assert only is read(PLAIN, only)


@given(st.binary(max_size=3000), st.lists(st.integers(0, 4000), max_size=4))
def test_gzip_under_any_cut(data: bytes, cuts: list[int]) -> None:
    """However the network cuts it, gzip decodes to what was encoded; any proper beginning is truncated."""
    wire = gzip.compress(data)
    edges = [0, *sorted(cut % len(wire) for cut in cuts), len(wire)]
    chunks = [wire[start:end] for start, end in zip(edges, edges[1:])]
    assert data == read(ZIPPED, *chunks, limit=4000)
    cut = edges[1] if len(edges) > 2 else len(wire) - 1
    assert "truncated" == refusal(ZIPPED, wire[:cut], limit=4000).kind


@pytest.mark.parametrize("coding", [b"gzip", b"x-gzip"])
def test_codings_known(coding: bytes) -> None:
    """Gzip has two names; a body of no bytes by its length needs no decoding."""
    assert b"a" == read(Framing(None, True, coding, True), gzip.compress(b"a"))
    assert gunzip_for(Framing(0, False, coding, True)) is None


@pytest.mark.parametrize("coding", [b"br", b"deflate", b"gzip, gzip", b"zstd"])
def test_codings_unknown(coding: bytes) -> None:
    """Any other coding is refused for good, before a byte is read."""
    failure = refusal(Framing(None, True, coding, True))
    assert ("encoding", True, True) == (failure.kind, failure.permanent, failure.sent)


@pytest.mark.parametrize("tail", [b"x", gzip.compress(b"second"), bytes(8)])
@pytest.mark.parametrize("apart", [False, True])
def test_bytes_after_gzip(tail: bytes, apart: bool) -> None:
    """Nothing may follow the gzip member: no garbage, no padding, no second member."""
    first = gzip.compress(b"first")
    chunks = (first, tail) if apart else (first + tail,)
    assert "encoding" == refusal(ZIPPED, *chunks).kind


def test_damaged_gzip() -> None:
    """Data that is not gzip, or whose checksum is wrong, is refused."""
    assert "encoding" == refusal(ZIPPED, b"not gzip at all").kind
    wire = bytearray(gzip.compress(b"hello"))
    wire[-6] ^= 1
    assert "encoding" == refusal(ZIPPED, bytes(wire)).kind


def test_limit() -> None:
    """Exactly max_response_bytes are taken; one more is refused for good, and early if announced."""
    assert 1000 == len(read(PLAIN, bytes(600), bytes(400)))
    failure = refusal(PLAIN, bytes(600), bytes(401))
    assert ("too_large", True, True) == (failure.kind, failure.permanent, failure.sent)
    assert "max_response_bytes=1000" in failure.detail
    assert 1000 == len(read(ZIPPED, gzip.compress(bytes(1000))))
    assert "too_large" == refusal(ZIPPED, gzip.compress(bytes(1001))).kind
    with pytest.raises(Failure, match="larger than"):
        Body(Framing(1001, False, b"", True), 1000)


def test_refused_body_stays_refused() -> None:
    """After a refusal nothing more is taken, and the first reason stays."""
    body = Body(PLAIN, 3)
    assert [True, False, False] == [body.feed(chunk) for chunk in (b"ab", b"cd", b"")]
    with pytest.raises(Failure) as caught:
        body.finish()
    assert body.failure is caught.value


def test_bomb_costs_little_memory() -> None:
    """A gzip bomb is left at the limit, having cost about the limit."""
    deflate = zlib.compressobj(9, wbits=31)
    bomb = b"".join(deflate.compress(bytes(1 << 20)) for _ in range(64)) + deflate.flush()
    tracemalloc.start()
    try:
        assert "too_large" == refusal(ZIPPED, bomb, limit=1 << 20).kind
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < (1 << 20) + 8 * STEP


def test_steps_are_bounded_and_lose_nothing() -> None:
    """Decoding goes in steps of at most STEP bytes, also where a step ends exactly at the input's end."""
    for size in (STEP - 1, STEP, STEP + 1, 3 * STEP):
        deflate = zlib.compressobj(wbits=31)
        flushed = deflate.compress(bytes(size)) + deflate.flush(zlib.Z_SYNC_FLUSH)
        gunzip = Gunzip()
        pieces = [len(piece) for piece in gunzip.feed(flushed)]
        assert size == sum(pieces)
        assert max(pieces) <= STEP
        assert [] == list(gunzip.feed(deflate.flush()))
        gunzip.finish()
