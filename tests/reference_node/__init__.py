"""The reference node: a real server for the integration tests, behaving as RON-CORE nodes do.

Data flow: `serve` (socket) → `door` (record, plans, limits, token) → `app` (routes) → `service`,
`resources`, `events` → `store`. `node` is what a test holds. Nothing here imports `ron`, so that
the SDK and its judge can't share a mistake.

Not imitated: the gateway pasting a decoded path back into a URL, and rate limits.
"""

from __future__ import annotations

from tests.reference_node.app import DEFAULT_COLLECTIONS, create_app
from tests.reference_node.knobs import Knobs
from tests.reference_node.node import Node
from tests.reference_node.record import Seen
from tests.reference_node.serve import serve

__all__ = ["DEFAULT_COLLECTIONS", "Knobs", "Node", "Seen", "create_app", "serve"]
