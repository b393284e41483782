"""FastAPI: dependencies for clients and managers, and an exception handler.

::

    app = FastAPI()
    app.add_middleware(RonMiddleware, clients=RonClient.from_env)
    app.add_exception_handler(RonError, ron_error_handler)

    Items = Annotated[Manager[Item], Depends(ron_objects(Item))]

    @app.get("/items/{key}")
    async def read(key: str, items: Items) -> Item:
        return await items.get(key)

The middleware (``ron.contrib.asgi``) makes the clients in the lifespan and holds a request's until its response is
sent: FastAPI's versions differ in whether a dependency ends before or after that.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Callable, Optional, TypeVar

from ..client import RonClient, RonClientSync
from ..errors import RonError
from ..resources import Manager, ManagerSync
from ._answers import logged_answer
from ._needs import missing
from .asgi import request_clients

try:
    from fastapi import Depends
    from fastapi.requests import HTTPConnection
    from fastapi.responses import JSONResponse, Response
except ImportError as error:
    raise missing("fastapi", "FastAPI", "fastapi>=0.115", error) from None

if TYPE_CHECKING:
    from starlette.requests import Request

    from ..resources import Resource

    R = TypeVar("R", bound=Resource)

__all__ = [
    "ron_client",
    "ron_client_of",
    "ron_client_sync",
    "ron_client_sync_of",
    "ron_error_handler",
    "ron_objects",
    "ron_objects_sync",
]


async def ron_client(connection: HTTPConnection) -> RonClient:
    """``client: Annotated[RonClient, Depends(ron_client)]``: the client bound to this request or WebSocket.

    Raises:
        RonConfigError: there is no middleware, or it found no tenant.
    """
    return request_clients(connection.scope).client


async def ron_client_sync(connection: HTTPConnection) -> RonClientSync:
    """The sync client bound to this request, for ``def`` endpoints.

    Raises:
        RonConfigError: there is no middleware, or it found no tenant, or it was given no ``clients_sync=``.
    """
    return request_clients(connection.scope).client_sync


# Cached: FastAPI calls a dependency once a request, and tests override it, by identity.
@cache
def ron_client_of(tenant: Callable[..., Any]) -> Callable[..., Any]:
    """A dependency: the client of the tenant that another dependency finds, such as that of the authenticated user."""

    async def client_of(connection: HTTPConnection, key: str = Depends(tenant)) -> RonClient:
        client: RonClient = await request_clients(connection.scope).of(key, sync=False)
        return client

    return client_of


@cache
def ron_client_sync_of(tenant: Callable[..., Any]) -> Callable[..., Any]:
    """The sync twin of :func:`ron_client_of`."""

    async def client_sync_of(connection: HTTPConnection, key: str = Depends(tenant)) -> RonClientSync:
        client: RonClientSync = await request_clients(connection.scope).of(key, sync=True)
        return client

    return client_sync_of


def ron_objects(resource: type[R], *, tenant: Optional[Callable[..., Any]] = None) -> Callable[..., Any]:
    """A dependency that gives the manager of a resource: ``Annotated[Manager[Item], Depends(ron_objects(Item))]``.

    Args:
        resource: the resource class.
        tenant: a dependency that gives the tenant's key; without one the middleware's ``tenant=`` decides.
    """
    client_of = ron_client if tenant is None else ron_client_of(tenant)

    async def objects(client: RonClient = Depends(client_of)) -> Manager[Any]:  # noqa: B008 - FastAPI's way
        return client.objects(resource)

    return objects


def ron_objects_sync(resource: type[R], *, tenant: Optional[Callable[..., Any]] = None) -> Callable[..., Any]:
    """The sync twin of :func:`ron_objects`, for ``def`` endpoints."""
    client_of = ron_client_sync if tenant is None else ron_client_sync_of(tenant)

    async def objects_sync(client: RonClientSync = Depends(client_of)) -> ManagerSync[Any]:  # noqa: B008 - the same
        return client.objects(resource)

    return objects_sync


async def ron_error_handler(request: Request, error: Exception) -> Response:
    """``app.add_exception_handler(RonError, ron_error_handler)``: see ``ron.contrib.answer_for``; for Starlette too.

    What is a mistake in the program, and what comes out of a WebSocket, is raised on.
    """
    answer = logged_answer(error) if isinstance(error, RonError) and request.scope["type"] == "http" else None
    if answer is None:
        raise error
    return JSONResponse(answer.body, status_code=answer.status, headers=dict(answer.headers))
