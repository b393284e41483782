"""The contestants of one get: what people use today, the earlier SDK's shape, and ``ron``.

Every peer is set up as well as its documentation tells: one client, kept connections for all tasks, headers that don't
change given once.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import httpx

from benchmarks._shop import TOKEN, Item
from ron import RonClient
from ron.errors import RonConfigError

__all__ = ["ENGINES", "HEADERS", "available", "earlier_headers", "fast_is_there", "raise_problem"]

Get = Callable[[], Awaitable[object]]
Engine = Callable[[str, int], "contextlib.AbstractAsyncContextManager[Get]"]

HEADERS = {"Authorization": f"Bearer {TOKEN}"}
PATH = "/app/items/i-1"


@contextlib.asynccontextmanager
async def _of_httpx(library: Any, url: str, connections: int) -> AsyncIterator[Get]:
    limits = library.Limits(max_connections=connections, max_keepalive_connections=connections)
    async with library.AsyncClient(base_url=url, headers=HEADERS, limits=limits) as client:

        async def get() -> object:
            return (await client.get(PATH)).json()

        yield get


def raw_httpx(url: str, connections: int) -> contextlib.AbstractAsyncContextManager[Get]:
    """``(await client.get(path)).json()``."""
    return _of_httpx(httpx, url, connections)


def raw_httpx2(url: str, connections: int) -> contextlib.AbstractAsyncContextManager[Get]:
    """The same with httpx2."""
    return _of_httpx(importlib.import_module("httpx2"), url, connections)


@contextlib.asynccontextmanager
async def raw_aiohttp(url: str, connections: int) -> AsyncIterator[Get]:
    """``await response.json()`` within ``session.get(path)``."""
    library: Any = importlib.import_module("aiohttp")
    connector = library.TCPConnector(limit=connections)
    async with library.ClientSession(url, headers=HEADERS, connector=connector) as session:

        async def get() -> object:
            async with session.get(PATH) as response:
                found: object = await response.json()
                return found

        yield get


def earlier_headers() -> dict[str, str]:
    """What the earlier SDK's shape builds for every request."""
    request_id = str(uuid.uuid4())
    return {**HEADERS, "Accept": "application/json", "X-Request-Id": request_id, "X-Correlation-Id": request_id}


def raise_problem(response: httpx.Response) -> None:
    """What it makes of an error, afterwards."""
    if response.status_code >= 400:
        with contextlib.suppress(ValueError):
            problem = response.json()
            raise RuntimeError(problem.get("code"), problem.get("message"))
        response.raise_for_status()


@contextlib.asynccontextmanager
async def earlier_sdk(url: str, connections: int) -> AsyncIterator[Get]:
    """The SDK before: an httpx client, headers built for each request, a Problem made afterwards, dicts."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    async with httpx.AsyncClient(base_url=url, limits=limits) as client:

        async def get() -> object:
            response = await client.request("GET", PATH, headers=earlier_headers(), timeout=10.0)
            raise_problem(response)
            return response.json()

        yield get


@contextlib.asynccontextmanager
async def _ron(url: str, connections: int, transport: str) -> AsyncIterator[Get]:
    client = RonClient(url, token=TOKEN, allow_insecure_http=True, max_concurrency=connections, transport=transport)
    items = client.objects(Item)

    async def get() -> object:
        return await items.get("i-1")

    try:
        yield get
    finally:
        await client.aclose()


def ron_default(url: str, connections: int) -> contextlib.AbstractAsyncContextManager[Get]:
    """A typed get through the whole policy."""
    return _ron(url, connections, "default")


def ron_fast(url: str, connections: int) -> contextlib.AbstractAsyncContextManager[Get]:
    """The same on ``ron[fast]``."""
    return _ron(url, connections, "fast")


def fast_is_there() -> bool:
    """Whether ``transport="fast"`` works here."""
    try:
        RonClient("http://127.0.0.1", allow_insecure_http=True, transport="fast")
    except RonConfigError:
        return False
    return True


ENGINES: Mapping[str, Engine] = {
    "raw httpx": raw_httpx,
    "raw httpx2": raw_httpx2,
    "raw aiohttp": raw_aiohttp,
    "the earlier SDK's shape": earlier_sdk,
    "ron": ron_default,
    "ron[fast]": ron_fast,
}


def available() -> tuple[dict[str, Engine], list[str]]:
    """The engines that are installed, and the names of the others."""
    absent = {f"raw {name}" for name in ("httpx2", "aiohttp") if importlib.util.find_spec(name) is None}
    if not fast_is_there():
        absent.add("ron[fast]")
    return {name: engine for name, engine in ENGINES.items() if name not in absent}, sorted(absent)
