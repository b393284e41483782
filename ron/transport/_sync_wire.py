"""The network under one sync lane: httpcore's backend and stream, over one non-blocking socket and ``poll``.

Every wait is a ``poll`` for what is left of the time, so that neither a partial send nor a dribbled TLS record gets a
timeout of its own. Only the thread that uses a wire closes its descriptor; another one ``shutdown``s the connection,
which wakes it: a descriptor closed under a waiting thread may be given to somebody else's connection.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any, Optional, Union

import httpcore
from typing_extensions import override

from ron._values import Failure
from ron.transport._framing import turns_down
from ron.transport._readiness import readiness
from ron.transport._tls import agreed
from ron.transport._wire import CLOSED, FORKED, HIGH_WATER, SLICE, Wire, addresses, share

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ron.transport._readiness import Readiness
    from ron.transport._site import Site

__all__ = ["SyncWire"]

_UNDER_WAY = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN})
_LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class SyncWire(Wire, httpcore.NetworkBackend, httpcore.NetworkStream):
    """One connection, used by one thread at a time."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._guard = threading.Lock()
        self._sock: Optional[socket.socket] = None
        self._tls: Optional[ssl.SSLSocket] = None
        self._readiness: Optional[Readiness] = None
        self._data = b""

    # Connecting

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: Optional[float] = None,
        local_address: Optional[str] = None,
        socket_options: Optional[Iterable[Any]] = None,
    ) -> SyncWire:
        """Looks the host up (which can't be interrupted) and tries its addresses in turn. Raises ``Failure``."""
        self.active = True
        limit = self._connect_by = min(self.deadline, time.monotonic() + self.site.connect_timeout)
        try:
            found = addresses(host, port, literal=True) or addresses(host, port, literal=False)
        except (OSError, UnicodeError) as error:
            raise self.not_connected("dns", error) from None
        if time.monotonic() >= limit:
            raise self.not_connected("dns", None)
        for left in range(len(found), 0, -1):
            try:
                self._open(share(time.monotonic(), limit, left), *found[-left])
                break
            except (OSError, Failure) as error:
                self._drop()
                if left == 1 or self._closed:
                    raise self.not_connected("connect", error) from None
        return self

    @override
    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> SyncWire:
        """Shakes hands, within what is left of the time for connecting. Raises ``Failure``."""
        try:
            with self._guard:
                sock = self._tls = ssl_context.wrap_socket(
                    self._open_socket(),
                    server_hostname=server_hostname,
                    do_handshake_on_connect=False,
                )
                self._sock = sock
                ready = self._readiness = readiness(sock)
            while True:
                try:
                    sock.do_handshake()
                    self.site.tls_info = agreed(sock)
                    return self
                except ssl.SSLWantReadError:
                    arrived = ready.readable(self._connect_by - time.monotonic())
                except ssl.SSLWantWriteError:
                    arrived = any(ready.ready(self._connect_by - time.monotonic()))
                if not arrived:
                    raise self.not_connected("tls", None)
        except (OSError, ValueError) as error:
            failure = self.closed_here() if self._closed else self.not_connected("tls", error)
            raise failure from None

    def _open(self, until: float, family: int, kind: int, proto: int, _: str, address: Any) -> None:
        sock = self._sock = socket.socket(family, kind, proto)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._readiness = readiness(sock)
        code = sock.connect_ex(address)
        if code in _UNDER_WAY:
            if not any(self._readiness.ready(until - time.monotonic())):
                raise self.not_connected("connect", None)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if self._closed:
            raise self.closed_here()
        if code:
            raise OSError(code, os.strerror(code))

    # What httpcore calls

    @override
    def read(self, max_bytes: int, timeout: Optional[float] = None) -> bytes:
        """The next bytes, ``b""`` when the node has ended the connection in order. Raises ``Failure``."""
        now = time.monotonic()
        if now >= self.deadline:
            raise self.read_late()
        if not (self._data or self.ended):
            self._data = self._receive(max_bytes, min(self.deadline, now + self.read_timeout))
        if self._closed:
            raise self.closed_here()
        data, self._data = self._data[:max_bytes], self._data[max_bytes:]
        self.read_out = not data
        self.meter.feed(data)
        return data

    @override
    def write(self, buffer: bytes, timeout: Optional[float] = None) -> None:
        """Writes it all. Raises ``WriteError``, after which httpcore looks for an early answer, or ``Failure``."""
        if not buffer:
            return
        self.active = True
        now = time.monotonic()
        if now >= self.deadline:
            raise self.write_late()
        until = min(self.deadline, now + self.site.write_timeout)
        view = memoryview(buffer)
        try:
            sock = self._open_socket()
            while view:
                self.sent = True
                try:
                    view = view[sock.send(view[:SLICE]) :]
                    if view:
                        until = min(self.deadline, time.monotonic() + self.site.write_timeout)
                except _LATER:
                    self._await_room(until)
        except OSError:
            self._write_failed = True
            raise httpcore.WriteError from None

    def close(self) -> None:
        """Closes the connection: for the thread that uses this wire. Idempotent."""
        self.abort()

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks for: ``ssl_object``, ``is_readable``, ``socket``."""
        if info == "is_readable":
            return not self.alive()
        return {"ssl_object": self._tls, "socket": self._sock}.get(info)

    # What a lane asks for

    def clean(self) -> bool:
        """Whether exactly one answer was read and the connection is fit for another."""
        return self.meter.ended and not (self._data or self.ended or self._closed)

    def alive(self) -> bool:
        """Whether an idle connection is still silent: nothing was sent on it, and it was not closed."""
        if self._sock is None or self._closed or self.ended or self._readiness is None:
            return False
        return not self._readiness.readable()

    def abort(self, reason: Union[str, Failure, None] = None) -> None:
        """Closes the connection; whatever this thread still asks of it gets a ``Failure``. Idempotent."""
        if self._closed is None:
            self._closed = reason or CLOSED
        self._drop()

    def shut(self, reason: str) -> None:
        """Ends the connection, from any thread; who waits on it gets a ``Failure``. Closes no descriptor."""
        with self._guard:
            if self._closed is None:
                self._closed = reason
            if self._sock is not None:
                # Not SSLSocket's own, which takes its TLS state away from under the other thread.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def discard(self) -> None:
        """Lets go of a connection that belongs to the parent process: nothing is said on it.

        Takes no lock, since a thread that is not in this process may have held it.
        """
        self._closed = FORKED
        sock, self._sock = self._sock, None
        if sock is not None:
            sock.close()

    # Waiting

    def _open_socket(self) -> socket.socket:
        if self._sock is None or self._closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self._sock

    def _drop(self) -> None:
        with self._guard:
            sock, self._sock = self._sock, None
            if sock is not None:
                sock.close()

    def _receive(self, max_bytes: int, until: float) -> bytes:
        """Waits for bytes; ``b""`` (and ``ended``) if the node has ended the connection in order."""
        if self._sock is None or self._readiness is None:
            raise self.closed_here()
        # What OpenSSL has decrypted already does not show in the descriptor.
        pending = self._tls is not None and self._tls.pending() > 0
        while True:
            left = until - time.monotonic() if until < math.inf else math.inf
            if not (pending or self._readiness.readable(left)):
                raise self.read_late()
            pending = False
            try:
                data = self._sock.recv(max_bytes)
            except _LATER:
                continue
            except OSError:
                self.ended = True
                raise (self.closed_here() if self._closed else self.broken()) from None
            self.ended = not data
            self.received = self.received or bool(data)
            return data

    def _await_room(self, until: float) -> None:
        """Waits until more can be written; raises ``WriteError`` if the node has made up its mind meanwhile."""
        if self._readiness is None:
            raise self.closed_here()
        reading, writing = self._readiness.ready(until - time.monotonic())
        if not (reading or writing) or time.monotonic() >= until:
            raise self.write_late()
        if not reading:
            return
        with contextlib.suppress(*_LATER):
            data = self._open_socket().recv(SLICE)
            self._data += data
            self.ended = not data
            self.received = True
        # An answer that refuses the body is not kept waiting for it; nor is a node that speaks without listening.
        if self.ended or len(self._data) >= HIGH_WATER or turns_down(self._data):
            raise OSError(errno.EPIPE, os.strerror(errno.EPIPE))
