"""FastAPI: whose client and manager an endpoint is given, async and in threads, and how errors are answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, Header, WebSocket
from fastapi.responses import PlainTextResponse, StreamingResponse
from fastapi.testclient import TestClient

from ron import Draft, Manager, ManagerSync, Patch, RonClient, RonClientSync, RonConfigError, RonError
from ron.contrib.asgi import RonMiddleware, header
from ron.contrib.fastapi import (
    ron_client,
    ron_client_of,
    ron_client_sync,
    ron_client_sync_of,
    ron_error_handler,
    ron_objects,
    ron_objects_sync,
)
from ron.testing import MemoryNode, stored
from tests.contrib.asgi_rig import Server, get_many, http_scope
from tests.contrib.shop import TENANTS, Item, Shop
from tests.contrib.test_asgi import MANY, Crowd

A, B = TENANTS[:2]


async def current_tenant(x_user: Annotated[str, Header()]) -> str:
    """The tenant of the authenticated user."""
    return x_user.partition("@")[2]


Items = Annotated[Manager[Item], Depends(ron_objects(Item))]
ItemsSync = Annotated[ManagerSync[Item], Depends(ron_objects_sync(Item))]
UsersItems = Annotated[Manager[Item], Depends(ron_objects(Item, tenant=current_tenant))]
UsersItemsSync = Annotated[ManagerSync[Item], Depends(ron_objects_sync(Item, tenant=current_tenant))]


def application(shop: Shop, crowd: Crowd) -> FastAPI:
    """Endpoints of every kind that tell whose client they have."""
    app = FastAPI()
    app.add_middleware(
        RonMiddleware,
        clients=shop.tenants(max_clients=2),
        clients_sync=shop.tenants_sync(max_clients=2),
        tenant=header("x-tenant"),
    )
    app.add_exception_handler(RonError, ron_error_handler)

    @app.get("/async", response_class=PlainTextResponse)
    async def in_the_loop(items: Items, client: Annotated[RonClient, Depends(ron_client)]) -> str:
        before = (await items.get("mine")).name
        await crowd.meet()
        return f"{before} {(await items.get('mine')).name} {(await client.objects(Item).get('mine')).name}"

    @app.get("/threads", response_class=PlainTextResponse)
    def in_a_thread(items: ItemsSync, client: Annotated[RonClientSync, Depends(ron_client_sync)]) -> str:
        before = items.get("mine").name
        crowd.barrier.wait(timeout=30)
        return f"{before} {Item.objects_sync.get('mine').name} {client.objects(Item).get('mine').name}"

    @app.get("/users", response_class=PlainTextResponse)
    async def of_the_user(items: UsersItems, twice: UsersItems) -> str:
        assert repr(items) == repr(twice)
        return (await items.get("mine")).name

    @app.get("/users-threads", response_class=PlainTextResponse)
    def of_the_user_in_a_thread(items: UsersItemsSync) -> str:
        return items.get("mine").name

    @app.get("/stream")
    async def stream(items: UsersItems) -> StreamingResponse:
        async def chunks() -> AsyncIterator[str]:
            for _ in range(3):
                yield (await items.get("mine")).name

        return StreamingResponse(chunks())

    @app.websocket("/socket")
    async def socket(socket: WebSocket, items: Items) -> None:
        await socket.accept()
        await socket.send_text((await items.get("mine")).name)
        await items.get("nobody")

    @app.get("/items/{key}")
    async def read(key: str, items: Items) -> Item:
        return await items.get(key)

    @app.post("/items", status_code=201)
    async def create(draft: Draft[Item], items: Items) -> Item:
        return await items.create(draft)

    @app.patch("/items/{key}")
    async def change(key: str, patch: Patch[Item], items: Items) -> Item:
        return await items.update(key, patch)

    return app


@pytest.mark.anyio
async def test_interleaved_async_endpoints_have_their_own_tenant() -> None:
    """48 requests that are all open at once have their own tenant's manager and client."""
    shop = Shop()
    app = application(shop, Crowd(len(MANY)))
    assert [f"{tenant} {tenant} {tenant}" for tenant in MANY] == await get_many(app, "/async", MANY)
    assert 4 == shop.open_clients


@pytest.mark.anyio
async def test_interleaved_endpoints_in_threads_have_their_own_tenant() -> None:
    """Endpoints that are plain functions have their own tenant's sync manager and client."""
    app = application(Shop(), Crowd(0))
    assert [f"{tenant} {tenant} {tenant}" for tenant in MANY] == await get_many(app, "/threads", MANY)


