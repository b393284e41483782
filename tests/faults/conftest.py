"""The caller of each case: an adapter in a colour."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

import pytest

from tests.faults.callers import Caller
from tests.transport.conformance.adapters import Adapter


@pytest.fixture
def caller(request: pytest.FixtureRequest) -> Iterator[Caller]:
    """The adapter under test, in its colour."""
    opened = Caller(*request.param)
    yield opened
    opened.close()


def pytest_make_parametrize_id(config: pytest.Config, val: object) -> Optional[str]:
    """Cases are named after adapter and colour."""
    if isinstance(val, tuple) and val and isinstance(val[0], Adapter):
        return f"{val[0].name}-{val[1]}"
    return None
