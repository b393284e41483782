"""A server that keeps every byte it gets, and a strict reader of requests that shares no code with any HTTP library."""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

from ron import RonConfigError
from tests.bounds.caller import Caller
from tests.transport.raw_server import Peer, RawServer, answer

__all__ = ["Recorder", "Request", "attempt", "check_refusal", "read"]

_LINE = re.compile(rb"(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) (/[!-~]*) HTTP/1\.1")
# RFC 3986: pchar, "/" and "?" of a query, and whole escapes.
_TARGET = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-F]{2})+")
_FIELD = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([\x21-\x7e\x80-\xff](?:[\x20-\x7e\x80-\xff\t]*[\x21-\x7e\x80-\xff])?|)"
)
_JSON = answer(b'{"id": "a", "items": []}', b"Content-Type: application/json")
_EVENTS = answer(b'event: added\ndata: {"id": "a"}\n\n', b"Content-Type: text/event-stream")


class Request(NamedTuple):
    """One request, its path still encoded; ``query`` holds the pairs in order, decoded."""

    method: str
    path: bytes
    query: list[tuple[str, str]]
    fields: list[tuple[bytes, bytes]]
    body: bytes

    def all(self, name: bytes) -> list[bytes]:
        """The values of a field, in order."""
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def segments(self) -> list[str]:
        """The path's segments, decoded."""
        return [decoded(segment) for segment in self.path.split(b"/")[1:]]


def decoded(text: bytes) -> str:
    """Percent-decoding, strict."""
    parts = re.split(rb"%([0-9A-F]{2})", text)
    for at in range(1, len(parts), 2):
        parts[at] = bytes((int(parts[at], 16),))
    return b"".join(parts).decode("utf-8", "strict")


def read(raw: bytes) -> Request:
    """The one request that these bytes are, and nothing else; an assertion fails if they are anything else."""
    head, blank, body = raw.partition(b"\r\n\r\n")
    assert blank, raw
    first, *lines = head.split(b"\r\n")
    line = _LINE.fullmatch(first)
    assert line is not None, first
    assert _TARGET.fullmatch(line.group(2)), first
    fields = []
    for one in lines:
        field = _FIELD.fullmatch(one)
        assert field is not None, one
        fields.append((field.group(1), field.group(2)))
    path, _, query = line.group(2).partition(b"?")
    pairs = [tuple(map(decoded, pair.split(b"=", 1))) for pair in query.split(b"&")] if query else []
    found = Request(line.group(1).decode(), path, [(name, value) for name, value in pairs], fields, body)
    assert b"?" not in query
    assert 1 == len(found.all(b"Host"))
    assert 1 == len(found.all(b"Authorization"))
    assert [] == found.all(b"Transfer-Encoding")
    assert [b"%d" % len(body)] == (found.all(b"Content-Length") or [b"0"])
    return found


class Recorder(RawServer):
    """Answers every request, and keeps the raw bytes of each as it came, with whatever came behind it."""

    def __init__(self) -> None:
        super().__init__(self._handle)
        self.raw: list[bytes] = []

    def _handle(self, peer: Peer) -> None:
        while True:
            seen = peer.request()
            self.raw.append(seen.head + seen.body + peer.rest)
            peer.send(_EVENTS if b"\r\nAccept: text/event-stream\r\n" in seen.head else _JSON)


def attempt(caller: Caller, call: object, *arguments: object, **options: object) -> Optional[Request]:
    """The one request that a call sends, or None if it was refused before a byte left."""
    assert isinstance(caller.node, Recorder)
    assert callable(call)
    caller.node.raw.clear()
    error: Optional[RonConfigError] = None
    try:
        caller.run(call(*arguments, **options))
    except RonConfigError as caught:
        error = caught
    if error is None:
        [raw] = caller.node.raw
        return read(raw)
    assert [] == caller.node.raw
    check_refusal(error)
    return None


def check_refusal(error: RonConfigError) -> None:
    """Its text can be shown and logged: short, on one line, no control characters, nothing behind it."""
    text = str(error)
    assert text.isprintable(), ascii(text)
    assert 15 < len(text) < 400, ascii(text)
    text.encode("utf-8")
    assert 0 == error.attempts
    assert (None, None) == (error.__cause__, error.__context__)
