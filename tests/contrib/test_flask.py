"""Flask: whose client a view has, in threads and async, while a response is streamed, in commands; and errors."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Optional

import pytest
from flask import Flask, Response, g, request, stream_with_context

from ron import RonClient, RonClientSync, RonError
from ron.contrib.flask import RonFlask, ron_error_handler
from ron.testing import MemoryNode, stored
from tests.contrib.shop import TENANTS, Item, Shop, UnknownTenantError, assert_nothing_is_bound, refusal

A, B = TENANTS[:2]
MANY = [tenant for tenant in TENANTS for _ in range(8)]
random.Random(7).shuffle(MANY)


def application(ron: RonFlask) -> Flask:
    """Views of every kind that tell whose client they have."""
    app = Flask(__name__)
    app.testing = True  # what a view raises comes out
    app.before_request(authenticate)
    ron.init_app(app)
    app.register_error_handler(RonError, ron_error_handler)
    together = threading.Barrier(8)

    @app.get("/together")
    def meet() -> str:
        before = ron.objects(Item).get("mine").name
        together.wait(timeout=30)
        return f"{before} {Item.objects_sync.get('mine').name} {ron.client.objects(Item).get('mine').name}"

    @app.get("/async")
    async def in_a_loop() -> str:
        return Item.objects_sync.get("mine").name

    @app.get("/stream")
    def stream() -> Response:
        def chunks() -> Iterator[str]:
            for _ in range(3):
                yield Item.objects_sync.get("mine").name

        return Response(stream_with_context(chunks()) if request.args else chunks())

    @app.get("/later/<tenant>")
    def bind_later(tenant: str) -> str:
        bound = ron.bind(tenant)
        assert bound is ron.client
        return Item.objects_sync.get("mine").name

    @app.get("/items/<key>")
    def read(key: str) -> Any:
        return ron.objects(Item).get(key).model_dump(mode="json")

    @app.get("/broken")
    def broken() -> str:
        raise ZeroDivisionError

    @app.get("/healthz")
    def health() -> str:
        assert_nothing_is_bound()
        return refusal(lambda: ron.client)

    return app


def authenticate() -> None:
    """Sets the tenant, as an application's own log-in does."""
    g.tenant = request.headers.get("X-Tenant")


def tenant_of_user() -> Optional[str]:
    """The `tenant=` of these tests."""
    tenant: Optional[str] = g.tenant
    return tenant


def extension(shop: Shop, **options: Any) -> RonFlask:
    """The extension with a tenant each."""
    return RonFlask(clients=shop.tenants_sync(**options), tenant=tenant_of_user)


def get(app: Flask, path: str, tenant: Optional[str] = None) -> Any:
    """One GET."""
    return app.test_client().get(path, headers={} if tenant is None else {"X-Tenant": tenant})


def test_interleaved_threads_have_their_own_tenant() -> None:
    """48 requests of six tenants in eight threads, eight of them open at once: each has its own client."""
    shop = Shop()
    ron = extension(shop, max_clients=2)
    app = application(ron)
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda tenant: get(app, "/together", tenant).text, MANY))
    assert [f"{tenant} {tenant} {tenant}" for tenant in MANY] == texts
    assert 2 == shop.open_clients
    ron.close()
    assert 0 == shop.open_clients


def test_an_async_view_has_its_tenants_client() -> None:
    """Flask runs an async view in a loop of its own: the sync client is bound there, too."""
    app = application(extension(Shop()))
    assert [A, B] == [get(app, "/async", tenant).text for tenant in (A, B)]


@pytest.mark.parametrize("path", ["/stream", "/stream?with-context=1"])
def test_a_streamed_response_keeps_its_client_to_the_end(path: str) -> None:
    """Other tenants' requests between two chunks close no client that a stream still uses, and bind no other."""
    shop = Shop()
    app = application(extension(shop, max_clients=1))
    answer = get(app, path, A)
    chunks = iter(answer.response)
    for _ in range(3):
        assert A.encode() == next(chunks)
        assert_nothing_is_bound()
        assert [B, TENANTS[2]] == [get(app, "/async", tenant).text for tenant in (B, TENANTS[2])]
    assert not shop.clients[0].is_closed
    answer.close()
    assert B == get(app, "/async", B).text
    assert (True, 1) == (shop.clients[0].is_closed, shop.open_clients)


def test_nothing_is_bound_after_an_exception() -> None:
    """What a view or the factory raises comes out as it is, and leaves nothing bound and no client in use."""
    tenants = Shop().tenants_sync()
    app = application(RonFlask(clients=tenants, tenant=tenant_of_user))
    for path, tenant, kind in (("/broken", A, ZeroDivisionError), ("/items/mine", "nobody", UnknownTenantError)):
        with pytest.raises(kind):
            get(app, path, tenant)
        assert_nothing_is_bound()
    tenants.forget(A)
    assert 0 == len(tenants)  # nobody uses one


