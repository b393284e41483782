"""The ASGI middleware: whose client a request sees, from its first byte to its last, with Starlette and without."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, Optional

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from ron import RonClient, RonClientSync, RonConfigError, RonNotFoundError
from ron._ambient import ASYNC
from ron.contrib import Tenants
from ron.contrib.asgi import RonErrorsMiddleware, RonMiddleware, header, request_clients
from ron.testing import MemoryNode, stored
from tests.contrib.asgi_rig import Server, get, get_many, http_scope, lifespan
from tests.contrib.shop import TENANTS, Item, Shop, UnknownTenantError, assert_nothing_is_bound, refusal

A, B = TENANTS[:2]
MANY = [tenant for tenant in TENANTS for _ in range(8)]
random.Random(7).shuffle(MANY)


class Crowd:
    """Lets requests go on only when all of them have arrived, so that they are surely interleaved."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.here = 0
        self.full: Optional[asyncio.Event] = None  # Python 3.9 binds it to a loop
        self.barrier = threading.Barrier(8)

    async def meet(self) -> None:
        self.full = self.full or asyncio.Event()
        self.here += 1
        if self.here == self.size:
            self.full.set()
        await self.full.wait()


def wrapped(shop: Shop, routes: list[Any], **options: Any) -> RonMiddleware:
    """A Starlette application behind the middleware, with tenants by header."""
    options = {"clients": shop.tenants(max_clients=2), "clients_sync": shop.tenants_sync(max_clients=2), **options}
    return RonMiddleware(Starlette(routes=routes), tenant=header("X-Tenant"), **options)


# --- Whose client --------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_interleaved_async_requests_see_their_own_tenant() -> None:
    """48 requests of six tenants are open at once: each sees its own before and after all have met, in tasks too."""
    shop, crowd = Shop(), Crowd(len(MANY))

    async def endpoint(request: Request) -> Response:
        before = (await Item.objects.get("mine")).name
        await crowd.meet()
        task = asyncio.create_task(Item.objects.get("mine"))
        after = (await request_clients(request.scope).objects(Item).get("mine")).name
        return PlainTextResponse(f"{before} {(await task).name} {after}")

    app = wrapped(shop, [Route("/", endpoint)])
    async with lifespan(app):
        assert [f"{tenant} {tenant} {tenant}" for tenant in MANY] == await get_many(app, "/", MANY)
        assert 4 == shop.open_clients  # two of each colour are kept
    assert 0 == shop.open_clients


@pytest.mark.anyio
async def test_interleaved_threads_see_their_own_tenant() -> None:
    """Endpoints that run in threads, eight at a time, each see their own tenant's sync client."""
    shop, crowd = Shop(), Crowd(0)

    def endpoint(request: Request) -> Response:
        before = Item.objects_sync.get("mine").name
        crowd.barrier.wait(timeout=30)
        after = request_clients(request.scope).objects_sync(Item).get("mine").name
        return PlainTextResponse(f"{before} {Item.objects_sync.get('mine').name} {after}")

    app = wrapped(shop, [Route("/", endpoint)])
    async with lifespan(app):
        assert [f"{tenant} {tenant} {tenant}" for tenant in MANY] == await get_many(app, "/", MANY)
    assert 0 == shop.open_clients


@pytest.mark.anyio
async def test_inner_middleware_in_a_task_of_its_own_sees_the_client() -> None:
    """Starlette's BaseHTTPMiddleware runs what is below it in another task: the client is seen there, too."""

    async def endpoint(request: Request) -> Response:
        return PlainTextResponse((await Item.objects.get("mine")).name)

    class Inner(BaseHTTPMiddleware):
        async def dispatch(self, request: Request, call_next: Any) -> Response:
            assert request.headers["x-tenant"] == (await Item.objects.get("mine")).name
            answer: Response = await call_next(request)
            return answer

    app = RonMiddleware(
        Starlette(routes=[Route("/", endpoint)], middleware=[Middleware(Inner)]),
        Shop().tenants(),
        tenant=header("x-tenant"),
    )
    assert [A, B, A] == await get_many(app, "/", [A, B, A])


@pytest.mark.anyio
async def test_a_request_without_a_tenant_has_no_client() -> None:
    """No header, an empty one, or two of them: nothing is bound, and who wants a client is told why there is none."""
    shop = Shop()
    said: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert_nothing_is_bound()
        said.append(refusal(lambda: request_clients(scope).client))

    wrapped_app = RonMiddleware(app, shop.tenants(), tenant=header("x-tenant"))
    none, empty, two = (http_scope("/", tenant) for tenant in (None, "", A))
    two["headers"].append((b"X-Tenant", B.encode()))
    for scope in (none, empty, two):
        await Server(wrapped_app, scope).task
    assert [
        (
            "no tenant was found for this request, so no client is bound: the function given as tenant= returned None, "
            "or none was given"
        )
    ] * 3 == said
    assert [] == shop.clients


