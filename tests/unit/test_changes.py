"""From events to changes: the table of names, what narrows, and events that are not what they say."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Optional
from uuid import UUID

import pytest

import ron
from ron import U64, Deleted, Event, Other, Put, Resource, RonParseError, parent, server
from ron._flow import Answer
from ron._values import Reply
from ron.resources._changes import Reader
from ron.resources._origin import origin_of
from ron.testing import FakeClock
from tests.unit.resource_declarations import Item, described
from tests.unit.rig import make_session

ANSWER = Answer(Reply(200, [(b"X-Request-Id", b"r-1"), (b"ETag", b'"stream"')], b""), "r-1", 1)
KETTLE = '{"id": "i-1", "name": "kettle", "price": "5", "shiny": 1}'


class Part(Resource, path="/app/parts", key="number"):
    number: int = server(alias="no")
    name: str = ""


class Log(Resource, path="/app/logs"):
    id: UUID = server()


def change(name: str, data: str, cursor: str = "7", cls: Any = Item) -> Any:
    """The change that an event means."""
    event = Event(event=name, data=data, id=cursor, retry=None)
    reader = Reader(described(cls), make_session(FakeClock()).authority)
    [found] = reader.changes([event], ANSWER, 1_700_000_000.0)
    return found


def refused(name: str, data: str, cls: Any = Item) -> str:
    """What is said about an event that is not what its name says."""
    found = change(name, data, cls=cls)
    assert isinstance(found, Other)
    assert (name, data, "7") == (found.event, found.data, found.cursor), "nothing of it is lost"
    assert isinstance(found.error, RonParseError)
    assert ("r-1", 1) == (found.error.request_id, found.error.attempts)
    assert (None, True) == (found.error.__cause__, found.error.__context__ is None)
    return found.error.message


@pytest.mark.parametrize(
    ("name", "kind"),
    [("added", "added"), ("created", "added"), ("modified", "modified"), ("updated", "modified")],
)
def test_puts(name: str, kind: str) -> None:
    """The four names of an object that is there give `Put`, with the decoded object, its key and the cursor."""
    found = change(name, KETTLE)
    assert isinstance(found, Put)
    assert (kind, "i-1", "7") == (found.type, found.key, found.cursor)
    assert isinstance(found.item, Item)
    assert (5, 1) == (found.item.price, found.item.model_dump()["shiny"])


def test_items_of_changes_can_be_saved() -> None:
    """An object of a change has an origin, without an ETag: the stream's is not its own."""
    item = change("added", KETTLE).item
    assert origin_of(item) is not None
    assert (None, "r-1") == (ron.meta(item).etag, ron.meta(item).request_id)


@pytest.mark.parametrize(
    ("data", "key", "whole"),
    [
        (KETTLE, "i-1", True),
        ('{"id": "i-1"}', "i-1", False),
        ('{"id": "i-1", "name": 5}', "i-1", False),
        ('"i-1"', "i-1", False),
        ("i-1", "i-1", False),
        (" i-1\n", "i-1", False),
        ("7", "7", False),
        ('"7"', "7", False),
        ("007", "007", False),
        ("1e5", "1e5", False),
        ("18446744073709551616", "18446744073709551616", False),
        ('{"id": 7}', "7", False),
    ],
)
def test_deletions_come_in_several_forms(data: str, key: str, whole: bool) -> None:
    """A deletion carries the object, an object with the key, or the bare key; `item` is there where all of it was."""
    found = change("deleted", data)
    assert isinstance(found, Deleted)
    assert ("deleted", key, "7", whole) == (found.type, found.key, found.cursor, found.item is not None)


@pytest.mark.parametrize("name", ["message", "heartbeat", "commit", "Added", "DELETED", "", "put"])
def test_everything_else_is_other(name: str) -> None:
    """Events of other names, by exact spelling, come as they are: name and text."""
    assert Other("other", name, "not json", "7") == change(name, "not json")


@pytest.mark.parametrize(("cursor", "expected"), [("", None), ("0", "0"), ("é", "é")])
def test_the_cursor_is_the_events_id(cursor: str, expected: Optional[str]) -> None:
    """No id is no cursor."""
    for name, data in (("added", KETTLE), ("deleted", "i-1"), ("other", "x")):
        assert expected == change(name, data, cursor).cursor


