"""The clients: ``RonClient`` (async) and ``RonClientSync`` (native sync: no loop, no thread).

``_client`` is what they share, ``_client_async`` and ``_client_sync`` are the two thin surfaces.
"""

from __future__ import annotations

from ._client_async import RonClient
from ._client_sync import RonClientSync

__all__ = ["RonClient", "RonClientSync"]
