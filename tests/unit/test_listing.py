"""Listings: which pages are asked for, where they stop, and what an error leaves to go on with."""

from __future__ import annotations

import json
from typing import Any, Callable, Optional, Union

import pytest

import ron
from ron import (
    Listing,
    Page,
    Resource,
    RonClient,
    RonClientSync,
    RonConfigError,
    RonInputError,
    RonPaginationError,
    RonParseError,
    RonServerError,
    server,
)
from ron._values import Exchange, Reply
from ron.testing import FakeClock
from tests.unit.resource_declarations import Item, Task
from tests.unit.rig import ScriptTransport, reply

Step = Union[Reply, Callable[[Exchange], Reply]]


def page(*numbers: int, token: Any = None, **more: Any) -> Reply:
    """A page of items of the documented shape."""
    items = [{"id": f"i-{number}", "name": f"n{number}"} for number in numbers]
    return reply(200, json.dumps({"items": items, "next_page_token": token, **more}).encode(), etag='"list"')


def client(*answers: Step) -> tuple[RonClientSync, ScriptTransport]:
    """A client of a scripted node that waits without time passing."""
    script = ScriptTransport(*answers)
    return RonClientSync(transport=script, clock=FakeClock()), script


def asked(script: ScriptTransport) -> list[str]:
    """The queries that went out."""
    return [exchange.target.decode().partition("?")[2] for exchange in script.exchanges]


def keys(items: Any) -> list[str]:
    """Their ids."""
    return [item.id for item in items]


THREE = (page(1, 2, token="b"), page(3, 4, token="c"), page(5))


def test_every_item_page_after_page() -> None:
    """Iterating follows the tokens to the last page."""
    sync, script = client(*THREE)
    assert ["i-1", "i-2", "i-3", "i-4", "i-5"] == keys(sync.objects(Item).list())
    assert ["", "page_token=b", "page_token=c"] == asked(script)
    assert {"/app/shop/items"} == {exchange.target.decode().partition("?")[0] for exchange in script.exchanges}


def test_all_first_pages_and_page() -> None:
    """`.all()` is a list of everything, `.pages()` gives pages, `.page()` the first one, `.first()` its first item."""
    listing = client(*THREE)[0].objects(Item).list()
    assert 5 == len(listing.all())
    assert [2, 2, 1] == [len(one) for one in client(*THREE)[0].objects(Item).list().pages()]
    first = client(*THREE)[0].objects(Item).list().page()
    assert (["i-1", "i-2"], "b") == (keys(first), first.next_page_token)
    found = client(*THREE)[0].objects(Item).list().first()
    assert found is not None
    assert "i-1" == found.id


def test_a_page_is_a_sequence() -> None:
    """A page has length, items by index and slice, equality and a short repr; it knows its request."""
    sync, script = client(*THREE)
    found = sync.objects(Item).list().page()
    assert (2, "i-2", ["i-1"]) == (len(found), found[1].id, keys(found[:1]))
    assert found.items[0] in found
    assert Page(found.items, "b") == found
    assert Page(found.items, None) != found
    assert script.headers[0]["X-Request-Id"] == found.request_id
    assert repr(found).startswith("<Page of 2 items, more pages follow: Item(")


def test_items_of_a_page_have_an_origin_without_etag() -> None:
    """Items of a list can be saved; the list's ETag is not theirs."""
    found = client(*THREE)[0].objects(Item).list().page()[0]
    assert (None, 200) == (ron.meta(found).etag, ron.meta(found).status)


def test_nothing_is_asked_before_it_is_needed() -> None:
    """A listing is lazy, and asks anew each time."""
    sync, script = client(*THREE)
    listing = sync.objects(Item).list()
    iterator = iter(listing)
    assert [] == asked(script)
    next(iterator)
    next(iterator)
    assert [""] == asked(script)
    next(iterator)
    assert ["", "page_token=b"] == asked(script)


def test_nothing_is_asked_after_a_break() -> None:
    """Leaving a loop ends it: no further page is fetched."""
    sync, script = client(*THREE)
    for item in sync.objects(Item).list():
        if item.id == "i-2":
            break
    assert [""] == asked(script)


