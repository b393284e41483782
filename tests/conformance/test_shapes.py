"""Resources of every shape, actions and conflicts: the same on every node and in both colours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Optional

import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict

import ron
from ron import Pages, Resource, Singleton, Timestamp, action, parent, server
from ron.testing import MemoryNode
from tests.conformance.world import Face, MemoryHand, World, worlds


class Receipt(BaseModel):
    archived: str
    reason: Optional[str] = None


class Purged(BaseModel):
    count: int


class Archive(BaseModel):
    reason: str
    until: Optional[Timestamp] = None


class Purge(TypedDict):
    status: str


class Item(Resource, path="/app/items", order_by=("name", "status"), fields=True):
    id: str = server()
    name: str
    status: str = "new"
    note: Optional[str] = None
    created_at: Timestamp = server()

    archive = action("POST", "{id}:archive", result=Receipt, body=Archive)
    reopen = action("POST", "{id}/reopen", result="self")
    purge = action("POST", "purge", result=Purged, body=Purge, collection=True)


class Project(Resource, path="/app/projects"):
    id: str


class Task(Resource, path="/app/projects/{project_id}/tasks"):
    project_id: str = parent(Project)
    id: str = server()
    title: str


class Meter(Resource, path="/app/meters", key=("region", "number")):
    region: str
    number: int
    reading: int = 0


class Settings(Singleton, path="/app/settings"):
    theme: str = "light"
    size: int = 12


class Message(
    Resource,
    path="/app/chat",
    pages=Pages(items="messages", cursor="cursor", param="after", size_param="limit", ends="empty_page"),
    operations=("list", "create"),
):
    id: str = server()
    text: str


def archive(item: Item, body: Archive) -> Receipt:
    """What archiving does on the memory node."""
    item.status = "archived"
    return Receipt(archived=item.id, reason=body.reason)


def reopen(item: Item) -> None:
    """What reopening does."""
    item.status = "new"


def purge(items: list[Item], body: Purge) -> Purged:
    """What purging does."""
    kept = [item for item in items if item.status != body["status"]]
    count = len(items) - len(kept)
    items[:] = kept
    return Purged(count=count)


class Hand(MemoryHand):
    """A memory node of these resources."""

    def __init__(self) -> None:
        resources = (Item, Project, Task, Meter, Settings, Message)
        self.node = MemoryNode(*resources, actions={Item.archive: archive, Item.reopen: reopen, Item.purge: purge})


@pytest.fixture(params=["memory", "reference"])
def world(request: pytest.FixtureRequest, colour: str) -> Iterator[World]:
    """A client of one colour on one kind of node."""
    yield from worlds(request, colour, Hand)


def objects(world: World, resource: Any) -> Face:
    """The manager of a resource."""
    return world.on(world.client.objects(resource))


# --- Shapes -----------------------------------------------------------------------------------


def test_a_parent_is_taken_from_at_and_stands_in_what_comes_back(world: World) -> None:
    """The path says the parent, no body does; every object has it, also where the node leaves it out."""
    tasks = objects(world, Task).at(project_id="p1")
    made = tasks.create(title="write")
    assert ({"title": "write"}, "p1") == (world.hand.sent(), made.project_id)
    assert "p1" == tasks.get(made.id).project_id
    assert ["p1"] == [task.project_id for task in tasks.list()]
    assert [] == objects(world, Task).at(project_id="p2").list().all()
    made.title = "read"
    objects(world, Task).save(made)
    assert ("PATCH", f"/app/projects/p1/tasks/{made.id}") == world.hand.requests()[-1]
    assert ({"title": "read"}, "p1") == (world.hand.sent(), made.project_id)


def test_a_composite_key_is_so_many_segments(world: World) -> None:
    """The parts of the key are the path's last segments, in the order of the declaration."""
    meters = objects(world, Meter)
    meter = meters.create(region="eu", number=7)
    assert ("eu", 7) == (meter.region, meter.number)
    assert 7 == meters.get(("eu", 7)).number
    assert meters.get_or_none(("eu", 8)) is None
    meter.reading = 5
    meters.save(meter)
    assert [("PATCH", "/app/meters/eu/7"), {"reading": 5}] == [world.hand.requests()[-1], world.hand.sent()]
    assert 5 == meters.get("eu/7").reading
    assert 9 == meters.update(("eu", 7), reading=9).reading
    with pytest.raises(ron.RonConflictError, match="already"):
        meters.create(region="eu", number=7)
    meters.delete(meter)
    assert [] == meters.list().all()


