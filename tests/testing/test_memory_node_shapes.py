"""Watches, mirrors and waits over resources of every shape, on a memory node."""

from __future__ import annotations

from typing import Any

import pytest

from ron import Resource, RonClientSync, RonInputError, Singleton, parent, server
from ron._flow import Answer
from ron._sse import Event
from ron._values import Reply
from ron.resources._changes import Reader
from ron.resources._description import description_of
from ron.testing import MemoryNode, stored


class Meter(Resource, path="/app/meters", key=("region", "number")):
    region: str
    number: int
    reading: int = 0


class Task(Resource, path="/app/projects/{project_id}/tasks"):
    project_id: str = parent()
    id: str = server()
    title: str


class Settings(Singleton, path="/app/settings"):
    theme: str = "light"


def manager(resource: Any) -> tuple[MemoryNode, Any]:
    """A node, and a manager on it."""
    node = MemoryNode(resource)
    return node, RonClientSync(transport=node).objects(resource)


def test_changes_say_a_composite_key_as_one_text() -> None:
    """The key of a change is what `get` takes and what a mirror is looked up by."""
    _, meters = manager(Meter)
    with meters.watch() as changes:
        meter = meters.create(region="eu", number=7)
        meters.delete(meter)
        put, deleted = next(changes), next(changes)
    assert [("added", "eu/7"), ("deleted", "eu/7")] == [(put.type, put.key), (deleted.type, deleted.key)]
    meters.create(region="e u", number=7)
    with meters.mirror() as mirror:
        mirror.synced(timeout=5)
        assert ["e%20u/7"] == list(mirror)
        assert 7 == meters.get("e%20u/7").number


def test_a_wait_takes_any_key() -> None:
    """`wait_for` takes a tuple, and of a singleton no key at all."""
    _, meters = manager(Meter)
    meters.create(region="eu", number=7, reading=3)
    assert 3 == meters.wait_for(("eu", 7), lambda meter: meter.reading == 3, timeout=5).reading
    with pytest.raises(RonInputError, match=r"^a Meter has the key \(region, number\)"):
        meters.wait_for("eu", lambda meter: True)
    _, settings = manager(Settings)
    settings.save(Settings(theme="dark"))
    assert "dark" == settings.wait_for(lambda one: one.theme == "dark", timeout=5).theme


def test_a_singleton_is_watched() -> None:
    """Its changes have the key `""`."""
    node, settings = manager(Settings)
    node.add(stored(Settings))
    with settings.watch() as changes:
        settings.update(theme="dark")
        change = next(changes)
    assert ("modified", "", "dark") == (change.type, change.key, change.item.theme)


def test_what_a_watch_gives_has_its_parent() -> None:
    """An event that leaves the parent out is completed from the watch's own path."""
    reader = Reader(description_of(Task), object(), {"project_id": "p1"})
    answer = Answer(Reply(200, (), b""), "r", 1)
    events = [
        Event(event="added", data='{"id":"t-1","title":"a"}', id="1", retry=None),
        Event(event="deleted", data='{"id":"t-1"}', id="2", retry=None),
    ]
    put, deleted = reader.changes(events, answer, 0.0)
    assert ("p1", "t-1", "t-1") == (put.item.project_id, put.key, deleted.key)


def test_a_singleton_can_be_deleted_where_that_is_declared() -> None:
    """`delete()` takes no key, and `add` refuses a second one."""

    class Banner(Singleton, path="/app/banner", operations=("get", "replace", "delete", "watch")):
        text: str = ""

    node, banner = manager(Banner)
    node.add(stored(Banner, text="hello"))
    with pytest.raises(RonInputError, match=r"^node\.add: there is a Banner already; change it through a client$"):
        node.add(stored(Banner))
    with banner.watch() as changes:
        banner.delete()
        change = next(changes)
    assert ("deleted", "") == (change.type, change.key)
    assert banner.get_or_none() is None
    banner.delete(missing_ok=True)
