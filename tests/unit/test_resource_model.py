"""Objects of resources: constructing, reading, assigning, dumping, copying, comparing; what users' validators see."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any, Optional

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel, PrivateAttr, ValidationError, computed_field, field_validator, model_validator

import ron
from ron import Resource, RonConfigError, RonInputError, RonUnassignedError, Timestamp, server
from ron.resources._origin import origin_of
from tests.unit.resource_declarations import NOON, Item, Size, Task, decoded


def refusals(caught: pytest.ExceptionInfo[ValidationError]) -> list[tuple[tuple[Any, ...], str]]:
    """Places and texts of a ValidationError."""
    return [(one["loc"], one["msg"]) for one in caught.value.errors()]


# --- The constructor --------------------------------------------------------------------------


def test_fields_are_given_by_name_and_converted() -> None:
    """The constructor takes what is declared, in either form of a wire type, and fills in defaults."""
    item = Item(name="kettle", price="1299", size={"width": 3})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert ("kettle", 1299, Size(width=3), None, []) == (item.name, item.price, item.size, item.note, item.tags)


def test_defaults_are_not_shared() -> None:
    """A list that is a default belongs to one object only."""
    first, second = Item(name="a"), Item(name="b")
    first.tags.append("x")
    assert [] == second.tags


@pytest.mark.parametrize("given", [{"id": "i-1"}, {"id": None}])
def test_server_fields_are_refused(given: dict[str, Any]) -> None:
    """What the node assigns cannot be given, not even as None; the words name `ron.testing.stored`."""
    with pytest.raises(ValidationError) as caught:
        Item(name="a", **given)
    text = "id is assigned by the node: leave it out; tests build whole objects with ron.testing.stored(Item, id=...)"
    assert [(("id",), text)] == refusals(caught)


def test_server_fields_are_refused_by_their_alias_too() -> None:
    """The wire name of a server field is no way around the refusal."""

    class Aliased(Resource, path="/app/aliased", key="key"):
        key: str = server(alias="ID")

    for name in ("key", "ID"):
        with pytest.raises(ValidationError, match="key is assigned by the node: leave it out"):
            Aliased(**{name: "x"})
    assert "x" == Aliased._stored({"ID": "x"}).key


def test_all_refused_names_are_told_at_once_with_what_was_meant() -> None:
    """Unknown names don't travel: each is named with its nearest field, before types are looked at."""
    with pytest.raises(ValidationError) as caught:
        Item(nmae="a", colr="red", zzz=1, id="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assert [
        (("nmae",), "Item has no field 'nmae' (did you mean 'name'?)"),
        (("colr",), "Item has no field 'colr' (did you mean 'colour'?)"),
        (("zzz",), "Item has no field 'zzz'"),
        (
            ("id",),
            "id is assigned by the node: leave it out; tests build whole objects with ron.testing.stored(Item, id=...)",
        ),
    ] == refusals(caught)


def test_missing_and_wrong_fields_are_pydantics_own_errors() -> None:
    """Only fields of the caller count as missing; the error never quotes the input."""
    with pytest.raises(ValidationError) as caught:
        Item(price="secret-value")  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
    assert [("name",), ("price",)] == [place for place, _ in refusals(caught)]
    assert "secret-value" not in str(caught.value)
    assert "Item" == caught.value.title


# --- Reading and dumping before the node has spoken --------------------------------------------


@pytest.mark.parametrize("name", ["id", "created_at"])
def test_reading_an_unassigned_field_says_what_to_do(name: str) -> None:
    """A field that the node assigns cannot be read before, also if it has a default for answers."""
    item = Item(name="a")
    with pytest.raises(RonUnassignedError) as caught:
        getattr(item, name)
    assert f"{name} is assigned by the node: create the Item first" == caught.value.message
    assert isinstance(caught.value, AttributeError)
    assert not hasattr(item, name)
    assert "fallback" == getattr(item, name, "fallback")


def test_an_unknown_attribute_is_an_ordinary_attribute_error() -> None:
    """Only server fields speak of the node."""
    with pytest.raises(AttributeError, match="'Item' object has no attribute 'nme'"):
        Item(name="a").nme  # type: ignore[attr-defined]  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


def test_dumps_and_repr_hold_only_what_is_there() -> None:
    """Unassigned fields are in no dump, no JSON and no repr."""
    item = Item(name="a", tags=["x"])
    assert {"name", "price", "note", "tags", "size", "colour", "ready_at"} == set(item.model_dump())
    assert {"name": "a", "tags": ["x"]} == item.model_dump(exclude_unset=True)
    assert "id" not in json.loads(item.model_dump_json())
    assert "Item(name='a', price=0, note=None, tags=['x'], size=None, colour=None, ready_at=None)" == repr(item)


def test_repr_survives_a_computed_field_that_needs_the_node() -> None:
    """A computed field that reads an unassigned one doesn't break repr; a dump that asks for it says why it cannot."""

    class Linked(Resource, path="/app/linked"):
        id: str = server()
        name: str = "x"

        @computed_field  # type: ignore[prop-decorator]
        @property
        def link(self) -> str:
            return f"/linked/{self.id}"

    assert "Linked(name='x')" == repr(Linked())
    with pytest.raises(RonUnassignedError):
        Linked().model_dump()
    assert "/linked/1" == Linked._stored({"id": "1"}).model_dump()["link"]


