"""A server that does to each connection exactly what a test's function says. One thread a connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, Optional

import trustme
from typing_extensions import Self

__all__ = ["OK", "Peer", "RawServer", "Seen", "Tls", "answer", "keep_alive", "once"]

#: Only reached when a test has failed: nothing waits for ever.
PATIENCE = 20.0
#: Between two dribbled bytes.
PACE = 0.01


class Seen(NamedTuple):
    """One request as it arrived."""

    head: bytes
    body: bytes

    @property
    def line(self) -> bytes:
        """The request line."""
        return self.head.split(b"\r\n")[0]

    def fields(self) -> list[tuple[bytes, bytes]]:
        """The header fields in order, names in lower case."""
        lines = self.head.split(b"\r\n")[1:-2]
        pairs = [line.split(b": ", 1) for line in lines]
        return [(name.lower(), value) for name, value in pairs]


class Peer:
    """The server's side of one connection."""

    def __init__(self, server: RawServer, number: int, sock: socket.socket) -> None:
        self.server = server
        self.number = number
        self.sock = sock
        self.rest = b""

    def request(self) -> Seen:
        """Reads one request; raises ``EOFError`` if the client closes instead."""
        while b"\r\n\r\n" not in self.rest:
            self.rest += self._more()
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        seen = Seen(head + b"\r\n\r\n", b"")
        length = int(dict(seen.fields()).get(b"content-length", b"0"))
        while len(self.rest) < length:
            self.rest += self._more()
        seen = Seen(seen.head, self.rest[:length])
        self.rest = self.rest[length:]
        self.server.seen.append(seen)
        return seen

    def spoken_to(self) -> bool:
        """Waits for bytes of a request without taking them; False if the client closes instead."""
        if self.rest:
            return True
        try:
            return bool(self.sock.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def take(self, count: int) -> bytes:
        """Reads exactly that many bytes; raises ``EOFError`` if the client closes before."""
        while len(self.rest) < count:
            self.rest += self._more(count - len(self.rest))
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def send(self, data: bytes) -> None:
        """Writes it all."""
        self.sock.sendall(data)

    def dribble(self, data: bytes) -> None:
        """Writes it byte by byte, slowly, for ever if it is to be repeated by the caller."""
        for at in range(len(data)):
            self.send(data[at : at + 1])
            if self.server.stopping.wait(PACE):
                raise EOFError

    def wait_closed(self) -> None:
        """Reads and forgets until the client has closed the connection."""
        with contextlib.suppress(EOFError):
            while True:
                self._more()

    def finish(self) -> None:
        """Sends FIN; what the client still says can be read."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Closes with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _more(self, most: int = 65536) -> bytes:
        try:
            data = self.sock.recv(most)
        except OSError:
            data = b""
        if not data:
            raise EOFError
        return data


class Tls:
    """An authority, and certificates for a server."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.authority = trustme.CA()
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(host).configure_cert(self.server)

    def client(self) -> ssl.SSLContext:
        """A context that trusts this authority only."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.authority.configure_trust(context)
        return context


class RawServer:
    """Listens on loopback while the ``with`` block runs; ``handler`` gets every connection.

    ``port`` is a free one unless it is given.
    """

    def __init__(self, handler: Callable[[Peer], Any], tls: Optional[Tls] = None, port: int = 0) -> None:
        self.port = port
        self.handler = handler
        self.tls = tls
        self.seen: list[Seen] = []
        self.accepted = 0
        self.stopping = threading.Event()
        self._peers: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._wakeup = threading.Condition()
        self._closed = 0

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=256)
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for sock in [self._listener, *self._peers]:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a connection's function still runs"
        self._listener.close()

    def wait_closed(self, count: int) -> None:
        """Waits until that many connections are over."""
        with self._wakeup:
            assert self._wakeup.wait_for(lambda: self._closed >= count, PATIENCE), self._closed

    def _start(self, target: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=target, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock = self._listener.accept()[0]
            except OSError:
                return
            sock.settimeout(PATIENCE)
            self._peers.append(sock)
            self.accepted += 1
            self._start(self._serve, self.accepted, sock)

    def _serve(self, number: int, sock: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError, EOFError):
                if self.tls is not None:
                    sock = self.tls.server.wrap_socket(sock, server_side=True)
                    self._peers.append(sock)
                self.handler(Peer(self, number, sock))
        finally:
            sock.close()
            with self._wakeup:
                self._closed += 1
                self._wakeup.notify_all()


def answer(body: bytes = b"{}", *fields: bytes, status: bytes = b"200 OK", length: bool = True) -> bytes:
    """A well-formed answer."""
    lines = [b"HTTP/1.1 " + status, *fields]
    if length:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


OK = answer()


def once(*parts: bytes) -> Callable[[Peer], None]:
    """Reads one request, writes the parts, closes."""

    def handle(peer: Peer) -> None:
        peer.request()
        for part in parts:
            peer.send(part)

    return handle


def keep_alive(reply: bytes = OK) -> Callable[[Peer], None]:
    """Answers every request with the same bytes, for as long as the client likes."""

    def handle(peer: Peer) -> None:
        while True:
            peer.request()
            peer.send(reply)

    return handle
