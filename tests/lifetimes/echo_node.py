"""A node that tells each caller what it asked, so that a wrong answer shows. One event loop, a few microseconds each.

In a thread (``EchoNode.in_thread``) it is a real node for either colour; started in a test's own loop, every answer
takes the same number of that loop's turns each time.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Optional
from urllib.parse import parse_qs, urlsplit

__all__ = ["EchoNode", "Request"]

PATIENCE = 20.0
_EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class Request(NamedTuple):
    """One request as it arrived."""

    method: str
    target: str
    body: bytes
    connection: int
    authorization: str
    last_event_id: Optional[str]


class EchoNode:
    """Answers with the request's own words.

    ``GET /app/items/<key>`` gives that item, ``POST /app/items`` the item that was sent, ``GET /app/items`` two pages
    of one item each that is called like the ``name`` asked for, ``/app/items/events`` one event behind the last id,
    and a second one when somebody asks for ``/app/release``. ``/app/held/...`` is answered then, too,
    ``/app/silent/...`` never.
    Everything else is told back.

    Attributes:
        requests: what arrived whole.
        accepted: connections so far.
        slices: into how many pieces an answer is cut, each written in a later turn of the loop.
    """

    def __init__(self, *, slices: int = 1, tls: Optional[ssl.SSLContext] = None, keep: bool = True) -> None:
        self.requests: list[Request] = []
        self.accepted = 0
        self.slices = slices
        self.connections: set[_Connection] = set()
        self.keep = keep
        self._tls = tls
        self._changed = threading.Condition()
        self._server: Optional[asyncio.AbstractServer] = None
        self._loop: Optional[asyncio.AbstractEventLoop] = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listens, on the loop that runs."""
        self._loop = asyncio.get_running_loop()
        self._server = await self._loop.create_server(
            lambda: _Connection(self), "127.0.0.1", 0, ssl=self._tls, backlog=1000
        )
        self.port: int = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Closes the door and every connection; from within its loop."""
        assert self._server is not None
        self._server.close()
        for connection in tuple(self.connections):
            connection.abort()

    @classmethod
    @contextmanager
    def in_thread(cls, **options: Any) -> Iterator[EchoNode]:
        """A node in a thread of its own, while the block runs."""
        node = cls(**options)
        started, stopping = threading.Event(), asyncio.Event
        holder: list[Any] = []

        async def serve() -> None:
            await node.start()
            holder.extend([asyncio.get_running_loop(), stopping()])
            started.set()
            await holder[1].wait()
            node.stop()
            await asyncio.sleep(0)

        thread = threading.Thread(target=asyncio.run, args=(serve(),), name="echo-node")
        thread.start()
        assert started.wait(PATIENCE), "the node does not start"
        try:
            yield node
        finally:
            holder[0].call_soon_threadsafe(holder[1].set)
            thread.join(PATIENCE)
            assert not thread.is_alive(), "the node does not stop"

    def release(self) -> None:
        """Answers what is held; from within its loop."""
        for connection in tuple(self.connections):
            connection.release()

    def hang_up(self) -> None:
        """Closes every connection in order, from another thread; they are closed when this returns."""
        done = threading.Event()

        def close() -> None:
            for connection in tuple(self.connections):
                connection.close()
            assert self._loop is not None
            self._loop.call_soon(self._loop.call_soon, done.set)

        assert self._loop is not None
        self._loop.call_soon_threadsafe(close)
        assert done.wait(PATIENCE), "connections do not close"

    def wait_for(self, condition: Any) -> None:
        """Waits, in another thread than its own, until something is so."""
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self), PATIENCE), "it did not come to pass"

    def wait_requests(self, count: int) -> None:
        """Waits until so many requests have arrived."""
        self.wait_for(lambda node: len(node.requests) >= count)

    def wait_connections(self, count: int) -> None:
        """Waits until exactly so many connections are open."""
        self.wait_for(lambda node: len(node.connections) == count)

    def changed(self) -> None:
        """Something has changed: who waits looks again."""
        with self._changed:
            self._changed.notify_all()


class _Connection(asyncio.Protocol):
    """One client's connection; ``exchanging`` from the first byte of a request to the last of its answer."""

    def __init__(self, node: EchoNode) -> None:
        self.node = node
        self.exchanging = False
        self._data = b""
        self._held: Optional[bytes] = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.node.accepted += 1
        self.number = self.node.accepted
        self.node.connections.add(self)
        self.node.changed()

    def connection_lost(self, exc: Optional[Exception]) -> None:
        self.node.connections.discard(self)
        self.transport.close()  # the TLS of Python 3.9 and 3.10 complains if nobody says so
        self.node.changed()

    def data_received(self, data: bytes) -> None:
        self._data += data
        self.exchanging = True
        while not self.transport.is_closing():
            head, blank, rest = self._data.partition(b"\r\n\r\n")
            if not blank:
                return
            lines = head.decode("latin-1").split("\r\n")
            fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
            length = int(fields.get("content-length", "0"))
            if len(rest) < length:
                return
            self._data = rest[length:]
            method, target, _ = lines[0].split(" ")
            request = Request(
                method, target, rest[:length], self.number, fields.get("authorization", ""), fields.get("last-event-id")
            )
            if self.node.keep:
                self.node.requests.append(request)
                self.node.changed()
            self._answer(request)

    def abort(self) -> None:
        self.transport.abort()

    def close(self) -> None:
        self.transport.close()

    def release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._write([held])

    def _answer(self, request: Request) -> None:
        answer = _answer_to(request)
        if answer is None:
            return
        if request.target.startswith("/app/release"):
            self.node.release()
        elif request.target.startswith("/app/held/"):
            self._held = answer
            return
        elif request.target.startswith("/app/items/events"):
            self._held = _event(2, request)
        size = -(-len(answer) // self.node.slices)
        self._write([answer[at : at + size] for at in range(0, len(answer), size)])

    def _write(self, pieces: list[bytes]) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(pieces.pop(0))
        if pieces:
            asyncio.get_running_loop().call_soon(self._write, pieces)
        else:
            self.exchanging = False


def _answer_to(request: Request) -> Optional[bytes]:
    where = urlsplit(request.target)
    query = {name: values[-1] for name, values in parse_qs(where.query).items()}
    if where.path.startswith("/app/silent/"):
        return None
    if where.path == "/app/items/events":
        return _EVENTS + _event(1, request)
    if where.path == "/app/items" and request.method == "GET":
        number = int(query.get("page_token", "1"))
        item = {"id": f"i-{number}", "name": query.get("name", "-")}
        return _json({"items": [item], "next_page_token": "2" if number == 1 else None})
    if where.path == "/app/items":
        return _json({"id": "i-1", **json.loads(request.body)})
    if where.path.startswith("/app/items/"):
        key = where.path.rpartition("/")[2]
        return _json({"id": key, "name": key})
    told = {"target": request.target, "connection": request.connection, "authorization": request.authorization}
    return _json({**told, "body": request.body.decode()})


def _event(number: int, request: Request) -> bytes:
    """The first or second event behind where the stream goes on."""
    number += int(request.last_event_id or "0")
    name = parse_qs(urlsplit(request.target).query).get("name", ["-"])[-1]
    data = f'id: {number}\nevent: added\ndata: {{"id": "i-{number}", "name": "{name}"}}\n\n'.encode()
    return b"%x\r\n%b\r\n" % (len(data), data)


def _json(value: Any) -> bytes:
    body = json.dumps(value).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