# --- Assigning --------------------------------------------------------------------------------


def test_assignment_validates() -> None:
    """An assigned value is converted like a constructor's, or refused and nothing changes."""
    item = Item(name="a")
    item.price = "7"  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    assert 7 == item.price
    with pytest.raises(ValidationError, match="must be a whole number from 0 to"):
        item.price = -1
    assert 7 == item.price


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nmae", "Item has no field 'nmae' (did you mean 'name'?)"),
        ("color", "Item has no field 'color' (did you mean 'colour'?)"),
        ("zzz", "Item has no field 'zzz'"),
        ("id", "Item.id is assigned by the node: it cannot be set"),
        ("created_at", "Item.created_at is assigned by the node: it cannot be set"),
        ("objects", "Item has no field 'objects'"),
    ],
)
def test_assigning_to_what_is_no_field_is_refused(name: str, text: str) -> None:
    """A typo does not travel, and what the node assigns stays the node's, before and after it came."""
    for item in (Item(name="a"), decoded(Item, id="i-1", name="a")):
        with pytest.raises(RonInputError) as caught:
            setattr(item, name, "x")
        assert text == caught.value.message


def test_private_attributes_and_properties_can_be_assigned() -> None:
    """What users add to their classes, private attributes and properties with setters, works as in pydantic."""

    class Handy(Resource, path="/app/handy"):
        id: str = server()
        name: str
        _seen: int = PrivateAttr(default=0)

        @property
        def upper(self) -> str:
            return self.name.upper()

        @upper.setter
        def upper(self, value: str) -> None:
            self.name = value.lower()

    for item in (Handy(name="a"), decoded(Handy, id="1", name="a")):
        item._seen += 1
        item.upper = "BEE"
        assert (1, "bee", "BEE") == (item._seen, item.name, item.upper)


# --- Decoding ---------------------------------------------------------------------------------


def test_unknown_fields_of_answers_are_kept() -> None:
    """What a newer node sends is readable, dumped and compared, but cannot be assigned."""
    item = decoded(Item, id="i-1", name="a", shiny={"deep": [1]})
    assert {"deep": [1]} == item.shiny
    assert {"deep": [1]} == item.model_dump()["shiny"]
    assert item != decoded(Item, id="i-1", name="a")
    with pytest.raises(RonInputError, match="Item has no field 'shiny'"):
        item.shiny = 1


def test_a_server_default_fills_what_an_answer_leaves_out() -> None:
    """`server(default=…)` is for answers; without it an answer must hold the field."""
    assert NOON == decoded(Item, id="i-1", name="a").created_at
    with pytest.raises(ron.RonParseError, match=r"^the answer is no Item: id: Field required \(status 200, "):
        decoded(Item, name="a")


def test_meta_tells_what_came_with_an_object() -> None:
    """`ron.meta` has the request id, ETag, status, headers in lower case, and when it was read."""
    found = ron.meta(decoded(Item, id="i-1", name="a", etag='"v7"'))
    assert ("r-1", '"v7"', 200) == (found.request_id, found.etag, found.status)
    assert {"x-request-id": "r-1", "etag": '"v7"'} == found.headers
    assert 1_700_000_000.0 == found.fetched_at.timestamp()
    assert found.fetched_at.tzinfo is not None


@pytest.mark.parametrize("thing", [Item(name="a"), Item._stored({"id": "i", "name": "a"}), 5, None])
def test_meta_of_what_came_from_no_node(thing: Any) -> None:
    """Objects that were made here have no meta, whatever their key."""
    with pytest.raises(RonConfigError) as caught:
        ron.meta(thing)
    assert (
        f"this {type(thing).__name__} came from no node: only objects that get, list, create, save ... returned have a "
        "meta" == caught.value.message
    )


# --- Copies, pickles, equality ----------------------------------------------------------------


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        lambda one: pickle.loads(pickle.dumps(one)),
        lambda one: one.model_copy(),
        lambda one: one.model_copy(deep=True),
    ],
)
def test_copies_are_equal_and_come_from_nowhere(copied: Any) -> None:
    """Copies and unpickled objects have all fields and unknown ones, and no origin."""
    item = decoded(Item, id="i-1", name="a", size={"width": 1}, shiny=1)
    item.name = "b"
    other = copied(item)
    assert item == other
    assert item.model_dump() == other.model_dump()
    assert item.model_fields_set == other.model_fields_set
    assert (None, True) == (origin_of(other), origin_of(item) is not None)
    other.price = 5
    assert item != other


def test_a_new_object_survives_copies_and_pickles() -> None:
    """Unassigned stays unassigned in a copy."""
    for other in (copy.deepcopy(Item(name="a")), pickle.loads(pickle.dumps(Item(name="a")))):
        assert Item(name="a") == other
        with pytest.raises(RonUnassignedError):
            _ = other.id


