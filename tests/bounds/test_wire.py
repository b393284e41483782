"""Whatever a node sends, a call gives the right answer or a typed error, over each transport and in both colours."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import pytest

from ron import (
    RonInvalidError,
    RonNetworkError,
    RonParseError,
    RonResponseTooLargeError,
    RonServerError,
    RonWatchError,
)
from tests.bounds.caller import LIMIT, Caller, Node, Script, called, names, sockets
from tests.bounds.wire_cases import CASES, ES, GZ, Case, Raises, bomb, chunked
from tests.transport.conformance.adapters import Adapter
from tests.transport.raw_server import Peer, RawServer, answer

PAIRS = sockets()
LANES = [pair for pair in PAIRS if pair[0].name == "lanes"]


@pytest.fixture(scope="module", params=PAIRS, ids=names(PAIRS))
def caller(request: pytest.FixtureRequest) -> Iterator[Caller]:
    """One client for all cases: each must leave it usable."""
    with called(*request.param) as made:
        yield made


def check(caller: Caller, expected: Any, call: Any) -> None:
    """The call gives this value, or raises this; afterwards the client works."""
    caller.refresh()
    if isinstance(expected, Raises):
        with pytest.raises(expected.kind) as raised:
            call()
        assert expected.kind is type(raised.value)
        assert expected.says in str(raised.value)
        assert len(str(raised.value)) < 300
        assert str(raised.value).isprintable()
        assert 1 == raised.value.attempts
    else:
        assert expected == call()
    assert caller.works()


@pytest.mark.parametrize("case", CASES)
def test_an_answer_in_disorder(caller: Caller, case: Case) -> None:
    """Each disorder is read as RFC 9112 says or is a typed error, and the next call gets its own answer."""
    assert isinstance(caller.node, Node)
    caller.node.plays = Script(case.raw)
    check(caller, case.outcome(caller.adapter.name), lambda: caller.get("/x"))


_EVENT = b'event: added\nid: 1\ndata: {"id": "a"}\n\n'
_ZIPPED = gzip.compress(_EVENT)
_LINE = "a line of the stream is over max_line_bytes=1048576"
_DATA = "the data of one event is over max_event_bytes=4194304"
_CUT = "the gzip data ends too early"
_ERROR_BODY = "the node answered {} with a body that is no Problem (65536 bytes)"
STREAMS = {
    "a gzip bomb without a line end": (answer(bomb(), GZ, ES), Raises(RonResponseTooLargeError, _LINE), None),
    "a gzip bomb of one event": (
        answer(bomb(5, b"data:" + b"x" * 1018 + b"\n"), GZ, ES),
        Raises(RonResponseTooLargeError, _DATA),
        None,
    ),
    "an event before a gzip bomb": (answer(bomb(16, b"x", _EVENT), GZ, ES), [{"id": "a"}], None),
    "an event after 1 MiB of blank lines": (
        answer(gzip.compress(b"\n" * (1 << 20) + _EVENT), GZ, ES),
        [{"id": "a"}],
        None,
    ),
    "gzip": (answer(_ZIPPED, GZ, ES), [{"id": "a"}], None),
    "chunked gzip": (chunked(_ZIPPED[:9], _ZIPPED[9:], fields=GZ + b"\r\n" + ES + b"\r\n"), [{"id": "a"}], None),
    "gzip cut before an event": (answer(_ZIPPED[:-12], GZ, ES), Raises(RonNetworkError, _CUT), RonWatchError),
    "br": (
        answer(_EVENT, b"Content-Encoding: br", ES),
        Raises(RonParseError, "the content coding of the answer"),
        None,
    ),
    "an error answer with a bomb": (
        answer(bomb(), GZ, status=b"503 Bomb"),
        Raises(RonServerError, _ERROR_BODY.format(503)),
        RonWatchError,
    ),
    "a refusal with a bomb": (
        answer(bomb(), GZ, status=b"400 Bomb"),
        Raises(RonInvalidError, _ERROR_BODY.format(400)),
        None,
    ),
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_in_disorder(caller: Caller, name: str) -> None:
    """Streams are inflated in bounded steps into a bounded reader; a watch says the same as the raw events."""
    assert isinstance(caller.node, Node)
    raw, expected, of_watch = STREAMS[name]
    caller.node.plays = Script(raw)
    check(caller, expected, lambda: caller.events("/x"))
    if not isinstance(expected, Raises):
        caller.refresh()
        assert ["a"] == [change.key for change in caller.changes()]
        return
    check(caller, expected if of_watch is None else Raises(of_watch, expected.says), caller.changes)


@pytest.mark.parametrize(("adapter", "colour"), LANES, ids=names(LANES))
@pytest.mark.parametrize("interim", [b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 103 H\r\nX: y\r\n\r\n"])
def test_interim_answers_without_end(adapter: Adapter, colour: str, interim: bytes) -> None:
    """A node that sends interim answers for ever is left at 256 KiB, long before the deadline."""
    written: list[int] = []

    def flood(peer: Peer) -> None:
        peer.request()
        while True:
            peer.send(interim * 1000)
            written.append(1000 * len(interim))

    with RawServer(flood) as node:
        caller = Caller(adapter, colour, node)
        try:
            with pytest.raises(RonResponseTooLargeError, match="interim answers included, is larger than 256 KiB"):
                caller.get("/x")
        finally:
            caller.close()


@pytest.mark.parametrize(("adapter", "colour"), PAIRS, ids=names(PAIRS))
def test_the_limit_is_exact(adapter: Adapter, colour: str) -> None:
    """An answer of exactly max_response_bytes is taken, plain, chunked and inflated; one byte more is not."""
    fits, over = b'"' + b"x" * (LIMIT - 2) + b'"', b'"' + b"x" * (LIMIT - 1) + b'"'
    with called(adapter, colour) as caller:
        assert isinstance(caller.node, Node)
        for framed in (answer, chunked, lambda body: answer(gzip.compress(body), GZ)):
            caller.refresh()
            caller.node.plays = Script(framed(fits), ends=False)
            assert LIMIT - 2 == len(caller.get("/x"))
            caller.node.plays = Script(framed(over))
            caller.refresh()
            with pytest.raises(RonResponseTooLargeError, match=f"larger than max_response_bytes={LIMIT} *$"):
                caller.get("/x")


STRICT = sockets("surplus_check")
_FORGED = b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n"
_EVIL = b'{"evil": "yes"} '
_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"


@pytest.mark.parametrize(("adapter", "colour"), STRICT, ids=names(STRICT))
@pytest.mark.parametrize(
    "first",
    [
        # The parser takes LF for a line's end, too: a count from the next CRLF CRLF would begin in the forged answer.
        pytest.param(b"HTTP/1.1 200 OK\nContent-Length: 0\n\n" + _FORGED, id="a head of LF"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n" + _FORGED, id="a head that ends in LF CRLF"),
        pytest.param(b"HTTP/1.1 200 OK\nContent-Length: 16\n\n" + b" " * 14 + b"{}" + _FORGED + _EVIL, id="a body"),
        pytest.param(_CHUNKED + b"\n" + _FORGED, id="no trailers, LF"),
        pytest.param(_CHUNKED + b"X: y\n\n" + _FORGED, id="trailers, LF"),
        pytest.param(_CHUNKED + b"X: y\r\n\n" + _FORGED, id="trailers, CRLF LF"),
        pytest.param(_CHUNKED + b"\r\n" + _FORGED, id="CRLF"),
    ],
)
def test_a_forged_answer_is_nobodys(adapter: Adapter, colour: str, first: bytes) -> None:
    """What stands behind an answer is never the next one's, whatever ends the lines before it."""
    with called(adapter, colour) as caller:
        assert isinstance(caller.node, Node)
        caller.node.plays = Script(first, ends=False)
        assert caller.get("/x") in ({}, None)
        assert {"good": True} == caller.get("/good")
        assert 2 == caller.node.accepted