def test_a_singleton_has_no_key(world: World) -> None:
    """A singleton is put, read, changed and refreshed on its own path, without a key."""
    settings = objects(world, Settings)
    assert settings.get_or_none() is None
    mine = settings.save(Settings(theme="dark"))
    assert [("PUT", "/app/settings"), {"theme": "dark", "size": 12}] == [world.hand.requests()[-1], world.hand.sent()]
    assert ("dark", 12) == (mine.theme, settings.get().size)
    assert 14 == settings.update(size=14).size
    assert 15 == settings.update(ron.Patch[Settings](size=15)).size
    assert 16 == settings.modify(lambda one: {"size": one.size + 1}).size
    assert 16 == settings.refresh(mine).size
    mine.theme = "light"
    assert "light" == settings.save(mine).theme
    assert {("GET", "/app/settings"), ("PUT", "/app/settings"), ("PATCH", "/app/settings")} == set(
        world.hand.requests()
    )


def test_pages_as_chat_has_them(world: World) -> None:
    """`after` carries the cursor, a page without messages is the last one, and its null cursor ends the list."""
    messages = objects(world, Message)
    for number in range(5):
        messages.create(text=f"m{number}")
    before = len(world.hand.requests())
    assert ["m0", "m1", "m2", "m3", "m4"] == [one.text for one in messages.list(page_size=2)]
    assert 4 == len(world.hand.requests()) - before
    page = messages.list(page_size=4).page()
    assert (4, ["m4"]) == (len(page), [one.text for one in messages.list(page_token=page.next_page_token)])


def test_lists_can_be_ordered(world: World) -> None:
    """`order_by` orders the whole list, not only a page; `-` turns it round."""
    items = objects(world, Item)
    for name, status in (("b", "old"), ("c", "new"), ("a", "new")):
        items.create(name=name, status=status)
    assert ["c", "b", "a"] == [item.name for item in items.list(order_by="-name", page_size=1)]
    assert ["c", "a", "b"] == [item.name for item in items.list(order_by=("status", "-name"), page_size=2)]
    assert ["a", "c"] == [item.name for item in items.list(status="new", order_by=("name",))]


def test_some_fields_can_be_asked_for(world: World) -> None:
    """An object of some fields has these and its key; reading another one says so, and saving sends only changes."""
    items = objects(world, Item)
    items.create(name="kettle", note="red")
    (item,) = items.list(fields=["name"]).all()
    assert ("i-1", "kettle") == (item.id, item.name)
    for name in ("note", "status", "created_at"):
        with pytest.raises(
            ron.RonUnassignedError, match=rf"^{name} was not asked for: this Item came with some of its"
        ):
            getattr(item, name)
    item.name = "pot"
    items.save(item)
    assert ({"name": "pot"}, None) == (world.hand.sent(), world.hand.header("if-match"))
    assert "red" == item.note, "the answer to a save is whole"
    one = items.get("i-1", fields=("status",))
    assert ("i-1", "new", None) == (one.id, one.status, ron.meta(one).etag)
    assert "red" == items.refresh(one).note


# --- Actions ----------------------------------------------------------------------------------


def test_an_action_on_one_object(world: World) -> None:
    """An action takes the object or its key, and a typed body; its answer is what it declares."""
    items = objects(world, Item)
    item = items.create(name="kettle")
    receipt = items.act(Item.archive, item, Archive(reason="old"))
    assert Receipt(archived="i-1", reason="old") == receipt
    assert ("POST", "/app/items/i-1:archive") == world.hand.requests()[-1]
    assert {"reason": "old"} == world.hand.sent()
    assert 32 == len(world.hand.header("idempotency-key"))
    assert "archived" == items.refresh(item).status
    items.act(Item.archive, "i-1", Archive(reason="again"), idempotency_key="mine-1")
    assert "mine-1" == world.hand.header("idempotency-key")