def test_the_key_is_that_of_the_resource() -> None:
    """Keys of any type and wire name are given as text, the same for puts and deletions."""
    put = change("added", '{"no": 7, "name": "a"}', cls=Part)
    deleted = change("deleted", '{"no": 7}', cls=Part)
    assert "7" == put.key == deleted.key
    key = "00000000-0000-0000-0000-000000000007"
    assert key == change("added", json.dumps({"id": key}), cls=Log).key


class Ticket(Resource, path="/app/tickets"):
    id: UUID = server()
    text: str = ""


class Meter(Resource, path="/app/meters", key=("region", "number")):
    region: str
    number: U64


class Count(Resource, path="/app/counts", key="n"):
    n: U64


UPPER = "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"


@pytest.mark.parametrize(
    ("cls", "whole", "gone"),
    [
        (Ticket, json.dumps({"id": UPPER}), UPPER),
        (Ticket, json.dumps({"id": UPPER}), json.dumps(UPPER)),
        (Ticket, json.dumps({"id": UPPER}), UPPER.replace("-", "")),
        (Ticket, json.dumps({"id": UPPER}), json.dumps({"id": UPPER})),
        (Meter, '{"region": "e u@x", "number": "2"}', "e u@x/2"),
        (Meter, '{"region": "e u@x", "number": "2"}', "e%20u%40x/002"),
        (Meter, '{"region": "e u@x", "number": "2"}', '{"region": "e u@x", "number": "02"}'),
        (Count, '{"n": "7"}', "007"),
        (Item, '{"id": "-0", "name": "a"}', "-0"),
    ],
)
def test_a_deletion_names_the_key_that_the_put_had(cls: Any, whole: str, gone: str) -> None:
    """However the node writes a key, it is one key: else a cache would keep what is deleted."""
    assert change("added", whole, cls=cls).key == change("deleted", gone, cls=cls).key


def test_a_deletion_that_names_a_part_of_the_key() -> None:
    """It is no key, so it is an event that could not be read, not the deletion of nothing."""
    text = "event 'deleted' with id '7' is no Meter: its data is not the whole key (region, number)"
    assert text == refused("deleted", "eu", cls=Meter)


class Project(Resource, path="/app/projects"):
    id: str = server()


class Task(Resource, path="/app/projects/{project}/tasks"):
    id: str = server()
    project: str = parent(Project)
    title: str


def test_the_last_state_of_what_was_deleted_is_whole() -> None:
    """It has its parent where the node left that out, and came from the node."""
    reader = Reader(described(Task), make_session(FakeClock()).authority, {"project": "p"})
    [found] = reader.changes([Event("deleted", '{"id": "t-1", "title": "x"}', "7", None)], ANSWER, 1.0)
    assert "p" == found.item.project
    assert "r-1" == ron.meta(found.item).request_id


def test_changes_are_frozen_values() -> None:
    """A change cannot be altered, and equals another one with the same parts."""
    found = change("deleted", "i-1")
    assert Deleted("deleted", "i-1", None, "7") == found
    assert hash(found) == hash(Deleted("deleted", "i-1", None, "7"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.key = "x"


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("added", '{"id": "i-1"}', "event 'added' with id '7' is no Item: name: Field required"),
        (
            "updated",
            '{"id": "i-1", "name": 5}',
            "event 'updated' with id '7' is no Item: name: Input should be a valid string",
        ),
        ("added", "i-1", "event 'added' with id '7' is no Item: Invalid JSON"),
        ("added", "[]", "event 'added' with id '7' is no Item: Input should be an object"),
        ("added", "", "event 'added' with id '7' is no Item: Invalid JSON"),
        (
            "added",
            '{"id": "i-1", "name": "a", "x": NaN}',
            "event 'added' with id '7' is no Item: its data is not valid JSON",
        ),
        *(
            ("deleted", data, "event 'deleted' with id '7' is no Item: its data holds no id")
            for data in ('{"id": "i-1"', '"i-1', "[", "[1]", "{}", '{"id": null}', '{"id": true}', "null", "true", "")
        ),
    ],
)
def test_events_that_are_not_what_they_say(name: str, data: str, text: str) -> None:
    """An event whose data does not fit its name is a parse error with its name and id, and no word of its data."""
    assert refused(name, data).startswith(text)


def test_bad_events_never_show_their_data() -> None:
    """Neither the data nor unprintable parts of name and id get into the message."""
    found = change("added", '{"id": "secret", "name": {"secret": 1}}', cursor="a\x1bb")
    assert "secret" not in found.error.message
    assert "with id 'a?b'" in found.error.message
