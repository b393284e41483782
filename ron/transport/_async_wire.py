"""The network under one async lane: httpcore's backend and stream, over one ``asyncio.Protocol``.

A timeout never cancels the task: it wakes the one future that the wire waits on. ``abort`` awaits nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any, Optional, TypeVar, Union, cast

import httpcore
from typing_extensions import override

from ron._values import Failure
from ron.transport._async_patience import Patience
from ron.transport._framing import Meter, turns_down
from ron.transport._loop import running_loop
from ron.transport._readiness import readiness
from ron.transport._tls import agreed
from ron.transport._wire import CLOSED, FORKED, HIGH_WATER, SLICE, Wire, addresses, share

if TYPE_CHECKING:
    import ssl
    from collections.abc import Coroutine, Iterable, Sequence

    from ron.transport._readiness import Readiness
    from ron.transport._site import Site

__all__ = ["AsyncWire"]

T = TypeVar("T")


class AsyncWire(Wire, asyncio.Protocol, httpcore.AsyncNetworkBackend, httpcore.AsyncNetworkStream):
    """One connection on one event loop."""

    def __init__(self, site: Site, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(site)
        self._loop = loop
        self._sock: Optional[socket.socket] = None
        self._transport: Optional[asyncio.Transport] = None
        self._readiness: Optional[Readiness] = None
        self._connecting: Optional[asyncio.Task[Any]] = None
        self._patience = Patience(loop)
        self._data = b""
        self._reading_paused = self._writing_paused = self._broken = self._shaking = False

    # Connecting

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: Optional[float] = None,
        local_address: Optional[str] = None,
        socket_options: Optional[Iterable[Any]] = None,
    ) -> AsyncWire:
        """Looks the host up and tries its addresses in turn. Raises ``Failure``."""
        self.active = True
        limit = self._connect_by = min(self.deadline, self._loop.time() + self.site.connect_timeout)
        found: Sequence[tuple[Any, ...]] = addresses(host, port, literal=True)
        if not found:
            look_up = self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found = await self._step("dns", look_up, limit)
        for left in range(len(found), 0, -1):
            try:
                opening = self._open(*found[-left])
                await self._step("connect", opening, share(self._loop.time(), limit, left))
                break
            except Failure:
                if left == 1 or self._closed:
                    raise
        return self

    @override
    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> AsyncWire:
        """Shakes hands, within what is left of the time for connecting. Raises ``Failure``."""
        self._shaking = True
        try:
            await self._step("tls", self._shake(ssl_context, server_hostname), self._connect_by)
        finally:
            self._shaking = False
        return self

    async def _shake(self, context: ssl.SSLContext, host: Optional[str]) -> None:
        assert self._transport is not None
        # What the node did before asyncio has put TLS in between ended here; the handshake would wait for it for ever.
        if self.ended or self._data:
            raise ConnectionAbortedError
        self._transport = await self._loop.start_tls(self._transport, self, context, server_hostname=host)
        self.site.tls_info = agreed(self.get_extra_info("ssl_object"))

    async def _open(self, family: Any, kind: Any, proto: Any, _: Any, address: Any) -> None:
        sock = self._sock = socket.socket(family, kind, proto)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            await self._loop.sock_connect(sock, address)
            self._readiness = readiness(sock)
            await self._loop.create_connection(lambda: self, sock=sock)
        except BaseException:
            sock.close() if self._transport is None else self._transport.abort()
            self._transport = None
            raise

    async def _step(self, kind: str, step: Coroutine[Any, Any, T], limit: float) -> T:
        """Runs one step of connecting as a task, so that it can be given up. It leaves nothing behind."""
        task: asyncio.Task[T] = self._loop.create_task(step)
        self._connecting = task
        try:
            await asyncio.wait((task,), timeout=max(0.0, limit - self._loop.time()))
        finally:
            self._connecting = None
            late = not task.done()
            if late:
                self._give_up(task)
                await asyncio.wait((task,))
            error = None if task.cancelled() else task.exception()
        if self._closed:
            raise self.closed_here()
        if late:
            raise self.not_connected(kind, None)
        if task.cancelled() or error is not None:
            raise self.not_connected(kind, error or ConnectionAbortedError())
        return task.result()

    def _give_up(self, step: asyncio.Task[Any]) -> None:
        # A handshake is ended from below: cancelled in the turn it succeeds in, it would leave a transport behind.
        if self._shaking and self._transport is not None and not self.ended:
            self._transport.abort()
        else:
            step.cancel()

    # What httpcore calls

    @override
    async def read(self, max_bytes: int, timeout: Optional[float] = None) -> bytes:
        """The next bytes, ``b""`` when the node has ended the connection in order. Raises ``Failure``."""
        now = self._loop.time()
        if now >= self.deadline:
            raise self.read_late()
        until = min(self.deadline, now + self.read_timeout)
        while not self._data:
            if self._closed:
                raise self.closed_here()
            if self._broken:
                raise self.broken()
            if self.ended:
                self.read_out = True
                return b""
            if await self._patience.wait(until):
                raise self.read_late()
        data, self._data = self._data[:max_bytes], self._data[max_bytes:]
        if self._reading_paused and not self._data:
            self._reading_paused = False
            if self._transport is not None:
                self._transport.resume_reading()
        self.meter.feed(data)
        return data

    @override
    async def write(self, buffer: bytes, timeout: Optional[float] = None) -> None:
        """Writes it all. Raises ``WriteError``, after which httpcore looks for an early answer, or ``Failure``."""
        if not buffer:
            return
        self.active = True
        if self._loop.time() >= self.deadline:
            raise self.write_late()
        view = memoryview(buffer)
        for at in range(0, len(buffer), SLICE):
            if self.ended or self._closed or self._transport is None:
                self._write_failed = True
                raise httpcore.WriteError
            self.sent = True
            self._transport.write(view[at : at + SLICE])
            if self._writing_paused:
                await self._drain()

    async def aclose(self) -> None:
        """Closes the connection at once."""
        self.abort()

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks for: ``ssl_object``, ``is_readable``, ``socket``."""
        if info == "is_readable":
            return not self.alive()
        return None if self._transport is None else self._transport.get_extra_info(info)

    # What a lane and a stream ask for

    def stranded(self) -> bool:
        """Whether the event loop is dead or the parent's: nothing may be asked of the connection any more.

        The parent's loop shares its selector with this process, where its transport would unregister the descriptor.
        """
        return self.inherited() or self._loop.is_closed()

    def elsewhere(self) -> bool:
        """Whether the event loop that runs here is another one than this connection's."""
        return running_loop() is not self._loop

    def clean(self) -> bool:
        """Whether exactly one answer was read and the connection is fit for another."""
        return self.meter.ended and not (self._data or self.ended or self._closed)

    def alive(self) -> bool:
        """Whether an idle connection is still silent: nothing was sent on it, and it was not closed."""
        if self._data or self.ended or self._closed or self._readiness is None:
            return False
        return not self._readiness.readable()

    def abort(self, reason: Union[str, Failure, None] = None) -> None:
        """Closes the connection now, without flushing; who waits on it gets a ``Failure``. Idempotent."""
        if self.stranded():
            self.discard()
            return
        if self._closed is None:
            self._closed = reason or CLOSED
        self.meter = Meter()  # it may hold an unread head, and the event loop holds this wire for one more turn
        if self._connecting is not None:
            self._give_up(self._connecting)
        if self._transport is not None:
            self._transport.abort()
        self._patience.end()

    def discard(self) -> None:
        """Lets go of a connection whose event loop is dead, or belongs to the parent process.

        Neither loop nor connection is touched: this process's descriptor is closed and nothing is said on it.
        """
        self._closed = FORKED if self.inherited() else CLOSED
        transport, self._transport = self._transport, None
        if transport is not None and self._loop.is_closed():
            # It can't be carried out any more, but asyncio then does not try to say goodbye later.
            with contextlib.suppress(RuntimeError):
                transport.abort()
        if self._sock is not None:
            self._sock.close()

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.BaseProtocol``."""
        # Not asserted: uvloop's are no subclass.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``."""
        self.received = True
        self._data = self._data + data if self._data else data
        if len(self._data) >= HIGH_WATER and not self._reading_paused and self._transport is not None:
            self._reading_paused = True
            self._transport.pause_reading()
        self._happened()

    def eof_received(self) -> None:
        """See ``asyncio.Protocol``. The transport closes itself afterwards."""
        self.ended = True
        self._happened()

    def connection_lost(self, exc: Optional[Exception]) -> None:
        """See ``asyncio.BaseProtocol``."""
        if exc is not None and not self.ended:
            self._broken = True
            self._rescue()
        self.ended = True
        self._happened()

    def pause_writing(self) -> None:
        """See ``asyncio.BaseProtocol``."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """See ``asyncio.BaseProtocol``."""
        self._writing_paused = False
        self._happened()

    # Waiting

    async def _drain(self) -> None:
        until = min(self.deadline, self._loop.time() + self.site.write_timeout)
        while self._writing_paused:
            # An answer that refuses the body is not kept waiting for it; nor is a node that speaks without listening.
            if self.ended or self._closed or self._reading_paused or turns_down(self._data):
                self._write_failed = True
                raise httpcore.WriteError
            if await self._patience.wait(until):
                raise self.write_late()

    def _happened(self) -> None:
        if self._shaking and self._connecting is not None:
            self._connecting.cancel()
        self._patience.wake()

    def _rescue(self) -> None:
        """Takes what the node had said before it broke the connection: an early answer, when our write met the reset.

        asyncio stops reading when a write fails, but closes the socket only after ``connection_lost``.
        """
        if self._transport is None or self._transport.get_extra_info("ssl_object") is not None:
            return
        with contextlib.suppress(OSError):
            while self._sock is not None and len(self._data) < HIGH_WATER:
                data = self._sock.recv(SLICE)
                if not data:
                    break
                self._data += data
                self.received = True
