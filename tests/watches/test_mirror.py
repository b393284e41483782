"""Mirrors: objects in memory that follow the node, of both colours."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import ron
from ron import Index, RonClient, RonClientSync
from ron.testing import MemoryNode
from tests.watches.both import GUARD, Both, Item, item, wait_until


def of(mirror: Any) -> dict[str, str]:
    """The names by key."""
    return {key: one.name for key, one in mirror.items()}


def test_a_mirror_follows_the_node(both: Both) -> None:
    """It holds what was there when it was entered, and then what becomes of it."""
    both.node.add(item(1), item(2))
    with both.inside(both.items.mirror()) as mirror:
        both.run(mirror.synced(timeout=GUARD))
        assert {"i-1": "a", "i-2": "a"} == of(mirror)
        assert isinstance(mirror["i-1"], Item)
        both.run(both.items.update("i-1", name="b"))
        both.run(both.items.delete("i-2"))
        both.node.add(item(3))
        both.until(mirror, lambda: "i-3" in mirror)
        assert {"i-1": "b", "i-3": "a"} == of(mirror)
        assert "live" == mirror.status
        assert ["i-1", "i-3"] == list(mirror)
        assert None is mirror.get("i-2")
        with pytest.raises(KeyError, match="i-2"):
            mirror["i-2"]
        kind = "Mirror" if both.loop else "MirrorSync"
        assert f"<{kind} of Item: 2 objects, live>" == repr(mirror)


def test_changed_waits_for_a_version(both: Both) -> None:
    """`changed(since)` returns at once where more was applied since, and else waits, or says that nothing came."""
    both.node.add(item(1))
    with both.inside(both.items.mirror()) as mirror:
        both.run(mirror.synced())
        version = mirror.version
        assert 2 == version  # the object, and that it was all
        assert version == both.run(mirror.changed(version - 1))
        text = "^this mirror of Item has not changed within 0.01 seconds$"
        with pytest.raises(ron.RonTimeoutError, match=text):
            both.run(mirror.changed(version, timeout=0.01))
        both.node.add(item(2))
        assert version + 1 == both.run(mirror.changed(version, timeout=GUARD))
        with pytest.raises(ron.RonConfigError, match="timeout"):
            both.run(mirror.changed(timeout=-1))


def test_objects_are_found_by_index(both: Both) -> None:
    """By a field's value, typed like the field, and by a function's; what changes moves, what is gone is not found."""
    by_first: Index[Item, str] = Index(lambda one: one.name[0])
    both.node.add(item(1, "apple", price=1), item(2, "avocado", price=2), item(3, "beet", price=1))
    with both.inside(both.items.mirror(index=["price", by_first])) as mirror:
        both.run(mirror.synced())
        assert ["i-1", "i-3"] == [one.id for one in mirror.by("price", 1)]
        assert ["i-1", "i-3"] == [one.id for one in mirror.by("price", "1")]
        assert ["i-1", "i-2"] == [one.id for one in mirror.by(by_first, "a")]
        assert [] == mirror.by(by_first, "z")
        version = mirror.version
        both.run(both.items.update("i-1", name="cress", price=2))
        both.run(mirror.changed(version, timeout=GUARD))
        assert ["i-2", "i-1"] == [one.id for one in mirror.by("price", 2)]
        assert ["i-2"] == [one.id for one in mirror.by(by_first, "a")]
        both.run(both.items.delete("i-1"))
        both.run(mirror.changed(version + 1, timeout=GUARD))
        assert [] == mirror.by(by_first, "c")


@pytest.mark.parametrize(
    ("index", "value", "error", "says"),
    [
        (
            "prices",
            1,
            ron.RonConfigError,
            "no index 'prices' (did you mean 'price'?): it was made with index=['price']",
        ),
        ("name", "a", ron.RonConfigError, "this mirror has no index 'name'"),
        ("price", "cheap", ron.RonInputError, "index 'price' of Item: "),
        ("price", [1], ron.RonInputError, "index 'price' of Item: "),
    ],
)
def test_what_cannot_be_looked_up(both: Both, index: Any, value: Any, error: Any, says: str) -> None:
    """An index that the mirror does not have, and a value that the field cannot have, would find nothing for ever."""
    with both.inside(both.items.mirror(index=["price"])) as mirror:
        both.run(mirror.synced())
        with pytest.raises(error) as caught:
            mirror.by(index, value)
        assert says in str(caught.value)


def test_a_value_of_an_index_is_hashable(both: Both) -> None:
    """What a function's index is asked for is said to be wrong where it cannot be a key."""
    by_tags: Index[Item, tuple[str, ...]] = Index(lambda one: tuple(one.tags))
    with both.inside(both.items.mirror(index=[by_tags])) as mirror:
        both.run(mirror.synced())
        with pytest.raises(ron.RonInputError, match=r"^a value of an index is hashable, not list$"):
            mirror.by(by_tags, ["x"])


