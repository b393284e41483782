"""The memory node checks what it receives as strictly as the service behind a real node."""

from __future__ import annotations

from typing import Any

import pytest

import ron
from ron import RonClientSync
from ron.testing import MemoryNode, stored
from tests.testing.raw import ask, problem
from tests.testing.shop import ITEMS, Item, Note, Task

WHEN = "2026-01-02T03:04:05Z"
FULL = {"name": "kettle"}


@pytest.fixture
def node() -> MemoryNode:
    """A node with one item, `i-7`, that has a field beyond the declaration."""
    node = MemoryNode(Item, Note, Task)
    extra = {"colour": "red"}
    node.add(stored(Item, extra, id="i-7", name="pot", created_at=WHEN, updated_at=WHEN))
    return node


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "name: Field required"),
        ({"name": 1}, "name: Input should be a valid string"),
        ({"name": None}, "name: Input should be a valid string"),
        ({"name": "k", "nmae": "x"}, "unknown field 'nmae' (did you mean 'name'?)"),
        ({"name": "k", "id": "i-9"}, "field 'id' is assigned by the node"),
        ({"name": "k", "colour": "red"}, "unknown field 'colour'"),
        ({"name": "k", "price": -1}, "price: must be a whole number"),
        ({"name": "k", "price": "many"}, "price: must be a whole number"),
        ({"name": "k", "sold": "yes"}, "sold: must be a JSON boolean"),
        ({"name": "k", "sold": 1}, "sold: must be a JSON boolean"),
        ({"name": "k", "count": "3"}, "count: must be a JSON number"),
        ({"name": "k", "count": True}, "count: must be a JSON number"),
        ({"name": "k", "tags": "x"}, "tags: Input should be a valid array"),
    ],
)
def test_a_body_that_does_not_fit_is_refused(node: MemoryNode, fields: dict[str, Any], says: str) -> None:
    """A wrong body is a 400 Problem that names the field, and creates nothing."""
    status, code, message = problem(ask(node, "POST", ITEMS, json=fields))
    assert (400, "bad_request") == (status, code)
    assert says in message
    assert 1 == len(node.items(Item))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"[]", "not a JSON object"),
        (b"1", "not a JSON object"),
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b'{"name":NaN}', "not valid JSON"),
        (b'{"name":"\\ud800"}', "not valid JSON"),
        (b"\xff", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
    ],
)
def test_a_body_is_a_json_object(node: MemoryNode, body: bytes, says: str) -> None:
    """What is no JSON object is a 400 Problem."""
    status, _, message = problem(ask(node, "POST", ITEMS, body=body))
    assert 400 == status
    assert says in message


def test_both_forms_of_a_u64_are_read(node: MemoryNode) -> None:
    """A u64 comes as a string or a number, and is sent as a string."""
    for price in (5, "5"):
        reply = ask(node, "POST", ITEMS, json={"name": "k", "price": price})
        assert b'"price":"5"' in reply.body


def test_put_needs_the_whole_object(node: MemoryNode) -> None:
    """A PUT takes what the object has, unknown fields included; what it leaves out is gone."""
    path = f"{ITEMS}/i-7"
    assert 400 == ask(node, "PUT", path, json={"status": "sold"}).status
    assert 200 == ask(node, "PUT", path, json={**FULL, "colour": "blue"}).status
    assert {"colour": "blue"} == node.items(Item)[0].model_extra
    assert 200 == ask(node, "PUT", path, json=FULL).status
    assert {} == node.items(Item)[0].model_extra
    assert 400 == ask(node, "PUT", path, json={**FULL, "colour": "blue"}).status


def test_what_the_node_assigns_does_not_change(node: MemoryNode) -> None:
    """A write may carry the node's own fields as they are, and not otherwise."""
    path = f"{ITEMS}/i-7"
    for method in ("PUT", "PATCH"):
        assert 200 == ask(node, method, path, json={**FULL, "id": "i-7"}).status
        status, _, message = problem(ask(node, method, path, json={**FULL, "id": "i-8"}))
        assert (400, "field 'id' is assigned by the node") == (status, message)


@pytest.mark.parametrize("fields", [{"status": None}, {"status": 1}, {"stats": "x"}])
def test_a_patch_is_checked_too(node: MemoryNode, fields: dict[str, Any]) -> None:
    """A PATCH of unknown fields or wrong types changes nothing."""
    assert 400 == ask(node, "PATCH", f"{ITEMS}/i-7", json=fields).status
    assert "new" == node.items(Item)[0].status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Length": "3"}, 400),
        ({"Content-Length": "x"}, 400),
        ({"Content-Encoding": "gzip"}, 415),
        ({"Content-Type": "text/plain"}, 415),
        ({"Transfer-Encoding": "chunked"}, 400),
        ({"Host": "a"}, 400),
        ({"Authorization": "Bearer x"}, 400),
        ({"Idempotency-Key": "k" * 65}, 400),
        ({"Idempotency-Key": ""}, 400),
        ({"Idempotency-Key": "k\xe9"}, 400),
        ({"X-A": "a\nb"}, 400),
        ({"X A": "a"}, 400),
    ],
)
def test_header_fields_are_checked(node: MemoryNode, headers: dict[str, str], status: int) -> None:
    """Framing, coding and keys that a real node would refuse are refused."""
    assert status == ask(node, "POST", ITEMS, json=FULL, headers=headers).status
    assert 1 == len(node.items(Item))


def test_a_length_is_required(node: MemoryNode) -> None:
    """A write without Content-Length is 411."""
    assert 411 == problem(ask(node, "POST", ITEMS, json=FULL, length=False))[0]


def test_a_body_has_a_limit(node: MemoryNode) -> None:
    """A body over 2 MiB is 413 in plain text, as the gateway answers."""
    reply = ask(node, "POST", ITEMS, body=b" " * (2 * 1024 * 1024 + 1))
    assert (413, b"length limit exceeded") == (reply.status, reply.body)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{ITEMS}/a%zz", 400),
        (f"{ITEMS}/a b", 400),
        (f"{ITEMS}/%ff", 400),
        (f"{ITEMS}/a%00", 400),
        (f"{ITEMS}/a%2Fb", 404),
        (f"{ITEMS}/%2e%2e", 404),
        (f"{ITEMS}/a%3Fb", 404),
        (f"{ITEMS}/", 404),
    ],
)
def test_paths_are_checked(node: MemoryNode, path: str, status: int) -> None:
    """A malformed path is 400; one that the gateway would paste into another is no route."""
    assert status == ask(node, "GET", path).status


def test_a_client_keeps_its_own_rules_with_it(node: MemoryNode) -> None:
    """What ron sends passes every check, whatever the object."""
    with RonClientSync(transport=node) as client:
        item = client.objects(Item).create(name="ä", note="n" * 70_000, tags=["a"], price=2**64 - 1)
        item.tags.append("b")
        client.objects(Item).save(item)
        client.objects(Item).replace(client.objects(Item).get("i-7"))
        with pytest.raises(ron.RonInvalidError, match="unknown field 'zip'"):
            client.post(ITEMS, json={"name": "k", "zip": 1})


def test_a_request_line_is_checked(node: MemoryNode) -> None:
    """An unknown method and a repeated Content-Length are what no HTTP server takes."""
    assert 400 == problem(ask(node, "BREW", ITEMS))[0]
    twice = {"Content-Length": "17", "content-length": "17"}
    assert 400 == problem(ask(node, "POST", ITEMS, json=FULL, headers=twice))[0]
