"""What holds however much a node sends: lists without end, and page tokens beyond any request line."""

from __future__ import annotations

from typing import Any, Callable

import httpx
import pytest

import ron
from ron import RonClientSync
from ron.testing import FakeClock
from tests.watches.both import Item


class Endless:
    """Pages without items and without end, each a tenth of a second late; tokens that are too long after `whole`."""

    def __init__(self, whole: int = 10**9) -> None:
        self.clock = FakeClock()
        self.whole = whole
        self.pages = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/events"):
            return httpx.Response(405)
        self.clock.advance(0.1)
        self.pages += 1
        token = f"t{self.pages}" if self.pages < self.whole else "t" * 40_000
        return httpx.Response(200, json={"items": [], "next_page_token": token})

    def client(self) -> RonClientSync:
        """A client of this node."""
        transport = ron.HttpxTransport(httpx.MockTransport(self))
        return RonClientSync("https://node.example", transport=transport, clock=self.clock)


def test_a_list_without_end_ends_in_time() -> None:
    """`max_duration` holds while page after page brings nothing."""
    node = Endless()
    with node.client() as client:
        assert [] == list(client.objects(Item).watch(initial=True, max_duration=1.0))
    assert 11 >= node.pages


def test_a_page_token_that_no_request_can_carry_is_the_nodes_fault() -> None:
    """A watch's list and `first()` say so like any listing."""
    asked: list[Callable[[Any], Any]] = [
        lambda items: list(items.watch(initial=True)),
        lambda items: items.list().first(),
        lambda items: items.list().all(),
    ]
    for ask in asked:
        with Endless(whole=2).client() as client, pytest.raises(ron.RonPaginationError, match="40000 characters"):
            ask(client.objects(Item))