@pytest.mark.parametrize(
    ("index", "says"),
    [
        ("price", "index is a list: write index=['price']"),
        (Index(len), "index is a list: write index=[...]"),
        (
            ["pric"],
            "an index of Item is a field's name or an Index, not 'pric' (did you mean 'price'?); its fields are",
        ),
        ([len], "an index of Item is a field's name or an Index, not "),
        (["tags"], "Item.tags cannot be an index, because its values can change unseen: write Index(lambda item: ...)"),
    ],
)
def test_an_index_that_is_none(both: Both, index: Any, says: str) -> None:
    """It is refused when the mirror is made."""
    with pytest.raises(ron.RonConfigError) as caught:
        both.items.mirror(index=index)
    assert says in str(caught.value)
    assert () == both.node.requests


def test_an_index_takes_a_function() -> None:
    """Anything else is refused with an example."""
    with pytest.raises(ron.RonConfigError, match=r"^Index takes a function of the object, such as lambda item: \.\.\."):
        wrong: Any = "price"
        Index(wrong)


def test_what_is_read_are_copies(both: Both) -> None:
    """A copy can be changed and saved like any object; the mirror changes only by what the node tells."""
    both.node.add(item(1, tags=["x"]))
    with both.inside(both.items.mirror(index=["price"])) as mirror:
        both.run(mirror.synced())
        copy, version = mirror["i-1"], mirror.version
        copy.tags.append("y")
        copy.price = 7
        mirror.by("price", 0)[0].tags.append("z")
        assert (["x"], 0) == (mirror["i-1"].tags, mirror["i-1"].price)
        assert [] == mirror.by("price", 7)
        both.run(both.items.save(copy))
        both.run(mirror.changed(version, timeout=GUARD))
        assert {"tags": ["x", "y"], "price": 7} == both.node.requests[-1].json
        assert (["x", "y"], 7) == (mirror["i-1"].tags, mirror["i-1"].price)


def test_the_age_of_a_mirror(both: Both) -> None:
    """Seconds since the node last gave a sign of life; None before the first."""
    mirror = both.items.mirror()
    assert None is mirror.age
    assert "idle" == mirror.status
    with both.inside(mirror):
        both.run(mirror.synced())
        assert 0.0 == mirror.age
        both.clock.advance(5.0)
        assert 5.0 == mirror.age
        version = mirror.version
        both.node.add(item(1))
        both.run(mirror.changed(version, timeout=GUARD))
        assert 0.0 == mirror.age


def test_an_event_that_cannot_be_read(both: Both) -> None:
    """It is logged and passed over; with `strict` the mirror follows no more, and says so."""
    node = both.node
    with both.inside(both.items.mirror()) as loose, both.inside(both.items.mirror(strict=True)) as strict:
        both.run(loose.synced())
        both.run(strict.synced())
        version = loose.version
        _add_wrong(node)
        node.add(item(2))
        both.run(loose.changed(version, timeout=GUARD))
        assert ["i-2"] == list(loose)
        with pytest.raises(ron.RonWatchError, match=r"^this mirror of Item follows no more: event 'added' with id '1'"):
            both.run(strict.changed(timeout=GUARD))
        assert "closed" == strict.status


def _add_wrong(node: MemoryNode) -> None:
    """Has the node tell of an item without a name."""
    (collection,) = node._engine.collections.values()
    collection.add({"id": "i-1", "price": 1})


def test_a_mirror_that_is_not_filled_yet(both: Both) -> None:
    """Reading raises: what is there so far is not what there is."""
    mirror = both.items.mirror()
    for read in READINGS:
        with pytest.raises(ron.RonConfigError, match=r"^this mirror of Item is not filled yet: wait for synced\(\)"):
            read(mirror)
    how = "async with" if both.loop else "with"
    with pytest.raises(ron.RonConfigError, match=f"does not follow anything yet: write `{how} items.mirror"):
        both.run(mirror.synced())


READINGS: list[Any] = [
    len,
    list,
    lambda mirror: mirror["i-1"],
    lambda mirror: "i-1" in mirror,
    lambda mirror: mirror.by("price", 0),
    lambda mirror: mirror.get("i-1"),
]


