"""Watches: typed changes that go on after a loss. The same on every node and in both colours."""

from __future__ import annotations

import pytest

import ron
from tests.conformance.world import Item, World


def test_a_watch_yields_typed_changes(world: World) -> None:
    """What happens is told in order: added and modified with the object, deleted with its key."""
    item = world.items.create(name="kettle")
    with world.items.watch(cursor="0") as changes:
        (first,) = changes.take(1)
        assert (ron.Put, "added", "i-1", "1") == (
            type(first),
            first.type,
            first.key,
            first.cursor,
        )
        assert isinstance(first.item, Item)
        assert "live" == changes.status
        item.status = "sold"
        world.items.save(item)
        world.items.delete(item)
        second, third = changes.take(2)
    assert ("modified", "sold") == (second.type, second.item.status)
    assert ("deleted", "i-1", None) == (third.type, third.key, third.item)
    assert "closed" == changes.status


def test_a_watch_ends_when_the_node_says_so(world: World) -> None:
    """A 204 ends the iteration."""
    world.hand.finish_streams()
    assert [] == list(world.items.watch())


def test_a_watch_goes_on_where_it_was(world: World) -> None:
    """After a lost stream the next one is asked for what came after the last change."""
    for name in ("a", "b"):
        world.items.create(name=name)
    with world.items.watch(cursor="0") as changes:
        first = changes.take(2)
        world.items.create(name="c")
        changes_so_far = changes.take(1)
        world.hand.end_streams()
        world.items.create(name="d")
        last = changes.take(1)
    names = [change.item.name for change in (*first, *changes_so_far, *last)]
    assert ["a", "b", "c", "d"] == names
    opened = [
        world.hand.header("last-event-id", index)
        for index, (_, path) in enumerate(world.hand.requests())
        if path.endswith("/events")
    ]
    assert ["0", "3"] == opened


def test_a_watch_goes_on_after_a_restart(world: World) -> None:
    """`watch.cursor` moves when the next change is asked for; given back, nothing is lost."""
    for name in ("a", "b", "c"):
        world.items.create(name=name)
    with world.items.watch(cursor="0") as changes:
        changes.take(2)
        cursor = changes.cursor
    assert "1" == cursor, "the second may not have been dealt with"
    with world.items.watch(cursor=cursor) as changes:
        assert ["b", "c"] == [change.item.name for change in changes.take(2)]


def test_a_watch_is_filtered(world: World) -> None:
    """Filters apply to changes as they do to lists."""
    world.items.create(name="a")
    world.items.create(name="b", status="sold")
    with world.items.watch(cursor="0", status="sold") as changes:
        assert ["b"] == [change.item.name for change in changes.take(1)]
    with pytest.raises(ron.RonInputError, match="did you mean"):
        world.items.watch(statsu="sold")


def test_a_cursor_that_is_too_old(world: World) -> None:
    """A cursor that the node doesn't know: everything is listed, `Resync` says so, and the watch goes on."""
    for name in ("a", "b"):
        world.items.create(name=name)
    with world.items.watch(cursor="99") as changes:
        *listed, resync = changes.take(3)
        assert [("listed", "i-1"), ("listed", "i-2")] == [(one.type, one.key) for one in listed]
        assert ron.Resync("resync", "expired", frozenset({"i-1", "i-2"}), None) == resync
        world.items.delete("i-1")
        (deleted,) = changes.take(1)
        assert ("deleted", "i-1") == (deleted.type, deleted.key)


def test_a_watch_begins_with_a_list(world: World) -> None:
    """`initial=True` lists what there is, beside the open stream; then `Resync("start")`, then what happens."""
    world.items.create(name="a")
    with world.items.watch(initial=True) as changes:
        world.items.create(name="b")
        listed = changes.take(3)
        assert ["listed", "listed", "resync"] == [one.type for one in listed]
        assert ("start", frozenset({"i-1", "i-2"})) == (listed[-1].reason, listed[-1].keys)
        (added,) = changes.take(1)
        assert ("added", "i-2") == (added.type, added.key), "what came after the opening is told by the stream, too"


def test_an_item_of_a_watch_can_be_saved(world: World) -> None:
    """What a watch yields came from the node: it is saved as an item of a list is."""
    world.items.create(name="a")
    with world.items.watch(cursor="0") as changes:
        (change,) = changes.take(1)
    change.item.name = "b"
    world.items.save(change.item)
    assert {"name": "b"} == world.hand.sent()
    assert world.hand.header("if-match") is None
