"""Resources: declared as classes, used through managers.

From a class statement to a request: ``_declare`` and ``_description`` (what is declared), ``_operations`` (what
managers do, as flows), ``_bodies`` and ``_filters`` (what is sent, what came back), ``manager``, ``listing`` and
``watch`` (the surfaces).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._changes import Change as Change
    from ._changes import Deleted as Deleted
    from ._changes import Other as Other
    from ._changes import Put as Put
    from ._changes import Resync as Resync
    from ._drafts import Draft as Draft
    from ._drafts import Patch as Patch
    from ._fields import server as server
    from ._mirror import Index as Index
    from ._model import Resource as Resource
    from ._origin import Meta as Meta
    from ._origin import meta as meta
    from .listing import Listing as Listing
    from .listing import ListingSync as ListingSync
    from .manager import Manager as Manager
    from .manager_sync import ManagerSync as ManagerSync
    from .mirror import Mirror as Mirror
    from .mirror import MirrorSync as MirrorSync
    from .watch import Watch as Watch
    from .watch import WatchSync as WatchSync

#: module → the public names that live in it; loaded when first touched, as in ``ron`` itself
_HOMES = {
    "_changes": "Change Deleted Other Put Resync",
    "_drafts": "Draft Patch",
    "_fields": "server",
    "_mirror": "Index",
    "_model": "Resource",
    "_origin": "Meta meta",
    "listing": "Listing ListingSync",
    "manager": "Manager",
    "manager_sync": "ManagerSync",
    "mirror": "Mirror MirrorSync",
    "watch": "Watch WatchSync",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
