"""What is sent: which fields, in which form, and which of them changed."""

from __future__ import annotations

import json
from datetime import timedelta, timezone
from typing import Any, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from ron import Draft, Patch, Resource, RonInputError, server
from ron.resources._bodies import changed_fields, create_body, new_object, patch_body, replace_body
from tests.unit.resource_declarations import NOON, Item, Size, Task, decoded, described


def created(obj: Any) -> Any:
    """What create sends."""
    return json.loads(create_body(described(type(obj)), obj))


def replaced(obj: Any) -> Any:
    """What replace sends."""
    return json.loads(replace_body(described(type(obj)), obj))


def patched(given: Any = None, **changes: Any) -> Any:
    """What update of an `Item` sends."""
    return json.loads(patch_body(described(Item), given, changes))


def changed(obj: Any) -> set[str]:
    """Which fields save would send."""
    return changed_fields(described(type(obj)), obj)


def refused(call: Any, *arguments: Any, **fields: Any) -> str:
    """What is said about bad input."""
    with pytest.raises(RonInputError) as caught:
        call(*arguments, **fields)
    return caught.value.message


# --- Create -----------------------------------------------------------------------------------


def test_create_sends_values_and_defaults_but_no_unset_optionals() -> None:
    """Fields with a value travel, defaults too; optional ones that nobody set don't, nor does what the node assigns."""
    assert {"name": "a", "price": "0", "tags": []} == created(Item(name="a"))


def test_create_sends_none_only_on_purpose() -> None:
    """None travels where the caller wrote it."""
    item = Item(name="a", note=None)
    assert {"name": "a", "price": "0", "tags": [], "note": None} == created(item)
    other = Item(name="a")
    other.colour = None
    assert {"name": "a", "price": "0", "tags": [], "color": None} == created(other)


def test_create_sends_wire_forms_and_wire_names() -> None:
    """A U64 is a decimal string, a timestamp ISO 8601 in UTC, an aliased field has its wire name."""
    noon = NOON.astimezone(timezone(timedelta(hours=1)))
    item = Item(name="a", price=2**64 - 1, ready_at=noon, color="red", size=Size(width=1))
    assert {
        "name": "a",
        "price": "18446744073709551615",
        "ready_at": "2026-03-01T12:00:00Z",
        "color": "red",
        "tags": [],
        "size": {"width": 1},
    } == created(item)


def test_unset_optionals_inside_are_omitted_too() -> None:
    """The rule for unset optional fields holds inside nested models, in lists and mappings; None on purpose travels."""

    class Deep(Resource, path="/app/deep"):
        id: str = server()
        sizes: list[Size] = Field(default_factory=list)
        named: dict[str, Size] = Field(default_factory=dict)
        free: Any = None

    deep = Deep(
        sizes=[Size(width=1), Size(width=2, depth=None)],
        named={"a": Size(width=3)},
        free=[Size(width=4), {"plain": None}],
    )
    assert {
        "sizes": [{"width": 1}, {"width": 2, "depth": None}],
        "named": {"a": {"width": 3}},
        "free": [{"width": 4}, {"plain": None}],
    } == created(deep)


def test_computed_and_excluded_fields_do_not_travel() -> None:
    """Only declared fields are sent, and not those that their class keeps to itself."""

    class Secretive(Resource, path="/app/secretive"):
        id: str = server()
        name: str = "a"
        local: str = Field(default="here", exclude=True)

    assert {"name": "a"} == created(Secretive(local="x"))


# --- What create takes ------------------------------------------------------------------------


def test_create_takes_fields_an_object_or_a_draft() -> None:
    """All three give the same body; what was set stays set."""
    fields = new_object(described(Item), None, {"name": "a", "note": None})
    draft = new_object(described(Item), Draft[Item](name="a", note=None), {})
    item = Item(name="a", note=None)
    assert item is new_object(described(Item), item, {})
    assert created(item) == created(fields) == created(draft)
    assert item.model_fields_set == fields.model_fields_set == draft.model_fields_set


@pytest.mark.parametrize(
    ("given", "fields", "text"),
    [
        (None, {}, "Item: name: Field required"),
        (None, {"nmae": "a"}, "Item: nmae: Item has no field 'nmae' (did you mean 'name'?)"),
        (None, {"name": "a", "price": "x"}, "Item: price: must be a whole number from 0 to 18446744073709551615"),
        (None, {"name": "a", "id": "i-1"}, "Item: id: id is assigned by the node: leave it out"),
        (Item(name="a"), {"price": 1}, "create takes either an object or fields, not both: leave 'price' out"),
        (5, {}, "create takes a Item, a Draft[Item] or fields, not int"),
        (Task(project="p", number=1), {}, "create takes a Item, a Draft[Item] or fields, not Task"),
        (Draft[Task](project="p", number=1), {}, "create takes a Item, a Draft[Item] or fields, not TaskDraft"),
        (Patch[Item](name="a"), {}, "create takes a Item, a Draft[Item] or fields, not ItemPatch"),
        (
            decoded(Item, id="i-1", name="a"),
            {},
            "this Item came from a node: save(obj) writes its changes; to create another one, give its fields",
        ),
    ],
)
def test_what_create_refuses(given: Any, fields: dict[str, Any], text: str) -> None:
    """Bad input to create is named before anything is sent."""
    assert refused(new_object, described(Item), given, fields).startswith(text)


# --- Replace ----------------------------------------------------------------------------------


def test_replace_echoes_unknown_fields() -> None:
    """PUT carries everything of the caller's, and the unknown fields that the node had sent, unchanged."""
    item = decoded(Item, id="i-1", name="a", price="5", shiny={"deep": [1, None]}, note=None)
    item.name = "b"
    assert {"name": "b", "price": "5", "tags": [], "note": None, "shiny": {"deep": [1, None]}} == replaced(item)


