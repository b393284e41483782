"""The rig of each case."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.transport.conformance.adapters import Adapter
from tests.transport.conformance.rig import Rig


@pytest.fixture
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """A fresh node and the adapter under test, in its colour."""
    pair: tuple[Adapter, str] = request.param
    opened = Rig(*pair)
    yield opened
    opened.close()


@pytest.fixture
def tls_rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """The same over TLS, with a certificate authority of its own; `rig.node.trust` knows it."""
    pair: tuple[Adapter, str] = request.param
    opened = Rig(*pair, tls=True)
    yield opened
    opened.close()


def pytest_make_parametrize_id(config: pytest.Config, val: object) -> str | None:
    """Cases are named after adapter and colour."""
    if isinstance(val, tuple) and val and isinstance(val[0], Adapter):
        return f"{val[0].name}-{val[1]}"
    return None
