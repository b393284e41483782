"""One target for each parser of what comes from outside: any bytes in, only ``ron``'s own refusals out.

A target takes bytes, asserts what must hold for all of them, and lets nothing else escape. ``TARGETS`` is the table
that the command and the suite read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Optional, Union
from urllib.parse import unquote_to_bytes

import h11
from pydantic import BaseModel, ConfigDict, SecretStr, TypeAdapter

from ron import (
    U64,
    Event,
    Manifest,
    RonConfigError,
    RonParseError,
    RonResponseTooLargeError,
    SSEDecoder,
    Timestamp,
    UnixSeconds,
)
from ron._backoff import retry_hint
from ron._decode import decode_plain, decode_typed
from ron._flow import Answer
from ron._problem import read_problem
from ron._url import parse_base_url
from ron._values import Credential, Failure, Reply
from ron.transport._body import Body
from ron.transport._framing import Framing, Meter, read_framing
from tests.fuzz import seeds

__all__ = ["TARGETS", "Target"]


class Target(NamedTuple):
    """A parser's target, and valid samples to begin with."""

    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def cut(data: bytes, step: int) -> Iterator[bytes]:
    """The bytes in pieces of 1 to ``step`` bytes, in a pattern that the step decides."""
    at, size = 0, 1
    while at < len(data):
        yield data[at : at + size]
        at += size
        size = size * 7 % step + 1


def split(data: bytes) -> tuple[int, bytes]:
    """The first byte as a number that decides how, and what is left."""
    return (data[0], data[1:]) if data else (0, b"")


def check_text(text: str, longest: int = 600) -> None:
    """A text for people is short, on one line and without control characters."""
    assert text.isprintable(), ascii(text)
    assert 0 < len(text) <= longest, ascii(text)


# --- Event streams ----------------------------------------------------------------------------------

LINE, EVENT = 64, 96


def _events(chunks: Iterator[bytes]) -> tuple[Optional[list[Event]], tuple[str, Optional[int], int]]:
    decoder = SSEDecoder(max_line_bytes=LINE, max_event_bytes=EVENT)
    events: list[Event] = []
    try:
        for chunk in chunks:
            events += decoder.feed(chunk)
    except RonResponseTooLargeError as error:
        check_text(str(error))
        return None, ("", None, 0)
    return events, (decoder.last_event_id, decoder.retry_ms, decoder.comments)


def sse(data: bytes) -> None:
    """However it is cut, a stream gives the same events or the same refusal; every event is within the limits."""
    step, stream = split(data)
    events, state = _events(iter((stream,)))
    assert (events, state) == _events(cut(stream, step + 1))
    assert (events, state) == _events(cut(stream, 1))
    for event in events or ():
        assert len(event.data) <= EVENT
        assert event.event
        assert not set("\r\n\0") & set(event.id)
        try:
            json.dumps(event.json_data(), allow_nan=False)
        except RonParseError as error:
            check_text(str(error))


# --- JSON -------------------------------------------------------------------------------------------