def test_a_request_without_a_tenant_has_no_client() -> None:
    """A health check needs none, and who wants one is told why there is none."""
    shop = Shop()
    app = application(extension(shop))
    assert "no tenant was found for this request" in get(app, "/healthz").text
    assert [] == shop.clients


def test_a_view_may_bind_a_tenant_itself() -> None:
    """`bind` replaces what was bound, until the request ends."""
    shop = Shop()
    app = application(extension(shop))
    assert B == get(app, f"/later/{B}", A).text
    assert B == get(app, f"/later/{B}").text
    assert_nothing_is_bound()


def test_errors_of_calls_become_answers() -> None:
    """A 404 of the node is one of the service, a hint comes along; a mistake in the program is raised."""
    shop = Shop()
    app = application(extension(shop))
    answer = get(app, "/items/nobody", A)
    assert (404, "application/json", "not_found") == (answer.status_code, answer.content_type, answer.json["code"])
    shop.nodes[A].fail(status=429, retry_after_ms=90_000)
    answer = get(app, "/items/mine", A)
    assert (429, "90") == (answer.status_code, answer.headers["Retry-After"])
    assert "no tenant was found" in refusal(get, app, "/items/mine")


def test_one_extension_serves_many_applications() -> None:
    """The factory pattern: each application has clients of its own, a test's are others; one client needs no tenant."""
    made: list[RonClientSync] = []

    def make() -> RonClientSync:
        node = MemoryNode(Item)
        node.add(stored(Item, id="mine", name=f"number {len(made)}"))
        made.append(RonClientSync(transport=node))
        return made[-1]

    ron = RonFlask(clients=make)
    first, second = Flask("first"), Flask("second")
    for app in (first, second):
        ron.init_app(app)
        app.get("/")(lambda: ron.objects(Item).get("mine").name)
    shop = Shop()
    third = Flask("third")
    ron.init_app(third, clients=lambda: shop.make_sync(A))
    third.get("/")(lambda: Item.objects_sync.get("mine").name)
    assert [] == made
    texts = [get(app, "/").text for app in (first, second, first, third)]
    assert ["number 0", "number 1", "number 0", A] == texts
    ron.close()
    assert [True, True] == [client.is_closed for client in made]
    assert 0 == shop.open_clients


def test_commands_and_test_contexts_have_clients_too() -> None:
    """`activate` binds a tenant's client outside of requests; a `test_request_context` has one until it ends."""
    shop = Shop()
    ron = extension(shop)
    app = application(ron)
    with app.app_context(), ron.activate(B) as client:
        assert B == client.objects(Item).get("mine").name == Item.objects_sync.get("mine").name
    assert_nothing_is_bound()
    with app.test_request_context("/", headers={"X-Tenant": A}):
        app.preprocess_request()
        assert A == ron.objects(Item).get("mine").name == Item.objects_sync.get("mine").name
    assert_nothing_is_bound()
    ron.close()
    assert 0 == shop.open_clients


def test_mistakes_are_refused() -> None:
    """What was given and what to write is said."""
    shop = Shop()
    ron = extension(shop)
    app = application(ron)
    assert "the extension already: call init_app once" in refusal(ron.init_app, app)
    assert "no Flask request here: write `with ron.activate(tenant) as client:`" == refusal(lambda: ron.client)
    assert "no Flask application here" in refusal(lambda: ron.activate(A).__enter__())
    other = Flask("other")
    with other.app_context():
        assert "RonFlask does not know other: call ron.init_app(app)" in refusal(lambda: ron.activate(A).__enter__())
    given: Any
    for given, message in (
        (shop.tenants(), "clients= takes TenantsSync, not Tenants"),
        (7, "clients= takes TenantsSync, or a function without arguments that makes the client, not 7"),
        (
            None,
            "needs clients=: TenantsSync(...), or a function that makes the client, such as RonClientSync.from_env",
        ),
    ):
        assert message in refusal(RonFlask, None, given)
    assert "tenant= takes a function that gives the key, not 'x-tenant'" in refusal(RonFlask, tenant="x-tenant")
    assert "has a tenant= but one client for all: give it TenantsSync(...)" in refusal(RonFlask, tenant=tenant_of_user)
    for_all = RonFlask(clients=lambda: shop.make_sync(A))
    for_all.init_app(app := Flask("for-all"))
    app.get("/")(lambda: str(for_all.bind(B)))
    app.testing = True
    assert "a tenant is named, but the server was given one client for all" in refusal(get, app, "/")
    wrong_colour: Any = RonClient
    single = RonFlask(clients=lambda: wrong_colour(transport=MemoryNode(Item)))
    single.init_app(other)
    other.get("/")(lambda: "")
    other.testing = True
    assert "must return a RonClientSync, not RonClient" in refusal(get, other, "/")
