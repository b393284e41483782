"""A worker that watches orders, and sees to it that each paid one has a shipment; it may be killed at any moment.

    export RON_APP_URL=https://gateway.example RON_APP_TOKEN=…
    python -m examples.worker.worker /var/lib/shipping/cursor.json

Three rules make it so:

* It acts on what *is*, not on what was said: a change only names an order, which is then read. Twice is harmless.
* The cursor is written after the work is done, and whole or not at all. After a restart the last changes come again.
* What can't be told as changes any more (the node has forgotten that far back) comes as a list and a `Resync`.

What it can't go on from ends it, with the cursor kept: whatever started it (systemd, Kubernetes) starts it again.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Optional

from ron import (
    Change,
    Deleted,
    Manager,
    Put,
    Resource,
    Resync,
    RonClient,
    RonConflictError,
    RonError,
    RonNotFoundError,
    server,
)


class Order(Resource, path="/app/orders"):
    """What somebody wants: `new`, `paid`, `shipped` or `cancelled`."""

    id: str = server()
    customer: str
    status: str = "new"


class Shipment(Resource, path="/app/shipments"):
    """What leaves the house, once an order."""

    id: str = server()
    order_id: str


class CursorFile:
    """A cursor that survives: a file that holds the old one or the new one, and never a part of one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._saved = self.load()

    def load(self) -> Optional[str]:
        """The cursor; None where everything is to be listed first."""
        try:
            cursor: Optional[str] = json.loads(self._path.read_text(encoding="utf-8"))["cursor"]
        except FileNotFoundError:
            return None
        return cursor

    def save(self, cursor: Optional[str]) -> None:
        """Replaces the cursor: after a crash there is this one or the one before it, which only repeats more."""
        if cursor == self._saved:
            return
        beside = self._path.with_suffix(".new")
        with beside.open("w", encoding="utf-8") as file:
            json.dump({"cursor": cursor}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, self._path)
        self._saved = cursor


class Shipping:
    """What there is to do: one shipment for each order that is paid or shipped, none for the others."""

    def __init__(self, orders: Manager[Order], shipments: Manager[Shipment]) -> None:
        self._orders = orders
        self._shipments = shipments

    async def handle(self, change: Change[Order]) -> None:
        """Does what a change makes necessary; any number of times."""
        if isinstance(change, Put):  # added, modified, or listed
            await self._ship(change.key)
        elif isinstance(change, Deleted):
            await self._withdraw(change.key)
        elif isinstance(change, Resync):
            say(f"listed again ({change.reason}): {len(change.keys)} orders")
            async for shipment in self._shipments.list():
                if shipment.order_id not in change.keys:  # its order went while nobody watched
                    await self._withdraw(shipment.order_id)

    async def _ship(self, key: str) -> None:
        try:
            order = await self._orders.get(key)
        except RonNotFoundError:
            return  # it went meanwhile; that comes as a change of its own
        if order.status == "cancelled":
            await self._withdraw(key)
        if order.status != "paid":
            return
        # A shipment may be there, if the worker was killed before it could say so in the order. The key is for an
        # answer that gets lost, where the service honours keys.
        if await self._shipments.list(order_id=key).first() is None:
            await self._shipments.create(order_id=key, idempotency_key=f"ship-{key}")
        order.status = "shipped"
        try:
            await self._orders.save(order)  # with If-Match: not over what somebody else has changed meanwhile
        except RonConflictError:
            return  # that comes as a change of its own
        say(f"shipped {key}")

    async def _withdraw(self, key: str) -> None:
        async for shipment in self._shipments.list(order_id=key):
            await self._shipments.delete(shipment, missing_ok=True)
            say(f"withdrew the shipment of {key}")


async def work(client: RonClient, cursor: CursorFile) -> None:
    """Goes on where the last run stopped; the first one begins with everything there is."""
    shipping = Shipping(client.objects(Order), client.objects(Shipment))
    async with client.objects(Order).watch(cursor=cursor.load(), initial=True) as changes:
        async for change in changes:
            await shipping.handle(change)
            if change.cursor is not None or isinstance(change, Resync) or change.type == "listed":
                cursor.save(change.cursor)  # after a list there is none, and the old one means nothing any more


def say(text: str) -> None:
    """One line, at once."""
    print(text, flush=True)


async def main(path: Path) -> int:
    """Works until SIGTERM or until there is no going on; gives the exit status."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        async with RonClient.from_env() as client:
            say("watching")
            await work(client, CursorFile(path))
    except asyncio.CancelledError:
        say("stopped")
        return 0
    except RonError as error:
        say(f"giving up: {type(error).__name__}: {error}")
    return 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]))))