@pytest.mark.anyio
async def test_the_tenant_may_be_looked_up_async_and_chosen_later() -> None:
    """`tenant=` may be async; an application may also lease any tenant's client by itself, for the request's length."""
    shop = Shop()

    async def tenant(scope: Any) -> Optional[str]:
        await asyncio.sleep(0)
        return A

    async def app(scope: Any, receive: Any, send: Any) -> None:
        clients = request_clients(scope)
        assert A == (await clients.objects(Item).get("mine")).name
        other = await clients.of(B, sync=False)
        assert other is await clients.of(B, sync=False)
        assert B == (await other.objects(Item).get("mine")).name
        assert A == (await Item.objects.get("mine")).name

    await Server(RonMiddleware(app, shop.tenants(max_clients=1), tenant=tenant), http_scope("/")).task
    assert 1 == shop.open_clients


@pytest.mark.anyio
async def test_nothing_is_bound_after_an_exception() -> None:
    """What the application, the tenant function or the factory raises comes out as it is, and leaves nothing bound."""
    shop = Shop()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert A == (await Item.objects.get("mine")).name
        raise ZeroDivisionError

    def broken(scope: Any) -> str:
        raise KeyError("tenant")

    nothing: Any = None
    tenants = shop.tenants(max_clients=1)
    by_header = RonMiddleware(app, tenants, tenant=header("x-tenant"))
    for wrapped_app, tenant, kind in (
        (by_header, A, ZeroDivisionError),
        (by_header, "nobody", UnknownTenantError),
        (RonMiddleware(app, tenants, tenant=broken), A, KeyError),
    ):
        with pytest.raises(kind):
            await wrapped_app(http_scope("/", tenant), nothing, nothing)
        assert_nothing_is_bound()
    await tenants.forget(A)
    assert 0 == len(tenants)  # nobody uses one


@pytest.mark.anyio
async def test_a_cancelled_request_gives_its_client_back() -> None:
    """A client that leaves cancels the request; its client can be closed then."""
    shop = Shop()
    tenants = shop.tenants()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "test.begun"})
        await asyncio.Event().wait()

    server = Server(RonMiddleware(app, tenants, tenant=header("x-tenant")), http_scope("/", A))
    await server.take()
    server.task.cancel()
    await asyncio.wait([server.task])
    await tenants.forget(A)
    assert (True, 0) == (server.task.cancelled(), len(tenants))


# --- How long ------------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize("sync", [False, True])
async def test_a_streamed_response_keeps_its_client_to_the_end(sync: bool) -> None:
    """Other tenants' requests between two chunks close no client that a stream or a background task still uses."""
    shop = Shop()
    afterwards: list[str] = []

    async def later() -> None:
        afterwards.append((await Item.objects.get("mine")).name)

    async def chunks() -> AsyncIterator[str]:
        for _ in range(3):
            yield (await Item.objects.get("mine")).name

    def chunks_sync() -> Iterator[str]:
        for _ in range(3):
            yield Item.objects_sync.get("mine").name

    async def endpoint(request: Request) -> Response:
        return StreamingResponse(chunks_sync() if sync else chunks(), background=BackgroundTask(later))

    async def short(request: Request) -> Response:
        return PlainTextResponse((await Item.objects.get("mine")).name)

    app = wrapped(
        shop,
        [Route("/stream", endpoint), Route("/short", short)],
        clients=shop.tenants(max_clients=1),
        clients_sync=shop.tenants_sync(max_clients=1),
    )
    stream = Server(app, http_scope("/stream", A))
    assert 200 == (await stream.take())["status"]
    for _ in range(3):
        assert A.encode() == (await stream.take())["body"]
        assert [B, TENANTS[2]] == await get_many(app, "/short", [B, TENANTS[2]])
    assert not (await stream.take())["more_body"]
    await stream.task
    assert [A] == afterwards
    assert 2 == shop.open_clients  # one of each colour


@pytest.mark.anyio
async def test_a_websocket_has_its_client_as_long_as_it_is_open() -> None:
    """Each message of a WebSocket is answered with its own tenant's client."""
    shop = Shop()

    async def endpoint(socket: WebSocket) -> None:
        await socket.accept()
        async for _ in socket.iter_text():
            await socket.send_text((await Item.objects.get("mine")).name)

    app = wrapped(shop, [WebSocketRoute("/", endpoint)], clients=shop.tenants(max_clients=1))
    sockets = {tenant: Server(app, http_scope("/", tenant, "websocket")) for tenant in (A, B)}
    for socket in sockets.values():
        socket.give(type="websocket.connect")
        assert "websocket.accept" == (await socket.take())["type"]
    for _ in range(2):
        for tenant, socket in sockets.items():
            socket.give(type="websocket.receive", text="whose?")
            assert tenant == (await socket.take())["text"]
    for socket in sockets.values():
        socket.give(type="websocket.disconnect", code=1000)
        await socket.task
    assert 1 + 2 == shop.open_clients  # of the async ones only one is kept


