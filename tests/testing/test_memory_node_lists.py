"""Pages, filters and entity tags of a memory node."""

from __future__ import annotations

import json
from typing import Any

import pytest

import ron
from ron import RonClientSync
from ron._values import Failure
from ron.testing import FakeClock, MemoryNode
from tests.testing.raw import ask, endpoint, exchange, problem
from tests.testing.shop import ITEMS, Item


def names(node: MemoryNode, query: str) -> list[str]:
    """The names that a query finds."""
    reply = ask(node, "GET", f"{ITEMS}?{query}")
    assert 200 == reply.status, reply.body
    return [item["name"] for item in json.loads(reply.body)["items"]]


@pytest.fixture
def node() -> MemoryNode:
    """A node with three items."""
    clock = FakeClock()
    node = MemoryNode(
        Item,
        clock=clock,
        filters={
            Item: {
                "updated_after": lambda item, after: item.updated_at > after,
                "name_in": lambda item, wanted: item.name in wanted,
            }
        },
    )
    rows: list[dict[str, Any]] = [
        {"name": "a", "price": 1, "tags": ["x", "y"]},
        {"name": "b", "sold": True, "note": "n o"},
        {"name": "c", "count": 3, "note": None},
    ]
    for row in rows:
        ask(node, "POST", ITEMS, json=row)
        clock.advance(10)
    return node


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["a", "b", "c"]),
        ("name=a", ["a"]),
        ("name=a&name=c", ["a", "c"]),
        ("price=1", ["a"]),
        ("price=01", ["a"]),
        ("sold=true", ["b"]),
        ("sold=false", ["a", "c"]),
        ("count=3", ["c"]),
        ("tags=x&tags=y", ["a"]),
        ("tags=x", []),
        ("note=n+o", ["b"]),
        ("note=n%20o", ["b"]),
        ("name=a&sold=true", []),
        ("created_at=2023-11-14T22:13:30%2B00:00", ["b"]),
        ("name_in=a", ["a"]),
        ("name_in=a&name_in=b", ["a", "b"]),
        ("updated_after=2023-11-14T22:13:25Z", ["b", "c"]),
    ],
)
def test_filters(node: MemoryNode, query: str, expected: list[str]) -> None:
    """Fields filter by equality of the JSON forms, declared filters by their function."""
    assert expected == names(node, query)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("nmae=a", "unknown_filter"),
        ("count=many", "bad_request"),
        ("updated_after=soon", "bad_request"),
        ("page_size=0", "bad_request"),
        ("page_size=x", "bad_request"),
        ("page_token=x", "bad_page_token"),
        ("page_token=%C3%A9", "bad_page_token"),
        ("page_token=W10", "bad_page_token"),
    ],
)
def test_a_query_that_is_none_is_refused(node: MemoryNode, query: str, code: str) -> None:
    """What the node doesn't know or can't read is a 400 Problem."""
    assert (400, code) == problem(ask(node, "GET", f"{ITEMS}?{query}"))[:2]


def test_a_declared_filter_without_a_function_is_told() -> None:
    """The Problem says how to give the node that filter."""
    with RonClientSync(transport=MemoryNode(Item)) as client:
        listing = client.objects(Item).list(updated_after="2026-01-01T00:00:00Z")
        with pytest.raises(ron.RonInvalidError, match=r"filters=\{Item: \{'updated_after'"):
            listing.page()


def test_a_filter_function_that_fails_is_told() -> None:
    """What a filter function raises reaches the caller as `RonConfigError`."""
    broken: Any = {Item: {"updated_after": lambda item, after: item.nothing > after}}
    node = MemoryNode(Item, filters=broken)
    ask(node, "POST", ITEMS, json={"name": "a"})
    with RonClientSync(transport=node) as client:
        listing = client.objects(Item).list(updated_after="2026-01-01T00:00:00Z")
        with pytest.raises(ron.RonConfigError, match="'updated_after' given to MemoryNode raised"):
            listing.page()


def test_a_token_belongs_to_its_query(node: MemoryNode) -> None:
    """A page token holds for another page size, not for other filters."""
    first = json.loads(ask(node, "GET", f"{ITEMS}?page_size=1").body)
    token = first["next_page_token"]
    assert ["b", "c"] == names(node, f"page_size=2&page_token={token}")
    reply = ask(node, "GET", f"{ITEMS}?page_token={token}&sold=false")
    assert (400, "bad_page_token", "page_token belongs to another query") == problem(reply)


