"""What every node answers, ours and somebody else's (`RON_TEST_NODE_URL`): the first hour, through both clients.

The node needs a collection at /app/items whose objects have a `name` and get an `id`; nothing else is assumed of it.
"""

from __future__ import annotations

import uuid

import httpx
import pytest

from ron import Patch, Put, Resource, RonClient, RonClientSync, RonNotFoundError, iter_pages, meta, server

pytestmark = pytest.mark.anyio


class Item(Resource, path="/app/items"):
    """The least that a collection of items has."""

    id: str = server()
    name: str


@pytest.fixture
def name() -> str:
    """A name that no other run has used."""
    return f"ron-test-{uuid.uuid4().hex}"


def test_the_node_is_healthy(node_url: str) -> None:
    """The node that the integration tests talk to is up."""
    assert httpx.get(f"{node_url}/healthz", trust_env=False).status_code == 200


async def test_an_objects_life_async(node_url: str, name: str) -> None:
    """Created, read, changed, found in the list, deleted, gone."""
    async with RonClient(node_url, allow_insecure_http=True) as client:
        assert await client.health()
        items = client.objects(Item)
        item = await items.create(name=name)
        assert name == (await items.get(item.id)).name
        item.name = f"{name}-saved"
        await items.save(item)
        assert f"{name}-saved" == (await items.refresh(item)).name
        assert f"{name}-2" == (await items.update(item.id, Patch[Item](name=f"{name}-2"))).name
        assert item.id in [one.id async for one in items.list(page_size=100)]
        assert meta(item).request_id
        await items.delete(item.id)
        assert await items.get_or_none(item.id) is None


def test_an_objects_life_sync(node_url: str, name: str) -> None:
    """Created, replaced, found page after page, deleted, gone: the sync client does the same."""
    with RonClientSync(node_url, allow_insecure_http=True) as client:
        assert client.ready()
        items = client.objects(Item)
        item = items.create(name=name)
        item.name = f"{name}-replaced"
        assert f"{name}-replaced" == items.replace(item).name
        assert item.id in [one.id for page in items.list(page_size=2).pages() for one in page]
        raw = [one["id"] for page in iter_pages(client, "/app/items", page_size=50) for one in page]
        assert item.id in raw
        items.delete(item)
        with pytest.raises(RonNotFoundError):
            items.get(item.id)
        items.delete(item.id, missing_ok=True)


async def test_a_change_is_watched(node_url: str, name: str) -> None:
    """What is created after a watch was entered arrives on it."""
    async with RonClient(node_url, allow_insecure_http=True) as client:
        items = client.objects(Item)
        async with items.watch(idle_timeout=10) as changes:
            item = await items.create(name=name)
            async for change in changes:
                if isinstance(change, Put) and change.key == item.id:
                    assert name == change.item.name
                    break
        await items.delete(item)
