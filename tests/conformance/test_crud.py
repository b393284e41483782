"""Create, read, change, delete: the same on every node and in both colours."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

import ron
from tests.conformance.world import Item, Note, World

ITEMS = "/app/shop/items"
NOTES = "/app/notes"


def test_create_gives_the_object_with_the_nodes_fields(world: World) -> None:
    """`create` sends the fields given and their defaults, and returns what the node made of them."""
    item = world.items.create(name="kettle", price=1299)
    assert {"name": "kettle", "status": "new", "price": "1299"} == world.hand.sent()
    assert ("i-1", "kettle", "new", 1299, None) == (
        item.id,
        item.name,
        item.status,
        item.price,
        item.note,
    )
    assert isinstance(item.created_at, datetime)
    assert item.created_at.tzinfo is not None
    assert [("POST", ITEMS)] == world.hand.requests()


def test_create_refreshes_the_object_given(world: World) -> None:
    """An object that is created becomes, in place, what the node answered."""
    item = Item(name="kettle")
    assert item is world.items.create(item)
    assert "i-1" == item.id
    with pytest.raises(ron.RonInputError, match="came from a node"):
        world.items.create(item)


def test_create_takes_a_draft(world: World) -> None:
    """A draft is created as its fields would be."""
    item = world.items.create(ron.Draft[Item](name="kettle", note="red"))
    assert ("i-1", "red") == (item.id, item.note)


def test_a_write_carries_an_idempotency_key(world: World) -> None:
    """Every write has a key, the caller's or a fresh one."""
    world.items.create(name="a")
    world.items.create(name="b")
    fresh = [world.hand.header("idempotency-key", index) for index in (0, 1)]
    assert 2 == len(set(fresh) - {None})
    world.items.create(name="c", idempotency_key="mine-1")
    assert "mine-1" == world.hand.header("idempotency-key")


def test_get_gives_what_was_created(world: World) -> None:
    """`get` gives an equal object, wherever its facet is mounted."""
    made = world.items.create(name="kettle")
    found = world.items.get("i-1")
    assert made == found
    assert made is not found
    assert ("GET", f"{ITEMS}/i-1") == world.hand.requests()[-1]


def test_get_of_nothing_raises(world: World) -> None:
    """A missing object is `RonNotFoundError` with the node's Problem; the route is there."""
    with pytest.raises(ron.RonNotFoundError) as caught:
        world.items.get("i-9")
    assert (404, "not_found", False) == (
        caught.value.status_code,
        caught.value.problem.code,
        caught.value.route_missing,
    )
    assert 1 == caught.value.attempts


def test_get_or_none(world: World) -> None:
    """`get_or_none` gives None for a missing object, and the object otherwise."""
    assert world.items.get_or_none("i-9") is None
    world.items.create(name="kettle")
    assert "kettle" == world.items.get_or_none("i-1").name


def test_a_key_is_one_segment(world: World) -> None:
    """A key of blanks and letters beyond ASCII comes back as it was; others are never sent."""
    world.hand.put("ä b", name="odd")
    assert "ä b" == world.items.get("ä b").id
    for key in ("", ".", "..", "a/b", "a?x", "a#", "a%2F", "a\\b", "a\nb"):
        with pytest.raises(ron.RonInputError):
            world.items.get(key)
    assert 1 == len(world.hand.requests())


def test_meta_tells_what_came_with_an_object(world: World) -> None:
    """`ron.meta` has the status, the ETag and the request's id; a new object has none."""
    meta = ron.meta(world.items.create(name="kettle"))
    assert 201 == meta.status
    assert meta.etag is not None
    assert meta.etag.startswith('"')
    assert meta.etag == meta.headers["etag"]
    assert world.hand.header("x-request-id") == meta.request_id
    assert timezone.utc == meta.fetched_at.tzinfo
    with pytest.raises(ron.RonConfigError, match="came from no node"):
        ron.meta(Item(name="new"))


def test_update_sends_what_is_given(world: World) -> None:
    """`update` is a PATCH of the fields given; None is sent where it is given."""
    world.items.create(name="kettle", note="red")
    item = world.items.update("i-1", status="sold", note=None)
    assert {"status": "sold", "note": None} == world.hand.sent()
    assert ("PATCH", f"{ITEMS}/i-1") == world.hand.requests()[-1]
    assert ("kettle", "sold", None) == (item.name, item.status, item.note)


def test_update_takes_a_patch(world: World) -> None:
    """A `Patch` changes only its set fields."""
    world.items.create(name="kettle", price=3)
    item = world.items.update("i-1", ron.Patch[Item](price=5))
    assert {"price": "5"} == world.hand.sent()
    assert 5 == item.price


def test_update_by_put_reads_changes_writes(world: World) -> None:
    """With `update_method="PUT"` an update reads, and writes the whole object if unchanged."""
    made = world.notes.create(text="a", tags=["x"])
    note = world.notes.update("n-1", text="b")
    assert [("POST", NOTES), ("GET", f"{NOTES}/n-1"), ("PUT", f"{NOTES}/n-1")] == (world.hand.requests())
    assert {"text": "b", "tags": ["x"]} == world.hand.sent()
    assert ron.meta(made).etag == world.hand.header("if-match")
    assert ("b", ["x"], made.created_at) == (note.text, note.tags, note.created_at)


def test_replace_writes_the_whole_object(world: World) -> None:
    """`replace` is a PUT with If-Match; the object is refreshed in place."""
    item = world.items.create(name="kettle")
    before = ron.meta(item).etag
    item.name = "pot"
    assert item is world.items.replace(item)
    assert ("PUT", f"{ITEMS}/i-1") == world.hand.requests()[-1]
    assert before == world.hand.header("if-match")
    assert before != ron.meta(item).etag
    assert "pot" == world.items.get("i-1").name