def test_equality_is_about_fields_only() -> None:
    """Where an object came from is no part of equality; its class and its fields are."""
    assert decoded(Item, id="i-1", name="a", etag='"1"') == decoded(Item, id="i-1", name="a", etag='"2"')
    assert decoded(Item, id="i-1", name="a") == Item._stored({"id": "i-1", "name": "a"})
    assert decoded(Item, id="i-1", name="a") != decoded(Item, id="i-2", name="a")
    assert Item(name="a") != decoded(Item, id="i-1", name="a")
    others: list[Any] = [Task(project="p", number=1), Item(name="a")]
    assert others[0] != others[1]


def test_the_token_is_nowhere_in_a_pickle() -> None:
    """A pickled object carries neither the answer nor anything of the client."""
    assert b"r-1" not in pickle.dumps(decoded(Item, id="i-1", name="a"))


# --- Users' validators ------------------------------------------------------------------------


class Checked(Resource, path="/app/checked"):
    id: str = server()
    low: int = 0
    high: int = 9
    name: str = "x"
    _log: list[str] = PrivateAttr(default_factory=list)

    @field_validator("name")
    @classmethod
    def _lower(cls, value: str) -> str:
        if not value:
            raise ValueError("a name has letters")
        return value.lower()

    @model_validator(mode="before")
    @classmethod
    def _old_names(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("name") == "LEGACY":
            return {**data, "name": "modern"}
        return data

    @model_validator(mode="after")
    def _ordered(self) -> Checked:
        if self.low > self.high:
            raise ValueError("low must not be above high")
        return self

    def model_post_init(self, context: Any, /) -> None:
        self._log.append("made")


def test_validators_run_in_the_constructor() -> None:
    """Field and model validators and model_post_init see a constructor's input, once."""
    assert ("ab", ["made"]) == (Checked(name="AB").name, Checked(name="AB")._log)
    assert "modern" == Checked(name="LEGACY").name
    with pytest.raises(ValidationError, match="a name has letters"):
        Checked(name="")
    with pytest.raises(ValidationError, match="low must not be above high"):
        Checked(low=10)


def test_validators_run_on_answers() -> None:
    """The same validators see what a node sends; what they say is not quoted, because it may quote the payload."""
    item = decoded(Checked, id="1", name="AB")
    assert ("ab", ["made"]) == (item.name, item._log)
    with pytest.raises(ron.RonParseError) as caught:
        decoded(Checked, id="1", name="")
    assert caught.value.message.startswith("the answer is no Checked: name: is not valid (value_error)")


def test_validators_run_on_assignment() -> None:
    """An assignment that a model validator refuses raises pydantic's error."""
    for item in (Checked(), decoded(Checked, id="1")):
        item.name = "QQ"
        assert "qq" == item.name
        with pytest.raises(ValidationError, match="low must not be above high"):
            item.low = 100


def test_a_wrap_validator_sees_both_ways() -> None:
    """A wrapping model validator works for the constructor and for answers."""
    seen: list[str] = []

    class Wrapped(Resource, path="/app/wrapped"):
        id: str = server()
        name: str = "x"

        @model_validator(mode="wrap")
        @classmethod
        def _note(cls, data: Any, handler: Any) -> Any:
            made = handler(data)
            seen.append(made.name)
            return made

    assert ("a", "b") == (Wrapped(name="a").name, Wrapped._stored({"id": "1", "name": "b"}).name)
    assert ["a", "b"] == seen


# --- In a FastAPI application -----------------------------------------------------------------


@pytest.mark.anyio
async def test_resources_serve_as_response_models() -> None:
    """A FastAPI route with a resource as response model sends the wire forms, unknown fields included."""
    app = FastAPI()
    item = decoded(Item, id="i-1", name="a", price=5, shiny=1)

    @app.get("/one", response_model=Item)
    def one() -> Any:
        return item

    @app.get("/many")
    def many() -> list[Item]:
        return [item]

    async def ask(path: str) -> Any:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
            return (await client.get(path)).json()

    expected: dict[str, Any] = {
        "id": "i-1",
        "name": "a",
        "price": "5",
        "note": None,
        "tags": [],
        "size": None,
        "color": None,
        "ready_at": None,
        "created_at": "2026-03-01T12:00:00Z",
        "shiny": 1,
    }
    assert expected == await ask("/one")
    assert [expected] == await ask("/many")
    schema = app.openapi()["components"]["schemas"]["Item"]
    assert {"id", "name"} <= set(schema["required"])
    assert "date-time" == schema["properties"]["created_at"]["format"]


def test_resources_nest_in_other_models() -> None:
    """A resource is a pydantic model: it can be a field of another one, decoded and dumped there."""

    class Basket(BaseModel):
        item: Item
        gift: Optional[Item] = None
        when: Timestamp = NOON

    basket = Basket.model_validate_json('{"item": {"id": "i-1", "name": "a", "price": "3"}}')
    assert ("i-1", 3) == (basket.item.id, basket.item.price)
    assert "3" == json.loads(basket.model_dump_json())["item"]["price"]
