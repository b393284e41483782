"""The event stream reader against a slow reading of the standard, and against httpx-sse.

The peer is asked only where it is right; which streams that leaves out is said beside them.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

import httpx
import httpx_sse
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ron._sse import Event, SSEDecoder
from ron.errors import RonResponseTooLargeError


class Reading(NamedTuple):
    """What a reader has made of a stream up to some byte."""

    events: list[Event]
    last_event_id: str
    retry_ms: Optional[int]
    comments: int


def split_into_lines(text: str) -> list[str]:
    """The lines that CRLF, CR or LF end, character by character; what is not ended is left out."""
    lines, line, at = [], "", 0
    while at < len(text):
        if text[at] in "\r\n":
            at += text[at : at + 2] == "\r\n"
            lines.append(line)
            line = ""
        else:
            line += text[at]
        at += 1
    return lines


class SlowReader:
    """WHATWG HTML, "Interpreting an event stream", word for word, on the whole text at once."""

    def __init__(self) -> None:
        self.data = self.event_type = self.id_buffer = self.last_event_id = ""
        self.retry_in_block: Optional[int] = None
        self.retry_ms: Optional[int] = None
        self.comments = 0
        self.events: list[Event] = []

    def read(self, raw: bytes) -> Reading:
        """All of a stream that ends after these bytes."""
        text = raw.decode("utf-8", "replace")
        for line in split_into_lines(text[1:] if text.startswith("\ufeff") else text):
            self.line(line)
        return Reading(self.events, self.last_event_id, self.retry_ms, self.comments)

    def line(self, line: str) -> None:
        """The four cases of a line: empty, comment, field with a value, field without."""
        if not line:
            self.dispatch()
        elif line[0] == ":":
            self.comments += 1
        elif ":" in line:
            at = line.index(":")
            value = line[at + 1 :]
            self.field(line[:at], value[1:] if value.startswith(" ") else value)
        else:
            self.field(line, "")

    def field(self, name: str, value: str) -> None:
        """The steps to process the field."""
        if name == "event":
            self.event_type = value
        elif name == "data":
            self.data += value + "\n"
        elif name == "id":
            if "\0" not in value:
                self.id_buffer = value
        elif name == "retry" and value and all(digit in "0123456789" for digit in value):
            self.retry(int(value))

    def retry(self, milliseconds: int) -> None:
        """Sets the reconnection time; to ignore 19 digits is our rule, not the standard's."""
        if milliseconds < 10**18:
            self.retry_ms = self.retry_in_block = milliseconds

    def dispatch(self) -> None:
        """The steps to dispatch the event; the id is set before the data is looked at."""
        self.last_event_id = self.id_buffer
        if self.data:
            data = self.data[:-1]
            kind = self.event_type or "message"
            self.events.append(Event(kind, data, self.last_event_id, self.retry_in_block))
        self.data = self.event_type = ""
        self.retry_in_block = None


PIECES = [
    *(b"data:", b"data: ", b"data", b"id:", b"id: ", b"id", b"event:", b"event: ", b"event"),
    *(b"retry:", b"retry: ", b"retry", b"10", b"007", b"+5", b"1" * 19, b"\xd9\xa3"),
    *(b":", b" ", b"\r", b"\n", b"\r\n", b"\n\n", b"\r\r", b"\r\n\r\n", b"\0", b"x", b"x" * 40),
    *(b"\xef\xbb\xbf", b"\xef\xbb", b"\xef", b"\xbf", b"\xc3\xa9", b"\xc3", b"\xa9", b"\xff"),
    *(b"\xf0\x9f\x98\x80", b"\xf0\x9f", b"\xe2\x80\xa8", b"\xc2\x85", b"\x0b", b"\x0c", b"\x1c"),
]
streams = st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=40).map(b"".join)


def cut(raw: bytes, places: list[int]) -> list[bytes]:
    """The bytes cut at these places, taken modulo their length; equal places give empty pieces."""
    at = sorted(place % (len(raw) + 1) for place in places)
    return [raw[a:b] for a, b in zip([0, *at], [*at, len(raw)])]


places = st.lists(st.integers(0, 10_000), max_size=30)


