"""Resources: declared as classes, used through managers.

From a class statement to a request: ``_declare`` and ``_description`` (what is declared), ``_operations`` (what
managers do, as flows), ``_bodies`` and ``_filters`` (what is sent, what came back), ``manager``, ``listing`` and
``watch`` (the surfaces).
"""

from __future__ import annotations

from ._changes import Change, Deleted, Other, Put
from ._drafts import Draft, Patch
from ._fields import server
from ._model import Resource
from ._origin import Meta, meta
from .listing import Listing, ListingSync
from .manager import Manager
from .manager_sync import ManagerSync
from .watch import Watch, WatchSync

__all__ = [
    "Change",
    "Deleted",
    "Draft",
    "Listing",
    "ListingSync",
    "Manager",
    "ManagerSync",
    "Meta",
    "Other",
    "Patch",
    "Put",
    "Resource",
    "Watch",
    "WatchSync",
    "meta",
    "server",
]
