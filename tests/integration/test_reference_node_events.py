"""The reference node's event streams, read with raw httpx."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Optional

import httpx
import pytest

from tests.reference_node import Node, serve

pytestmark = pytest.mark.own_node

EVENTS = "/app/items/events"
Blocks = Iterator["list[str]"]


@pytest.fixture
def http(node: Node) -> Iterator[httpx.Client]:
    """A plain client on the reference node."""
    with httpx.Client(base_url=node.url, trust_env=False, timeout=10) as client:
        yield client


@contextmanager
def opened(http: httpx.Client, query: str = "", after: Optional[str] = None) -> Iterator[Blocks]:
    """Open the stream of items; yields its blocks, each as the list of its lines."""
    headers = {"Accept": "text/event-stream"}
    if after is not None:
        headers["Last-Event-ID"] = after
    with http.stream("GET", EVENTS + query, headers=headers) as answer:
        assert (
            answer.status_code,
            answer.headers["content-type"].split(";")[0],
        ) == (200, "text/event-stream")
        yield _blocks(answer.iter_lines())


def _blocks(lines: Iterator[str]) -> Blocks:
    block: list[str] = []
    for line in lines:
        if line:
            block.append(line)
        else:
            yield block
            block = []


def data_of(block: list[str]) -> Any:
    """Return the data of an event as JSON."""
    return json.loads(block[-1].partition(": ")[2])


def test_changes_arrive_as_they_happen(node: Node, http: httpx.Client) -> None:
    """A stream starts with the first change after it was opened and tells each kind by name."""
    node.store.insert("items", {"name": "before"})
    node.store.insert("notes", {"text": "of another collection"})
    with opened(http) as blocks:
        http.post("/app/items", json={"name": "kettle"})
        added = next(blocks)
        assert added[:2] == ["id: 3", "event: added"]
        assert data_of(added)["name"] == "kettle"
        http.patch("/app/items/i-2", json={"name": "pot"})
        assert (modified := next(blocks))[1] == "event: modified"
        assert data_of(modified)["name"] == "pot"
        http.delete("/app/items/i-2")
        assert next(blocks) == ["id: 5", "event: deleted", 'data: {"id":"i-2"}']


def test_streams_resume(node: Node, http: httpx.Client) -> None:
    """Last-Event-ID continues with the next change; an end is set by a knob."""
    for name in "abc":
        node.store.insert("items", {"name": name})
    node.configure(end_after=2, retry_ms=20)
    with opened(http, after="1") as blocks:
        assert [
            next(blocks),
            *(data_of(block)["name"] for block in blocks),
        ] == [["retry: 20"], "b", "c"]


def test_filters_apply_to_streams(node: Node, http: httpx.Client) -> None:
    """Only changes of matching documents are told."""
    for name in "aba":
        node.store.insert("items", {"name": name})
    node.configure(end_after=2)
    with opened(http, "?name=a&other=1", after="0") as blocks:
        assert [data_of(block)["id"] for block in blocks] == ["i-1", "i-3"]


def test_old_cursors_expire(node: Node, http: httpx.Client) -> None:
    """A cursor older than the kept log is a 410 Problem, and so is one of another log."""
    for name in "abc":
        node.store.insert("items", {"name": name})
    node.configure(expire=1)
    for cursor in ("1", "99", "x"):
        answer = http.get(EVENTS, headers={"Last-Event-ID": cursor})
        assert (answer.status_code, answer.json()["code"]) == (410, "cursor_expired"), cursor
    node.configure(end_after=1)
    with opened(http, after="2") as blocks:
        assert [data_of(block)["id"] for block in blocks] == ["i-3"]


def test_stream_knobs(node: Node, http: httpx.Client) -> None:
    """Ids can be left out, deletions can be whole, and opening can be answered 204."""
    node.store.insert("items", {"name": "kettle"})
    node.store.remove("items", "i-1")
    node.configure(no_ids=True, deleted_whole=True, end_after=2)
    with opened(http, after="0") as blocks:
        added, deleted = blocks
    assert [added[0], deleted[0]] == ["event: added", "event: deleted"]
    assert data_of(deleted)["name"] == "kettle"
    node.configure(stream_204=True)
    assert http.get(EVENTS).status_code == 204


def test_heartbeats_are_comments(node: Node, http: httpx.Client) -> None:
    """An idle stream sends comments at the chosen interval."""
    node.configure(heartbeat=0.01)
    with opened(http) as blocks:
        assert [next(blocks), next(blocks)] == [[": heartbeat"], [": heartbeat"]]


def test_buffered_streams_arrive_when_they_end(node: Node, http: httpx.Client) -> None:
    """Behind a buffering proxy nothing arrives before the end, then everything at once."""
    node.configure(buffer_streams=True)
    answers: list[httpx.Response] = []
    reader = threading.Thread(target=lambda: answers.append(http.get(EVENTS)))
    reader.start()
    node.wait_waiting(1)
    node.store.insert("items", {"name": "kettle"})
    assert answers == []
    node.hub.end()
    reader.join()
    (answer,) = answers
    assert str(len(answer.content)) == answer.headers["content-length"]


def test_departed_clients_are_noticed(node: Node, http: httpx.Client) -> None:
    """A stream whose client leaves ends on the node too."""
    with opened(http):
        node.wait_waiting(1)
    node.wait_waiting(0)


def test_stopping_ends_streams() -> None:
    """A node that stops ends its open streams in an orderly way."""
    with httpx.Client(trust_env=False) as client, serve() as node:
        stream = client.send(client.build_request("GET", node.url + EVENTS), stream=True)
        held = iter(stream.iter_lines())
        node.wait_waiting(1)
        node.hub.close()
        assert list(held) == []


def test_stopping_does_not_wait_for_clients() -> None:
    """A node stops although a client keeps a stream open and reads nothing."""
    with httpx.Client(trust_env=False) as client:
        with serve() as node:
            client.send(client.build_request("GET", node.url + EVENTS), stream=True)
            node.wait_waiting(1)
        node.wait_waiting(0)