def check_unreadable(both: Both, mirror: Any, why: str) -> None:
    """Whatever is read raises, and says why."""
    waits = [lambda mirror: both.run(mirror.changed()), lambda mirror: both.run(mirror.changed(mirror.version))]
    for read in [*READINGS, *waits]:
        with pytest.raises(ron.RonWatchError) as caught:
            read(mirror)
        assert f"this mirror of Item follows no more: {why}" == str(caught.value)


def test_a_mirror_whose_block_has_ended(both: Both) -> None:
    """It shows nothing any more, and cannot be entered again."""
    with both.inside(both.items.mirror(index=["price"])) as mirror:
        both.run(mirror.synced())
    check_unreadable(both, mirror, "its `with` block has ended")
    with pytest.raises(ron.RonConfigError, match=r"^a mirror is entered once: make another one$"):
        both.run(mirror.__enter__() if both.loop is None else mirror.__aenter__())
    assert "closed" == mirror.status


def test_a_mirror_whose_stream_the_node_ended(both: Both) -> None:
    """After a 204, and a last list where the stream had given no id, nobody keeps it right."""
    with both.inside(both.items.mirror(index=["price"])) as mirror:
        both.run(mirror.synced())
        both.node.finish_streams()
        with pytest.raises(ron.RonWatchError):
            while True:
                both.run(mirror.changed(timeout=GUARD))
        check_unreadable(both, mirror, "the node ended the stream (204)")


def test_a_mirror_whose_watch_gave_up(both: Both) -> None:
    """The error says what the watch said; it holds the cursor."""
    both.node.add(item(1))
    with both.inside(both.items.mirror(index=["price"], max_failures=1)) as mirror:
        both.run(mirror.synced())
        version = mirror.version
        both.run(both.items.update("i-1", name="b"))
        both.run(mirror.changed(version, timeout=GUARD))
        both.node.refuse(times=9)
        both.node.end_streams()
        with pytest.raises(ron.RonWatchError) as caught:
            both.run(mirror.changed(timeout=GUARD))
        assert "2" == caught.value.cursor
        why = str(caught.value).partition("no more: ")[2]
        assert why.startswith("GET /app/items/events: gave up after 2 failures in a row; the last: ")
        check_unreadable(both, mirror, why)


