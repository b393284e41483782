"""Fixtures for pytest. Importing this imports nothing but pytest: `ron` is loaded when one is used.

Installed with the package (entry point ``pytest11``), so that there is nothing to import::

    def test_kettles(memory_node):
        node = memory_node(Item, Note)
        with RonClientSync(transport=node) as client: ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._clock import FakeClock
    from ._node import MemoryNode

__all__ = ["fake_clock", "memory_node"]


@pytest.fixture
def memory_node() -> Iterator[Callable[..., MemoryNode]]:
    """What makes memory nodes: ``memory_node(Item, Note)``; takes what ``MemoryNode`` takes.

    Event streams that are still open at the end of the test are ended.
    """
    from ._node import MemoryNode

    made: list[MemoryNode] = []

    def make(*resources: Any, **options: Any) -> MemoryNode:
        node = MemoryNode(*resources, **options)
        made.append(node)
        return node

    yield make
    for node in made:
        node.finish_streams()


@pytest.fixture
def fake_clock() -> FakeClock:
    """A clock that moves only when it is told to."""
    from ._clock import FakeClock

    return FakeClock()
