"""A node on a socket that does what a list says, request after request. A thread a connection."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import tempfile
import threading
from collections import deque
from typing import TYPE_CHECKING

import trustme

from tests.transport.conformance.answers import Answer, Header, Seen, Wire

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SocketNode"]

_PATIENCE = 20.0  # only reached when a test has failed
_PACE = 0.02  # between two dribbled bytes


class SocketNode:
    """Listens on 127.0.0.1 until closed. Plays `answers` in order, the last one for ever."""

    def __init__(self, tls: bool = False) -> None:
        self.trust: ssl.SSLContext | None = None
        self.bundle = ""  # the path of what `trust` trusts
        self._context: ssl.SSLContext | None = None
        self._written = ""
        if tls:
            authority = trustme.CA()
            self.trust = ssl.create_default_context()
            authority.configure_trust(self.trust)
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            with tempfile.NamedTemporaryFile(suffix=".pem", delete=False) as file:
                file.write(authority.cert_pem.bytes())
            self.bundle = self._written = file.name
            authority.issue_cert("127.0.0.1").configure_cert(self._context)
        self.answers: deque[Answer | Wire] = deque([Answer()])
        self.seen: list[Seen] = []
        self.connections = 0
        self.greeting = b""  # what the first bytes are answered with, whatever they are
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    def play(self, *answers: Answer | Wire) -> None:
        """Sets what the next requests are answered with."""
        self.answers = deque(answers)

    def close(self) -> None:
        """Stops and joins every thread."""
        self._stop.set()
        for sock in (self._listener, *self._open):
            with contextlib.suppress(OSError):  # the peer may have been first
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_PATIENCE)
        self._listener.close()
        if self._written:
            os.unlink(self._written)

    def disown(self) -> None:
        """Gives its clients to trust everybody else's authority only."""
        self.trust = ssl.create_default_context()
        self.bundle = ""

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
                self._open.append(sock)
                number = self.connections
            self._start(self._serve, sock, number)

    def _serve(self, plain: socket.socket, number: int) -> None:
        # The peer may go away whenever it likes, in the middle of a handshake too.
        with plain, contextlib.suppress(OSError):
            if self.greeting:
                plain.recv(65536)
                plain.sendall(self.greeting)
                return
            sock = self._context.wrap_socket(plain, server_side=True) if self._context else plain
            with sock:
                seen = _request(sock, number)
                while seen is not None and self._answer(sock, seen):
                    seen = _request(sock, number)

    def _answer(self, sock: socket.socket, seen: Seen) -> bool:
        with self._lock:
            self.seen.append(seen)
            answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Answer):
            sock.sendall(_rendered(answer, bodiless=seen.method == "HEAD"))
            return True
        return self._wire(sock, answer)

    def _wire(self, sock: socket.socket, wire: Wire) -> bool:
        try:
            for part in wire.parts:
                if isinstance(part, threading.Event):
                    part.wait(_PATIENCE)
                elif isinstance(part, bytes):
                    sock.sendall(part)
            while wire.dribble and not self._stop.wait(_PACE):
                sock.sendall(b"a")
            if wire.then == "hold":
                while sock.recv(65536):
                    pass
            elif wire.then == "close":
                sock.shutdown(socket.SHUT_RDWR)
        finally:
            if wire.over is not None and not self._stop.is_set():
                wire.over.set()
        return wire.then == "keep"


def _rendered(answer: Answer, bodiless: bool) -> bytes:
    lines = [b"HTTP/1.1 %d Text" % answer.status]
    lines += [b"%b: %b" % pair for pair in answer.all_headers()]
    head = b"\r\n".join(lines) + b"\r\n\r\n"
    return head if bodiless else head + answer.body


def _request(sock: socket.socket, number: int) -> Seen | None:
    """Reads one request with a Content-Length or without a body; None when the peer closes."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    method, target, _ = line.split(b" ")
    headers: list[Header] = []
    for entry in fields:
        name, _, value = entry.partition(b":")
        headers.append((name, value.strip()))
    length = next((int(value) for name, value in headers if name.lower() == b"content-length"), 0)
    while len(body) < length:
        more = sock.recv(65536)
        if not more:
            return None
        body += more
    return Seen(method.decode("ascii"), target, tuple(headers), body, number)