@pytest.mark.anyio
async def test_nothing_is_asked_after_a_break_async() -> None:
    """The same holds for `async for`, but for the page that is fetched ahead (see test_prefetch.py)."""
    for prefetch, expected in ((False, [""]), (True, ["", "page_token=b"])):
        script = ScriptTransport(*THREE)
        async with RonClient(transport=script, clock=FakeClock()) as owner:
            async for item in owner.objects(Item).list(prefetch=prefetch):
                if item.id == "i-2":
                    break
        assert expected == asked(script)


def test_a_page_token_that_no_request_can_carry_is_the_nodes_fault() -> None:
    """A token of 8000 bytes is sent; a longer one is an error of the listing, with the checkpoint to go on from."""
    sync, script = client(page(1, token="t" * 8000), page(2, token="\u00e9" * 4001), page(3))
    listing = sync.objects(Item).list()
    with pytest.raises(RonPaginationError) as raised:
        listing.all()
    assert "the node gave a page token of 4001 characters, which no request can carry" == str(raised.value)
    assert "t" * 8000 == raised.value.checkpoint == listing.checkpoint
    assert 2 == len(script.exchanges)


@pytest.mark.anyio
async def test_await_is_one_page() -> None:
    """`await list(...)` is `await list(...).page()`; the other ways to consume it are as in sync."""
    async with RonClient(transport=ScriptTransport(*THREE), clock=FakeClock()) as owner:
        awaited = await owner.objects(Item).list()
        assert isinstance(awaited, Page)
        assert ["i-1", "i-2"] == keys(awaited)
    for consume in (Listing[Item].all, _collect):
        async with RonClient(transport=ScriptTransport(*THREE), clock=FakeClock()) as owner:
            assert ["i-1", "i-2", "i-3", "i-4", "i-5"] == keys(await consume(owner.objects(Item).list()))
    async with RonClient(transport=ScriptTransport(*THREE), clock=FakeClock()) as owner:
        assert [2, 2, 1] == [len(one) async for one in owner.objects(Item).list().pages()]
    async with RonClient(transport=ScriptTransport(*THREE), clock=FakeClock()) as owner:
        found = await owner.objects(Item).list().first()
        assert found is not None
        assert "i-1" == found.id


async def _collect(listing: Any) -> list[Any]:
    return [item async for item in listing]


# --- Limits and queries -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "found", "requests"), [(1, 1, 1), (2, 2, 1), (3, 3, 2), (4, 4, 2), (5, 5, 3), (99, 5, 3), (None, 5, 3)]
)
def test_limit_is_the_total(limit: Optional[int], found: int, requests: int) -> None:
    """`limit` counts items over all pages, and no page is asked for after it is reached."""
    sync, script = client(*THREE)
    assert found == len(sync.objects(Item).list(limit=limit).all())
    assert requests == len(script.exchanges)
    assert min(found, 2) == len(client(*THREE)[0].objects(Item).list(limit=limit).page())


def test_page_size_is_the_size_on_the_wire() -> None:
    """`page_size` goes out with every page; without it the node decides, but for `.first()`, which needs one item."""
    sync, script = client(*THREE)
    sync.objects(Item).list(page_size=2, limit=3).all()
    assert ["page_size=2", "page_size=2&page_token=b"] == asked(script)
    sync, script = client(*THREE)
    sync.objects(Item).list().first()
    sync.objects(Item).list(page_size=7).first()
    assert ["page_size=1", "page_size=7"] == asked(script)


def test_filters_go_out_with_every_page() -> None:
    """Filters, unchecked parameters and the token are one query, percent-encoded."""
    sync, script = client(*THREE)
    sync.objects(Item).list({"tagged": ["a b", "c&d"]}, price=7, query={"beta": True}).all()
    assert "tagged=a%20b&tagged=c%26d&price=7&beta=true" == asked(script)[0]
    assert "tagged=a%20b&tagged=c%26d&price=7&beta=true&page_token=b" == asked(script)[1]


