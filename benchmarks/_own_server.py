"""The benchmarks' own server, a process: ``python -m benchmarks._own_server FOLDER [--delay S] [--endless]``.

It answers from memory and looks at no more of a request than it must. It prints its port, and ends when its standard
input does.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Union

from benchmarks._content import CREATED, ITEM

__all__ = ["main"]

STREAM = b"/app/items/events"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


def replies_of(root: Path) -> dict[bytes, bytes]:
    """Whole answers by the beginning of the request line."""
    item, created = ITEM.encode("utf-8"), CREATED.encode("utf-8")
    found = {
        b"GET /app/items/i-1": _reply(b"200 OK", item),
        b"PATCH /app/items/i-1": _reply(b"200 OK", item),
        b"POST /app/items": _reply(b"201 Created", created),
        b"GET " + STREAM: _reply(b"200 OK", (root / "events.txt").read_bytes(), b"text/event-stream"),
    }
    for path in sorted((root / "pages").iterdir()):
        size, token = path.stem.split("-")
        target = f"GET /app/items?page_size={size}" + (f"&page_token={token}" if token else "")
        found[target.encode("ascii")] = _reply(b"200 OK", path.read_bytes())
    return found


def _reply(status: bytes, body: bytes, kind: bytes = b"application/json") -> bytes:
    head = b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n"
    return head % (status, kind, len(body)) + body


class Connection(asyncio.Protocol):
    """One client's connection: one request after the other."""

    def __init__(self, replies: Mapping[bytes, bytes], delay: float, endless: bytes) -> None:
        self._replies = replies
        self._delay = delay
        self._endless = endless
        self._buffer = b""
        self._transport: Any = None
        self._streaming = False

    def connection_made(self, transport: Any) -> None:
        """See ``asyncio.Protocol``."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``."""
        buffer = self._buffer + data
        while True:
            end = buffer.find(b"\r\n\r\n") + 4
            if end < 4:
                break
            length = _LENGTH.search(buffer, 0, end)
            whole = end + (int(length[1]) if length else 0)
            if len(buffer) < whole:
                break
            self._answer(buffer[: buffer.index(b" HTTP/1.1")])
            buffer = buffer[whole:]
        self._buffer = buffer

    def _answer(self, request: bytes) -> None:
        if self._endless and request == b"GET " + STREAM:
            self._transport.write(_STREAM_HEAD)
            self._streaming = True
            self.resume_writing()
            return
        reply = self._replies.get(request) or _reply(b"404 Not Found", b"{}")
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._transport.write, reply)
        else:
            self._transport.write(reply)

    def pause_writing(self) -> None:
        """See ``asyncio.Protocol``."""
        self._streaming = False

    def resume_writing(self) -> None:
        """Goes on with the endless stream, until there is no room for more."""
        self._streaming = bool(self._endless)
        while self._streaming and not self._transport.is_closing():
            self._transport.write(self._endless)


async def _serve(root: Path, delay: float, endless: bool) -> None:
    replies = replies_of(root)
    stream = (root / "events.txt").read_bytes() if endless else b""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(replies, delay, stream), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--endless", action="store_true", help="the stream's events come again and again, for ever")
    given = parser.parse_args()
    loop: Union[asyncio.AbstractEventLoop, Any] = asyncio.new_event_loop()
    if importlib.util.find_spec("uvloop") is not None:
        loop.close()
        loop = importlib.import_module("uvloop").new_event_loop()
    loop.run_until_complete(_serve(given.root, given.delay, given.endless))


if __name__ == "__main__":
    main()