def test_a_mirror_whose_index_raises(both: Both) -> None:
    """The function's error is the cause of the one that every reading raises."""
    by_share: Index[Item, int] = Index(lambda one: 1 // one.price)
    with both.inside(both.items.mirror(index=[by_share])) as mirror:
        both.run(mirror.synced())
        both.node.add(item(1))
        with pytest.raises(ron.RonConfigError, match=r"no more: an index raised an error$") as caught:
            both.run(mirror.changed(timeout=GUARD))
        assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_mirror_whose_client_is_closed(both: Both) -> None:
    """What waits for a change ends, and reading says why."""
    with both.inside(both.items.mirror(index=["price"])) as mirror:
        both.run(mirror.synced())
        both.leave(both.client)
        for read in [*READINGS, lambda mirror: both.run(mirror.changed(timeout=GUARD))]:
            with pytest.raises(ron.RonWatchError, match=r"follows no more: (its client|this RonClient\w*) is closed"):
                read(mirror)


def test_two_mirrors_of_one_resource(both: Both) -> None:
    """Each has its filters, and they follow independently."""
    both.node.add(item(1, "a"), item(2, "b"))
    with both.inside(both.items.mirror(name="a")) as first:
        with both.inside(both.items.mirror(name="b")) as second:
            both.run(first.synced())
            both.run(second.synced())
            assert (["i-1"], ["i-2"]) == (list(first), list(second))
        version = first.version
        both.node.add(item(3, "a"))
        both.run(first.changed(version, timeout=GUARD))
        assert ["i-1", "i-3"] == list(first)


def test_more_objects_than_a_mirror_may_hold(both: Both) -> None:
    """It is an error that names the option, not a mirror with some of them."""
    both.node.add(item(1), item(2), item(3))
    text = "there are more than max_tracked=2 objects of Item to keep"
    with both.inside(both.items.mirror(max_tracked=2)) as mirror, pytest.raises(ron.RonWatchError, match=text):
        both.run(mirror.synced(timeout=GUARD))


def test_what_was_missed_is_dropped(both: Both) -> None:
    """Where continuity is lost the mirror is what the new list says, without a moment in which it is less."""
    both.node.add(item(1), item(2))
    with both.inside(both.items.mirror()) as mirror:
        both.run(mirror.synced())
        both.node.drop_stream()
        both.node.expire_cursors()
        both.run(both.items.delete("i-1"))
        both.node.add(item(3))
        both.until(mirror, lambda: "i-1" not in mirror)
        assert ["i-2", "i-3"] == list(mirror)


def test_a_mirror_where_nothing_streams(both: Both) -> None:
    """It is filled from lists, and says that it polls."""
    both.node.add(item(1))
    both.node.buffer_streams()
    with both.inside(both.items.mirror()) as mirror:
        both.run(mirror.synced(timeout=GUARD))
        assert (["i-1"], "polling") == (list(mirror), mirror.status)
        version = mirror.version
        both.node.add(item(2))
        both.run(mirror.changed(version, timeout=GUARD))
        assert ["i-1", "i-2"] == list(mirror)


def test_threads_read_while_it_changes() -> None:
    """Every reading is of one moment: an object is found under the value that it has."""
    node = MemoryNode(Item)
    node.add(*(item(number, price=0) for number in range(20)))
    with RonClientSync(transport=node) as client, client.objects(Item).mirror(index=["price"]) as mirror:
        mirror.synced(timeout=GUARD)
        done = threading.Event()

        def read() -> int:
            rounds = 0
            while not done.is_set():
                rounds += 1
                assert all(one.price == 1 for one in mirror.by("price", 1))
                assert 20 == len(mirror) == len(list(mirror))
            return rounds

        with ThreadPoolExecutor(4) as pool:
            readers = [pool.submit(read) for _ in range(4)]
            for price in (1, 2):
                for number in range(20):
                    client.objects(Item).update(f"i-{number}", price=price)
            wait_until(lambda: len(mirror.by("price", 2)) == 20)
            done.set()
            assert all(reader.result() for reader in readers)


def test_the_thread_of_a_sync_mirror() -> None:
    """It has a name, and has ended when the block has."""
    with RonClientSync(transport=MemoryNode(Item)) as client:
        with client.objects(Item).mirror() as mirror:
            mirror.synced(timeout=GUARD)
            assert "ron-mirror-Item" in [one.name for one in threading.enumerate()]
        assert "ron-mirror-Item" not in [one.name for one in threading.enumerate()]


def test_leaving_wakes_who_waits_in_another_thread() -> None:
    """A thread that waits for a change is told that there will be none."""
    with RonClientSync(transport=MemoryNode(Item)) as client, ThreadPoolExecutor(1) as pool:
        with client.objects(Item).mirror() as mirror:
            mirror.synced(timeout=GUARD)
            waiting = pool.submit(mirror.changed)
            turn: Any = mirror._turn
            wait_until(lambda: turn._waiters)
        assert "its `with` block has ended" in str(waiting.exception(GUARD))


def test_a_mirror_whose_loop_has_ended() -> None:
    """What follows the node in a loop follows it no longer than that: reading it later is an error, not old news."""
    client = RonClient(transport=MemoryNode(Item))
    mirror = client.objects(Item).mirror()

    async def enter() -> None:
        await mirror.__aenter__()
        await mirror.synced(timeout=GUARD)
        assert 0 == len(mirror)

    async def leave() -> None:
        with pytest.raises(ron.RonWatchError, match="no more: its task was cancelled"):
            await mirror.changed()
        await mirror.__aexit__(None, None, None)
        await client.aclose()

    asyncio.run(enter())
    with pytest.raises(ron.RonWatchError, match=r"no more: its task was cancelled, as the end of the event loop does$"):
        len(mirror)
    asyncio.run(leave())


def test_a_mirror_that_follows_in_another_loop() -> None:
    """Waiting for it there is refused, reading it is not."""
    here = asyncio.new_event_loop()
    client = RonClient(transport=MemoryNode(Item))
    mirror = here.run_until_complete(client.objects(Item).mirror().__aenter__())
    here.run_until_complete(mirror.synced(timeout=GUARD))
    with ThreadPoolExecutor(1) as pool:
        assert 0 == pool.submit(len, mirror).result()
        error = pool.submit(lambda: asyncio.run(mirror.changed())).exception()
    assert "RonConfigError: this mirror follows the node in another event loop: wait there" == (
        f"{type(error).__name__}: {error}"
    )
    here.run_until_complete(mirror.__aexit__(None, None, None))
    here.run_until_complete(client.aclose())
    here.close()


def test_a_mirror_is_bounded_also_by_its_stream(both: Both) -> None:
    """What a stream adds beyond `max_tracked` ends the mirror, as a list does."""
    with both.inside(both.items.mirror(max_tracked=2)) as mirror:
        both.run(mirror.synced())
        both.node.add(item(1), item(2), item(3))
        with pytest.raises(ron.RonWatchError, match="there are more than max_tracked=2 objects of Item"):
            while True:
                both.run(mirror.changed(timeout=GUARD))
