"""``LanesTransport``: the default transport, over connections of our own to one node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ron.transport._protocol import Capabilities

if TYPE_CHECKING:
    from ron.transport._async_lanes import AsyncLanes
    from ron.transport._protocol import Endpoint
    from ron.transport._sync_lanes import SyncLanes

__all__ = ["LanesTransport"]


class LanesTransport:
    """Keep-alive connections over httpcore's public connection classes; ``respx`` sees their requests.

    HTTP/1.1. No proxies, no netrc, no redirects, no cookies.
    """

    capabilities = Capabilities(deadline=True, not_sent=True, surplus_check=True, stream_close=True, tls_info=True)
    needs_url = True

    def open_async(self, endpoint: Endpoint) -> AsyncLanes:
        """A channel for ``RonClient``. Raises ``RonConfigError`` on a CA bundle that can't be read."""
        from ron.transport._async_lanes import AsyncLanes

        return AsyncLanes(endpoint)

    def open_sync(self, endpoint: Endpoint) -> SyncLanes:
        """A channel for ``RonClientSync``. Raises ``RonConfigError`` on a CA bundle that can't be read."""
        from ron.transport._sync_lanes import SyncLanes

        return SyncLanes(endpoint)

    def __repr__(self) -> str:
        return "LanesTransport()"
