"""The limits of the event stream reader: what passes, what is refused, and what it costs."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from ron._sse import MAX_EVENT_BYTES, MAX_LINE_BYTES, Event, SSEDecoder
from ron.errors import RonConfigError, RonResponseTooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterable

MIB = 1024 * 1024


def single_bytes(raw: bytes) -> list[bytes]:
    """The bytes, one a chunk."""
    return [raw[at : at + 1] for at in range(len(raw))]


def feed_all(decoder: SSEDecoder, chunks: Iterable[bytes]) -> list[Event]:
    """All events of these chunks."""
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def test_the_default_limits() -> None:
    """A line may have 1 MiB and an event 4 MiB, by default."""
    assert (MIB, 4 * MIB) == (MAX_LINE_BYTES, MAX_EVENT_BYTES)
    fits = b"data:" + b"x" * (MIB - 5)
    (event,) = SSEDecoder().feed(fits + b"\n\n")
    assert MIB - 5 == len(event.data)
    with pytest.raises(RonResponseTooLargeError, match="max_line_bytes=1048576"):
        SSEDecoder().feed(fits + b"x")
    assert 1 == len(SSEDecoder().feed((b"data:" + b"x" * (MIB - 6) + b"\n") * 4 + b"\n"))
    with pytest.raises(RonResponseTooLargeError, match="max_event_bytes=4194304"):
        SSEDecoder().feed((b"data:" + b"x" * (MIB - 5) + b"\n") * 4 + b"data:" + b"x" * 18)


@pytest.mark.parametrize("start", [b"data:", b":", b"id:", b"nothing", b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r", b"\r\n"])
def test_a_line_over_the_limit(start: bytes, end: bytes) -> None:
    """A line of any kind may be as long as the limit, BOM and line end not counted."""
    bom = start if start == b"\xef\xbb\xbf" else b""
    fits = (start[len(bom) :] + b"x" * 50)[:50]
    for cut in (single_bytes, lambda raw: [raw]):
        assert [] == feed_all(SSEDecoder(max_line_bytes=50), cut(bom + fits + end))
        with pytest.raises(RonResponseTooLargeError, match="a line of the stream is over max_line_bytes=50"):
            feed_all(SSEDecoder(max_line_bytes=50), cut(bom + fits + b"x" + end))


def test_an_endless_line_is_refused_while_it_comes() -> None:
    """The first byte over the limit is refused; nobody waits for the line's end."""
    decoder = SSEDecoder(max_line_bytes=1000)
    assert [] == feed_all(decoder, [b"x" * 100] * 10)
    with pytest.raises(RonResponseTooLargeError):
        decoder.feed(b"x")


def test_a_long_line_between_short_ones() -> None:
    """In a chunk of many lines each one is looked at, the one begun earlier too."""
    with pytest.raises(RonResponseTooLargeError):
        SSEDecoder(max_line_bytes=20).feed(b"data: a\n\n" + b"x" * 21 + b"\ndata: b\n\n")
    decoder = SSEDecoder(max_line_bytes=20)
    assert [] == decoder.feed(b"x" * 20)
    with pytest.raises(RonResponseTooLargeError):
        decoder.feed(b"x\ndata: b\n\n")
    assert 9 == len(SSEDecoder(max_line_bytes=20).feed(b"data: a\n\n" * 9))


@pytest.mark.parametrize(
    ("fits", "over"),
    [
        (b"data: 1234567890\n\n", b"data: 1234567890x\n"),
        (b"data:1234567890\n\n", b"data:1234567890x"),
        (b"data:12345\ndata: 7890\n\n", b"data:12345\ndata: 7890x\n"),
        (b"data:1234\ndata:67890\n\n", b"data:12345\ndata:67890"),
        (b"data\n" * 11 + b"\n", b"data\n" * 12),
        ("data: ééééé\n\n".encode(), "data: éééééx\n".encode()),
        (b"data: \xff234567890\n\n", b"data: \xff234567890x"),
        (
            b"data: 1234567890\nid: 12345678901\n: c\n\n",
            b"data: 123456789\nid: 1\n: c\ndata\ndata\n",
        ),
    ],
    ids=[
        "ended",
        "unended",
        "two-lines",
        "second-unended",
        "empty-lines",
        "utf-8",
        "malformed",
        "other-fields",
    ],
)
def test_an_event_over_the_limit(fits: bytes, over: bytes) -> None:
    """The data as sent, with the LFs between its lines, may be as long as the limit."""
    for cut in (single_bytes, lambda raw: [raw]):
        (event,) = feed_all(SSEDecoder(max_event_bytes=10), cut(fits))
        assert event.data
        with pytest.raises(RonResponseTooLargeError, match="one event is over max_event_bytes=10"):
            feed_all(SSEDecoder(max_event_bytes=10), cut(over))


