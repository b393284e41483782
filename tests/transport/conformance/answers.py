"""What the node is to do with one request, and what it saw. Plain values."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass, field

__all__ = ["Answer", "Header", "Seen", "Wire", "gzipped"]

Header = tuple[bytes, bytes]


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    target: bytes
    headers: tuple[Header, ...]
    body: bytes
    connection: int = 0

    def values(self, name: bytes) -> list[bytes]:
        """Every value of the (lower-case) field name, in order."""
        return [value for key, value in self.headers if key.lower() == name]


@dataclass(frozen=True)
class Answer:
    """A well-formed answer, on a socket or in process; `length=False`: no Content-Length."""

    status: int = 200
    body: bytes = b""
    headers: tuple[Header, ...] = ()
    length: bool = True

    def all_headers(self) -> tuple[Header, ...]:
        """The fields with the Content-Length that the body has."""
        if not self.length:
            return self.headers
        return (*self.headers, (b"Content-Length", b"%d" % len(self.body)))


@dataclass(frozen=True)
class Wire:
    """Bytes for a socket, as they are: `parts` one write each, an `Event` being waited for before
    the next.

    `then` is `close`, `keep` (take the next request), or `hold` (send nothing more until the peer
    closes). `dribble` writes single bytes with a pause between them, for as long as the peer
    listens.
    """

    parts: tuple[object, ...] = ()
    then: str = "close"
    dribble: bool = False
    over: threading.Event | None = field(default=None, compare=False)


def gzipped(body: bytes, status: int = 200) -> Answer:
    """An answer with the body in one layer of gzip."""
    return Answer(status, gzip.compress(body, mtime=0), ((b"Content-Encoding", b"gzip"),))