@pytest.mark.parametrize("path", ["/users", "/users-threads"])
def test_the_tenant_may_come_from_a_dependency(path: str) -> None:
    """The tenant of an authenticated user decides, whatever the header says; it is asked for once a request."""
    shop = Shop()
    with TestClient(application(shop, Crowd(0))) as client:
        for tenant in (*TENANTS, *TENANTS):
            answer = client.get(path, headers={"X-User": f"ann@{tenant}", "X-Tenant": A})
            assert (200, tenant) == (answer.status_code, answer.text)
    assert 0 == shop.open_clients


@pytest.mark.anyio
async def test_a_stream_keeps_the_client_of_a_dependency() -> None:
    """FastAPI's versions end dependencies before or after the response: the client lasts as long as that."""
    shop = Shop()
    app = application(shop, Crowd(1))
    scope = http_scope("/stream", B)
    scope["headers"].append((b"x-user", f"ann@{A}".encode()))
    stream = Server(app, scope)
    assert 200 == (await stream.take())["status"]
    for _ in range(3):
        assert A.encode() == (await stream.take())["body"]
        await get_many(app, "/async", list(TENANTS[1:]))
    stream.give(type="http.disconnect")
    await stream.task


def test_a_websocket_has_its_tenants_manager() -> None:
    """Dependencies work for WebSockets; an error there is raised on, not answered."""
    with TestClient(application(Shop(), Crowd(0))) as client, pytest.raises(RonError):  # noqa: SIM117
        with client.websocket_connect("/socket", headers={"X-Tenant": B}) as socket:
            assert B == socket.receive_text()
            socket.receive_text()


def test_typed_crud() -> None:
    """Drafts and patches go through the manager; each tenant's items stay its own."""
    shop = Shop()
    with TestClient(application(shop, Crowd(0)), headers={"X-Tenant": A}) as client:
        made = client.post("/items", json={"name": "kettle"})
        assert (201, "kettle") == (made.status_code, made.json()["name"])
        key = made.json()["id"]
        assert "pot" == client.patch(f"/items/{key}", json={"name": "pot"}).json()["name"]
        assert 422 == client.post("/items", json={"name": "kettle", "id": "mine"}).status_code
        assert 404 == client.get(f"/items/{key}", headers={"X-Tenant": B}).status_code
    assert [A, "pot"] == [item.name for item in shop.nodes[A].items(Item)]
    assert [B] == [item.name for item in shop.nodes[B].items(Item)]


def test_errors_of_calls_become_answers() -> None:
    """A 404 of the node is one of the service, a hint comes along; a bad key is the caller's; a mistake is raised."""
    shop = Shop()
    with TestClient(application(shop, Crowd(0)), headers={"X-Tenant": A}) as client:
        answer = client.get("/items/nobody")
        assert (404, "not_found") == (answer.status_code, answer.json()["code"])
        assert {"code", "message", "kind", "correlation_id"} == set(answer.json())
        shop.nodes[A].fail(status=429, retry_after_ms=90_000)
        answer = client.get("/items/mine")
        assert (429, "90", 90_000) == (
            answer.status_code,
            answer.headers["retry-after"],
            answer.json()["retry_after_ms"],
        )
        assert 422 == client.get("/items/%23").status_code
        with pytest.raises(RonConfigError, match="no tenant was found for this request"):
            client.get("/items/mine", headers={"X-Tenant": ""})


def test_tests_may_replace_the_client() -> None:
    """`dependency_overrides` of the client reaches its managers; then no middleware is needed."""
    node = MemoryNode(Item)
    node.add(stored(Item, id="mine", name="the test's"))
    app = FastAPI()

    @app.get("/")
    async def read(items: Items) -> Item:
        return await items.get("mine")

    @app.get("/user")
    async def read_of_user(items: UsersItems) -> Item:
        return await items.get("mine")

    with TestClient(app) as client:
        with pytest.raises(RonConfigError, match="put the application behind"):
            client.get("/")
        app.dependency_overrides[ron_client] = lambda: RonClient(transport=node)
        app.dependency_overrides[ron_client_of(current_tenant)] = lambda: RonClient(transport=node)
        assert "the test's" == client.get("/").json()["name"]
        assert "the test's" == client.get("/user").json()["name"]
    assert ron_client_sync_of(current_tenant) is ron_client_sync_of(current_tenant)
