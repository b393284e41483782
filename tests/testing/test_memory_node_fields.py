"""What a memory node assigns, and what it is built from."""

from __future__ import annotations

import enum
import uuid
from typing import Any, Optional

import pytest
from pydantic import BaseModel
from typing_extensions import Literal

import ron
from ron import U64, ContentId, Resource, RonClientSync, Timestamp, UnixMillis, UnixSeconds, server
from ron.testing import FakeClock, MemoryNode, stored
from tests.testing.raw import ask, problem
from tests.testing.shop import ITEMS, Item, Note, Task

START = 1_700_000_000.25


class Colour(enum.Enum):
    RED = "red"


class Size(BaseModel):
    w: int = 1


class Strict(BaseModel):
    w: int


def create(resource: Any, clock: Optional[FakeClock] = None, **options: Any) -> Any:
    """What a fresh node makes of a first object without fields."""
    node = MemoryNode(resource, clock=clock or FakeClock(START), **options)
    with RonClientSync(transport=node) as client:
        return client.objects(resource).create()


KEYS: list[tuple[Any, list[Any]]] = [
    (str, ["t-1", "t-2"]),
    (int, [1, 2]),
    (U64, [1, 2]),
]


@pytest.mark.parametrize(("kind", "expected"), KEYS)
def test_keys_count_up(kind: Any, expected: list[Any]) -> None:
    """A key of text is a letter of the path and a number, a number is a number."""

    class Thing(Resource, path="/app/things"):
        id: kind = server()  # pyright: ignore[reportInvalidTypeForm]

    node = MemoryNode(Thing)
    with RonClientSync(transport=node) as client:
        things = client.objects(Thing)
        assert expected == [things.create().id for _ in range(2)]
        assert things.get(expected[1]).id == expected[1]


def test_a_uuid_key_is_one() -> None:
    """A key of type UUID is a version 4 UUID made of the clock's chance."""

    class Thing(Resource, path="/app/things"):
        id: uuid.UUID = server()

    made = create(Thing)
    assert isinstance(made.id, uuid.UUID)
    assert 4 == made.id.version


def test_a_taken_key_is_passed_over() -> None:
    """A key that an added object has is not given again."""
    node = MemoryNode(Note)
    node.add(stored(Note, id="n-1", text="a"), stored(Note, id="n-3", text="b"))
    with RonClientSync(transport=node) as client:
        assert ["n-2", "n-4"] == [client.objects(Note).create(text="c").id for _ in range(2)]


def test_a_key_of_the_client_is_its_own() -> None:
    """A key that the client gives is kept; one that is taken is a 409, one that is none a 400."""

    class Bucket(Resource, path="/app/buckets", key="name"):
        name: str
        size: int = 0

    node = MemoryNode(Bucket)
    with RonClientSync(transport=node) as client:
        buckets = client.objects(Bucket)
        assert "logs" == buckets.create(name="logs").name
        with pytest.raises(ron.RonConflictError, match="already"):
            buckets.create(name="logs")
        with pytest.raises(ron.RonInvalidError, match="name"):
            buckets.create(name="a/b")
        with pytest.raises(ron.RonInvalidError, match="is the key"):
            buckets.update("logs", name="other")
        assert 3 == buckets.update("logs", size=3).size


def test_times_are_the_clocks() -> None:
    """Times are set on create, `updated_at` on every write, in the form that the type has."""

    class Thing(Resource, path="/app/things"):
        id: str = server()
        note: str = ""
        created_at: Timestamp = server()
        seconds: UnixSeconds = server()
        millis: UnixMillis = server()
        updated_at: UnixSeconds = server()

    clock = FakeClock(START)
    node = MemoryNode(Thing, clock=clock)
    with RonClientSync(transport=node, clock=clock) as client:
        client.objects(Thing).create()
        created = client.get("/app/things/t-1")
        clock.advance(10)
        client.objects(Thing).update("t-1", note="x")
        updated = client.get("/app/things/t-1")
    assert "2023-11-14T22:13:20.250000Z" == created["created_at"]
    assert (1_700_000_000, 1_700_000_000_250) == (created["seconds"], created["millis"])
    assert {**created, "note": "x", "updated_at": 1_700_000_010} == updated


VALUES: list[tuple[Any, Any]] = [
    (int, 0),
    (bool, False),
    (float, 0.0),
    (str, "it-1"),
    (Optional[str], None),
    (list[str], []),
    (dict[str, int], {}),
    (Colour, Colour.RED),
    (Literal["a", "b"], "a"),
    (Size, Size(w=1)),
    (Any, None),
]


@pytest.mark.parametrize(("kind", "expected"), VALUES)
def test_other_fields_have_a_value_of_their_type(kind: Any, expected: Any) -> None:
    """A server field that is neither key nor time gets a plain value of its type."""

    class Thing(Resource, path="/app/things"):
        id: str = server()
        it: kind = server()  # pyright: ignore[reportInvalidTypeForm]

    assert expected == create(Thing).it


def test_a_default_is_kept() -> None:
    """A server field with a default has it."""

    class Thing(Resource, path="/app/things"):
        id: str = server()
        owner: str = server(default="nobody")
        gone_at: Optional[Timestamp] = server(default=None)

    made = create(Thing)
    assert ("nobody", None) == (made.owner, made.gone_at)


class Blob(Resource, path="/app/blobs"):
    """Whose node assigns what nobody can guess."""

    id: ContentId = server()
    text: str = "hello"
    size: Strict = server()


