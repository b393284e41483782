"""The nodes that integration tests talk to.

`node` and `tls_node` are our own reference node, whose knobs a test may turn. A test that takes
only `node_url` runs against any node: with `RON_TEST_NODE_URL` set, against the one it names, and
the tests that need our own are deselected.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reference_node import Node, serve

_URL_VARIABLE = "RON_TEST_NODE_URL"
_OWN_FIXTURES = frozenset({"node", "tls_node"})
_HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of tests that turn the knobs of our own node."""
    config.addinivalue_line("markers", f"own_node: needs the reference node; deselected when {_URL_VARIABLE} is set")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, when somebody else's node is tested, what only our own node can answer."""
    if not os.environ.get(_URL_VARIABLE):
        return
    needless = [item for item in items if _needs_own_node(item)]
    items[:] = [item for item in items if item not in needless]
    config.hook.pytest_deselected(items=needless)


def _needs_own_node(item: pytest.Item) -> bool:
    if item.get_closest_marker("own_node") is not None:
        return True
    # Tests elsewhere may have a fixture of the same name.
    return _HERE in item.path.parents and bool(_OWN_FIXTURES & _fixture_names(item))


def _fixture_names(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """A running reference node on plain http, fresh at the start of each test."""
    with serve() as running:
        yield running


@pytest.fixture(scope="session")
def tls_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A running reference node on https, fresh at the start of each test; see `.ca_path`."""
    with serve(tls_dir=tmp_path_factory.mktemp("certificates")) as running:
        yield running


@pytest.fixture
def node_url(request: pytest.FixtureRequest) -> str:
    """The URL of the node that is tested, without a final slash: ours, or somebody else's."""
    given = os.environ.get(_URL_VARIABLE)
    if given:
        return given.rstrip("/")
    own: Node = request.getfixturevalue("node")
    return own.url


@pytest.fixture(autouse=True)
def fresh_nodes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Reset each node that the test takes, and fail when the node's own code failed."""
    names = _OWN_FIXTURES & set(request.fixturenames)
    if "node_url" in request.fixturenames and not os.environ.get(_URL_VARIABLE):
        names |= {"node"}
    nodes: list[Node] = [request.getfixturevalue(name) for name in sorted(names)]
    for taken in nodes:
        taken.reset()
    yield
    assert [failure for taken in nodes for failure in taken.failures] == [], "the reference node failed on its own"
