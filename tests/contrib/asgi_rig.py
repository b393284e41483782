"""An ASGI server for tests, of plain calls: what is sent is looked at as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, Callable, Optional

import httpx

__all__ = ["Server", "get", "get_many", "http_scope", "lifespan"]

App = Callable[..., Awaitable[None]]
Message = MutableMapping[str, Any]


def http_scope(path: str, tenant: Optional[str] = None, kind: str = "http") -> dict[str, Any]:
    """A request's or WebSocket's scope."""
    return {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http" if kind == "http" else "ws",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "subprotocols": [],
        "headers": [(b"host", b"test"), *([] if tenant is None else [(b"x-tenant", tenant.encode())])],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }


class Server:
    """Runs an application on one scope; messages go in with `give` and come out of `take`."""

    def __init__(self, app: App, scope: dict[str, Any]) -> None:
        self._in: asyncio.Queue[Message] = asyncio.Queue()
        self._out: asyncio.Queue[Message] = asyncio.Queue(1)  # as a socket whose reader is slow
        self.task = asyncio.ensure_future(app(scope, self._in.get, self._out.put))
        if scope["type"] == "http":
            self.give(type="http.request", body=b"", more_body=False)

    def give(self, **message: Any) -> None:
        self._in.put_nowait(message)

    async def take(self) -> Message:
        """The next message; what the application raises instead is raised."""
        coming = asyncio.ensure_future(self._out.get())
        await asyncio.wait([coming, self.task], return_when=asyncio.FIRST_COMPLETED)
        if not coming.done():
            await asyncio.sleep(0)
        if coming.done():
            return coming.result()
        coming.cancel()
        self.task.result()
        raise AssertionError("the application ended without a message")

    async def leave(self) -> None:
        """Disconnects, and lets the application end."""
        self.give(type="http.disconnect")
        while not self.task.done():
            coming = asyncio.ensure_future(self._out.get())
            await asyncio.wait([coming, self.task], return_when=asyncio.FIRST_COMPLETED)
            coming.cancel()
        await self.task


@asynccontextmanager
async def lifespan(app: App) -> AsyncIterator[None]:
    """Starts an application and shuts it down, as a server does."""
    server = Server(app, {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}})
    server.give(type="lifespan.startup")
    assert "lifespan.startup.complete" == (await server.take())["type"]
    yield
    server.give(type="lifespan.shutdown")
    assert "lifespan.shutdown.complete" == (await server.take())["type"]
    await server.task


def client_of(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")


async def get(app: Any, path: str, tenant: Optional[str] = None) -> httpx.Response:
    """One GET."""
    async with client_of(app) as client:
        return await client.get(path, headers={} if tenant is None else {"X-Tenant": tenant})


async def get_many(app: Any, path: str, tenants: list[str]) -> list[str]:
    """A GET for each tenant, all at once; the texts of their answers."""
    async with client_of(app) as client:
        answers = await asyncio.gather(*(client.get(path, headers={"X-Tenant": tenant}) for tenant in tenants))
    return [answer.text for answer in answers]
