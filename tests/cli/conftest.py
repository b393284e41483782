"""A running reference node for the command's tests, fresh for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.reference_node import Node, serve


@pytest.fixture(scope="session")
def running() -> Iterator[Node]:
    """One reference node on plain http for all tests."""
    with serve() as node:
        yield node


@pytest.fixture
def node(running: Node) -> Iterator[Node]:
    """The reference node, as new; fails the test when the node's own code failed."""
    running.reset()
    yield running
    assert () == running.failures
