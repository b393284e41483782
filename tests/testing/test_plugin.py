"""The pytest plug-in: fixtures that cost nothing until they are used."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from ron import RonClientSync
from ron.testing import FakeClock, MemoryNode
from tests.testing.shop import Item, Note

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("pydantic", "httpx", "httpcore", "asyncio", "ron.client", "ron.testing._node")
USERS_TEST = '''
def test_it(memory_node, fake_clock):
    """A user's own test."""
    from ron import Resource, RonClientSync, server

    class Thing(Resource, path="/app/things"):
        id: str = server()
        name: str

    node = memory_node(Thing, clock=fake_clock)
    with RonClientSync(transport=node) as client:
        assert client.objects(Thing).create(name="a").id == "t-1"
'''


def test_memory_node_makes_nodes(memory_node: Callable[..., MemoryNode]) -> None:
    """The fixture takes what `MemoryNode` takes, as often as needed."""
    first, second = memory_node(Item, Note), memory_node(Note, token="t-1")
    with RonClientSync(transport=first) as client:
        client.objects(Note).create(text="a")
    assert ([1], [0]) == ([len(first.items(Note))], [len(second.items(Note))])


def test_fake_clock_is_one(fake_clock: FakeClock) -> None:
    """The fixture gives a clock that stands."""
    assert 0.0 == fake_clock.monotonic()


def test_importing_the_plugin_imports_nothing_heavy() -> None:
    """What pytest imports at every start loads neither pydantic nor an HTTP library."""
    code = (
        f"import sys, pytest; before = set(sys.modules); import ron.testing.pytest_plugin; "
        f"print([name for name in {HEAVY!r} if name in set(sys.modules) - before])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ("[]", "") == (done.stdout.strip(), done.stderr)


def test_a_memory_node_needs_no_http_library() -> None:
    """A client on a memory node runs without httpx and httpcore being loaded."""
    code = (
        "import sys; from ron.testing import MemoryNode, FakeClock, stored\n"
        "from ron import RonClientSync\n"
        "with RonClientSync(transport=MemoryNode()) as client: assert client.health().ok\n"
        "print([name for name in ('httpx', 'httpcore', 'h11', 'anyio') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ("[]", "") == (done.stdout.strip(), done.stderr)


def test_users_find_the_fixtures(tmp_path: Path) -> None:
    """A user's test takes the fixtures without importing anything."""
    (tmp_path / "test_user.py").write_text(USERS_TEST, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "ron.testing.pytest_plugin", "-p", "no:ron"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stdout
    assert "1 passed" in done.stdout