@settings(deadline=None)
@given(streams, places)
@example(b"\xef\xbb\xbf\xef\xbb\xbfdata:x\n\n", [1, 2, 4])
@example(b"data:x\r\n\r\ndata:y\r\r\n\n", list(range(30)))
@example(b"data:\xe2\x82\ndata:\xac\n\n", [7, 8])
def test_every_prefix_reads_as_the_standard_says(raw: bytes, at: list[int]) -> None:
    """After each chunk the decoder has given just what a slow reader makes of the bytes so far."""
    decoder = SSEDecoder()
    events: list[Event] = []
    seen = b""
    for piece in cut(raw, at):
        events += decoder.feed(piece)
        seen += piece
        assert SlowReader().read(seen) == Reading(events, decoder.last_event_id, decoder.retry_ms, decoder.comments)


def is_too_large(raw: bytes, max_line: int, max_event: int) -> bool:
    """Whether a line, ended or not, or the data of an event is over its limit."""
    if raw in (b"\xef", b"\xef\xbb"):
        return False  # perhaps a BOM, which doesn't count
    body = raw[3:] if raw.startswith(b"\xef\xbb\xbf") else raw
    *ended, unended = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    size = -1  # of the values and the LFs between them: one LF less than there are values
    for line in ended:
        if line == b"data" or line.startswith(b"data:"):
            size += 1 + len(line[5:]) - line.startswith(b"data: ")
        elif not line:
            size = -1
        if len(line) > max_line or size > max_event:
            return True
    if unended.startswith(b"data:"):  # without the colon it may yet become another field
        size += 1 + len(unended[5:]) - unended.startswith(b"data: ")
    return len(unended) > max_line or size > max_event


@settings(deadline=None)
@given(streams, places, st.integers(1, 60), st.integers(1, 60))
def test_limits_hold_under_every_chunking(raw: bytes, at: list[int], max_line: int, max_event: int) -> None:
    """Whether a stream is refused depends on its bytes only; what came before that is right."""
    decoder = SSEDecoder(max_line_bytes=max_line, max_event_bytes=max_event)
    events: list[Event] = []
    refused = False
    for piece in cut(raw, at):
        committed = decoder.last_event_id
        try:
            events += decoder.feed(piece)
        except RonResponseTooLargeError:
            refused = True
            assert committed == decoder.last_event_id
            break
    assert is_too_large(raw, max_line, max_event) == refused
    right = SlowReader().read(raw).events
    assert right[: len(events)] == events
    assert refused or right == events


# Left out is where httpx-sse departs from the standard. It dispatches blocks without data, so every
# block here has some and is followed by one blank line only. It takes "+5", " 5" and "1_0" for a
# retry, so retries here are digits or plainly no number. It keeps a BOM, so there is none here. And
# it holds a CR back until it knows whether a LF follows, so line ends here are LF.
texts = st.text(st.sampled_from("ab é😀:\t\0\u2028\x85\x0b\x1c"), max_size=8)
other_fields = st.one_of(
    st.builds("event: {}".format, texts),
    st.builds("event:{}".format, texts),
    st.builds("id: {}".format, texts),
    st.builds("retry: {}".format, st.integers(0, 10**6) | st.sampled_from(["", "x", "1.5"])),
    st.builds(":{}".format, texts),
    st.builds("other: {}".format, texts),
    st.sampled_from(["event", "id", "retry", "data", "nothing"]),
)
data_fields = st.builds("data: {}".format, texts) | st.builds("data:{}".format, texts)


@st.composite
def lf_streams(draw: st.DrawFn) -> bytes:
    """Streams that httpx-sse reads rightly."""
    blocks = []
    for _ in range(draw(st.integers(0, 6))):
        lines = draw(st.lists(other_fields | data_fields, max_size=5))
        lines.insert(draw(st.integers(0, len(lines))), draw(data_fields))
        blocks.append("\n".join(lines) + "\n\n")
    return "".join(blocks).encode()


@settings(deadline=None)
@given(lf_streams(), places)
def test_httpx_sse_agrees_where_it_is_right(raw: bytes, at: list[int]) -> None:
    """On LF streams whose every block has data, httpx-sse delivers the same events."""
    pieces = [piece for piece in cut(raw, at) if piece]
    response = httpx.Response(200, headers={"content-type": "text/event-stream; charset=utf-8"}, content=iter(pieces))
    peer = [
        Event(event.event, event.data, event.id, event.retry) for event in httpx_sse.EventSource(response).iter_sse()
    ]
    decoder = SSEDecoder()
    assert peer == [event for piece in pieces for event in decoder.feed(piece)]
