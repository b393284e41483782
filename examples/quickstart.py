"""The first hour with ron: declare, create, read, list, update, watch, delete, export; async, then sync.

Runs with no node at hand, on the in-process memory node. With RON_APP_URL set it talks to a real one.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from ron import U64, Facet, Resource, RonClient, RonClientSync, RonNotFoundError, Timestamp, server
from ron.testing import MemoryNode


class Shop(
    Facet,
    id="shop",
    kind="proxy",
    upstream="http://127.0.0.1:4000",
    owner="team-shop",
    version="1.2.0",
    requires_auth=True,
    max_rps=100,
    idempotent=True,  # the service behind it honours Idempotency-Key, so a lost POST may be repeated
):
    """Catalogue and orders."""


class Item(Resource, path="/items", facet=Shop):
    """Something to sell; lives below the facet, at /app/shop/items."""

    id: str = server()  # assigned by the node: not in __init__, never sent on create
    name: str
    status: str = "new"
    price: U64 = 0  # an int here, a decimal string in JSON
    created_at: Timestamp = server()


class Note(Resource, path="/app/notes"):
    """A resource without a facet: the path is the whole app-plane path."""

    id: str = server()
    text: str


def where() -> dict[str, Any]:
    """Arguments for a client: none with RON_APP_URL set (the environment says all), else a memory node."""
    if os.environ.get("RON_APP_URL") or os.environ.get("RON_SDK_GATEWAY_ADDR"):
        return {}
    return {"transport": MemoryNode(Item, Note)}


def say(step: str, result: object) -> None:
    """One line of the story."""
    print(f"  {step:<9} {result}")


async def tour(client: RonClient) -> None:
    """Everything once, async."""
    items = client.objects(Item)
    async with items.watch() as changes:  # open from here on: it sees all that follows
        kettle = await items.create(name="kettle", price=1299)
        say("create", f"{kettle.name} is {kettle.id}, made {kettle.created_at:%Y-%m-%d %H:%M} UTC")

        again = await items.get(kettle.id)
        say("get", f"{again.name} for {again.price / 100:.2f}")

        for name in ("cup", "pot", "tray"):
            await items.create(name=name, price=250)
        page = await items.list(status="new", page_size=3)
        say("page", f"{len(page)} items, and {'more follow' if page.next_page_token else 'no more'}")
        names = [item.name async for item in items.list(status="new", page_size=2)]
        say("list", ", ".join(names))

        kettle.price = 999
        await items.save(kettle)  # PATCH of what changed, with If-Match where an ETag is known
        say("save", f"{kettle.name} is now {kettle.price / 100:.2f}")
        await items.update(kettle.id, status="sold")
        await items.delete(kettle)
        say("delete", f"{kettle.id} is gone: {await items.get_or_none(kettle.id)}")

        async for change in changes:
            say("watched", f"{change.type:<8} {getattr(change, 'key', '')}")
            if change.type == "deleted":
                break


def tour_sync(client: RonClientSync) -> None:
    """The same declarations, native sync: no event loop, no thread."""
    notes = client.objects(Note)
    note = notes.create(text="buy tea")
    say("create", f"{note.id}: {note.text}")
    say("list", [one.text for one in Note.objects_sync.list()])  # the entered client is ambient
    notes.delete(note)
    try:
        notes.get(note.id)
    except RonNotFoundError as error:
        say("error", error)


async def main() -> None:
    """Runs the tour on one client."""
    async with RonClient(**where()) as client:
        print(f"async, on {client!r}")
        await tour(client)
        say("metrics", client.metrics.snapshot())


if __name__ == "__main__":
    asyncio.run(main())
    with RonClientSync(**where()) as sync_client:
        print(f"\nsync, on {sync_client!r}")
        tour_sync(sync_client)
    print("\nthe manifest a node loads for the facet:\n")
    print(Shop.manifest().to_toml(), end="")
