"""The stream of a watch, cut at every byte of its answer: no change is lost, none told wrongly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Optional

import pytest

import ron
from ron import Resource, server
from ron.errors import RonError
from tests.faults.callers import Caller, Session
from tests.faults.calls import COARSER
from tests.faults.node import Cut
from tests.faults.proxy import CLEAR, Proxy, Way, Weather
from tests.transport.conformance.adapters import on_a_socket
from tests.transport.raw_server import Peer, RawServer, answer

HOWS = ("fin", "rst")
#: How many bytes lie between two cuts; those of our own transport are at each byte, the others stand on shared code.
STRIDES = {"lanes": 1, "httpx-transport": 29}
OTHERS = 61


class Item(Resource, path="/app/i"):
    """What is watched."""

    id: str = server()
    name: str


#: name, data; the ids count up from 1
EVENTS = (
    ("added", '{"id":"1","name":"a"}'),
    ("modified", '{"id":"1","name":"\u00fc"}'),
    ("added", '{"id":"2","name":"c"}'),
    ("deleted", '{"id":"1"}'),
)
TOLD = [("added", "1", "a"), ("modified", "1", "\u00fc"), ("added", "2", "c"), ("deleted", "1", None)]
STORE = {"2": "c"}
LIST = answer(b'{"items":[{"id":"2","name":"c"}],"next_page_token":null}', b"Content-Type: application/json")
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


def stream(after: int, *, ids: bool, chunked: bool) -> bytes:
    """A good answer: the events after that one, and the end."""
    frames = []
    for number, (name, data) in enumerate(EVENTS[after:], after + 1):
        lines = ([f"id: {number}"] if ids else []) + [f"event: {name}", f"data: {data}"]
        frames.append(("\n".join(lines) + "\n\n").encode())
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    if not chunked:
        return head + b"Connection: close\r\n\r\n" + b"".join(frames)
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(frame), frame) for frame in frames)
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


class StreamNode(RawServer):
    """Tells its events behind the last id, 204 when there are none; the first stream of a play is cut.

    Without ids the second stream of a play brings nothing, and the third is a 204.
    """

    def __init__(self, *, ids: bool, chunked: bool) -> None:
        super().__init__(self._converse)
        self.ids = ids
        self.chunked = chunked
        self.cursors: list[Optional[str]] = []
        self._cut: Optional[Cut] = None

    def play(self, cut: Cut) -> None:
        """Sets where the next stream is cut."""
        self.cursors = []
        self._cut = cut

    def _converse(self, peer: Peer) -> None:
        while peer.spoken_to():
            seen = peer.request()
            if b"/events" not in seen.line:
                peer.send(LIST)
                continue
            cursor = dict(seen.fields()).get(b"last-event-id")
            self.cursors.append(None if cursor is None else cursor.decode())
            cut, self._cut = self._cut, None
            data = self._answer(int(cursor or b"0"))
            peer.send(data if cut is None else data[: cut.at])
            if cut is not None and cut.how == "rst":
                peer.reset()
                return
            if cut is not None or b"Connection: close" in data:
                peer.finish()
                peer.wait_closed()
                return

    def _answer(self, after: int) -> bytes:
        if not self.ids:
            number = len(self.cursors)
            return NO_CONTENT if number > 2 else stream(4 * (number - 1), ids=False, chunked=self.chunked)
        return NO_CONTENT if after == 4 else stream(after, ids=True, chunked=self.chunked)


def changes_of(session: Session, **options: Any) -> list[Any]:
    """What a watch yields up to its end."""
    items = session.client.objects(Item)

    async def follow() -> list[Any]:
        async with items.watch(**options) as changes:
            return [change async for change in changes]

    def follow_sync() -> list[Any]:
        with items.watch(**options) as changes:
            return list(changes)

    end = session.end_of(follow_sync if session.is_sync else follow)
    assert not isinstance(end, RonError), end
    found: list[Any] = end
    return found


def told(changes: list[Any]) -> list[tuple[Any, ...]]:
    """What events said."""
    of_events = [one for one in changes if one.type not in ("listed", "resync")]
    return [(one.type, one.key, None if one.item is None else one.item.name) for one in of_events]


def cuts(caller: Caller, size: int, times: int = 1) -> Iterator[Cut]:
    """The places, with one end and the other in turn; the last ones, and in a sync caller all, with both."""
    step = STRIDES.get(caller.name, OTHERS) * COARSER * times
    for at in range(size + 1):
        if at % step == 0 or at >= size - 1:
            both = at >= size - 1 or caller.is_sync
            for how in HOWS if both else (HOWS[at // step % 2],):
                yield Cut("answer", at, how)


callers = pytest.mark.parametrize("caller", on_a_socket("stream_close"), indirect=True)


@callers
@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "until the end"])
def test_a_stream_with_ids(caller: Caller, chunked: bool) -> None:
    """Each change is told once and in order: the next stream goes on behind the last one that came whole. Where the
    stream was cut before its first id, everything is listed beside.
    """
    data = stream(0, ids=True, chunked=chunked)
    size, first = len(data), data.index(b"\n\n", data.index(b"id: 1")) + 2
    with StreamNode(ids=True, chunked=chunked) as node, caller.open(caller.config(node.port)) as session:
        for cut in cuts(caller, size, 1 if chunked else 5):
            node.play(cut)
            changes = changes_of(session)
            assert TOLD == told(changes), cut
            assert cut.at < first or len(TOLD) == len(changes), cut
            assert node.cursors[0] is None
            assert "4" == node.cursors[-1]
            assert (0, 0) == session.books()[::2]


@callers
def test_a_stream_without_ids(caller: Caller) -> None:
    """Where a stream has no place to go on from, everything is listed again: what a cache holds is right in the end."""
    size = len(stream(0, ids=False, chunked=True))
    with StreamNode(ids=False, chunked=True) as node, caller.open(caller.config(node.port)) as session:
        for cut in cuts(caller, size, 7):
            node.play(cut)
            held: dict[str, str] = {}
            reasons = []
            for change in changes_of(session, initial=True):
                if isinstance(change, ron.Put):
                    held[change.key] = change.item.name
                elif isinstance(change, ron.Deleted):
                    held.pop(change.key, None)
                else:
                    reasons.append(change.reason)
                    held = {key: name for key, name in held.items() if key in change.keys}
            assert held == STORE, cut
            # Once for the cut stream, and once more because the node's 204 ends one that gave no id either.
            assert reasons in (["start", "no_ids"], ["start", "no_ids", "no_ids"]), cut
            assert {None} == set(node.cursors)


@callers
@pytest.mark.parametrize("at", [120, 300])
def test_a_stream_that_is_half_open(caller: Caller, at: int) -> None:
    """A connection that says nothing any more is given up after `idle_timeout`, and the watch goes on behind it."""
    silent = Weather(Way(), Way(stall=at))
    with StreamNode(ids=True, chunked=True) as node, Proxy(node.port) as proxy:
        node.play(Cut("answer", at, "fin"))
        proxy.forecast(silent, CLEAR)
        with caller.open(caller.config(proxy.port, overall_timeout_ms=200)) as session:
            assert TOLD == told(changes_of(session, idle_timeout=0.05))
