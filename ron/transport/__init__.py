"""The seam to the network: the protocol, the default transport ("lanes"), the fast one, and an adapter for httpx.

``RonClient(transport=...)`` takes ``"default"``, ``"fast"`` or any object that follows :class:`Transport`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._protocol import (
    AsyncChannel,
    AsyncReplyStream,
    Capabilities,
    Endpoint,
    SyncChannel,
    SyncReplyStream,
    TlsInfo,
    Transport,
)

if TYPE_CHECKING:
    from ._fast import FastTransport
    from ._httpx import HttpxTransport
    from ._lanes import LanesTransport

__all__ = [
    "AsyncChannel",
    "AsyncReplyStream",
    "Capabilities",
    "Endpoint",
    "FastTransport",
    "HttpxTransport",
    "LanesTransport",
    "SyncChannel",
    "SyncReplyStream",
    "TlsInfo",
    "Transport",
]

#: adapters are loaded when asked for: a memory node needs no HTTP library
_ADAPTERS = {"FastTransport": "_fast", "HttpxTransport": "_httpx", "LanesTransport": "_lanes"}


def __getattr__(name: str) -> Any:
    if name in _ADAPTERS:
        from importlib import import_module

        value = getattr(import_module(f".{_ADAPTERS[name]}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