class Thing(BaseModel):
    """A typed answer."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    id: str
    count: int = 0
    weight: float = 0.0
    price: U64 = 0
    made: Optional[Timestamp] = None
    seen: Optional[UnixSeconds] = None
    parts: list[dict[str, Union[int, str]]] = []


_THING: TypeAdapter[Any] = TypeAdapter(Thing)
_PAGE: TypeAdapter[Any] = TypeAdapter(list[Thing])


def problem(data: bytes) -> None:
    """Any body is a Problem of short, printable texts, and what it keeps can be written as strict JSON."""
    status, body = split(data)
    found = read_problem(100 + status * 4, body, body[:20].decode("latin-1"))
    for text in (found.code, found.message, found.kind, found.correlation_id, found.reason):
        assert text is None or (text.isprintable() and len(text) <= 500)
    assert found.code
    assert found.message
    assert found.retry_after_ms is None or 0 <= found.retry_after_ms < 2**53
    json.dumps(found.model_dump(), allow_nan=False)


def page(data: bytes) -> None:
    """A body is a strict JSON value, or a parse error that quotes nothing; typed decoding takes no more than plain."""
    answer = Answer(Reply(200, ((b"Content-Type", b"application/json"),), data), "r-1", 1)
    plain = True
    try:
        json.dumps(decode_plain(answer), allow_nan=False).encode("utf-8")
    except RonParseError as error:
        plain = False
        check_text(str(error))
    for adapter, what in ((_THING, "Thing"), (_PAGE, "page of Thing")):
        try:
            value = decode_typed(answer, adapter, what)
        except RonParseError as error:
            check_text(str(error))
            continue
        assert plain
        json.dumps(adapter.dump_python(value, mode="json", warnings="error"), allow_nan=False)


# --- Answers on the wire ----------------------------------------------------------------------------

LIMIT = 4096


def _body(framing: Framing, chunks: Iterator[bytes]) -> Union[bytes, str]:
    body = Body(framing, LIMIT)
    for chunk in chunks:
        if not body.feed(chunk):
            break
    try:
        return body.finish()
    except Failure as caught:
        failure = caught
    check_text(failure.detail)
    assert failure.sent
    assert failure.kind in ("too_large", "encoding", "truncated")
    return failure.kind


def gzip_body(data: bytes) -> None:
    """A gzip body within the limit is the same however it is cut; all else is refused, nothing is larger."""
    step, wire = split(data)
    for chunked in (True, False):
        framing = Framing(None, chunked, b"gzip", True)
        whole = _body(framing, iter((wire,)))
        for other in (_body(framing, cut(wire, step + 1)), _body(framing, cut(wire, 1))):
            # Which of two reasons is met first may depend on the cut.
            assert whole == other or (isinstance(whole, str) and isinstance(other, str))
        assert len(whole) <= LIMIT
    plain = _body(Framing(None, False, b"", True), cut(wire, step + 1))
    assert plain == (wire if len(wire) <= LIMIT else "too_large")


def _is_one_answer(wire: bytes, chunks: Iterator[bytes]) -> tuple[bool, bool]:
    """Whether the meter says that these bytes are exactly one answer, and whether the HTTP parser says so."""
    parser = h11.Connection(h11.CLIENT)
    parser.send(h11.Request(method="GET", target="/", headers=[("Host", "h")]))
    parser.send(h11.EndOfMessage())
    meter, ended = Meter(), False
    try:
        for chunk in chunks:
            meter.feed(chunk)
            parser.receive_data(chunk)
            while True:
                event = parser.next_event()
                if isinstance(event, h11.Response):
                    meter.frame(read_framing("GET", event.status_code, list(event.headers.raw_items())))
                ended = ended or isinstance(event, h11.EndOfMessage)
                if event in (h11.NEED_DATA, h11.PAUSED) or ended:
                    break
    except (h11.RemoteProtocolError, Failure):
        return False, False
    return meter.ended, ended and b"" == parser.trailing_data[0]


def meter(data: bytes) -> None:
    """The meter never says "exactly one answer" where the HTTP parser does not, however the bytes are cut."""
    step, wire = split(data)
    for chunks in (iter((wire,)), cut(wire, step + 1), cut(wire, 1)):
        counted, parsed = _is_one_answer(wire, chunks)
        assert parsed or not counted


def retry_after(data: bytes) -> None:
    """Any field is a number of seconds from 0 on, or counts as absent."""
    found = retry_hint(Reply(503, ((b"Retry-After", data),), b""), None, 1_767_323_045.0)
    assert found is None or 0.0 <= found < 1e12
    if data.isdigit():
        assert found == min(1e9, float(data))


def base_url(data: bytes) -> None:
    """Any text is sound parts, which written and read again are the same, or a refusal that can be shown."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        parts = parse_base_url(text)
    except RonConfigError as error:
        check_text(str(error))
        return
    assert parts == parse_base_url(str(parts))
    assert text.lower().startswith(f"{parts.scheme}://")
    authority = text.split("/")[2].lower()
    host = f"[{parts.host}]" if ":" in parts.host else parts.host
    assert authority in (host, f"{host}:{authority.rpartition(':')[2]}")
    assert parts.port == int(authority[len(host) + 1 :] or (443 if parts.scheme == "https" else 80))
    assert text.rstrip("/").endswith(parts.path)
    assert not set("@?#\\% ") & set(parts.host)


TOKEN = 'cap-0123456789/abcdef="\\~'


def redaction(data: bytes) -> None:
    """An answer without the token keeps its bytes or, at least, holds no 12 characters of the token in a row; JSON that
    was changed is JSON still, or all of it is gone.
    """
    reply = Credential("Bearer", SecretStr(TOKEN)).scrub(Reply(400, ((b"x-a", data),), data))
    windows = [TOKEN.encode()[at : at + 12] for at in range(len(TOKEN) - 11)]
    if reply.body not in (data, b"[redacted]") and data.lstrip()[:1] in (b"{", b"["):
        json.loads(reply.body)
    for text in (reply.body, reply.headers[0][1]):
        assert not [window for window in windows if window in text or window in unquote_to_bytes(text)]


# --- Manifests --------------------------------------------------------------------------------------


def manifest(data: bytes) -> None:
    """A manifest is read or refused; one that was read is checked, and means the same once it was written."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return
    try:
        read = Manifest.from_toml(text, source="a.toml")
    except RonConfigError as error:
        check_text(error.message)
        return
    for finding in read.check():
        check_text(str(finding))
    written = read.to_toml()
    again = Manifest.from_toml(written, source="a.toml")
    assert written == again.to_toml()
    assert hash(read) == hash(again)


TARGETS = {
    "sse": Target(sse, seeds.SSE),
    "problem": Target(problem, seeds.PROBLEM),
    "page": Target(page, seeds.PAGE),
    "gzip_body": Target(gzip_body, seeds.GZIP),
    "meter": Target(meter, seeds.METER),
    "retry_after": Target(retry_after, seeds.RETRY_AFTER),
    "base_url": Target(base_url, seeds.BASE_URL),
    "redaction": Target(redaction, seeds.REDACTION),
    "manifest": Target(manifest, seeds.MANIFEST),
}
