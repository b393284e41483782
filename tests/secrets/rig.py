"""Clients of both colours on every transport, and how an error of theirs is caught with all that hangs on it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import inspect
import ssl
from collections.abc import Callable, Iterator
from typing import Any, Optional

from ron import HttpxTransport, RonClient, RonClientSync
from ron._values import Reply
from tests.secrets.canary import TOKEN
from tests.secrets.kinds import Kind
from tests.transport.raw_server import Peer, RawServer

__all__ = [
    "COLOURS",
    "INTERRUPTIBLE",
    "IN_PROCESS",
    "ON_A_SOCKET",
    "caught",
    "close",
    "error_of",
    "make_client",
    "node_for",
    "run",
]

COLOURS = ("async", "sync")
_TRUST = ssl.create_default_context()  # making one takes longer than a case
_LIBRARIES = ["httpx"] + ["httpx2"] * (importlib.util.find_spec("httpx2") is not None)
#: in a call of these over sync, Ctrl-C counts at once; pyreqwest sees it when the answer has come (its docstring)
INTERRUPTIBLE = ["lanes", *(f"{library}-{kind}" for library in _LIBRARIES for kind in ("transport", "client"))]
ON_A_SOCKET = INTERRUPTIBLE + ["fast"] * (importlib.util.find_spec("pyreqwest") is not None)
IN_PROCESS = [f"{library}-mock" for library in _LIBRARIES]
HOLD = 20.0  # seconds; only reached when a test has failed


def make_client(transport: str, colour: str, node: Any, **options: Any) -> Any:
    """A client of that colour; `node` is a server, or the answer that a mock gives."""
    kind: Any = RonClient if colour == "async" else RonClientSync
    settings: dict[str, Any] = {"max_retries": 0, "token": TOKEN, **options}
    if isinstance(node, RawServer):
        scheme = "https" if node.tls else "http"
        settings = {"base_url": f"{scheme}://127.0.0.1:{node.port}", "allow_insecure_http": True, **settings}
    if settings.get("token_provider") is not None:
        del settings["token"]
    return kind(transport=_transport(transport, colour, node), **settings)


def _transport(name: str, colour: str, node: Any) -> Any:
    library_name, _, kind = name.partition("-")
    if not kind:
        return None if name == "lanes" else name
    library: Any = importlib.import_module(library_name)
    prefix = "Async" if colour == "async" else ""
    if kind == "transport":
        return HttpxTransport(getattr(library, f"{prefix}HTTPTransport")(verify=_TRUST))
    if kind == "client":
        return HttpxTransport(getattr(library, f"{prefix}Client")(verify=_TRUST, trust_env=False))
    _MOCKED[name] = node
    return HttpxTransport(library.MockTransport(lambda request: _mocked(library, _MOCKED[name])))


#: what the mocks answer: here, because the walk follows a handler's closure, and this is the token's own place
_MOCKED: dict[str, Reply] = {}


def _mocked(library: Any, reply: Reply) -> Any:
    return library.Response(reply.status, headers=list(reply.headers), stream=library.ByteStream(reply.body))


async def _aclose(client: Any) -> None:
    """Closes a client and the httpx object that was handed to it."""
    await client.aclose()
    await _guest(client).aclose()


def _guest(client: Any) -> Any:
    channel = client._ports.channel
    return channel._guest.obj if hasattr(channel, "_guest") else contextlib.AsyncExitStack()


def close(client: Any) -> Any:
    """Closes a client of either colour and the httpx object that was handed to it."""
    if isinstance(client, RonClient):
        return _aclose(client)
    client.close()
    guest = _guest(client)
    return guest.close() if hasattr(guest, "close") else None


@contextlib.contextmanager
def node_for(kind: Kind, transport: str) -> Iterator[Any]:
    """The node of a case: a server, or for a mock the answer itself."""
    if transport in IN_PROCESS:
        yield kind.reply
        return
    handler = kind.handler or _answering(kind.reply)
    with RawServer(handler) as server:
        yield server


def _answering(reply: Optional[Reply]) -> Callable[[Peer], None]:
    assert reply is not None
    lines = [b"HTTP/1.1 %d Text" % reply.status, *(b": ".join(pair) for pair in reply.headers)]
    lines.append(b"Content-Length: %d" % len(reply.body))
    whole = b"\r\n".join(lines) + b"\r\n\r\n" + reply.body

    def handle(peer: Peer) -> None:
        while True:
            peer.request()
            peer.send(whole)

    return handle


def run(result: Any) -> Any:
    """The result of a call of either colour, in an event loop of its own."""
    if not inspect.isawaitable(result):
        return result

    async def main() -> Any:
        return await asyncio.wait_for(result, HOLD)

    return asyncio.run(main())


async def error_of(awaitable: Any) -> BaseException:
    """What an awaitable raises."""
    try:
        await awaitable
    except BaseException as error:  # noqa: BLE001 - cancellations are looked at as well
        return error
    raise AssertionError("nothing was raised")


def caught(act: Callable[[], Any], look: Callable[[BaseException], Any], client: Any) -> Any:
    """What `look` makes of the error that `act` ends with, seen while everything is still open."""

    async def main(result: Any) -> Any:
        try:
            return look(await error_of(result))
        finally:
            await close(client)

    result = error = None
    try:
        result = act()
    except BaseException as raised:  # noqa: BLE001 - Ctrl-C is looked at as well
        error = raised
    if result is not None and inspect.isawaitable(result):
        return asyncio.run(main(result))
    try:
        assert error is not None, "nothing was raised"
        return look(error)
    finally:
        run(close(client))
