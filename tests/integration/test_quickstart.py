"""The quickstart against a server on a real socket, as its docstring says: with RON_APP_URL set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.reference_node import Node

ROOT = Path(__file__).resolve().parents[2]


def test_the_quickstart_talks_to_a_real_node(node: Node) -> None:
    """It tells the same story as on the memory node, and the node has seen the requests."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RON_")}
    done = subprocess.run(
        [sys.executable, "examples/quickstart.py"],
        cwd=ROOT,
        env={**clean, "RON_APP_URL": node.url, "RON_SDK_ALLOW_INSECURE_HTTP": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    assert node.url.rpartition(":")[2] in done.stdout
    assert "watched   deleted" in done.stdout
    assert 'id = "shop"' in done.stdout
    assert {"POST", "GET", "PATCH", "DELETE"} <= {request.method for request in node.requests}
