"""Every test here runs on the memory node and on the reference node, async and sync."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.world import MemoryHand, World, worlds
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
    yield from worlds(request, colour, MemoryHand)
