"""Watching: typed changes of a resource, and the raw events under them. RON_APP_URL picks a real node."""

from __future__ import annotations

import asyncio
import os

from ron import Deleted, Put, Resource, Resync, RonClient, server
from ron.testing import MemoryNode


class Item(Resource, path="/app/items"):
    """Something that changes."""

    id: str = server()
    name: str


def client() -> RonClient:
    """A client for the node in the environment, else one on a memory node."""
    return RonClient.from_env() if os.environ.get("RON_APP_URL") else RonClient(transport=MemoryNode(Item))


async def main() -> None:
    """Makes three changes and watches them come; then goes on from a cursor, as after a restart."""
    async with client() as ron:
        items = ron.objects(Item)
        async with items.watch() as changes:  # open from here on
            item = await items.create(name="kettle")
            await items.update(item.id, name="tea kettle")
            await items.delete(item)

            seen = 0
            async for change in changes:
                if isinstance(change, Put):
                    print(f"{change.type}: {change.item.name}")
                elif isinstance(change, Deleted):
                    print("deleted, as", "watched" if change.key == item.id else change.key)
                elif isinstance(change, Resync):
                    print("continuity was lost; these exist:", sorted(change.keys))
                seen += 1
                if seen == 3:
                    break
            cursor = changes.cursor  # the last change after which another was asked for: keep it across restarts

        async with items.watch(cursor=cursor) as changes:
            async for change in changes:
                print("after the restart, first comes:", change.type)  # at least once: the last one may come again
                break

        events = ron.subscribe("/app/items/events", last_event_id=cursor)
        async for event in events:
            print(f"raw event: {event.event}, {len(event.data)} characters of data")
            break


if __name__ == "__main__":
    asyncio.run(main())
