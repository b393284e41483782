"""Where an answer ends: the meter proves it, or the connection is not used again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ron.transport._framing import Framing, Meter, read_framing, turns_down

HEAD = b"HTTP/1.1 200 OK\r\n"


def measured(wire: bytes, framing: Framing, cuts: tuple[int, ...] = ()) -> bool:
    """Whether the meter says that these bytes, cut at these places, are exactly one answer.

    The head is read as an HTTP parser does it: it knows the framing once the blank line was fed.
    """
    meter = Meter()
    fed = b""
    framed = False
    edges = [0, *sorted(cut % len(wire) for cut in cuts), len(wire)]
    for start, end in zip(edges, edges[1:]):
        meter.feed(wire[start:end])
        fed += wire[start:end]
        if not framed and b"\r\n\r\n" in fed:
            framed = True
            meter.frame(framing)
    return meter.ended


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([], Framing(None, False, b"", True)),
        ([(b"Content-Length", b"12")], Framing(12, False, b"", True)),
        ([(b"CONTENT-LENGTH", b"1"), (b"content-length", b"1")], Framing(1, False, b"", True)),
        ([(b"Content-Length", b"1"), (b"Content-Length", b"2")], Framing(1, False, b"", False)),
        ([(b"Content-Length", b"-1")], Framing(None, False, b"", False)),
        ([(b"Content-Length", b"1, 1")], Framing(None, False, b"", False)),
        ([(b"Transfer-Encoding", b"Chunked")], Framing(None, True, b"", True)),
        ([(b"Transfer-Encoding", b"gzip, chunked")], Framing(None, False, b"", False)),
        (
            [(b"Transfer-Encoding", b"chunked"), (b"Content-Length", b"3")],
            Framing(None, True, b"", False),
        ),
        ([(b"Content-Encoding", b"GZIP")], Framing(None, False, b"gzip", True)),
        ([(b"Content-Encoding", b"identity")], Framing(None, False, b"", True)),
        (
            [(b"Content-Encoding", b"gzip"), (b"Content-Encoding", b"br")],
            Framing(None, False, b"gzip, br", True),
        ),
    ],
)
def test_reads_framing(fields: list[tuple[bytes, bytes]], expected: Framing) -> None:
    """Length, chunking and coding are read as RFC 9112 says, and contradictions are noted."""
    assert expected == read_framing("GET", 200, fields)


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_answers_without_a_body(method: str, status: int) -> None:
    """Some answers have no body, whatever their fields say about it."""
    fields = [(b"Content-Length", b"12"), (b"Content-Encoding", b"gzip")]
    assert Framing(0, False, b"", True) == read_framing(method, status, fields)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (b"HTTP/1.1 413 ", True),
        (b"HTTP/1.0 500 ", True),
        (b"HTTP/1.1 301 ", True),
        (b"HTTP/1.1 100 ", False),
        (b"HTTP/1.1 200 ", False),
        (b"HTTP/1.1", False),
        (b"", False),
    ],
)
def test_turns_down(start: bytes, expected: bool) -> None:
    """Only a redirect or an error refuses an upload that is under way."""
    assert expected == turns_down(start)


@pytest.mark.parametrize(
    ("wire", "framing", "expected"),
    [
        (HEAD + b"\r\nab", Framing(2, False, b"", True), True),
        (HEAD + b"\r\na", Framing(2, False, b"", True), False),
        (HEAD + b"\r\nabc", Framing(2, False, b"", True), False),
        (HEAD + b"\r\n", Framing(0, False, b"", True), True),
        (HEAD + b"\r\nab", Framing(2, False, b"", False), False),
        (HEAD + b"\r\nab", Framing(None, False, b"", True), False),
        (HEAD + b"\n\nab", Framing(2, False, b"", True), False),
        (b"HTTP/1.1 103 Hints\r\n\r\n" + HEAD + b"\r\n", Framing(0, False, b"", True), False),
        (HEAD + b"\r\n1;a=b\r\nx\r\n0\r\nT: 1\r\n\r\n", Framing(None, True, b"", True), True),
        (HEAD + b"\r\nA\r\n0123456789\r\n0\r\n\r\n", Framing(None, True, b"", True), True),
        (HEAD + b"\r\n1\r\nx\r\n0\r\n", Framing(None, True, b"", True), False),
        (HEAD + b"\r\nzz\r\nx\r\n0\r\n\r\n", Framing(None, True, b"", True), False),
    ],
)
def test_meter(wire: bytes, framing: Framing, expected: bool) -> None:
    """The meter says yes to exactly one whole answer, and no where it cannot tell."""
    assert expected == measured(wire, framing)


@given(
    st.lists(st.binary(min_size=1, max_size=40), max_size=4),
    st.binary(max_size=3),
    st.lists(st.integers(0, 400), max_size=5).map(tuple),
)
def test_meter_under_any_cut(chunks: list[bytes], surplus: bytes, cuts: tuple[int, ...]) -> None:
    """However the network cuts it, a chunked or counted answer ends where it ends, and surplus shows."""
    body = b"".join(chunks)
    chunked = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    counted = HEAD + b"\r\n" + body + surplus
    assert (not surplus) == measured(counted, Framing(len(body), False, b"", True), cuts)
    walked = HEAD + b"\r\n" + chunked + surplus
    assert (not surplus) == measured(walked, Framing(None, True, b"", True), cuts)
