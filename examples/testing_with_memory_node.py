"""How to test code that uses ron: hand it a client on a memory node, look at what it did, and make the node fail.

Run it with pytest, or as it stands.
"""

from __future__ import annotations

from ron import Resource, RonClientSync, RonServerError, server
from ron.testing import FakeClock, MemoryNode, stored


class Item(Resource, path="/app/items"):
    """What the code under test works with."""

    id: str = server()
    name: str
    status: str = "new"


def archive_all(client: RonClientSync) -> int:
    """The code under test: marks every new item as archived."""
    items = client.objects(Item)
    done = 0
    for item in items.list(status="new"):
        item.status = "archived"
        items.save(item)
        done += 1
    return done


def test_every_new_item_is_archived() -> None:
    """Only new items are touched, each by one PATCH of one field."""
    node = MemoryNode(Item)
    node.add(stored(Item, id="i-1", name="kettle"), stored(Item, id="i-2", name="cup", status="sold"))

    with RonClientSync(transport=node) as client:
        assert archive_all(client) == 1

    assert {item.id: item.status for item in node.items(Item)} == {"i-1": "archived", "i-2": "sold"}
    assert node.requests[-1].method == "PATCH"
    assert node.requests[-1].json == {"status": "archived"}


def test_a_short_outage_is_ridden_out() -> None:
    """Two 503s cost two waits, which a fake clock makes free, and nothing else."""
    clock = FakeClock()
    node = MemoryNode(Item, clock=clock)
    node.add(stored(Item, id="i-1", name="kettle"))
    node.fail(times=2, status=503, retry_after_ms=50)

    with RonClientSync(transport=node, clock=clock) as client:
        assert client.objects(Item).get("i-1").name == "kettle"
    assert len(clock.sleeps) == 2


def test_a_long_outage_is_an_error_that_tells() -> None:
    """After the retries the node's own Problem comes out, with the number of attempts."""
    clock = FakeClock()
    node = MemoryNode(Item, clock=clock)
    node.fail(times=10, status=503)

    with RonClientSync(transport=node, clock=clock) as client:
        error = None
        try:
            client.objects(Item).get("i-1")
        except RonServerError as caught:
            error = caught
    assert error is not None
    assert (error.status_code, error.attempts) == (503, 4)


if __name__ == "__main__":
    for name, test in sorted(globals().items()):
        if name.startswith("test_"):
            test()
            print("passed:", test.__doc__)