def test_a_listing_may_begin_anywhere() -> None:
    """`page_token` begins at that page; tokens are opaque and encoded."""
    sync, script = client(page(3, token="x y/+&="), page(4))
    assert ["i-3", "i-4"] == keys(sync.objects(Item).list(page_token="b"))
    assert ["page_token=b", "page_token=x%20y%2F%2B%26%3D"] == asked(script)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"limit": 0}, "limit must be a whole number of at least 1, not 0"),
        ({"limit": -1}, "limit must be a whole number of at least 1, not -1"),
        ({"limit": True}, "limit must be a whole number of at least 1, not True"),
        ({"limit": "5"}, "limit must be a whole number of at least 1, not '5'"),
        ({"page_size": 0}, "page_size must be a whole number of at least 1, not 0"),
        ({"page_size": 1.5}, "page_size must be a whole number of at least 1, not 1.5"),
        ({"page_token": ""}, "page_token is the next_page_token of a page, or the checkpoint of a listing"),
        ({"page_token": 5}, "page_token is the next_page_token of a page, or the checkpoint of a listing"),
        ({"nmae": "a"}, "Item has no filter 'nmae' (did you mean 'name'?)"),
        ({"query": {"a": None}}, "query value 'a' must be a str, "),
        ({"query": {"a": float("nan")}}, "query value 'a' must be a str, "),
    ],
)
def test_bad_arguments_fail_when_the_listing_is_made(arguments: dict[str, Any], text: str) -> None:
    """What is wrong with a query is said at once, not when it is iterated."""
    sync, script = client(*THREE)
    with pytest.raises(RonInputError) as caught:
        sync.objects(Item).list(**arguments)
    assert caught.value.message.startswith(text)
    assert [] == asked(script)


def test_parents_are_bound_before_a_list() -> None:
    """A listing below parents needs them at once."""
    sync, script = client(page())
    with pytest.raises(RonConfigError, match=r"^Task lives below 'project': write \.at\(project=\.\.\.\)"):
        sync.objects(Task).list()
    assert [] == sync.objects(Task).at(project="p").list().all()
    assert ["/app/projects/p/tasks"] == [exchange.target.decode() for exchange in script.exchanges]


def test_a_resource_without_list_refuses() -> None:
    """`operations` without `list` is said when the listing is made."""

    class Single(Resource, path="/app/single", operations=("get",)):
        id: str = server()

    with pytest.raises(RonConfigError, match=r"^Single does not allow 'list': it was declared with operations=get$"):
        client()[0].objects(Single).list()


def test_repr_says_what_is_asked_for() -> None:
    """A listing's repr has the filters and the limit."""
    sync, _ = client()
    assert "<ListingSync of Item: everything>" == repr(sync.objects(Item).list())
    assert "<ListingSync of Item: name='a', limit=3>" == repr(sync.objects(Item).list(name="a", limit=3))


# --- What pages look like ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "token"),
    [
        ({}, None),
        ({"next_page_token": None}, None),
        ({"next_page_token": ""}, None),
        ({"next_page_token": "b"}, "b"),
        ({"next_page_token": 7}, "7"),
        ({"next_page_token": 0}, "0"),
        ({"next_cursor": "b"}, "b"),
        ({"next_cursor": None}, None),
        ({"next_page_token": None, "next_cursor": "b"}, "b"),
        ({"next_page_token": "b", "next_cursor": "c"}, "b"),
        ({"next_page_token": "b", "total": 5, "extra": {}}, "b"),
    ],
)
def test_how_pages_end(end: dict[str, Any], token: Optional[str]) -> None:
    """The documented token, and `next_cursor`, lead on; null, an empty string and nothing are the end."""
    answer = reply(200, json.dumps({"items": [], **end}).encode())
    assert token == client(answer)[0].objects(Item).list().page().next_page_token


def test_an_empty_page_with_a_token_goes_on() -> None:
    """Only a missing token ends a list: pages without items in between do not."""
    answers = (page(token="b"), page(token="c"), page(7))
    assert ["i-7"] == keys(client(*answers)[0].objects(Item).list())
    sync, script = client(*answers)
    found = sync.objects(Item).list().first()
    assert found is not None
    assert "i-7" == found.id
    assert ["page_size=1", "page_size=1&page_token=b", "page_size=1&page_token=c"] == asked(script)
    assert client(page())[0].objects(Item).list().first() is None


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"items": [{"id": "i-1", "name": 5}]}', "items[0].name: Input should be a valid string"),
        (
            b'{"items": [{"id": "i-1", "name": "a"}, {"id": "i-2", "name": "b", "price": "secret"}]}',
            "items[1].price: must be a whole number from 0 to 18446744073709551615, or its decimal string",
        ),
        (b'{"items": {"id": "i-1"}}', "items: Input should be a valid array"),
        (b'{"data": []}', "items: Field required"),
        (b'{"items": [], "next_page_token": true}', "next_page_token: Input should be a valid string"),
        (b'{"items": [], "next_page_token": {"a": 1}}', "next_page_token: Input should be a valid string"),
        (b"[]", "Input should be an object"),
        (b"", "the body is empty"),
        (b'{"items": [', "the body is not valid JSON"),
    ],
)
def test_what_is_no_page_is_named_by_place(body: bytes, text: str) -> None:
    """An answer that is no page, or holds a bad item, is a parse error with index and field, never the payload."""
    with pytest.raises(RonParseError) as caught:
        client(reply(200, body))[0].objects(Item).list().page()
    assert caught.value.message.startswith(f"the answer is no page of Item: {text}")
    assert "secret" not in caught.value.message