def test_save_creates_a_new_object(world: World) -> None:
    """`save` of a new object is a POST."""
    item = Item(name="kettle")
    assert item is world.items.save(item)
    assert "i-1" == item.id


def test_save_sends_what_changed(world: World) -> None:
    """`save` is a PATCH of the changed fields with If-Match, and nothing if nothing changed."""
    item = world.items.create(name="kettle", note="red")
    etag = ron.meta(item).etag
    world.items.save(item)
    assert 1 == len(world.hand.requests())
    item.status = "sold"
    item.note = None
    world.items.save(item)
    assert {"status": "sold", "note": None} == world.hand.sent()
    assert etag == world.hand.header("if-match")
    world.items.save(item)
    assert 2 == len(world.hand.requests()), "saved: nothing has changed since"
    item.status = "new"
    item.status = "sold"
    world.items.save(item)
    assert 2 == len(world.hand.requests()), "changed back: nothing is sent"


def test_save_sees_a_list_that_was_changed_in_place(world: World) -> None:
    """A change inside a value counts as a change of its field."""
    note = world.notes.create(text="a", tags=["x"])
    note.tags.append("y")
    world.notes.save(note)
    assert {"text": "a", "tags": ["x", "y"]} == world.hand.sent()
    assert ["x", "y"] == world.notes.get("n-1").tags


def test_save_of_an_item_of_a_list(world: World) -> None:
    """An item of a page is saved without If-Match: a list's ETag speaks of the list."""
    world.hand.put("i-7", name="kettle")
    item = world.items.list().first()
    assert ron.meta(item).etag is None
    item.name = "pot"
    world.items.save(item)
    assert world.hand.header("if-match") is None
    assert {"name": "pot"} == world.hand.sent()


def test_save_of_what_somebody_else_changed_is_refused(world: World) -> None:
    """A stale ETag is `RonPreconditionError`; the object stays as it was, until it is refreshed."""
    mine, theirs = world.items.create(name="kettle"), world.items.get("i-1")
    theirs.status = "theirs"
    world.items.save(theirs)
    mine.status = "mine"
    with pytest.raises(ron.RonPreconditionError) as caught:
        world.items.save(mine)
    assert (412, "precondition_failed") == (caught.value.status_code, caught.value.problem.code)
    assert "mine" == mine.status
    assert mine is world.items.refresh(mine)
    assert "theirs" == mine.status
    mine.status = "mine"
    assert "mine" == world.items.save(mine).status


def test_save_of_an_object_that_never_came_from_a_node(world: World) -> None:
    """A copy with a key is neither new nor known: saving it is refused before anything is sent."""
    copy = world.items.create(name="kettle").model_copy()
    with pytest.raises(ron.RonInputError, match="did not come from this client"):
        world.items.save(copy)
    assert 1 == len(world.hand.requests())


def test_delete(world: World) -> None:
    """`delete` takes a key or an object, gives nothing, and the object is gone."""
    item = world.items.create(name="kettle")
    other = world.items.create(name="pot")
    assert world.items.delete(item) is None
    assert world.items.delete(other.id) is None
    assert [] == world.items.list().all()
    assert ("DELETE", f"{ITEMS}/i-2") == world.hand.requests()[2 + 1]


def test_delete_of_nothing(world: World) -> None:
    """Deleting what is not there raises, unless `missing_ok` says that it is fine."""
    with pytest.raises(ron.RonNotFoundError):
        world.items.delete("i-9")
    assert world.items.delete("i-9", missing_ok=True) is None


def test_refresh_drops_local_changes(world: World) -> None:
    """`refresh` makes the object what the node has now."""
    item = world.items.create(name="kettle")
    item.name = "pot"
    world.items.refresh(item)
    assert "kettle" == item.name
    world.items.save(item)
    assert 2 == len(world.hand.requests()), "nothing has changed since"


def test_unknown_fields_are_kept_and_echoed_by_put_only(world: World) -> None:
    """A field that the declaration doesn't know is kept; PUT sends it back, PATCH never."""
    world.hand.put("i-7", name="kettle", colour="red", size={"w": 1})
    item = world.items.get("i-7")
    assert {"colour": "red", "size": {"w": 1}} == item.model_extra
    item.name = "pot"
    world.items.save(item)
    assert {"name": "pot"} == world.hand.sent()
    assert "red" == item.model_extra["colour"]
    world.items.replace(item)
    assert {"colour": "red", "size": {"w": 1}}.items() <= world.hand.sent().items()
    assert {"id", "created_at"}.isdisjoint(world.hand.sent())
    assert {"colour": "red", "size": {"w": 1}} == world.items.get("i-7").model_extra


def test_options_hold_for_a_manager(world: World) -> None:
    """`with_options` adds headers to this manager's requests only."""
    world.items.with_options(headers={"X-Tenant": "t-1"}).create(name="kettle")
    assert "t-1" == world.hand.header("x-tenant")
    world.items.get("i-1")
    assert world.hand.header("x-tenant") is None


def test_the_other_mount_of_a_facet(world: World) -> None:
    """What is created below /app is read below /facets, where a micronode mounts facets."""
    world.items.create(name="kettle")
    assert "kettle" == world.run(world.client.get("/facets/shop/items/i-1"))["name"]


def test_a_note_is_no_item(world: World) -> None:
    """Each resource has its own objects and counts its own keys."""
    note = world.notes.create(text="a")
    assert isinstance(note, Note)
    assert "n-1" == note.id
    assert world.items.get_or_none("n-1") is None
