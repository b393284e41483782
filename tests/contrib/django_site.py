"""A Django project in one module: settings, URLs, views of every kind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Optional

import django
from django.conf import settings
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

from ron import RonConfigError
from ron._ambient import ASYNC
from tests.contrib.shop import Item, assert_nothing_is_bound
from tests.contrib.test_asgi import Crowd

__all__ = ["State", "configure"]


class State:
    """What the views need of the test that runs."""

    crowd: Crowd


def configure() -> None:
    """Sets Django up, once in a process."""
    if not settings.configured:
        settings.configure(
            ROOT_URLCONF=__name__,
            MIDDLEWARE=["ron.contrib.django.RonErrorsMiddleware", "ron.contrib.django.RonMiddleware"],
            ALLOWED_HOSTS=["*"],
            DEBUG_PROPAGATE_EXCEPTIONS=True,  # what a view raises comes out
            LOGGING_CONFIG=None,
            SECRET_KEY="made up",
            USE_TZ=True,
        )
        django.setup()


def tenant_of(request: Any) -> Optional[str]:
    """What the setting `tenant` names."""
    tenant: Optional[str] = request.headers.get("X-Tenant")
    return tenant


async def tenant_of_async(request: Any) -> Optional[str]:
    """The same, async."""
    return tenant_of(request)


def text(content: Any) -> HttpResponse:
    return HttpResponse(content)


def in_a_thread(request: Any) -> HttpResponse:
    before = request.ron.objects_sync(Item).get("mine").name
    State.crowd.barrier.wait(timeout=30)
    return text(f"{before} {Item.objects_sync.get('mine').name}")


def sync(request: Any) -> HttpResponse:
    return text(Item.objects_sync.get("mine").name)


async def in_the_loop(request: Any) -> HttpResponse:
    before = (await request.ron.objects(Item).get("mine")).name
    await State.crowd.meet()
    return text(f"{before} {(await Item.objects.get('mine')).name}")


def stream(request: Any) -> StreamingHttpResponse:
    def chunks() -> Iterator[str]:
        for _ in range(3):
            yield Item.objects_sync.get("mine").name

    return StreamingHttpResponse(chunks())


async def stream_async(request: Any) -> StreamingHttpResponse:
    async def chunks() -> AsyncIterator[str]:
        for _ in range(5):
            yield (await Item.objects.get("mine")).name

    return StreamingHttpResponse(chunks())


def file(request: Any) -> FileResponse:
    return FileResponse(open(__file__, "rb"))


def read(request: Any, key: str) -> JsonResponse:
    return JsonResponse(request.ron.objects_sync(Item).get(key).model_dump(mode="json"))


async def read_async(request: Any, key: str) -> JsonResponse:
    return JsonResponse((await request.ron.objects(Item).get(key)).model_dump(mode="json"))


def broken(request: Any) -> HttpResponse:
    raise ZeroDivisionError


def health(request: Any) -> HttpResponse:
    assert_nothing_is_bound()
    return text("ok")


def colours(request: Any) -> HttpResponse:
    """Which colours are bound."""
    found = [Item.objects_sync.get("mine").name]
    try:
        ASYNC.current("Item")
    except RonConfigError:
        found.append("no async client")
    return text(" ".join(found))


urlpatterns = [
    path("thread", in_a_thread),
    path("sync", sync),
    path("loop", in_the_loop),
    path("stream", stream),
    path("stream-async", stream_async),
    path("file", file),
    path("items/<str:key>", read),
    path("items-async/<str:key>", read_async),
    path("broken", broken),
    path("healthz", health),
    path("colours", colours),
]
