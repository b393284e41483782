"""Filters: typed, checked, and refused with what was meant, before anything is sent."""

from __future__ import annotations

import dataclasses
import enum
from datetime import timedelta, timezone
from typing import Any, Optional
from uuid import UUID

import pytest
from pydantic import BaseModel
from typing_extensions import Literal

from ron import Bytes, Resource, RonInputError, Timestamp, server
from ron.resources._filters import filter_query
from tests.unit.resource_declarations import NOON, Item, ItemFilters, described

FILTERS_BY = "colour, created_at, id, name, note, price, ready_at, size, tagged, tags, updated_after"


class Kind(enum.Enum):
    SMALL = "s"


class Part(Resource, path="/app/parts"):
    id: UUID = server()
    kind: Kind = Kind.SMALL
    state: Literal["new", "old"] = "new"
    ratio: float = 0.0
    live: bool = True
    digest: Bytes = b""
    limit: int = 0
    query: str = ""


def query(given: Any = None, /, **by_field: Any) -> dict[str, Any]:
    """The query parameters of filters of `Item`."""
    return filter_query(described(Item), given, by_field, None)


def refused(given: Any = None, /, **by_field: Any) -> str:
    """What is said about bad filters of `Item`."""
    with pytest.raises(RonInputError) as caught:
        query(given, **by_field)
    assert (None, 0) == (caught.value.request_id, caught.value.attempts)
    return caught.value.message


def test_fields_filter_by_equality_in_their_wire_form() -> None:
    """A field's filter has the field's wire name and wire form, the node's own fields included."""
    assert {"id": "i-1", "price": "7", "color": "red"} == query(id="i-1", price=7, colour="red")
    assert {"price": "7"} == query(price="7")
    noon = NOON.astimezone(timezone(timedelta(hours=1)))
    assert {"created_at": "2026-03-01T12:00:00Z"} == query(created_at=noon)


def test_values_of_all_types_have_their_form() -> None:
    """Enums, UUIDs, literals, floats, booleans and bytes are sent as their JSON form."""
    key = UUID(int=7)
    found = filter_query(
        described(Part),
        None,
        {"id": key, "kind": Kind.SMALL, "state": "old", "ratio": 0.5, "live": False, "digest": b"\xff"},
        None,
    )
    assert {"id": str(key), "kind": "s", "state": "old", "ratio": 0.5, "live": False, "digest": "_w"} == found


def test_declared_filters_are_typed_too() -> None:
    """Filters of the declared class are checked and written by their types; lists are lists."""
    assert {"updated_after": "2026-03-01T12:00:00Z", "tagged": ["a", "b"]} == query(
        updated_after="2026-03-01T13:00:00+01:00", tagged=["a", "b"]
    )


def test_a_mapping_serves_names_that_collide_with_options() -> None:
    """The positional mapping reaches fields called `limit` or `query`; keywords add to it and win."""
    found = filter_query(described(Part), {"limit": 3, "query": "x", "live": True}, {"live": False}, None)
    assert {"limit": 3, "query": "x", "live": False} == found


def test_objects_of_a_filter_class_are_read() -> None:
    """A plain object, a pydantic model and a dataclass give the filters that are set."""

    class Model(BaseModel):
        updated_after: Optional[Timestamp] = None
        tagged: list[str] = []

    @dataclasses.dataclass
    class Data:
        updated_after: Any = None
        tagged: Any = None

    plain = ItemFilters()
    plain.tagged = ["a"]
    assert {"tagged": ["a"]} == query(plain) == query(Model(tagged=["a"])) == query(Data(tagged=["a"]))
    assert {} == query(ItemFilters()) == query(Model()) == query(Data())


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            {"nmae": "a"},
            f"Item has no filter 'nmae' (did you mean 'name'?); it filters by {FILTERS_BY}; query={{...}} sends "
            "parameters unchecked",
        ),
        (
            {"updated_affter": 1},
            f"Item has no filter 'updated_affter' (did you mean 'updated_after'?); it filters by {FILTERS_BY}; "
            "query={...} sends parameters unchecked",
        ),
        ({"zzz": 1}, f"Item has no filter 'zzz'; it filters by {FILTERS_BY}; query={{...}} sends parameters unchecked"),
        ({"name": None}, "filter 'name' of Item is None: leave it out, or use query={...}"),
        ({"note": None}, "filter 'note' of Item is None: leave it out, or use query={...}"),
        (
            {"price": -1},
            "filter 'price' of Item: must be a whole number from 0 to 18446744073709551615, or its decimal string",
        ),
        ({"name": 5}, "filter 'name' of Item: Input should be a valid string"),
        ({"name": ["a", "b"]}, "filter 'name' of Item: Input should be a valid string"),
        ({"updated_after": "soon"}, "filter 'updated_after' of Item: Input should be a valid datetime or date"),
        ({"tagged": "a"}, "filter 'tagged' of Item: Input should be a valid list"),
        (
            {"size": {"width": 1}},
            "filter 'size' of Item has no form in a query: only plain values and lists of them have",
        ),
    ],
)
def test_bad_filters_are_refused(given: dict[str, Any], text: str) -> None:
    """A misspelt filter would list everything: it is refused, as are wrong types and None, in either place."""
    assert refused(**given).startswith(text)
    assert refused(given).startswith(text)


@pytest.mark.parametrize("thing", [5, "name=a", ["name"], object(), ItemFilters])
def test_what_is_no_filter_object_is_refused(thing: Any) -> None:
    """The positional argument is a mapping or an object of the declared class."""
    assert (
        "filters of Item are keywords, a mapping, or an object of its declared filter class, not "
        f"{type(thing).__name__}" == refused(thing)
    )


def test_unchecked_parameters_are_the_way_out() -> None:
    """`query=` is sent as it is, beside the filters, and wins."""
    found = filter_query(described(Item), None, {"name": "a", "price": 1}, {"beta": "1", "price": "any"})
    assert {"name": "a", "beta": "1", "price": "any"} == found


@pytest.mark.parametrize("bad", ["beta=1", [("a", 1)], 5])
def test_unchecked_parameters_are_a_mapping(bad: Any) -> None:
    """`query=` of another kind is refused by type."""
    with pytest.raises(RonInputError) as caught:
        filter_query(described(Item), None, {}, bad)
    assert f"query must be a mapping of names to values, not {type(bad).__name__}" == caught.value.message
