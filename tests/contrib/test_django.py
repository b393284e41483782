"""Django: whose client a view has under WSGI and under ASGI, while a response is streamed; settings; errors."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Optional

import pytest
from werkzeug.test import Client as WsgiClient

from tests.contrib import django_site
from tests.contrib.asgi_rig import Server, get, get_many, http_scope
from tests.contrib.shop import TENANTS, Shop, UnknownTenantError, assert_nothing_is_bound, refusal
from tests.contrib.test_asgi import MANY, Crowd

django_site.configure()

from django.core.handlers.asgi import ASGIHandler  # noqa: E402 - once Django is set up
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402 - the same
from django.test import override_settings  # noqa: E402 - the same

A, B = TENANTS[:2]
TENANT_OF = "tests.contrib.django_site.tenant_of"


@contextmanager
def handler(kind: Any, crowd: int = 0, **ron: Any) -> Iterator[Any]:
    """A Django application with these settings."""
    django_site.State.crowd = Crowd(crowd)
    with override_settings(RON={"tenant": TENANT_OF, **ron}):
        yield kind()


def get_sync(app: Any, path: str, tenant: Optional[str] = None) -> Any:
    """One GET of a WSGI application."""
    return WsgiClient(app).get(path, headers={} if tenant is None else {"X-Tenant": tenant}, buffered=True)


# --- Whose client --------------------------------------------------------------------------------


def test_interleaved_threads_have_their_own_tenant() -> None:
    """Under WSGI, 48 requests of six tenants in eight threads, eight of them open at once: each has its own client."""
    shop = Shop()
    tenants = shop.tenants_sync(max_clients=2)
    with handler(WSGIHandler, clients_sync=tenants) as app, ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda tenant: get_sync(app, "/thread", tenant).text, MANY))
    assert [f"{tenant} {tenant}" for tenant in MANY] == texts
    assert 2 == shop.open_clients
    tenants.close()


@pytest.mark.anyio
async def test_interleaved_async_views_have_their_own_tenant() -> None:
    """Under ASGI, 48 requests that are all open at once have their own tenant's client."""
    shop = Shop()
    tenants = shop.tenants(max_clients=2)
    with handler(ASGIHandler, crowd=len(MANY), clients=tenants) as app:
        assert [f"{tenant} {tenant}" for tenant in MANY] == await get_many(app, "/loop", MANY)
    assert 2 == shop.open_clients
    await tenants.aclose()


@pytest.mark.anyio
async def test_sync_views_under_asgi_have_their_own_tenant() -> None:
    """Under ASGI a sync view runs in a thread, with its tenant's sync client; a tenant may be looked up async."""
    shop = Shop()
    clients: dict[str, Any] = {"clients": shop.tenants(max_clients=2), "clients_sync": shop.tenants_sync(max_clients=2)}
    with handler(ASGIHandler, tenant="tests.contrib.django_site.tenant_of_async", **clients) as app:
        assert MANY == await get_many(app, "/sync", MANY)
        assert [A] == await get_many(app, "/colours", [A])
    assert 4 == shop.open_clients
    with handler(WSGIHandler, **clients) as app:
        assert f"{A} no async client" == get_sync(app, "/colours", A).text


def test_a_stream_keeps_its_client_under_wsgi() -> None:
    """Other tenants' requests between two chunks close no client that a stream still uses, and bind no other."""
    shop = Shop()
    with handler(WSGIHandler, clients_sync=shop.tenants_sync(max_clients=1)) as app:
        answer = WsgiClient(app).get("/stream", headers={"X-Tenant": A})
        chunks = iter(answer.response)
        for _ in range(3):
            assert A.encode() == next(chunks)
            assert_nothing_is_bound()
            assert [B, TENANTS[2]] == [get_sync(app, "/sync", tenant).text for tenant in (B, TENANTS[2])]
        assert not shop.clients[0].is_closed
        answer.close()
        assert B == get_sync(app, "/sync", B).text
        assert (True, 1) == (shop.clients[0].is_closed, shop.open_clients)
        assert get_sync(app, "/file", A).data.startswith(b'"""A Django project')


@pytest.mark.anyio
async def test_a_stream_keeps_its_client_under_asgi() -> None:
    """The same for an async stream; what is left over is closed with the next request that ends."""
    shop = Shop()
    with handler(ASGIHandler, crowd=1, clients=shop.tenants(max_clients=1)) as app:
        stream = Server(app, http_scope("/stream-async", A))
        assert 200 == (await stream.take())["status"]
        for _ in range(3):  # and the last two wait to be taken
            assert A.encode() == (await stream.take())["body"]
            assert [f"{B} {B}"] == await get_many(app, "/loop", [B])
            assert not shop.clients[0].is_closed
        assert [A.encode()] * 2 == [(await stream.take())["body"] for _ in range(2)]
        assert not (await stream.take()).get("more_body")
        await stream.task
        assert [f"{B} {B}"] == await get_many(app, "/loop", [B])
        assert (True, 1) == (shop.clients[0].is_closed, shop.open_clients)