def test_pages_have_a_default_and_a_limit() -> None:
    """A page holds 50 items unless asked, and never more than 1000."""
    node = MemoryNode(Item)
    for number in range(1001):
        ask(node, "POST", ITEMS, json={"name": str(number)})
    assert 50 == len(names(node, ""))
    assert 1000 == len(names(node, "page_size=99999"))


def test_an_item_added_meanwhile_is_not_lost(node: MemoryNode) -> None:
    """A page begins behind the last item of the one before, whatever was deleted or added."""
    token = json.loads(ask(node, "GET", f"{ITEMS}?page_size=1").body)["next_page_token"]
    ask(node, "DELETE", f"{ITEMS}/i-1")
    ask(node, "POST", ITEMS, json={"name": "d"})
    assert ["b", "c", "d"] == names(node, f"page_token={token}")


def test_pages_go_on_past_what_was_changed_or_deleted(node: MemoryNode) -> None:
    """What is changed or deleted between two pages, the item at their border too, moves nothing else."""
    for name in "defg":
        ask(node, "POST", ITEMS, json={"name": name})
    keys = [item.id for item in node.items(Item)]
    first = json.loads(ask(node, "GET", f"{ITEMS}?page_size=3").body)
    assert ["a", "b", "c"] == [item["name"] for item in first["items"]]
    for gone in (keys[2], keys[4], keys[0]):
        assert 204 == ask(node, "DELETE", f"{ITEMS}/{gone}").status
    assert 200 == ask(node, "PATCH", f"{ITEMS}/{keys[3]}", json={"name": "D"}).status
    assert ["D", "f", "g"] == names(node, f"page_token={first['next_page_token']}")
    assert ["b", "D", "f", "g"] == names(node, "")


@pytest.mark.parametrize("path", [ITEMS, f"{ITEMS}/i-1"])
def test_reads_are_conditional(node: MemoryNode, path: str) -> None:
    """Objects and pages carry strong ETags; If-None-Match with it answers an empty 304."""
    etag = ask(node, "GET", path).header(b"etag")
    assert etag is not None
    assert etag.startswith('"')
    for sent in (etag, f'"x", W/{etag}', "*"):
        again = ask(node, "GET", path, headers={"If-None-Match": sent})
        assert (304, b"", etag) == (again.status, again.body, again.header(b"etag"))
    assert 200 == ask(node, "GET", path, headers={"If-None-Match": '"x"'}).status
    ask(node, "PATCH", f"{ITEMS}/i-1", json={"name": "a2"})
    assert 200 == ask(node, "GET", path, headers={"If-None-Match": etag}).status


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_writes_are_conditional(node: MemoryNode, method: str) -> None:
    """A write needs the ETag that If-Match names; weak ones never match."""
    path = f"{ITEMS}/i-1"
    etag = ask(node, "GET", path).header(b"etag")
    body: dict[str, Any] = {} if method == "DELETE" else {"json": {"name": "z"}}
    for sent in ('"x"', f"W/{etag}"):
        reply = ask(node, method, path, headers={"If-Match": sent}, **body)
        assert (412, "precondition_failed") == problem(reply)[:2]
    assert ask(node, method, path, headers={"If-Match": f'"x", {etag}'}, **body).status < 300


def test_equal_contents_have_their_own_tags(node: MemoryNode) -> None:
    """A change back to what was is another version: lost updates are found."""
    path = f"{ITEMS}/i-1"
    tags = [ask(node, "GET", path).header(b"etag")]
    for name in ("b", "a"):
        tags.append(ask(node, "PATCH", path, json={"name": name}).header(b"etag"))
    assert 3 == len(set(tags))


def test_an_answer_has_the_clients_limit(node: MemoryNode) -> None:
    """An answer larger than `max_response_bytes` is a failure, as on a real transport."""
    channel = node.open_sync(endpoint(max_response_bytes=10))
    with pytest.raises(Failure) as caught:
        channel.send(exchange("GET", ITEMS), None)
    assert ("too_large", True) == (caught.value.kind, caught.value.permanent)


def test_a_deadline_that_has_passed_sends_nothing(node: MemoryNode) -> None:
    """A request whose deadline has passed is not sent."""
    clock = FakeClock()
    channel = node.open_sync(endpoint(clock=clock))
    before = len(node.requests)
    clock.advance(61)
    with pytest.raises(Failure) as caught:
        channel.send(exchange("GET", ITEMS), None)
    assert (False, True) == (caught.value.sent, caught.value.timed_out)
    assert before == len(node.requests)
