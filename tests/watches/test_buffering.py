"""Watches through proxies that buffer, on real sockets: the same changes come out, by polling."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

import ron
from ron import Resource, server
from tests.reference_node import Node, serve
from tests.watches.both import GUARD, Both
from tests.watches.buffering import BUFFERING, gateway

#: how long a head is awaited that never comes; lists come within a few milliseconds, or are asked for again
HEAD_MS = 400
EVENTS, LIST = "/app/items/events", "/app/items"


class Thing(Resource, path="/app/items"):
    """What the reference node holds."""

    id: str = server()
    name: str


@pytest.fixture(scope="module")
def running() -> Iterator[Node]:
    """A reference node on a real socket."""
    with serve() as node:
        yield node


@pytest.fixture
def node(running: Node) -> Iterator[Node]:
    """The node, fresh."""
    running.reset()
    yield running
    running.hub.end()
    assert () == running.failures


@pytest.fixture(params=BUFFERING)
def url(request: pytest.FixtureRequest, node: Node) -> Iterator[str]:
    """Where a proxy that buffers is."""
    with BUFFERING[request.param](node.url) as place:
        yield place


@pytest.fixture(params=["async", "sync"])
def through(request: pytest.FixtureRequest, url: str) -> Iterator[Both]:
    """A client that speaks to the proxy."""
    made = Both(request.param, url=url, overall_timeout_ms=HEAD_MS)
    yield made
    made.end()


def told(change: Any) -> tuple[Any, ...]:
    """What a change says."""
    return change.type, change.key, getattr(getattr(change, "item", None), "name", None)


def script(both: Both, node: Node, changes: Any) -> list[tuple[Any, ...]]:
    """What a watch tells of some writes."""
    found = []
    node.store.insert("items", {"name": "a"}, key="i-1")
    found += both.take(changes, 1)
    node.store.insert("items", {"name": "b"}, key="i-2")
    found += both.take(changes, 1)
    node.store.update("items", "i-1", {"name": "c"})
    found += both.take(changes, 1)
    node.store.remove("items", "i-2")
    found += both.take(changes, 1)
    return [told(change) for change in found]


SCRIPT = [("added", "i-1", "a"), ("added", "i-2", "b"), ("modified", "i-1", "c"), ("deleted", "i-2", None)]


def polls(node: Node) -> list[Any]:
    """The lists that were asked for, as the tags they named."""
    return [one.header("if-none-match") for one in node.requests if one.path == LIST]


@pytest.mark.parametrize("colour", ["async", "sync"])
def test_without_a_proxy(node: Node, colour: str) -> None:
    """Straight from the node the changes come as a stream: this is what the others are compared with."""
    both = Both(colour, url=node.url)
    with both.inside(both.client.objects(Thing).watch()) as changes:
        assert SCRIPT == script(both, node, changes)
        assert "live" == changes.status
    assert [] == polls(node)
    both.end()


def test_a_stream_that_never_begins(through: Both, node: Node, caplog: pytest.LogCaptureFixture) -> None:
    """The head does not come in time: the watch polls with entity tags, yields the same, and says so once."""
    with (
        caplog.at_level(logging.WARNING, "ron.watch"),
        through.inside(through.client.objects(Thing).watch()) as changes,
    ):
        assert "polling" == changes.status
        assert SCRIPT == script(through, node, changes)
        assert "polling" == changes.status
    assert 1 == len([one for one in node.requests if one.path == EVENTS])
    asked = polls(node)
    assert None is asked[0]
    assert all(tag is not None for tag in asked[1:])
    said = [record.getMessage() for record in caplog.records]
    assert ["GET /app/items/events: no answer began in time; polling every 5 seconds or so instead"] == said


def test_a_mirror_through_it(through: Both, node: Node) -> None:
    """A mirror is filled and follows all the same."""
    node.store.insert("items", {"name": "a"}, key="i-1")
    with through.inside(through.client.objects(Thing).mirror()) as mirror:
        through.run(mirror.synced(timeout=GUARD))
        node.store.insert("items", {"name": "b"}, key="i-2")
        node.store.remove("items", "i-1")
        through.until(mirror, lambda: list(mirror) == ["i-2"])
        assert "polling" == mirror.status


def test_an_object_is_waited_for_through_it(through: Both, node: Node) -> None:
    """`wait_for` looks at once, and polls from then on."""
    node.store.insert("items", {"name": "a"}, key="i-1")

    def look(one: Thing) -> bool:
        if one.name == "a":
            node.store.update("items", "i-1", {"name": "b"})
        return one.name == "b"

    assert "b" == through.run(through.client.objects(Thing).wait_for("i-1", look, timeout=600)).name


@pytest.mark.parametrize("colour", ["async", "sync"])
def test_a_stream_that_arrives_whole(node: Node, colour: str, caplog: pytest.LogCaptureFixture) -> None:
    """A finite answer with its length known was buffered: what it brings is delivered, then everything is listed."""
    node.store.insert("items", {"name": "a"}, key="i-1")
    node.configure(end_after=2)
    with gateway(node.url) as url, caplog.at_level(logging.WARNING, "ron.watch"):
        both = Both(colour, url=url)
        changes = both.client.objects(Thing).watch(cursor="0")
        node.store.insert("items", {"name": "b"}, key="i-2")
        with both.inside(changes):
            assert [("added", "i-1", "a"), ("added", "i-2", "b")] == [told(one) for one in both.take(changes, 2)]
            node.store.remove("items", "i-1")
            listed, resync = both.take(changes, 2)
            assert ("listed", "i-2", "b") == told(listed)
            assert ron.Resync("resync", "poll_gap", frozenset({"i-2"}), None) == resync
            assert "polling" == changes.status
            node.store.update("items", "i-2", {"name": "c"})
            assert ("modified", "i-2", "c") == told(both.next(changes))
        both.end()
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith("GET /app/items/events: somebody on the way buffers streams: the answer was whole; polling")


def test_a_finite_stream_through_it(through: Both, node: Node) -> None:
    """However a proxy passes on a stream that ends: no change is lost, and none is wrong in the end."""
    node.configure(end_after=1)
    for number in range(3):
        node.store.insert("items", {"name": "a"}, key=f"i-{number}")
    held: dict[str, str] = {}
    with through.inside(through.client.objects(Thing).watch(cursor="0")) as changes:
        node.store.remove("items", "i-0")
        while held != {"i-1": "a", "i-2": "a"}:
            apply(held, through.next(changes))


def apply(held: dict[str, str], change: Any) -> None:
    """The five lines that keep a cache right (design §1)."""
    if isinstance(change, ron.Put):
        held[change.key] = change.item.name
    elif isinstance(change, ron.Deleted):
        held.pop(change.key, None)
    elif isinstance(change, ron.Resync):
        for key in held.keys() - change.keys:
            del held[key]