@pytest.mark.anyio
async def test_a_stream_that_its_reader_leaves_gives_its_client_back() -> None:
    """A disconnect in the middle of a stream leaves no client in use."""
    shop = Shop()
    tenants = shop.tenants()
    with handler(ASGIHandler, clients=tenants) as app:
        stream = Server(app, http_scope("/stream-async", A))
        assert 200 == (await stream.take())["status"]
        await stream.leave()
        await tenants.forget(A)
        assert (1, 0) == (len(shop.clients), len(tenants))


@pytest.mark.anyio
async def test_nothing_is_bound_after_an_exception() -> None:
    """What a view or the factory raises comes out as it is, and leaves nothing bound and no client in use."""
    shop = Shop()
    clients, clients_sync = shop.tenants(), shop.tenants_sync()
    for path, tenant, kind in (("/broken", A, ZeroDivisionError), ("/sync", "nobody", UnknownTenantError)):
        with handler(WSGIHandler, clients_sync=clients_sync) as app, pytest.raises(kind):
            get_sync(app, path, tenant)
        assert_nothing_is_bound()
        # Django's own ASGI handler leaves a file open when an exception is to come out.
        with override_settings(DEBUG_PROPAGATE_EXCEPTIONS=False), handler(ASGIHandler, clients=clients) as app:
            assert 500 == (await get(app, path, tenant)).status_code
        assert_nothing_is_bound()
    await clients.forget(A)
    clients_sync.forget(A)
    assert (0, 0) == (len(clients), len(clients_sync))  # nobody uses one


def test_a_request_without_a_tenant_has_no_client() -> None:
    """A health check needs none."""
    shop = Shop()
    with handler(WSGIHandler, clients_sync=shop.tenants_sync()) as app:
        assert "ok" == get_sync(app, "/healthz").text
        assert "no tenant was found for this request" in refusal(get_sync, app, "/items/mine")
    assert [] == shop.clients


# --- Errors --------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_errors_of_calls_become_answers() -> None:
    """A 404 of the node is one of the service, a hint comes along, under WSGI and ASGI."""
    shop = Shop()
    clients: dict[str, Any] = {"clients": shop.tenants(), "clients_sync": shop.tenants_sync()}
    with handler(WSGIHandler, **clients) as app:
        answer = get_sync(app, "/items/nobody", A)
        assert (404, "not_found") == (answer.status_code, answer.json["code"])
        shop.nodes[A].fail(status=429, retry_after_ms=90_000)
        answer = get_sync(app, "/items/mine", A)
        assert (429, "90") == (answer.status_code, answer.headers["Retry-After"])
    with handler(ASGIHandler, **clients) as app:
        found = await get(app, "/items-async/nobody", A)
        assert (404, "not_found") == (found.status_code, found.json()["code"])


# --- Settings ------------------------------------------------------------------------------------


def test_settings_name_functions_methods_and_objects() -> None:
    """A dotted path may lead into a class; one client for all needs no tenant."""
    with override_settings(RON={"clients_sync": "ron.RonClientSync.from_env"}):
        app = WSGIHandler()
        assert "http://127.0.0.1:8080 is not encrypted" in refusal(get_sync, app, "/sync")  # the environment's default
    with override_settings(RON={"clients_sync": lambda: Shop().make_sync(A)}):
        assert A == get_sync(WSGIHandler(), "/sync").text


def test_wrong_settings_are_refused_when_django_starts() -> None:
    """What is wrong and what to write is said, before there is a request."""
    shop = Shop()
    with override_settings():
        assert "the setting RON is missing: write RON = {'clients_sync'" in refusal(WSGIHandler)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"client_sync": 1}, "the setting RON has no 'client_sync' (did you mean 'clients_sync'?)"),
        ({"clients_sync": "ron.Nothing.here"}, "the setting RON names 'ron.Nothing.here', which does not exist"),
        ({"clients_sync": "nothing.here"}, "the setting RON names 'nothing.here', which does not exist"),
        ({"clients_sync": "nothing"}, "the setting RON names 'nothing', which does not exist"),
        ({"clients": shop.tenants()}, "RON['clients_sync'] is not set, and RonMiddleware runs sync here"),
        ({"clients_sync": shop.tenants()}, "RON: clients_sync= takes TenantsSync, not Tenants"),
        ({"clients_sync": shop.tenants_sync(), "tenant": 7}, "RON['tenant'] is a function from the request to a key"),
        (
            {"clients_sync": shop.tenants_sync(), "tenant": f"{TENANT_OF}_async"},
            "RON['tenant'] is async, and RonMiddlew",
        ),
        ({"clients_sync": Shop().make_sync, "tenant": TENANT_OF}, "RON has a tenant= but one client for all"),
    ]
    for settings, message in wrong:
        with override_settings(RON=settings):
            assert message in refusal(WSGIHandler)
    with override_settings(RON={}):
        assert "RON needs clients=" in refusal(ASGIHandler)