def test_replace_omits_what_was_never_set() -> None:
    """An optional field that neither node nor caller set is not sent as null."""
    assert {"name": "a", "price": "0", "tags": []} == replaced(decoded(Item, id="i-1", name="a"))


# --- Update -----------------------------------------------------------------------------------


def test_update_sends_only_what_is_given() -> None:
    """PATCH carries the given fields in wire form; None where it is given; no defaults, no unknown fields."""
    assert {"price": "7"} == patched(price=7)
    assert {"note": None, "color": "red"} == patched(note=None, colour="red")
    assert {"size": {"width": 1}} == patched(size={"width": 1})
    assert {"price": "7", "note": None} == patched(Patch[Item](price=7, note=None))


@pytest.mark.parametrize(
    ("given", "changes", "text"),
    [
        (None, {}, "update of Item: nothing to change: give at least one field"),
        (Patch[Item](), {}, "update of Item: nothing to change: give at least one field"),
        (None, {"id": "x"}, "Item.id is assigned by the node: it cannot be changed"),
        (None, {"nmae": "x"}, "Item has no field 'nmae' (did you mean 'name'?)"),
        (None, {"zzz": "x"}, "Item has no field 'zzz'"),
        (None, {"price": 1.5}, "Item: price: must be a whole number from 0 to 18446744073709551615"),
        (None, {"name": None}, "Item: name: Input should be a valid string"),
        (Patch[Item](name="a"), {"price": 1}, "update takes either a patch or changes, not both: leave 'price' out"),
        (Patch[Task](text="a"), {}, "update takes a Patch[Item] or changes, not TaskPatch"),
        ({"name": "a"}, {}, "update takes a Patch[Item] or changes, not dict"),
        (Item(name="a"), {}, "update takes a Patch[Item] or changes, not Item"),
    ],
)
def test_what_update_refuses(given: Any, changes: dict[str, Any], text: str) -> None:
    """Bad input to update is named before anything is sent."""
    assert refused(patch_body, described(Item), given, changes).startswith(text)


# --- What changed -----------------------------------------------------------------------------


def test_nothing_has_changed_at_first() -> None:
    """An object as it came has no changes, nor has one whose values were assigned anew unchanged."""
    item = decoded(Item, id="i-1", name="a", price="5", tags=["x"], size={"width": 1})
    assert set() == changed(item)
    item.name, item.price, item.tags, item.size = "a", 5, ["x"], Size(width=1)
    assert set() == changed(item)


def test_assigned_fields_have_changed_until_they_are_set_back() -> None:
    """What differs from the node's last word has changed, whatever happened in between."""
    item = decoded(Item, id="i-1", name="a")
    item.name, item.note = "b", "n"
    assert {"name", "note"} == changed(item)
    item.name = "a"
    assert {"note"} == changed(item)


def test_changes_inside_values_are_seen() -> None:
    """Lists and nested models that were changed in place have changed, also at the bottom."""
    item = decoded(Item, id="i-1", name="a", tags=["x"], size={"width": 1})
    item.tags.append("y")
    item.size.width = 2
    assert {"tags", "size"} == changed(item)
    item.tags.remove("y")
    item.size.width = 1
    assert set() == changed(item)


def test_a_refused_assignment_changes_nothing() -> None:
    """After an assignment that validation refused there is nothing to save."""
    item = decoded(Item, id="i-1", name="a")
    with pytest.raises(ValueError, match="whole number"):
        item.price = -1
    assert set() == changed(item)


def test_new_objects_and_copies_know_no_changes() -> None:
    """What came from no node has no last word to differ from."""
    item = decoded(Item, id="i-1", name="a")
    item.name = "b"
    assert set() == changed(item.model_copy())
    assert set() == changed(Item(name="a"))


@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=4), st.lists(st.sampled_from(["a", "b", "c"]), max_size=4))
def test_a_list_has_changed_exactly_if_it_differs(before: list[str], after: list[str]) -> None:
    """Changing a list in place is a change if and only if the list is another one in the end."""
    item = decoded(Item, id="i-1", name="a", tags=before)
    item.tags[:] = after
    assert ({"tags"} if before != after else set()) == changed(item)


# --- What JSON cannot carry -------------------------------------------------------------------


class Loose(Resource, path="/app/loose"):
    id: str = server()
    data: Any = None
    sizes: list[Size] = Field(default_factory=list)
    inner: Optional[BaseModel] = None


TEXT = (
    "Loose cannot be written as JSON: {} was changed in place to what its type does not allow, or holds a number or "
    "text that JSON has no form for"
)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), {"x": [float("nan")]}, "\ud800", object()])
def test_values_without_a_json_form_are_refused(bad: Any) -> None:
    """NaN, infinities, lone surrogates and foreign objects are refused by field, not sent as null."""
    assert TEXT.format("data") == refused(create_body, described(Loose), Loose(data=bad))


def test_words_that_look_like_such_numbers_are_fine() -> None:
    """Text that says NaN or Infinity is text."""
    assert {"data": "NaN and -Infinity", "sizes": []} == created(Loose(data="NaN and -Infinity"))


def test_values_that_were_spoilt_in_place_are_refused() -> None:
    """A list that no longer holds what its field declares is refused by the field's name."""
    loose = Loose()
    loose.sizes.append(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert TEXT.format("sizes") == refused(create_body, described(Loose), loose)


def test_a_cycle_is_refused() -> None:
    """A value that contains itself is refused, not followed for ever."""
    ring: list[Any] = []
    ring.append(ring)
    loose = Loose.model_construct(data=ring)
    assert TEXT.format("data") == refused(create_body, described(Loose), loose)