# --- Errors half-way --------------------------------------------------------------------------


def test_an_error_half_way_says_where_to_go_on() -> None:
    """The error and the listing have the token of the page being consumed; going on there loses nothing."""
    sync, _ = client(page(1, 2, token="b"), page(3, token="c"), reply(500), reply(500), reply(500), reply(500))
    listing = sync.objects(Item).list()
    seen = []
    with pytest.raises(RonServerError) as caught:
        for item in listing:
            seen.append(item.id)
            assert listing.checkpoint == (None if item.id in ("i-1", "i-2") else "b")
    assert (["i-1", "i-2", "i-3"], "c", "c") == (seen, caught.value.checkpoint, listing.checkpoint)
    rest = client(page(5))[0].objects(Item).list(page_token=caught.value.checkpoint)
    assert ["i-5"] == keys(rest)


def test_a_bad_item_half_way_says_where_to_go_on() -> None:
    """Parse errors carry the checkpoint too."""
    sync, _ = client(page(1, token="b"), reply(200, b'{"items": [5]}'))
    with pytest.raises(RonParseError) as caught:
        sync.objects(Item).list().all()
    assert "b" == caught.value.checkpoint


def test_each_iteration_begins_anew() -> None:
    """A listing that was consumed begins at its own start again."""
    sync, script = client(page(1, token="b"), page(2), page(1, token="b"), page(2))
    listing = sync.objects(Item).list()
    assert keys(listing) == keys(listing)
    assert ["", "page_token=b", "", "page_token=b"] == asked(script)


@pytest.mark.parametrize(
    ("start", "tokens", "requests", "checkpoint"),
    [
        (None, ["b", "b"], 2, "b"),
        (None, ["b", "c", "b"], 3, "c"),
        (None, ["b", "c", "d", "c"], 4, "d"),
        ("a", ["a"], 1, "a"),
        ("a", ["b", "a"], 2, "b"),
    ],
)
@pytest.mark.parametrize("empty", [True, False])
def test_tokens_that_repeat_are_an_error(
    start: Optional[str], tokens: list[str], requests: int, checkpoint: str, empty: bool
) -> None:
    """A token that was there before, at any distance, would make the list endless: it is an error with a checkpoint."""
    answers = [page(*([] if empty else [number]), token=token) for number, token in enumerate(tokens)]
    sync, script = client(*answers)
    with pytest.raises(RonPaginationError) as caught:
        sync.objects(Item).list(page_token=start).all()
    assert "the node gave a page token that it had given before: the list would never end" == caught.value.message
    assert (requests, checkpoint) == (len(script.exchanges), caught.value.checkpoint)
    assert script.headers[-1]["X-Request-Id"] == caught.value.request_id


@pytest.mark.parametrize(("start", "tokens"), [(None, ["b", "b"]), (None, ["b", "c", "b"]), ("a", ["b", "a"])])
def test_first_does_not_take_a_cycle_for_an_empty_list(start: Optional[str], tokens: list[str]) -> None:
    """`.first()` over empty pages whose tokens repeat is the same error, not None."""
    sync, script = client(*(page(token=token) for token in tokens))
    with pytest.raises(RonPaginationError) as caught:
        sync.objects(Item).list(page_token=start).first()
    assert (len(tokens), tokens[-2]) == (len(script.exchanges), caught.value.checkpoint)


def test_a_limit_that_is_reached_needs_no_good_token() -> None:
    """What the node says of further pages doesn't matter once the limit is reached."""
    assert 2 == len(client(page(1, token="b"), page(2, token="b"))[0].objects(Item).list(limit=2).all())
