"""Lists: pages, filters, limits, where to go on. The same on every node and in both colours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

import ron
from tests.conformance.world import World


@pytest.fixture
def five(world: World) -> World:
    """Five items: k1 to k5, the odd ones sold."""
    for number in range(1, 6):
        status = "sold" if number % 2 else "new"
        world.hand.put(f"k{number}", name=f"n{number}", status=status)
    return world


def keys(items: Iterable[Any]) -> list[str]:
    """The keys of what is iterated."""
    return [item.id for item in items]


def requests(world: World) -> int:
    """How many requests were made."""
    return len(world.hand.requests())


def test_a_list_is_iterated_page_after_page(five: World) -> None:
    """Iterating gives every item, over as many pages as it takes."""
    assert ["k1", "k2", "k3", "k4", "k5"] == keys(five.items.list(page_size=2))
    assert 3 == requests(five)


def test_a_list_is_lazy(five: World) -> None:
    """Nothing is sent before the list is asked for something, and after a break nothing but the page ahead (async)."""
    mark = f"lazy-{five.colour}"  # the page ahead of another test may still be on its way to the node

    def sent() -> int:
        return sum(mark == five.hand.header("x-mark", place) for place in range(requests(five)))

    listing = five.items.with_options(headers={"X-Mark": mark}).list(page_size=2)
    assert 0 == sent()
    for item in listing:
        assert "k1" == item.id
        break
    assert sent() in ((1,) if five.colour == "sync" else (1, 2))


def test_one_page(five: World) -> None:
    """`page` gives the first page: a sequence that knows the token of the next."""
    page = five.items.list(page_size=2).page()
    assert (2, "k1", ["k1", "k2"]) == (len(page), page[0].id, keys(page.items))
    assert page.next_page_token is not None
    rest = five.items.list(page_size=3, page_token=page.next_page_token).page()
    assert ["k3", "k4", "k5"] == keys(rest)
    assert rest.next_page_token is None, "a full last page knows that it is the last"


def test_pages(five: World) -> None:
    """`pages` gives page after page."""
    assert [2, 2, 1] == [len(page) for page in five.items.list(page_size=2).pages()]


@pytest.mark.parametrize(("limit", "expected", "count"), [(1, 1, 1), (2, 2, 1), (3, 3, 2), (5, 5, 3), (9, 5, 3)])
def test_limit_is_the_total(five: World, limit: int, expected: int, count: int) -> None:
    """`limit` bounds the items in all, and no page is fetched for more."""
    assert expected == len(five.items.list(limit=limit, page_size=2).all())
    assert count == requests(five)


def test_first(five: World) -> None:
    """`first` gives the first item, None where there is none."""
    assert "k1" == five.items.list().first().id
    assert five.items.list(status="lost").first() is None


def test_all(five: World) -> None:
    """`all` gives every item in one list, each time anew."""
    listing = five.items.list(page_size=4)
    assert ["k1", "k2", "k3", "k4", "k5"] == keys(listing.all())
    assert five.items.list().all() == listing.all()


def test_filters_by_the_resources_own_fields(five: World) -> None:
    """Fields filter by equality, together, typed as the fields are."""
    assert ["k1", "k3", "k5"] == keys(five.items.list(status="sold", page_size=2))
    assert ["k3"] == keys(five.items.list(status="sold", name="n3"))
    assert ["k3"] == keys(five.items.list({"name": "n3"}))
    five.items.create(name="dear", price=2**63)
    assert ["dear"] == [item.name for item in five.items.list(price=2**63)]


def test_a_misspelt_filter_is_not_sent(five: World) -> None:
    """A filter that is none, of the wrong type or empty is refused when the list is made."""
    with pytest.raises(ron.RonInputError, match="did you mean 'status'"):
        five.items.list(statsu="sold")
    with pytest.raises(ron.RonInputError, match="price"):
        five.items.list(price="dear")
    with pytest.raises(ron.RonInputError, match="'tags' of Note is empty"):
        five.notes.list(tags=[])
    assert 0 == requests(five)


def test_checkpoint_is_where_to_go_on(five: World) -> None:
    """`checkpoint` is the token of the page being consumed: going on there loses nothing."""
    listing = five.items.list(page_size=2)
    seen: list[str] = []
    assert listing.checkpoint is None
    for item in listing:
        seen.append(item.id)
        if len(seen) == 3:
            break
    rest = keys(five.items.list(page_size=2, page_token=listing.checkpoint))
    assert ["k3", "k4", "k5"] == rest


def test_an_error_half_way_knows_the_checkpoint(five: World) -> None:
    """An error between two pages says where to go on."""
    listing = five.items.with_options(max_retries=0).list(page_size=2)
    seen: list[str] = []

    def consume() -> None:
        for item in listing:
            seen.append(item.id)
            if len(seen) == 2:
                five.hand.fail(500)

    with pytest.raises(ron.RonServerError) as caught:
        consume()
    assert caught.value.checkpoint is not None
    again = five.items.list(page_size=2, page_token=caught.value.checkpoint)
    assert ["k1", "k2", "k3", "k4", "k5"] == seen + keys(again)


def test_a_token_that_is_none_is_refused_by_the_node(five: World) -> None:
    """A page token that the node never gave is a 400 with a code."""
    with pytest.raises(ron.RonInvalidError) as caught:
        five.items.list(page_token="no-such-token").page()
    assert "bad_page_token" == caught.value.problem.code


def test_an_empty_list(world: World) -> None:
    """A list without items is one empty page."""
    page = world.items.list().page()
    assert ([], None) == (list(page), page.next_page_token)
    assert [] == world.items.list().all()
