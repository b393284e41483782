"""Lists: every item, page after page, untyped pages, and going on from a checkpoint. RON_APP_URL picks a real node."""

from __future__ import annotations

import asyncio
import os

from ron import Resource, RonClient, iter_pages, server
from ron.testing import MemoryNode, stored


class Item(Resource, path="/app/items"):
    """Something that there are many of."""

    id: str = server()
    name: str


def client() -> RonClient:
    """A client for the node in the environment, else one on a memory node with 25 items."""
    if os.environ.get("RON_APP_URL"):
        return RonClient.from_env()
    node = MemoryNode(Item)
    node.add(*(stored(Item, id=f"i-{n:02}", name=f"item {n}") for n in range(25)))
    return RonClient(transport=node)


async def main() -> None:
    """Four ways to read a list."""
    async with client() as ron:
        items = ron.objects(Item)

        count = 0
        async for _ in items.list(page_size=10):  # every item; pages are fetched as they are needed
            count += 1
        print("items:", count)

        page = await items.list(page_size=10)  # one page: a sequence, with the token of the next
        print(f"first page: {len(page)} items, next token given: {page.next_page_token is not None}")

        listing = items.list(page_size=10)
        async for page in listing.pages():
            if len(page) and page[-1].name == "item 19":
                break
        rest = items.list(page_size=10, page_token=listing.checkpoint)  # may repeat that page, never loses an item
        print("from the checkpoint on:", len(await rest.all()))

        async for raw in iter_pages(ron, "/app/items", page_size=20):  # the same without types
            print("raw page:", len(raw.items), "items, first:", raw.items[0] if raw.items else None)


if __name__ == "__main__":
    asyncio.run(main())
