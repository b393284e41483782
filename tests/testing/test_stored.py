"""`stored`: whole objects without a node."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

import ron
from ron.testing import stored
from tests.testing.shop import Item, Note, Task

WHEN = "2026-01-02T03:04:05Z"


def test_a_stored_object_is_whole() -> None:
    """Server fields are set, values are checked and converted as in an answer."""
    item = stored(Item, id="i-1", name="kettle", price="12", created_at=WHEN, updated_at=WHEN)
    assert ("i-1", 12, "new") == (item.id, item.price, item.status)
    assert datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc) == item.created_at


def test_a_stored_object_came_from_no_node() -> None:
    """It has no meta, and saving it is refused: only a node can give it an origin."""
    note = stored(Note, id="n-1", text="a")
    with pytest.raises(ron.RonConfigError, match="came from no node"):
        ron.meta(note)


def test_stored_takes_wire_names_too() -> None:
    """A field with an alias can be given under either name."""
    by_name = stored(Task, project_id="p", id=1, title="a", made=0)
    assert by_name == stored(Task, project_id="p", id=1, Title="a", made=0)


def test_stored_keeps_what_lies_beyond_the_declaration() -> None:
    """Fields that only a node would send go first, by wire name."""
    note = stored(Note, {"colour": "red"}, id="n-1", text="a")
    assert {"colour": "red"} == note.model_extra


@pytest.mark.parametrize(
    ("arguments", "fields", "says"),
    [
        ((), {}, r"also give id=\.\.\. \(assigned by the node\), text=\.\.\.$"),
        ((), {"id": "n-1"}, r"also give text=\.\.\.$"),
        ((), {"id": "n-1", "txt": "a"}, "no field 'txt' \\(did you mean 'text'\\?\\)"),
        ((), {"id": "n-1", "text": 1}, "text: "),
        (({"text": "a"},), {"id": "n-1"}, "'text' is a declared field"),
    ],
)
def test_a_mistake_is_told(arguments: Any, fields: dict[str, Any], says: str) -> None:
    """What is missing, unknown or wrong is `RonInputError`, which says what to write."""
    with pytest.raises(ron.RonInputError, match=says):
        stored(Note, *arguments, **fields)


def test_stored_needs_a_resource() -> None:
    """A class without a path has no stored objects."""
    unfit: Any = dict
    with pytest.raises(ron.RonConfigError, match="is no Resource"):
        stored(unfit, id="x")
