"""For users' own tests: a node in the process, whole objects without one, a clock that is told.

``MemoryNode(Item)`` is a transport made from the declarations: ``RonClient(transport=node)`` needs
no URL, no token and no socket. Loaded when first touched, so that the pytest plug-in beside this
module costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._clock import FakeClock
    from ._node import MemoryNode
    from ._stored import stored

__all__ = ["FakeClock", "MemoryNode", "stored"]

_HOMES = {"FakeClock": "_clock", "MemoryNode": "_node", "stored": "_stored"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