# --- The lifespan --------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_one_client_for_all_lives_as_long_as_the_application() -> None:
    """It is made before the application starts, bound in its lifespan, and closed when that has ended; and again."""
    made: list[RonClient] = []
    node = MemoryNode(Item)
    node.add(stored(Item, id="mine", name="ours"))

    def make() -> RonClient:
        made.append(RonClient(transport=node))
        return made[-1]

    seen: list[Any] = []

    @asynccontextmanager
    async def lives(app: Starlette) -> AsyncIterator[None]:
        seen.append((await Item.objects.get("mine")).name)
        yield
        seen.append((await Item.objects.get("mine")).name)

    async def endpoint(request: Request) -> Response:
        assert request_clients(request.scope).client is ASYNC.current("Item")
        return PlainTextResponse((await Item.objects.get("mine")).name)

    app = RonMiddleware(Starlette(routes=[Route("/", endpoint)], lifespan=lives), make)
    assert [] == made
    for times in (1, 2):
        async with lifespan(app):
            assert times == len(made)
            assert ["ours"] * 3 == await get_many(app, "/", [A, B, A])
        assert [True] * times == [client.is_closed for client in made]
        assert ["ours"] * 2 * times == seen
    with pytest.raises(RonConfigError, match="is closed: no client is made after the server's shutdown"):
        await get(app, "/")


@pytest.mark.anyio
async def test_a_server_without_a_lifespan_makes_the_client_later() -> None:
    """Where no lifespan is run, the first request makes the client."""
    node = MemoryNode(Item)
    node.add(stored(Item, id="mine", name="ours"))

    async def endpoint(request: Request) -> Response:
        return PlainTextResponse((await Item.objects.get("mine")).name)

    client = RonClient(transport=node)
    app = RonMiddleware(Starlette(routes=[Route("/", endpoint)]), lambda: client)
    assert "ours" == (await get(app, "/")).text
    await client.aclose()


@pytest.mark.anyio
async def test_a_client_that_cannot_be_made_fails_the_start() -> None:
    """The server hears what is wrong, before the application has started."""

    def make() -> RonClient:
        raise RonConfigError("RON_APP_URL is missing")

    def secret() -> RonClient:
        raise ValueError("hunter2")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("started")

    for factory, kind, message in (
        (make, RonConfigError, "ron: RON_APP_URL is missing"),
        (secret, ValueError, "ron: ValueError"),
    ):
        server = Server(RonMiddleware(app, factory), {"type": "lifespan"})
        server.give(type="lifespan.startup")
        assert {"type": "lifespan.startup.failed", "message": message} == await server.take()
        with pytest.raises(kind):
            await server.task


@pytest.mark.anyio
@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("raises", [False, True])
async def test_an_application_without_a_lifespan_is_stood_in_for(asks: bool, raises: bool) -> None:
    """Django, for one, knows no lifespan: the server is answered all the same, and clients are closed in the end."""
    shop = Shop()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            if asks:
                await receive()
            if raises:
                raise ValueError("only HTTP")
            return
        await Item.objects.get("mine")

    wrapped_app = RonMiddleware(app, shop.tenants(), tenant=header("x-tenant"))
    async with lifespan(wrapped_app):
        await Server(wrapped_app, http_scope("/", A)).task
        assert 1 == shop.open_clients
    assert 0 == shop.open_clients


@pytest.mark.anyio
async def test_what_an_application_raises_when_it_ends_comes_out() -> None:
    """An error of the application's own lifespan is its own, and the clients are closed."""
    shop = Shop()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        raise ZeroDivisionError

    tenants = shop.tenants()
    server = Server(RonMiddleware(app, tenants, tenant=header("x-tenant")), {"type": "lifespan"})
    server.give(type="lifespan.startup")
    await server.take()
    async with tenants.client(A):
        pass
    server.give(type="lifespan.shutdown")
    with pytest.raises(ZeroDivisionError):
        await server.task
    assert 0 == shop.open_clients


@pytest.mark.anyio
async def test_other_scopes_pass_through() -> None:
    """A scope of another type is none of the middleware's business."""
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])
        assert "ron" not in scope

    await Server(RonMiddleware(app, Shop().tenants(), tenant=header("x")), {"type": "webtransport"}).task
    assert ["webtransport"] == seen


