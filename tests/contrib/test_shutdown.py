"""A real server that is told to stop while a response is being sent: the response is whole, then all is closed."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from typing import Optional

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ron.contrib.asgi import RonMiddleware, header
from tests.contrib.shop import TENANTS, Item, Shop

A = TENANTS[0]


class Gate:
    """Holds a response back until another thread opens it."""

    def __init__(self) -> None:
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._event: Optional[asyncio.Event] = None
        self._reached = threading.Event()

    async def wait(self) -> None:
        self._loop, self._event = asyncio.get_running_loop(), asyncio.Event()
        self._reached.set()
        await self._event.wait()

    def open(self) -> None:
        self._reached.wait(30)
        assert self._loop is not None
        assert self._event is not None
        self._loop.call_soon_threadsafe(self._event.set)


class Stopping(uvicorn.Server):
    """uvicorn, which says when it begins to stop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.stopping = threading.Event()

    async def shutdown(self, sockets: Optional[list[socket.socket]] = None) -> None:
        self.stopping.set()
        await super().shutdown(sockets)


def test_a_response_under_way_is_finished_before_clients_are_closed() -> None:
    """Uvicorn stops: the stream that runs goes on with its client, and after its end no client is open."""
    shop, gate = Shop(), Gate()

    async def chunks() -> AsyncIterator[str]:
        yield (await Item.objects.get("mine")).name
        await gate.wait()
        yield (await Item.objects.get("mine")).name

    async def endpoint(request: Request) -> Response:
        return StreamingResponse(chunks())

    app = RonMiddleware(Starlette(routes=[Route("/", endpoint)]), shop.tenants(), tenant=header("x-tenant"))
    server = Stopping(uvicorn.Config(app, log_config=None, log_level="critical", ws="none"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            with httpx.stream("GET", url, headers={"X-Tenant": A}, timeout=30) as answer:
                parts = answer.iter_text()
                assert A == next(parts)
                server.should_exit = True
                server.stopping.wait(30)
                assert 1 == shop.open_clients
                gate.open()
                assert A == "".join(parts)
        finally:
            server.should_exit = True
            thread.join(30)
    assert (1, 0) == (len(shop.clients), shop.open_clients)
