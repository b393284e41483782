"""ASGI middleware, of no framework: a client for each request, a tenant each; and answers for errors of calls.

::

    app = RonMiddleware(app, RonClient.from_env)                               # one client for all
    app = RonMiddleware(app, Tenants(client_of), tenant=header("x-tenant"))    # one for each tenant
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, MutableMapping
from typing import Any, Callable, Optional, Union

from .._suggest import shown
from ..client import RonClient, RonClientSync
from ..errors import RonConfigError, RonError
from ..logging_ import get_logger
from ._answers import logged_answer
from ._request import RequestClients, Sources
from .tenants import Tenants, TenantsSync

__all__ = ["RonErrorsMiddleware", "RonMiddleware", "header", "request_clients"]

# As in ASGI's own type definitions.
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
TenantOf = Callable[[Scope], Union[Optional[str], Awaitable[Optional[str]]]]

_KEY = "ron"


class RonMiddleware:
    """Binds clients for the length of a request or WebSocket, response body and background tasks included.

    Within it ``Item.objects`` (and ``Item.objects_sync``, also in threads that get a copy of the context, as
    Starlette's and asyncio's do) use the request's client; ``request_clients(scope)`` has it explicitly. The clients
    are made when a request needs them, an application's only one at the lifespan's start, and closed in its shutdown.

    Args:
        app: the application.
        clients: ``Tenants``, or a function without arguments that makes the one client of the application.
        clients_sync: ``TenantsSync``, or a function, for endpoints that run in threads.
        tenant: from the scope to the tenant's key, or None for a request that needs no client; plain or ``async``. Take
            it from what has been authenticated: whoever can choose the key has the tenant's capability.

    Raises:
        RonConfigError: at once, for wrong arguments. In a request what ``tenant`` and the factory raise comes out as it
            is, and nothing is bound.
    """

    def __init__(
        self,
        app: ASGIApp,
        clients: Union[Tenants, Callable[[], RonClient], None] = None,
        *,
        clients_sync: Union[TenantsSync, Callable[[], RonClientSync], None] = None,
        tenant: Optional[TenantOf] = None,
    ) -> None:
        if tenant is not None and not callable(tenant):
            raise RonConfigError(
                f"RonMiddleware: tenant= takes a function from the scope to a key, such as header('x-tenant'), not "
                f"{shown(tenant)}"
            )
        self.app = app
        self._sources = Sources(clients, clients_sync, tenanted=tenant is not None, where="RonMiddleware")
        self._tenant = tenant

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI 3."""
        if scope["type"] in ("http", "websocket"):
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _Lifespan(self.app, self._sources, receive, send).run(scope)
        else:
            await self.app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = self._sources.request()
        try:
            await request.bind(await self._tenant_of(scope))
            with request.activated():
                await self.app({**scope, _KEY: request}, receive, send)
        finally:
            await request.release()

    async def _tenant_of(self, scope: Scope) -> Optional[str]:
        if self._tenant is None:
            return None
        found = self._tenant(scope)
        return await found if inspect.isawaitable(found) else found


class _Lifespan:
    """One run of the lifespan protocol: clients are opened before the application starts, and closed after it ended.

    An application that knows no lifespan (it raises, or returns, before it has answered) goes without, as the protocol
    says; its server is answered here.
    """

    def __init__(self, app: ASGIApp, sources: Sources, receive: Receive, send: Send) -> None:
        self._app = app
        self._sources = sources
        self._request = sources.request()
        self._receive_from_server = receive
        self._send_to_server = send
        self._asked = False
        self._answered = False

    async def run(self, scope: Scope) -> None:
        try:
            self._sources.open()
            if self._sources.sole:
                await self._request.bind(None)
        except Exception as error:
            await self._receive()
            text = error.message if isinstance(error, RonError) else type(error).__name__
            await self._send({"type": "lifespan.startup.failed", "message": f"ron: {text}"})
            raise
        try:
            with self._request.activated():
                unsupported = await self._app_runs({**scope, _KEY: self._request})
            if unsupported:
                await self._stand_in()
        finally:
            await self._close()

    async def _app_runs(self, scope: Scope) -> bool:
        """Runs the application's lifespan; tells whether it has none."""
        try:
            await self._app(scope, self._receive, self._send)
        except Exception as error:
            if self._answered:
                raise
            get_logger("contrib").info("the application has no lifespan: %s", type(error).__name__)
        return not self._answered

    async def _stand_in(self) -> None:
        if not self._asked:
            await self._receive()
        await self._send({"type": "lifespan.startup.complete"})
        await self._receive()
        await self._send({"type": "lifespan.shutdown.complete"})

    async def _receive(self) -> Message:
        message = await self._receive_from_server()
        self._asked = True
        return message

    async def _send(self, message: Message) -> None:
        self._answered = True
        if message["type"].startswith("lifespan.shutdown."):
            await self._close()  # before the server hears of it, and ends its loop
        await self._send_to_server(message)

    async def _close(self) -> None:
        await self._request.release()
        await self._sources.aclose()


class RonErrorsMiddleware:
    """Answers a ``RonError`` that leaves the application: see ``ron.contrib.answer_for``.

    What is a mistake in the program, what comes out of a WebSocket, and what comes after the response has begun is
    raised on. Put it around ``RonMiddleware``, and it answers for the clients' factory as well.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI 3."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except RonError as error:
            answer = None if begun else logged_answer(error)
            if answer is None:
                raise
        else:
            return
        body = json.dumps(answer.body).encode()
        fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), **answer.headers}
        headers = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in fields.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def header(name: str) -> Callable[[Scope], Optional[str]]:
    """A ``tenant=`` that reads a request header; None where it is absent, empty, or there more than once.

    Only for a header that a proxy of yours sets, and takes from whoever else sends it.
    """
    if not isinstance(name, str) or not name or not name.isascii():
        raise RonConfigError(f"header() takes the name of a header field, such as 'x-tenant', not {shown(name)}")
    wanted = name.lower().encode("ascii")

    def read(scope: Scope) -> Optional[str]:
        found = [value for field, value in scope["headers"] if field.lower() == wanted]
        return found[0].decode("latin-1") or None if len(found) == 1 else None

    return read


def request_clients(scope: Scope) -> RequestClients:
    """The clients of the request: ``request_clients(scope).objects(Item)``.

    Raises:
        RonConfigError: the application is not behind ``RonMiddleware``.
    """
    found = scope.get(_KEY)
    if not isinstance(found, RequestClients):
        raise RonConfigError(
            "no clients for this request: put the application behind ron.contrib.asgi.RonMiddleware, such as "
            "app.add_middleware(RonMiddleware, clients=RonClient.from_env)"
        )
    return found