def test_an_action_that_gives_the_object_refreshes_it(world: World) -> None:
    """With `result="self"` the object that was given is what the node answered; a key gives a new one."""
    items = objects(world, Item)
    item = items.create(name="kettle", status="old")
    assert item is items.act(Item.reopen, item)
    assert "new" == item.status
    item.name = "pot"
    items.save(item)
    assert world.hand.header("if-match") is not None, "the answer's ETag is the object's"
    again = items.act(Item.reopen, "i-1")
    assert ("pot", True) == (again.name, again is not item)


def test_an_action_on_the_collection(world: World) -> None:
    """An action on the collection takes no object."""
    items = objects(world, Item)
    for status in ("old", "new", "old"):
        items.create(name="a", status=status)
    assert Purged(count=2) == items.act(Item.purge, {"status": "old"})
    assert ("POST", "/app/items/purge") == world.hand.requests()[-1]
    assert ["new"] == [item.status for item in items.list()]


def test_an_action_on_what_is_not_there(world: World) -> None:
    """The node's 404 is the action's error."""
    with pytest.raises(ron.RonNotFoundError) as raised:
        objects(world, Item).act(Item.archive, "i-9", Archive(reason="old"))
    assert raised.value.route_missing is False


# --- Conflicts --------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["save", "replace"])
def test_a_conflict_tells_all_three(world: World, call: str) -> None:
    """An object that was changed elsewhere is not written over: the error has ours, what it was, and what it is now."""
    items = objects(world, Item)
    mine = items.create(name="kettle")
    items.update("i-1", name="theirs")
    mine.name = "mine"
    with pytest.raises(ron.RonPreconditionError) as raised:
        getattr(items, call)(mine)
    error = raised.value
    assert error.local is mine
    assert ("mine", "kettle", "theirs", None) == (
        error.local.name,
        error.base.name,
        error.remote.name,
        error.remote_error,
    )
    assert "theirs" not in str(error)
    error.remote.name = "merged"
    items.save(error.remote)
    assert "merged" == items.get("i-1").name


def test_a_conflict_with_what_is_gone(world: World) -> None:
    """Where the object can't be read again, the reason stands in its place."""
    items = objects(world, Item)
    mine = items.create(name="kettle")
    mine.name = "mine"
    world.hand.fail(409)
    world.hand.fail(404)
    with pytest.raises(ron.RonConflictError) as raised:
        items.save(mine)
    assert (None, "RonNotFoundError") == (raised.value.remote, type(raised.value.remote_error).__name__)


def test_modify_changes_what_is_there_now(world: World) -> None:
    """`modify` reads, changes and writes; what somebody wrote in between is read first and kept."""
    items = objects(world, Item)
    items.create(name="a", note="x")
    calls: list[str] = []

    def change(item: Item) -> None:
        if not calls:
            with world.behind() as other:
                other.objects(Item).update("i-1", note="theirs")
        calls.append(item.name)
        item.name += "b"

    changed = items.modify("i-1", change)
    assert (["a", "a"], "ab", "theirs") == (calls, changed.name, changed.note)
    assert ["GET", "PATCH", "PATCH", "GET", "PATCH"] == [method for method, _ in world.hand.requests()][1:]


def test_modify_gives_up_after_so_many_attempts(world: World) -> None:
    """The last conflict is raised, complete."""
    items = objects(world, Item)
    items.create(name="a")

    def change(item: Item) -> dict[str, Any]:
        with world.behind() as other:
            other.objects(Item).update("i-1", note=str(len(world.hand.requests())))
        return {"name": "mine"}

    with pytest.raises(ron.RonPreconditionError) as raised:
        items.modify("i-1", change, attempts=2)
    error = raised.value
    assert ("mine", "a", "a") == (error.local.name, error.base.name, error.remote.name)
    assert error.base.note != error.remote.note


def test_modify_sends_nothing_when_nothing_changes(world: World) -> None:
    """A function that changes nothing costs one GET."""
    items = objects(world, Item)
    items.create(name="a")
    assert "a" == items.modify("i-1", lambda item: None).name
    assert ["POST", "GET"] == [method for method, _ in world.hand.requests()]
