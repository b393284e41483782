"""The socket below HTTP: how the node writes what an HTTP server would refuse to write.

uvicorn hides the transport from applications, so the protocol class puts it into the state that
each request's scope carries.
"""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

_TRANSPORT = "transport"


class WireProtocol(H11Protocol):
    """uvicorn's h11 protocol, whose scopes hold the connection's transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make the transport part of the state of each request on this connection."""
        self.app_state = {**self.app_state, _TRANSPORT: transport}
        super().connection_made(transport)


async def hang_up(scope: Scope, receive: Receive, last_words: bytes = b"") -> None:
    """Write raw bytes, close the connection, and return once it is gone."""
    transport: asyncio.Transport = scope["state"][_TRANSPORT]
    if last_words:
        transport.write(last_words)
    transport.close()
    await until_gone(receive)


async def until_gone(receive: Receive) -> None:
    """Return when the client has left; the request's body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass
