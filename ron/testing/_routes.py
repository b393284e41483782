"""Which path leads where (protocol.md, "Headers, limits, paths"). Nothing here may do I/O.

The most literal route wins. A facet's resources are mounted twice, below ``/app`` as through the
gateway and below ``/facets`` as on a micronode.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Union
from urllib.parse import unquote

from ..resources._keys import joined_text
from ._answers import Refused, problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..resources._description import Description
    from ._collection import Collection

__all__ = ["Match", "Routes", "bases_of"]

_PARAMETER = re.compile(r"\{[^{}/]+\}")
_PATH = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PASTED = re.compile(r"[/\\?#%]")
_KEY = "{}"


class Match(NamedTuple):
    """A route that fits a path; ``place`` are its parameters' values, ``key`` the key in it, as one text."""

    collection: Collection
    methods: dict[str, Callable[[Any], Any]]
    place: tuple[str, ...]
    key: str


class _Route(NamedTuple):
    segments: tuple[str, ...]
    collection: Collection
    methods: dict[str, Callable[[Any], Any]]

    def match(self, segments: tuple[str, ...]) -> Optional[Match]:
        if len(segments) != len(self.segments):
            return None
        place: list[str] = []
        key: list[str] = []
        for wanted, segment in zip(self.segments, segments):
            if wanted.startswith(_KEY):
                verb = wanted[len(_KEY) :]
                if not segment.endswith(verb) or segment == verb:
                    return None
                key.append(segment[: len(segment) - len(verb)])
            elif _PARAMETER.fullmatch(wanted):
                place.append(segment)
            elif wanted != segment:
                return None
            if not segment or not self._passes(segment):
                return None
        return Match(self.collection, self.methods, tuple(place), key[0] if len(key) == 1 else joined_text(key))

    def _passes(self, segment: str) -> bool:
        """Whether a segment is still one after the gateway decoded it and pasted it back."""
        if segment in (".", ".."):
            return False
        return self.collection.description.encoded_keys or not _PASTED.search(segment)

    @property
    def literal(self) -> tuple[int, ...]:
        """How much of each segment is fixed: all of it, its end, nothing."""
        return tuple(2 if "{" not in one else 1 if one.startswith(_KEY) and one != _KEY else 0 for one in self.segments)


class Routes:
    """All routes of a node."""

    def __init__(self) -> None:
        self._routes: list[_Route] = []

    def mount(self, collection: Collection) -> None:
        """Adds the routes of a resource's operations and actions."""
        description = collection.description
        handlers: dict[str, dict[str, Callable[[Any], Any]]] = dict(collection.handlers())
        for action, handler in collection.actions.items():
            place = ("whole" if action.on_collection else "one") + action.tail
            handlers.setdefault(place, {})[action.method] = handler
        for base in bases_of(description):
            whole = base + description.path.rstrip("/")
            places = {
                "whole": base + description.path,
                "one": "/".join([whole, *[_KEY] * len(description.keys)]),
                "events": base + description.watch,
            }
            for name, methods in handlers.items():
                kind = next(place for place in places if name.startswith(place))
                path = places[kind] if name == kind else places[kind].rstrip("/") + unquote(name[len(kind) :])
                segments = tuple(path.split("/")[1:])
                self._routes.append(_Route(segments, collection, methods))
        self._routes.sort(key=lambda route: route.literal, reverse=True)

    def find(self, path: str) -> Optional[Match]:
        """The route of a path, None if there is none; 400 for a path that is malformed."""
        segments = _segments(path)
        for route in self._routes:
            match = route.match(segments)
            if match is not None:
                return match
        return None


def bases_of(description: Description) -> tuple[str, ...]:
    """Where a resource's path begins."""
    if description.facet is None:
        return ("",)
    facet = description.facet.__facet__.id
    return (f"/app/{facet}", f"/facets/{facet}")


def _segments(path: str) -> tuple[str, ...]:
    reason = ""
    decoded: Union[tuple[str, ...], None] = None
    if not _PATH.fullmatch(path) or _BAD_ESCAPE.search(path):
        reason = "the path is not percent-encoded as RFC 3986 says"
    else:
        try:
            decoded = tuple(unquote(part, errors="strict") for part in path.split("/")[1:])
        except UnicodeDecodeError:
            reason = "the path is not valid UTF-8"
    if decoded is not None and any(_CONTROL.search(part) for part in decoded):
        reason = "the path holds a control character"
    if reason or decoded is None:
        raise Refused(problem(400, reason))
    return decoded
