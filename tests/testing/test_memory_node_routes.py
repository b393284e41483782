"""Which path leads where on a memory node, who may pass, and what it says about itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

import ron
from ron import Facet, Resource, RonClientSync, server
from ron.testing import MemoryNode, stored
from tests.testing.raw import ask, problem
from tests.testing.shop import ITEMS, Item, Note, Task

IDS = {"X-Request-Id": "r-1", "X-Correlation-Id": "c-1"}


class Log(Resource, path="/app/logs", operations=("list", "watch")):
    """That can only be read as a whole."""

    id: str = server()


class Setting(Resource, path="/app/settings", operations=("get", "update"), update_method="PUT"):
    """That is changed by PUT."""

    id: str = server()
    value: str


class Doc(Resource, path="/app/docs", encoded_keys=True, empty_404="missing", key="path"):
    """On a node that keeps encoded keys and answers an empty 404 for a missing object."""

    path: str
    text: str = ""


@pytest.fixture
def node() -> MemoryNode:
    """A node that serves everything."""
    return MemoryNode(Item, Note, Task, Log, Setting, Doc)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/app",
        "/app/",
        "/app/items",
        "/app/shop",
        "/app/shop/nothing",
        f"{ITEMS}/",
        f"{ITEMS}/i-1/x",
        "//app/notes",
        "/app/logs/l-1",
        "/app/settings",
        "/facets/notes",
        "/v1/app/notes",
        "/app/projects//tasks",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_not_declared_is_an_empty_404(node: MemoryNode, path: str, method: str) -> None:
    """A path that no resource declares is an empty 404, whatever the method."""
    reply = ask(node, method, path)
    assert (404, b"") == (reply.status, reply.body)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", ITEMS, "GET, HEAD, POST"),
        ("POST", f"{ITEMS}/i-1", "DELETE, GET, HEAD, PATCH, PUT"),
        ("OPTIONS", ITEMS, "GET, HEAD, POST"),
        ("POST", "/app/logs", "GET, HEAD"),
        ("PATCH", "/app/settings/s-1", "GET, HEAD, PUT"),
        ("DELETE", "/app/settings/s-1", "GET, HEAD, PUT"),
        ("POST", "/app/notes/events", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
    ],
)
def test_what_is_not_an_operation_is_an_empty_405(node: MemoryNode, method: str, path: str, allow: str) -> None:
    """A method that no operation uses is an empty 405 that names those that are."""
    reply = ask(node, method, path)
    assert (405, b"", allow) == (reply.status, reply.body, reply.header(b"allow"))


def test_a_missing_object_is_a_problem(node: MemoryNode) -> None:
    """An object that isn't there is a 404 with a Problem, for every method."""
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        body: dict[str, Any] = {"json": {}} if method.startswith("P") else {}
        assert (404, "not_found") == problem(ask(node, method, f"{ITEMS}/x", **body))[:2]


def test_a_node_that_is_empty_about_missing_objects(node: MemoryNode) -> None:
    """With `empty_404="missing"` a missing object is an empty 404, which the client understands."""
    assert (404, b"") == (ask(node, "GET", "/app/docs/x").status, ask(node, "GET", "/a").body)
    with RonClientSync(transport=node) as client:
        assert client.objects(Doc).get_or_none("x") is None


def test_keys_that_stay_encoded(node: MemoryNode) -> None:
    """With `encoded_keys=True` a key may hold what gateways would decode."""
    with RonClientSync(transport=node) as client:
        docs = client.objects(Doc)
        docs.create(path="a/b?c#d%", text="x")
        assert "x" == docs.get("a/b?c#d%").text
        assert "/app/docs/a%2Fb%3Fc%23d%25" == node.requests[-1].path


def test_facets_are_mounted_twice(node: MemoryNode) -> None:
    """A facet's resource answers below /app and below /facets; others only where they say."""
    with RonClientSync(transport=node) as gateway:
        gateway.objects(Item).create(name="kettle")
    with RonClientSync(transport=node, facet_prefix="/facets") as direct:
        assert "kettle" == direct.objects(Item).get("i-1").name
        assert "/facets/shop/items/i-1" == node.requests[-1].path


def test_a_literal_route_wins(node: MemoryNode) -> None:
    """`/app/notes/events` is the stream, not the note of that key."""
    assert (406, "bad_request") == problem(ask(node, "GET", "/app/notes/events"))[:2]


def test_what_a_node_says_about_itself(node: MemoryNode) -> None:
    """Health is text, the version JSON, metrics Prometheus text, the facets as a micronode's."""
    assert [b"ok", b"ready"] == [ask(node, "GET", path).body for path in ("/healthz", "/readyz")]
    assert "memory-node" == json.loads(ask(node, "GET", "/version").body)["service"]
    assert b'{service="memory-node"} 4\n' in ask(node, "GET", "/metrics").body
    (facet,) = json.loads(ask(node, "GET", "/facets/meta").body)["loaded"]
    assert ("shop", "proxy", "http://127.0.0.1:4000") == (
        facet["id"],
        facet["kind"],
        facet["upstream"],
    )
    assert {"method": "POST", "path": "/items"} in facet["routes"]
    assert {"method": "GET", "path": "/items/*tail"} in facet["routes"]


