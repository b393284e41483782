"""`wait_for`: one object, once it is as wanted; of both colours."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import ron
from ron import Resource, RonClient, server
from ron.testing import FakeClock, MemoryNode
from tests.watches.both import Both, Item, item


def sold(one: Any) -> bool:
    """What is waited for."""
    return bool(one.name == "sold")


def test_already_so(both: Both) -> None:
    """It is read once, and no stream is opened."""
    both.node.add(item(1, "sold"))
    found = both.run(both.items.wait_for("i-1", sold, timeout=5))
    assert ("i-1", "sold") == (found.id, found.name)
    assert ["/app/items/i-1"] == [one.path for one in both.node.requests]
    assert 0 == both.node.open_streams


def test_later_so(both: Both) -> None:
    """It is returned as the change that made it so tells it; it can be saved."""
    node = both.node
    node.add(item(1))
    acts = [lambda: _rename(both, "b"), lambda: _rename(both, "sold")]

    def look(one: Any) -> bool:
        if acts:
            acts.pop(0)()
        return sold(one)

    found = both.run(both.items.wait_for("i-1", look))
    assert "sold" == found.name
    assert 2 == len([one for one in node.requests if one.method == "GET" and one.path == "/app/items/i-1"])
    found.name = "paid"
    both.run(both.items.save(found))
    assert "paid" == node.items(Item)[0].name


def _rename(both: Both, name: str) -> None:
    """Has the node hold another name, whichever colour the client has."""
    with ron.RonClientSync(transport=both.node) as other:
        other.objects(Item).update("i-1", name=name)


def test_not_there_yet(both: Both) -> None:
    """An object that is not there is waited for; others don't count."""
    both.node.add(item(2, "sold"))
    looked: list[str] = []

    def look(one: Any) -> bool:
        looked.append(one.id)
        return sold(one)

    if both.loop is not None:
        waiting = both.loop.create_task(both.items.wait_for("i-1", look))
        both.run(_turns())
        both.node.add(item(3, "sold"), item(1, "sold"))
        assert "i-1" == both.run(waiting).id
    else:
        both.node.drop_stream()  # the stream is lost after the object was read; meanwhile it is added
        both.clock.on_advance(lambda: both.node.add(item(1, "sold")) if not _has(both, "i-1") else None)
        assert "i-1" == both.items.wait_for("i-1", look).id
    assert ["i-1"] == looked


def _has(both: Both, key: str) -> bool:
    return any(one.id == key for one in both.node.items(Item))


async def _turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_deleted_meanwhile(both: Both) -> None:
    """A deletion does not end the waiting: it may come again."""
    both.node.add(item(1))

    def look(one: Any) -> bool:
        if one.name == "a":
            with ron.RonClientSync(transport=both.node) as other:
                other.objects(Item).delete("i-1")
            both.node.add(item(1, "sold"))
        return sold(one)

    assert "sold" == both.run(both.items.wait_for("i-1", look)).name


@pytest.mark.parametrize(
    ("there", "says"),
    [
        (False, "wait_for: Item 'i-1' was never there within 5 seconds"),
        (True, "wait_for: Item 'i-1' was seen 2 times, never as wanted within 5 seconds"),
    ],
)
def test_too_late(both: Both, there: bool, says: str) -> None:
    """The error says whether it was there at all; nothing stays open."""
    if there:
        both.node.add(item(1))
    both.node.buffer_streams()  # it is polled, and the clock goes on with each pause
    with pytest.raises(ron.RonTimeoutError) as caught:
        both.run(both.items.wait_for("i-1", sold, timeout=5))
    assert says == str(caught.value)
    assert 0 == both.node.open_streams


def test_a_node_that_was_never_heard(both: Both) -> None:
    """Where the object cannot be read at all, that is the error, as of `get`; nobody claims that it was not there."""
    both.node.refuse(times=99)
    with pytest.raises(ron.RonNetworkError, match=r"^GET /app/items/i-1: the connection was refused$"):
        both.run(both.items.wait_for("i-1", sold, timeout=0.5))


def test_the_node_ends_the_stream(both: Both) -> None:
    """After a 204 there is nothing to wait for."""
    both.node.finish_streams()
    with pytest.raises(
        ron.RonTimeoutError, match=r"^wait_for: the node ended the stream \(204\) before Item 'i-1' was as "
    ):
        both.run(both.items.wait_for("i-1", sold))


def test_a_predicate_that_raises(both: Both) -> None:
    """Its error is the caller's, and nothing stays open."""
    both.node.add(item(1))
    with pytest.raises(ZeroDivisionError):
        both.run(both.items.wait_for("i-1", lambda one: 1 // one.price > 1))
    assert 0 == both.node.open_streams


def test_an_async_predicate(both: Both) -> None:
    """It is refused before it does harm, without a warning about a coroutine that nobody awaited."""
    both.node.add(item(1))

    async def look(one: Any) -> bool:
        return sold(one)

    with pytest.raises(
        ron.RonConfigError, match=r"^the predicate of wait_for is async: give a plain function of the ob"
    ):
        both.run(both.items.wait_for("i-1", look))
    assert 0 == both.node.open_streams


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("i-1", "sold"), "wait_for needs a function of the object, such as lambda item: ..., not 'sold'"),
        (("a/b", sold), "'/'"),
        (("", sold), "id"),
    ],
)
def test_wrong_arguments(both: Both, arguments: Any, says: str) -> None:
    """They are refused before anything is sent."""
    with pytest.raises(ron.RonConfigError) as caught:
        both.run(both.items.wait_for(*arguments))
    assert says in str(caught.value)
    with pytest.raises(ron.RonConfigError, match="timeout"):
        both.run(both.items.wait_for("i-1", sold, timeout="5"))
    assert () == both.node.requests


class Unread(Resource, path="/app/unread", operations=("watch", "list")):
    """Can't be read one by one."""

    id: str = server()


def test_a_resource_that_cannot_be_read(both: Both) -> None:
    """What `wait_for` needs is declared, or it is refused."""
    with pytest.raises(ron.RonConfigError, match="get"):
        both.run(both.client.objects(Unread).wait_for("u-1", sold))


@pytest.mark.anyio
async def test_cancelled_while_it_waits() -> None:
    """Whoever waits can be cancelled, and the stream is closed."""
    node = MemoryNode(Item)
    async with RonClient(transport=node, clock=FakeClock()) as client:
        waiting = asyncio.ensure_future(client.objects(Item).wait_for("i-1", sold))
        await _turns()
        assert 1 == node.open_streams
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        assert 0 == node.open_streams