def test_each_event_counts_for_itself() -> None:
    """The limit is of one event: a stream may go on for ever."""
    events = feed_all(SSEDecoder(max_event_bytes=10), [b"data: 1234567890\n\n"] * 1000)
    assert 1000 == len(events)


def test_a_refused_decoder_is_dead() -> None:
    """After a refusal every feeding, of nothing too, raises the same error."""
    decoder = SSEDecoder(max_line_bytes=10)
    with pytest.raises(RonResponseTooLargeError) as first:
        decoder.feed(b"x" * 11)
    for chunk in (b"\n\ndata: a\n\n", b""):
        with pytest.raises(RonResponseTooLargeError) as again:
            decoder.feed(chunk)
        assert str(first.value) == str(again.value)


@pytest.mark.parametrize("over", [b"x" * 50, b"x" * 50 + b"\n", b"data: 12345678901\n", b"data: 12345678901"])
def test_a_refusal_loses_no_event(over: bytes) -> None:
    """Events that were not returned because their chunk was refused are not counted as seen."""
    decoder = SSEDecoder(max_line_bytes=40, max_event_bytes=10)
    assert 1 == len(decoder.feed(b"retry: 1\nid: 1\ndata: a\n\n"))
    with pytest.raises(RonResponseTooLargeError):
        decoder.feed(b"retry: 2\nid: 2\ndata: b\n\n" + over)
    assert ("1", 1) == (decoder.last_event_id, decoder.retry_ms)


def test_the_error_says_what_to_do_and_not_what_came() -> None:
    """The message names the limit and the way out, never the payload."""
    with pytest.raises(RonResponseTooLargeError) as caught:
        SSEDecoder(max_line_bytes=10).feed(b"data: s3cret s3cret")
    assert "raise that limit" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("name", ["max_line_bytes", "max_event_bytes"])
@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one(name: str, limit: int) -> None:
    """A limit that would refuse everything is a mistake of configuration, by its name."""
    with pytest.raises(RonConfigError, match=f"{name}={limit} is too small"):
        SSEDecoder(**{name: limit})


@pytest.mark.parametrize(
    ("digits", "milliseconds"),
    [
        (b"9" * 18, 10**18 - 1),
        (b"0" * 5000 + b"7", 7),
        (b"0" * 5000, 0),
        (b"1" + b"0" * 18, 3),
        (b"1" * 5000, 3),
        (b"1" * 1_000_000, 3),
    ],
    ids=["18-digits", "zeros-7", "zeros", "19-digits", "5000-digits", "a-million-digits"],
)
def test_absurd_retries_are_ignored(digits: bytes, milliseconds: int) -> None:
    """Up to 18 digits, leading zeros not counted, are a retry; more of them are ignored."""
    decoder = SSEDecoder()
    (event,) = decoder.feed(b"retry: 3\nretry: " + digits + b"\ndata: a\n\n")
    assert milliseconds == event.retry == decoder.retry_ms


def test_a_long_line_byte_by_byte() -> None:
    """A line of 1 MB and 200 000 bytes of small events, byte by byte, are read to the end."""
    decoder = SSEDecoder()
    (long,) = feed_all(decoder, single_bytes(b"data: " + b"x" * 1_000_000 + b"\n\n"))
    assert 1_000_000 == len(long.data)
    small = feed_all(decoder, single_bytes(b"data:abc\n\n" * 20_000))
    assert [Event("message", "abc", "", None)] * 20_000 == small


def test_many_lines_of_one_event() -> None:
    """An event of 200 000 lines, in chunks of any size, is the sum of its lines."""
    raw = b"data:a\n" * 200_000 + b"\n"
    for size in (1000, len(raw)):
        pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
        (event,) = feed_all(SSEDecoder(), pieces)
        assert "a\n" * 199_999 + "a" == event.data


@pytest.mark.parametrize("chunk", [b"xy", b"data:ab\n", b"data\n"], ids=["pieces", "lines", "empty-lines"])
def test_memory_is_bounded_by_the_limits(chunk: bytes) -> None:
    """However small the pieces of a line or an event are, holding it takes about its bytes."""
    limit = 64 * 1024
    decoder = SSEDecoder(max_line_bytes=limit, max_event_bytes=limit)
    tracemalloc.start()
    try:
        with pytest.raises(RonResponseTooLargeError):
            while True:
                decoder.feed(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * limit
