"""Every test here runs on the memory node and on the reference node, async and sync."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.world import MemoryHand, ReferenceHand, World
from tests.reference_node import Node, serve


@pytest.fixture(scope="session")
def reference() -> Iterator[Node]:
    """A reference node on a real socket; each world begins with a fresh one."""
    with serve() as running:
        yield running


@pytest.fixture(params=["async", "sync"])
def colour(request: pytest.FixtureRequest) -> str:
    """The colour of the client."""
    chosen: str = request.param
    return chosen


@pytest.fixture(params=["memory", "reference"])
def world(request: pytest.FixtureRequest, colour: str) -> Iterator[World]:
    """A client of one colour on one kind of node."""
    hand: Any
    if request.param == "memory":
        hand = MemoryHand()
        made = World(hand, colour, lambda client: client(transport=hand.node))
    else:
        node: Node = request.getfixturevalue("reference")
        node.reset()
        hand = ReferenceHand(node)
        made = World(hand, colour, lambda client: client(node.url, allow_insecure_http=True))
    yield made
    made.close()
    assert () == getattr(hand.node, "failures", ()), "the reference node failed on its own"