# --- Errors --------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_errors_of_calls_become_answers() -> None:
    """A RonError that leaves the application is answered, one of the factory as well; what is a mistake is raised."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/late":
            await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/mistake":
            await Item.objects.list(nmae="x")
        await Item.objects.get("nobody" if scope["path"] != "/other" else "mine")
        raise RonConfigError("a mistake")

    def make(tenant: str) -> RonClient:
        if tenant == "nobody":
            raise RonNotFoundError("no such tenant", status_code=404)
        return shop.make(tenant)

    shop = Shop()
    wrapped_app = RonErrorsMiddleware(RonMiddleware(app, Tenants(make), tenant=header("x-tenant")))
    answer = await get(wrapped_app, "/", A)
    assert (404, "application/json", "not_found") == (
        answer.status_code,
        answer.headers["content-type"],
        answer.json()["code"],
    )
    assert 404 == (await get(wrapped_app, "/", "nobody")).status_code
    assert 422 == (await get(wrapped_app, "/mistake", A)).status_code
    with pytest.raises(RonConfigError, match="a mistake"):
        await get(wrapped_app, "/other", A)
    with pytest.raises(RonNotFoundError):
        await Server(wrapped_app, http_scope("/late", A)).task
    with pytest.raises(RonNotFoundError):
        await Server(wrapped_app, http_scope("/", A, "websocket")).task


# --- Mistakes ------------------------------------------------------------------------------------


def test_wrong_arguments_are_refused() -> None:
    """What was given and what to give is said when the middleware is made."""
    shop = Shop()

    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    def made(clients: Any = None, **options: Any) -> object:
        return RonMiddleware(app, clients, **options)

    assert (
        "RonMiddleware needs clients=: Tenants(...), or a function that makes the client, such as RonClient.from_env"
        == refusal(made)
    )
    assert "clients= takes Tenants, not TenantsSync" in refusal(made, shop.tenants_sync(), tenant=header("x"))
    assert "clients_sync= takes TenantsSync, not Tenants" in refusal(made, clients_sync=shop.tenants())
    assert "clients= takes Tenants, or a function without arguments that makes the client, not 7" in refusal(made, 7)
    assert "has a tenant= but one client for all: give it Tenants(...)" in refusal(
        made, RonClient.from_env, tenant=header("x")
    )
    assert "tenants for one colour of client and one client for the other" in refusal(
        made, shop.tenants(), clients_sync=RonClientSync.from_env
    )
    assert "tenant= takes a function from the scope to a key, such as header('x-tenant'), not 'x-tenant'" in refusal(
        made, shop.tenants(), tenant="x-tenant"
    )
    for bad in (7, "", "X-Tenänt"):
        assert "header() takes the name of a header field, such as 'x-tenant', not" in refusal(header, bad)


@pytest.mark.anyio
async def test_a_tenant_of_a_server_with_one_client_is_refused() -> None:
    """A key that would be ignored is a mistake in the program."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await request_clients(scope).of(A, sync=False)

    with pytest.raises(RonConfigError, match="a tenant is named, but the server was given one client for all"):
        await Server(RonMiddleware(app, lambda: Shop().make(A)), http_scope("/")).task


@pytest.mark.anyio
async def test_both_clients_come_back_where_closing_is_cut_short() -> None:
    """A request that is cancelled while another tenant's client is closed after it uses none of its own any more."""
    shop, closing = Shop(), asyncio.Event()

    class Slow(RonClient):
        async def aclose(self) -> None:
            closing.set()
            await asyncio.Event().wait()

    def make(tenant: str) -> RonClient:
        return Slow(transport=shop.nodes[tenant]) if tenant == B else shop.make(tenant)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert [A, B].count(request_clients(scope).objects_sync(Item).get("mine").name)

    tenants, tenants_sync = Tenants(make, max_clients=1), shop.tenants_sync()
    wrapped_app = RonMiddleware(app, tenants, clients_sync=tenants_sync, tenant=header("x-tenant"))
    await Server(wrapped_app, http_scope("/", B)).task
    server = Server(wrapped_app, http_scope("/", A))
    await closing.wait()
    server.task.cancel()
    await asyncio.wait([server.task])
    for tenant in (A, B):
        await tenants.forget(tenant)
        tenants_sync.forget(tenant)
    assert (0, 0) == (len(tenants), len(tenants_sync))


@pytest.mark.anyio
async def test_what_is_missing_is_said() -> None:
    """No middleware, a colour without clients, a request that is over: each is said with what to write."""
    assert "put the application behind ron.contrib.asgi.RonMiddleware" in refusal(request_clients, {"type": "http"})
    kept: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        kept.append(request_clients(scope))
        assert "no RonClientSync for this request: give clients_sync=" in refusal(lambda: kept[0].client_sync)

    await Server(RonMiddleware(app, Shop().tenants(), tenant=header("x-tenant")), http_scope("/", A)).task
    assert "this request has ended, and its clients are given back" in refusal(lambda: kept[0].client)