def test_a_field_without_a_value_is_refused_at_once() -> None:
    """The node says when it is made which field it can't make, and what to write."""
    with pytest.raises(ron.RonConfigError, match=r"assign=\{Blob: lambda fields: \{'id': \.\.\.\}"):
        MemoryNode(Blob)


def test_assign_makes_the_rest() -> None:
    """The `assign` function is given the new object's JSON, and returns the fields by name."""
    seen: list[dict[str, Any]] = []

    def assign(fields: dict[str, Any]) -> dict[str, Any]:
        seen.append(fields)
        return {"id": "b3:" + "0" * 64, "size": Strict(w=len(fields["text"]))}

    made = create(Blob, assign={Blob: assign})
    assert [{"text": "hello"}] == seen
    assert ("b3:" + "0" * 64, Strict(w=5)) == (made.id, made.size)


@pytest.mark.parametrize(
    ("assign", "says"),
    [
        (lambda fields: {"id": "x"}, "wrong value for 'id'"),
        (lambda fields: {"text": "x"}, "'text', which is no server"),
        (lambda fields: {}, r"no value to assign to Blob\.(id|size)"),
        (lambda fields: 1, "must return a mapping"),
        (lambda fields: fields["x"], "raised KeyError"),
    ],
)
def test_a_wrong_assign_function_is_told(assign: Any, says: str) -> None:
    """What an `assign` function gets wrong is `RonConfigError` in the call that needed it."""
    with pytest.raises(ron.RonConfigError, match=says):
        create(Blob, assign={Blob: assign})


def test_a_resources_own_validators_have_a_say() -> None:
    """An object that the declaration would not read back is refused."""
    from pydantic import model_validator

    class Span(Resource, path="/app/spans"):
        id: str = server()
        low: int
        high: int

        @model_validator(mode="after")
        def _in_order(self) -> Span:
            if self.low > self.high:
                raise ValueError("low is above high")
            return self

    node = MemoryNode(Span)
    assert 201 == ask(node, "POST", "/app/spans", json={"low": 1, "high": 2}).status
    assert 400 == ask(node, "POST", "/app/spans", json={"low": 3, "high": 2}).status
    assert 400 == ask(node, "PATCH", "/app/spans/s-1", json={"low": 3}).status


def test_parents_separate_collections() -> None:
    """The parameters of a path say which collection is meant, and fill the fields of that name."""
    node = MemoryNode(Task)
    with RonClientSync(transport=node) as client:
        tasks = client.objects(Task)
        first = tasks.at(project_id="p1").create(title="a")
        other = tasks.at(project_id="p2").create(title="b")
        assert ("p1", "p2") == (first.project_id, other.project_id)
        assert ["a"] == [task.title for task in tasks.at(project_id="p1").list()]
        assert tasks.at(project_id="p2").get_or_none(first.id) is None
        first.title = "c"
        tasks.save(first)
        assert {"Title": "c"} == node.requests[-1].json
        tasks.delete(first)
        assert [] == tasks.at(project_id="p1").list().all()
    path = "/app/projects/p1/tasks"
    assert 400 == problem(ask(node, "POST", path, json={"Title": "a", "project_id": "p2"}))[0]
    assert 201 == ask(node, "POST", path, json={"Title": "a"}).status, "the path says it"


def test_added_objects_are_whole() -> None:
    """`add` takes objects with their server fields, of resources that the node serves."""
    node = MemoryNode(Note)
    with pytest.raises(ron.RonInputError, match=r"has no id: make it with ron\.testing\.stored"):
        node.add(Note(text="a"))
    with pytest.raises(ron.RonConfigError, match="does not serve Task"):
        node.add(stored(Task, project_id="p", id=1, title="a", made=0))
    node.add(stored(Note, id="n-1", text="a"))
    with pytest.raises(ron.RonInputError, match="'n-1' already"):
        node.add(stored(Note, id="n-1", text="b"))
    assert [stored(Note, id="n-1", text="a")] == node.items(Note)


@pytest.mark.parametrize(
    ("arguments", "options", "says"),
    [
        ((dict,), {}, "is no Resource class"),
        ((Note, Note), {}, "have the same path '/app/notes'"),
        ((Note,), {"assign": {Item: lambda fields: {}}}, "speaks of Item"),
        ((Note,), {"filters": {Item: {}}}, "speaks of Item"),
        ((Note,), {"filters": [Item]}, "is a mapping by class"),
        ((Item,), {"filters": {Item: {"updated": lambda item, value: True}}}, "declares no filter"),
    ],
)
def test_a_node_that_cannot_be_is_refused(arguments: Any, options: Any, says: str) -> None:
    """What is wrong with a node's arguments is said when it is made."""
    with pytest.raises(ron.RonConfigError, match=says):
        MemoryNode(*arguments, **options)


def test_a_node_shows_what_it_is() -> None:
    """Its repr names what it serves."""
    node = MemoryNode(Item, Note)
    ask(node, "GET", ITEMS)
    assert "<MemoryNode of Item, Note: 1 requests>" == repr(node)


def test_what_stands_in_the_path_does_not_change() -> None:
    """A write that would move an object to another collection is refused."""
    node = MemoryNode(Task)
    node.add(stored(Task, project_id="p1", id=1, title="a", made=0))
    for method, fields in (("PATCH", {}), ("PUT", {"Title": "b"})):
        body = {**fields, "project_id": "p2"}
        assert 400 == problem(ask(node, method, "/app/projects/p1/tasks/1", json=body))[0], method


def test_an_added_object_has_a_json_form() -> None:
    """What no node could send can't be added."""
    with pytest.raises(ron.RonInputError, match="cannot be written as JSON"):
        MemoryNode(Note).add(stored(Note, {"it": object()}, id="n-1", text="a"))
