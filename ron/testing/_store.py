"""Documents by resource, and the log of their changes. Knows no HTTP; the node holds its lock."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional

from ._answers import tag_of, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Change", "Document", "Shelf", "Store"]

Place = tuple[str, ...]
"""The values of a path's parameters, as text: a collection of a resource."""


@dataclass(frozen=True)
class Document:
    """One object at one version; ``position`` orders a collection by creation."""

    __slots__ = ("body", "key", "place", "position", "version")

    place: Place
    key: str
    position: int
    version: int
    body: bytes

    @property
    def fields(self) -> dict[str, Any]:
        """A fresh copy of its fields, by wire name."""
        fields: dict[str, Any] = json.loads(self.body)
        return fields

    @property
    def etag(self) -> str:
        """Its strong entity tag."""
        return tag_of(self.body, self.version)


@dataclass(frozen=True)
class Change:
    """One entry of the log; ``document`` is the object after the change, before it if deleted."""

    __slots__ = ("document", "kind", "seq", "shelf")

    seq: int
    kind: str
    shelf: Shelf
    document: Document


class Store:
    """All shelves' common log. ``on_change`` is called after every entry."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.log: list[Change] = []
        self._on_change = on_change

    @property
    def last(self) -> int:
        """The newest sequence number, 0 before the first: ``log[seq - 1]`` is the entry ``seq``."""
        return len(self.log)

    def note(self, kind: str, shelf: Shelf, document: Document) -> None:
        """Adds an entry."""
        self.log.append(Change(self.last + 1, kind, shelf, document))
        self._on_change()

    def since(self, shelf: Shelf, place: Place, after: int, until: Optional[int]) -> Iterator[Change]:
        """A collection's changes after one sequence number up to another, oldest first."""
        for change in self.log[after:until]:
            if change.shelf is shelf and change.document.place == place:
                yield change


class Shelf:
    """The objects of one resource, in all its collections."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._documents: dict[tuple[Place, str], Document] = {}
        self._order: dict[Place, list[int]] = {}
        self._at: dict[int, Document] = {}
        self._positions = 0

    def get(self, place: Place, key: str) -> Optional[Document]:
        """The object with that key, or None."""
        return self._documents.get((place, key))

    def insert(self, place: Place, key: str, fields: dict[str, Any]) -> Document:
        """Adds an object; the key must be free."""
        assert (place, key) not in self._documents
        self._positions += 1
        self._order.setdefault(place, []).append(self._positions)
        return self._put("added", Document(place, key, self._positions, 1, to_json(fields)))

    def write(self, before: Document, fields: dict[str, Any]) -> Document:
        """Puts another version into the place of an object."""
        version, body = before.version + 1, to_json(fields)
        return self._put("modified", Document(before.place, before.key, before.position, version, body))

    def remove(self, document: Document) -> None:
        """Takes an object out."""
        del self._documents[document.place, document.key]
        del self._at[document.position]
        order = self._order[document.place]
        del order[bisect_left(order, document.position)]
        self._store.note("deleted", self, document)

    def all(self, place: Optional[Place] = None) -> list[Document]:
        """A collection's objects (None: those of all collections) by creation."""
        if place is not None:
            return list(self.after(place, 0))
        return sorted(self._documents.values(), key=lambda document: document.position)

    def after(self, place: Place, position: int) -> Iterator[Document]:
        """A collection's objects behind a position, by creation; found at once, however many stand before them."""
        order = self._order.get(place, [])
        for index in range(bisect_right(order, position), len(order)):
            yield self._at[order[index]]

    def _put(self, kind: str, document: Document) -> Document:
        self._documents[document.place, document.key] = document
        self._at[document.position] = document
        self._store.note(kind, self, document)
        return document
