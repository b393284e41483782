"""Both colours on a memory node."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.watches.both import Both


@pytest.fixture(params=["async", "sync"])
def both(request: pytest.FixtureRequest) -> Iterator[Both]:
    """A client of one colour on a memory node; in the end nothing may be left of it."""
    made = Both(request.param)
    yield made
    made.end()
