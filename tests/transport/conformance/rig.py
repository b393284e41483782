"""One channel of either colour behind one sync face, with the node that it talks to.

Async channels run in an event loop of the rig's own, one call after the other, so each case is
written once.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from ron._clock import Clock
from ron._values import Credential, Exchange, Failure, Reply
from ron.transport._protocol import Endpoint
from tests.transport.conformance.inprocess import InProcessNode
from tests.transport.conformance.scripted import SocketNode

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from tests.transport.conformance.adapters import Adapter

__all__ = ["TOKEN", "Rig", "RigStream"]

TOKEN = "t0ken-that-nobody-may-see"
GUARD = 20.0  # seconds; only reached when a test has failed


class Rig:
    """A node, and on demand a channel to it; closes both."""

    def __init__(self, adapter: Adapter, colour: str, tls: bool = False) -> None:
        self.colour = colour
        self.clock = Clock()
        self.node: Any = SocketNode(tls) if adapter.wire else InProcessNode()
        self._scheme = "https" if tls else "http"
        self._adapter = adapter
        self._loop = asyncio.new_event_loop() if colour == "async" else None
        self._channel: Any = None
        self._foreign: Any = None
        self._environment: list[tuple[str, str | None]] = []  # what to put back

    def run(self, result: Any) -> Any:
        """What an async call gives in the end, or what a sync one has given."""
        if self._loop is None:
            return result
        call: Coroutine[Any, Any, Any] = result
        return self._loop.run_until_complete(asyncio.wait_for(call, 2 * GUARD))

    def open(self, host: str = "127.0.0.1", port: int = 0, **limits: Any) -> Any:
        """Opens the channel; `limits` are fields of the endpoint."""
        fields: dict[str, Any] = {
            "connect_timeout": GUARD,
            "read_timeout": GUARD,
            "write_timeout": GUARD,
            "max_concurrency": 4,
            "max_streams": 4,
            "max_response_bytes": 1 << 20,
            "verify": self.node.trust or True,
            **limits,
        }
        if "ssl context" in self._adapter.gaps and self._scheme == "https":
            self._trust_by_environment()
            fields["verify"] = True
        port = port or self.node.port
        endpoint = Endpoint(scheme=self._scheme, host=host, port=port, clock=self.clock, **fields)
        self._foreign = self._adapter.make(self.colour, self.node)
        opened = self._adapter.transport(self._foreign)
        opening = opened.open_async if self.colour == "async" else opened.open_sync
        self._channel = opening(endpoint)
        return self._channel

    def _trust_by_environment(self) -> None:
        if self.node.bundle:
            self._environment.append(("SSL_CERT_FILE", os.environ.get("SSL_CERT_FILE")))
            os.environ["SSL_CERT_FILE"] = self.node.bundle

    def speak(self, scheme: str) -> None:
        """Has the channel, not yet opened, speak another scheme than the node."""
        self._scheme = scheme

    def exchange(self, method: str = "GET", target: bytes = b"/app/x", **rest: Any) -> Exchange:
        """An exchange as a session makes it: a Content-Length unless the method has no body."""
        body: bytes = rest.pop("body", b"")
        headers = tuple(rest.pop("headers", ()))
        if body or method not in ("GET", "HEAD"):
            headers += ((b"Content-Length", b"%d" % len(body)),)
        deadline = self.clock.monotonic() + rest.pop("within", GUARD)
        return Exchange(method, target, headers, body, deadline)

    def send(self, exchange: Exchange | None = None, token: str | None = None) -> Reply:
        """Sends, on a channel that is opened if none is."""
        channel = self._channel or self.open()
        wanted = self.exchange() if exchange is None else exchange
        reply: Reply = self.run(channel.send(wanted, _credential(token)))
        return reply

    def fail(self, exchange: Exchange | None = None, token: str | None = None) -> Failure:
        """Sends what must end in a `Failure`."""
        reply = None
        try:
            reply = self.send(exchange, token)
        except Failure as failure:
            return failure
        raise AssertionError(f"a reply came where none was possible: {reply.status}")

    def stream(self, exchange: Exchange | None = None) -> RigStream:
        """Opens a stream."""
        channel = self._channel or self.open()
        wanted = self.exchange() if exchange is None else exchange
        return RigStream(self, self.run(channel.stream(wanted, _credential(TOKEN))))

    def close_channel(self) -> None:
        """Closes the channel, in either colour."""
        channel: Any = self._channel
        if channel is None:
            return
        self.run(channel.aclose() if self.colour == "async" else channel.close())

    def close(self) -> None:
        """Closes channel, foreign object, loop and node."""
        try:
            self.close_channel()
            foreign: Any = self._foreign
            closing = getattr(foreign, "aclose" if self.colour == "async" else "close", None)
            if closing is not None:
                self.run(closing())
            if self._loop is not None:
                self._loop.run_until_complete(_turns())
                self._loop.run_until_complete(self._loop.shutdown_asyncgens())
                left = asyncio.all_tasks(self._loop)
                assert set() == left, "the channel left a task behind"
        finally:
            for name, value in self._environment:
                os.environ.pop(name) if value is None else os.environ.update({name: value})
            self.node.close()
            if self._loop is not None:
                self._loop.close()


class RigStream:
    """A stream of either colour."""

    def __init__(self, rig: Rig, inner: Any) -> None:
        self._rig = rig
        self.inner = inner
        self.status: int = inner.status

    def read(self, timeout: float | None = GUARD) -> bytes:
        """The next bytes."""
        data: bytes = self._rig.run(self.inner.read(timeout))
        return data

    def rest(self) -> bytes:
        """All bytes up to the end."""
        body = b""
        while True:
            chunk = self.read()
            if not chunk:
                return body
            body += chunk

    def close(self) -> None:
        """Closes the connection under it."""
        self._rig.run(self.inner.aclose() if self._rig.colour == "async" else self.inner.close())


def _credential(token: str | None) -> Credential | None:
    return None if token is None else Credential("Bearer", SecretStr(token))


async def _turns() -> None:
    """Lets the loop finalise what httpx nests: each async generator a turn or two after its outer."""
    for _ in range(50):
        await asyncio.sleep(0)
