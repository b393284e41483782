"""What every node answers, ours and somebody else's (`RON_TEST_NODE_URL`), asked with raw httpx."""

from __future__ import annotations

import httpx


def test_the_node_is_healthy(node_url: str) -> None:
    """The node that the integration tests talk to is up."""
    assert httpx.get(f"{node_url}/healthz", trust_env=False).status_code == 200
