"""A toy node that answers list and stream exchanges as bytes, with every fault that a watch must survive."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable
from typing import Any, Optional, Union
from urllib.parse import parse_qs

from ron import Resource, server
from ron._values import Exchange, Failure, Reply
from ron.testing import FakeClock

PATH = "/app/things"
GONE = b'{"code":"gone","message":"this cursor is too old"}'
SSE = (b"Content-Type", b"text/event-stream; charset=utf-8")
JSON = (b"Content-Type", b"application/json")
#: how many events of a `many` node share an id
GROUP = 3


class Thing(Resource, path=PATH):
    id: str = server()
    name: str = ""
    status: str = "new"


class ToyStream:
    """An open stream: what it has to say, how it ends, and whether somebody holds it still."""

    def __init__(self, headers: tuple[tuple[bytes, bytes], ...] = (SSE,), status: int = 200) -> None:
        self.status = status
        self.headers = headers
        #: the ids that its reader was told, in the node's present log
        self.told: set[str] = set()
        self.pending = bytearray()
        self.end: Union[bytes, Failure, None] = None
        self.stalled = False
        self.closed = False

    def say(self, data: bytes) -> None:
        """More bytes, unless it has ended."""
        if self.end is None and not self.stalled:
            self.pending += data

    def cut(self, keep: Optional[int] = None) -> None:
        """Loses the connection, and of what was not read yet all but the first `keep` bytes."""
        if keep is not None:
            del self.pending[keep:]
        if self.end is None:
            self.end = Failure("read", "the connection broke", sent=True)

    def finish(self) -> None:
        """Ends cleanly."""
        if self.end is None:
            self.end = b""

    def take(self, most: int) -> Optional[bytes]:
        """The next bytes, `b""` at the end, None where there is nothing to say yet. Raises the loss."""
        assert not self.closed, "read after it was closed"
        if self.stalled:
            return None
        if self.pending:
            data = bytes(self.pending[:most])
            del self.pending[:most]
            return data
        if isinstance(self.end, Failure):
            raise self.end
        return self.end


class ToyNode:
    """Things in a store, a log of what happened to them, and faults that are switched on and off."""

    def __init__(self, clock: Optional[FakeClock] = None, *, ids: str = "one") -> None:
        self.clock = FakeClock() if clock is None else clock
        self.store: dict[str, dict[str, Any]] = {}
        #: `one`, `many` (several events under one id) or `none`
        self.ids = ids
        self.log: list[tuple[str, str]] = []
        self.forgotten = 0
        #: ids that it takes beside those of its log; and, by reader, those that it has told
        self.issued: set[str] = set()
        self.tellings: list[set[str]] = []
        self._asking: set[str] = set()
        self.epoch = 0
        #: whether it takes only ids that it has told, and not just any that it could have told
        self.suspicious = False
        self.streams: list[ToyStream] = []
        self.replays = 0
        self.chunk = 65536
        self.page_size = 3
        self.etags = False
        self.offsets = False
        self.latency = 0.0
        self.head_seconds = 10.0
        self.buffering = False
        self.whole = False
        self.greeting = b""
        #: what the next streams, lists and objects are answered with instead
        self.stream_faults: deque[Union[Reply, Failure]] = deque()
        self.list_faults: deque[Union[Reply, Failure]] = deque()
        self.refuses: Optional[int] = None
        #: called before each page is made, with its number in its round
        self.before_page: Callable[[int], None] = lambda _number: None
        self.requests: list[tuple[float, str]] = []
        self.cursors: list[Optional[str]] = []
        self.pages = 0
        self.not_modified = 0

    # What happens to the things.

    def put(self, key: str, **fields: Any) -> None:
        """Creates or updates a thing."""
        kind = "modified" if key in self.store else "added"
        self.store[key] = {**self.store.get(key, {"id": key}), **fields}
        self._happened(kind, json.dumps(self.store[key]))

    def delete(self, key: str) -> None:
        """Deletes a thing that is there."""
        if self.store.pop(key, None) is not None:
            self._happened("deleted", json.dumps({"id": key}))

    def _happened(self, kind: str, data: str) -> None:
        self.log.append((kind, data))
        for stream in self.open_streams:
            if stream.end is None:
                self._tell(stream, len(self.log))

    def frame(self, number: int) -> bytes:
        """The event of a log entry (the first is 1)."""
        kind, data = self.log[number - 1]
        event_id = self.id_of(number)
        head = "" if event_id is None else f"id: {event_id}\n"
        return f"{head}event: {kind}\ndata: {data}\n\n".encode()

    def _tell(self, stream: ToyStream, number: int) -> None:
        stream.say(self.frame(number))
        stream.told.add(self.id_of(number) or "")

    def id_of(self, number: int) -> Optional[str]:
        """The id under which an entry is told."""
        if self.ids == "none":
            return None
        return str(number if self.ids == "one" else (number + GROUP - 1) // GROUP)

    # What goes wrong.

    @property
    def open_streams(self) -> list[ToyStream]:
        """Those that somebody reads still."""
        self.streams = [stream for stream in self.streams if not stream.closed]
        return self.streams

    def say(self, data: bytes) -> None:
        """Bytes on every open stream."""
        for stream in self.open_streams:
            stream.say(data)

    def cut(self, keep: Optional[int] = None) -> None:
        """Loses every connection."""
        for stream in self.open_streams:
            stream.cut(keep)

    def finish(self) -> None:
        """Ends every stream cleanly."""
        for stream in self.open_streams:
            stream.finish()

    def expire(self, *, in_stream: bool = False) -> None:
        """Forgets the log up to now."""
        self.forgotten = len(self.log) + 1
        if in_stream:
            self.say(b"event: error\ndata: " + GONE + b"\n\n")
            self.finish()

    def restart(self) -> None:
        """Loses its log; its ids begin anew."""
        self.cut()
        self.log, self.forgotten = [], 0
        self.issued.clear()
        for told in self.tellings:
            told.clear()
        self.epoch += 1

    # What is asked of it.

    def answer(self, exchange: Exchange, told: set[str], *, stream: bool) -> Any:
        """A `Reply`, or an open `ToyStream`; `told` are the ids that the asker was told. Raises `Failure`."""
        if not any(told is one for one in self.tellings):
            self.tellings.append(told)
        self._asking = told
        path, _, query = exchange.target.decode().partition("?")
        headers = {name.decode().lower(): value.decode() for name, value in exchange.headers}
        self.requests.append((self.clock.monotonic(), path[len(PATH) :] or "list"))
        self.clock.advance(self.latency)
        if stream:
            return self._stream(headers, exchange.deadline)
        if path == PATH:
            assert "no-cache" == headers["cache-control"], "an old list would lie"
            return self._page(parse_qs(query), headers)
        if self.list_faults:
            return _given(self.list_faults.popleft())
        found = self.store.get(path[len(PATH) + 1 :])
        if found is None:
            return Reply(404, (JSON,), b'{"code":"not_found","message":"no such thing"}')
        return Reply(200, (JSON,), json.dumps(found).encode())

    def _stream(self, headers: dict[str, str], deadline: float) -> Any:
        cursor = headers.get("last-event-id")
        self.cursors.append(cursor)
        if self.stream_faults:
            given = _given(self.stream_faults.popleft())
            if given.status >= 300:
                return given
            opened = ToyStream(tuple(given.headers), given.status)
            opened.finish()
            return opened
        if self.refuses is not None:
            return Reply(self.refuses, (), b"")
        if self.buffering:
            self.clock.advance(max(0.0, deadline - self.clock.monotonic()))
            raise Failure("timeout", "no answer came in time", sent=True, timed_out=True)
        after = len(self.log)
        if cursor is not None:
            last = self._last_of(cursor)
            if last is None or last < self.forgotten:
                return Reply(410, (JSON,), GONE)
            after = max(last - self.replays, self.forgotten - 1, 0)
            if self.ids == "many":
                after -= after % GROUP
        opened = ToyStream()
        opened.told = self._asking
        opened.say(self.greeting)
        for number in range(after + 1, len(self.log) + 1):
            self._tell(opened, number)
        if self.whole:
            opened.headers = (SSE, (b"Content-Length", b"%d" % len(opened.pending)))
            opened.finish()
        self.open_streams.append(opened)
        return opened

    def _last_of(self, cursor: str) -> Optional[int]:
        """The number of the last entry that need not come again after this id; None for an id that means nothing."""
        most = self.id_of(len(self.log)) or ""
        known = cursor.isdigit() and most.isdigit() and int(cursor) <= int(most)
        if cursor not in self._asking | self.issued and (self.suspicious or not known):
            return None
        # Only some of a group may have arrived: all of it comes again.
        return int(cursor) if self.ids == "one" else (int(cursor) - 1) * GROUP

    def _page(self, query: dict[str, list[str]], headers: dict[str, str]) -> Reply:
        token = query.get("page_token", [None])[0]
        self.pages = 1 if token is None else self.pages + 1
        self.before_page(self.pages)
        if self.list_faults:
            return _given(self.list_faults.popleft())
        keys = sorted(self.store)
        if self.offsets:
            first = int(token or 0)
            shown, rest = keys[first : first + self.page_size], keys[first + self.page_size :]
            further = str(first + self.page_size)
        else:
            keys = [key for key in keys if token is None or key > token]
            shown, rest = keys[: self.page_size], keys[self.page_size :]
            further = shown[-1] if shown else ""
        body = json.dumps({"items": [self.store[key] for key in shown], "next_page_token": further if rest else None})
        if not self.etags:
            return Reply(200, (JSON,), body.encode())
        tag = f'"{hashlib.sha256(body.encode()).hexdigest()[:16]}"'
        if headers.get("if-none-match") == tag:
            self.not_modified += 1
            return Reply(304, ((b"ETag", tag.encode()),), b"")
        return Reply(200, (JSON, (b"ETag", tag.encode())), body.encode())

    def counted(self, what: str) -> int:
        """How many requests there were: `list`, `/events` or `/{key}`."""
        return sum(1 for _, path in self.requests if path == what)


def _given(fault: Union[Reply, Failure]) -> Reply:
    if isinstance(fault, Failure):
        raise fault
    return fault