def test_two_facets_may_have_the_same_path() -> None:
    """Paths are compared where they are mounted."""

    class Other(Facet, id="other", kind="proxy", upstream="http://127.0.0.1:4001"):
        """Another one."""

    class OtherItem(Resource, path="/items", facet=Other):
        id: str = server()
        name: str

    node = MemoryNode(Item, OtherItem)
    with RonClientSync(transport=node) as client:
        client.objects(OtherItem).create(name="a")
        assert [] == client.objects(Item).list().all()


def test_ids_are_mirrored(node: MemoryNode) -> None:
    """Both ids come back, on answers and errors alike."""
    for path in (ITEMS, f"{ITEMS}/x", "/nowhere", "/healthz"):
        reply = ask(node, "GET", path, headers=IDS)
        assert ("r-1", "c-1") == (reply.header(b"x-request-id"), reply.header(b"x-correlation-id"))


def test_a_head_has_no_body(node: MemoryNode) -> None:
    """A HEAD is answered as a GET is, without the body."""
    got, head = ask(node, "GET", ITEMS), ask(node, "HEAD", ITEMS)
    assert (got.status, tuple(got.headers), b"") == (head.status, tuple(head.headers), head.body)


@pytest.mark.parametrize("token", [None, "t-2", "t-1x"])
def test_the_token_is_asked_for(token: Any) -> None:
    """With a token the app plane is closed to every other one; health and facets/meta are not."""
    node = MemoryNode(Item, token="t-1")
    for path in (ITEMS, "/facets/shop/items", "/app/nowhere"):
        assert (401, "unauthorized") == problem(ask(node, "GET", path, token=token))[:2]
    assert [200, 200] == [ask(node, "GET", path, token=token).status for path in ("/healthz", "/facets/meta")]
    assert 200 == ask(node, "GET", ITEMS, token="t-1").status


def test_the_token_is_kept_nowhere() -> None:
    """What tests look at never shows a token."""
    node = MemoryNode(Item, token="t-1-secret")
    with RonClientSync(transport=node, token="t-1-secret") as client:
        client.objects(Item).create(name="a")
    request = node.requests[-1]
    assert "Bearer [redacted]" == request.headers["authorization"]
    assert "t-1-secret" not in repr((node, node.requests, request.headers, vars(request)))
    with RonClientSync(transport=node, token="wrong") as client, pytest.raises(ron.RonAuthError):
        client.objects(Item).get("i-1")


def test_requests_are_recorded(node: MemoryNode) -> None:
    """A record has method, path, query, fields and JSON of each request, in order."""
    ask(node, "POST", f"{ITEMS}?a=1&b=x+y&a=2", json={"name": "k"}, headers={"X-A": "1"})
    ask(node, "GET", f"{ITEMS}/a%20b")
    first, second = node.requests
    assert ("POST", ITEMS, {"a": ["1", "2"], "b": "x y"}, {"name": "k"}) == (
        first.method,
        first.path,
        first.query,
        first.json,
    )
    assert ("1", "1", None) == (first.headers["x-a"], first.header("X-A"), first.header("x-b"))
    assert ("GET", f"{ITEMS}/a%20b", {}, None, b"") == (
        second.method,
        second.path,
        second.query,
        second.json,
        second.body,
    )


def test_keys_count_where_the_resource_says_so(node: MemoryNode) -> None:
    """A repeated key gets the first answer where keys are honoured; elsewhere it means nothing."""
    key = {"Idempotency-Key": "k-1"}
    first, again = (ask(node, "POST", ITEMS, json={"name": "a"}, headers=key) for _ in "12")
    assert first == again
    assert 1 == len(node.items(Item))
    reply = ask(node, "POST", ITEMS, json={"name": "b"}, headers=key)
    assert (422, "idempotency_key_reused") == problem(reply)[:2]
    reply = ask(node, "PATCH", f"{ITEMS}/i-1", json={"name": "a"}, headers=key)
    assert 422 == reply.status, "another path is another request"
    for _ in "12":
        ask(node, "POST", "/app/notes", json={"text": "a"}, headers=key)
    assert 2 == len(node.items(Note))


def test_a_refused_request_keeps_no_key(node: MemoryNode) -> None:
    """What was refused changed nothing: its key may come with another request."""
    key = {"Idempotency-Key": "k-1"}
    assert 400 == ask(node, "POST", ITEMS, json={}, headers=key).status
    assert 201 == ask(node, "POST", ITEMS, json={"name": "a"}, headers=key).status


def test_a_repeated_conditional_write_gets_its_first_answer(node: MemoryNode) -> None:
    """The key is looked at before If-Match: the repeat of a write is not a lost update."""
    node.add(stored(Item, id="i-1", name="a", created_at=0, updated_at=0))
    headers = {
        "Idempotency-Key": "k-1",
        "If-Match": ask(node, "GET", f"{ITEMS}/i-1").header(b"etag") or "",
    }
    first, again = (ask(node, "PATCH", f"{ITEMS}/i-1", json={"name": "b"}, headers=headers) for _ in "12")
    assert (200, first) == (first.status, again)
