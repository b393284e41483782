"""What managers share: which client, which parents, which limits; and what they say when one is wrong."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ron import Manager, ManagerSync, Resource, RonClient, RonClientSync, RonConfigError, RonInputError, server
from ron.testing import MemoryNode


class Item(Resource, path="/app/items"):
    """At the root."""

    id: str = server()
    name: str


class Task(Resource, path="/app/projects/{project_id}/tasks"):
    """Below a parent."""

    id: str = server()
    project_id: str
    title: str


def test_using_is_objects_of_that_client() -> None:
    """`Item.objects_sync.using(client)` works on that client, whichever is ambient."""
    mine, ambient = MemoryNode(Item), MemoryNode(Item)
    with RonClientSync(transport=ambient), RonClientSync(transport=mine) as client:
        Item.objects_sync.using(client).create(name="kettle")
    assert ["kettle"] == [item.name for item in mine.items(Item)]
    assert [] == ambient.items(Item)


def sync_client() -> Any:
    """A client of the sync colour, of a type that no checker minds."""
    return RonClientSync(transport=MemoryNode(Item))


def async_client() -> Any:
    """A client of the async colour, of a type that no checker minds."""
    return RonClient(transport=MemoryNode(Item))


def no_client() -> Any:
    """Something else."""
    return "https://x"


@pytest.mark.parametrize(
    ("manager", "client", "message"),
    [
        (
            Item.objects,
            sync_client,
            "this manager needs a RonClient, not RonClientSync: write .objects_sync for that one",
        ),
        (
            Item.objects_sync,
            async_client,
            "this manager needs a RonClientSync, not RonClient: write .objects for that one",
        ),
        (Item.objects, no_client, "this manager needs a RonClient, not str"),
    ],
)
def test_the_wrong_colour_is_refused(manager: Any, client: Any, message: str) -> None:
    """The message names what was given and what to write."""
    with pytest.raises(RonConfigError, match=f"^{re.escape(message)}$"):
        manager.using(client())


def test_options_add_up() -> None:
    """Limits and headers of `with_options` hold for that manager's calls only, and later ones join earlier ones."""
    node = MemoryNode(Item)
    with RonClientSync(transport=node) as client:
        items = client.objects(Item)
        one = items.with_options(headers={"X-One": "1"}, max_retries=0)
        both = one.with_options(headers={"X-Two": "2"}, timeout=3)
        both.create(name="a")
        items.create(name="b")
    with_both, without = node.requests
    assert ("1", "2") == (with_both.headers.get("x-one"), with_both.headers.get("x-two"))
    assert "x-one" not in without.headers


def test_options_reach_an_ambient_client() -> None:
    """A manager without a client of its own puts its options on the one that it finds."""
    node = MemoryNode(Item)
    with RonClientSync(transport=node):
        Item.objects_sync.with_options(headers={"X-One": "1"}).create(name="a")
    assert "1" == node.requests[-1].headers["x-one"]


def test_a_wrong_option_is_refused_before_sending() -> None:
    """What `client.with_options` refuses, the manager refuses when it is used."""
    node = MemoryNode(Item)
    with RonClientSync(transport=node) as client, pytest.raises(RonConfigError, match="timeout is in seconds"):
        client.objects(Item).with_options(timeout=-1).create(name="a")
    assert [] == list(node.requests)


def test_parents_are_bound_and_checked() -> None:
    """`.at()` fills the path; a misspelt parameter and a key that no path can hold are refused at once."""
    node = MemoryNode(Task)
    with RonClientSync(transport=node) as client:
        tasks = client.objects(Task)
        made = tasks.at(project_id="p1").create(title="write")
        assert ("p1", "/app/projects/p1/tasks") == (made.project_id, node.requests[-1].path)
        with pytest.raises(RonConfigError, match="did you mean 'project_id'"):
            tasks.at(projct_id="p1")
        with pytest.raises(RonInputError, match="holds '/'"):
            tasks.at(project_id="a/b")
        with pytest.raises(RonConfigError, match=r"write \.at\(project_id=\.\.\.\) before the call"):
            tasks.list()


def test_managers_tell_what_they_are() -> None:
    """The repr names the class, the colour and where it will be sent."""
    assert "<Manager of Item on the ambient client>" == repr(Item.objects)
    with RonClientSync(transport=MemoryNode(Item)) as client:
        assert "<ManagerSync of Item on <RonClientSync in-process>>" == repr(client.objects(Item))


@pytest.mark.parametrize("manager", [Manager, ManagerSync])
def test_only_resources_with_a_path_have_managers(manager: Any) -> None:
    """A base without a path, or something else, is refused with what to write."""

    class Base(Resource):
        id: str = server()

    with pytest.raises(RonConfigError, match="Base has no path: declare it as"):
        manager(Base)
    with pytest.raises(RonConfigError, match="dict is no Resource class"):
        manager(dict)
