"""What a watch yields, and how an event becomes one of these. Nothing here may do I/O."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Generic, Optional, TypeVar, Union

from pydantic import FailFast, TypeAdapter, ValidationError
from typing_extensions import Literal

from .._decode import describe_errors
from .._events import sendable
from .._json import check_numbers, read_json
from ..errors import RonInputError, RonParseError
from ._bodies import attach
from ._origin import Origin, set_origin
from ._parents import parent_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._flow import Answer
    from .._sse import Event
    from ._description import Description

__all__ = ["CHANGES", "Change", "Deleted", "Other", "Put", "Reader", "Reason", "Resync", "key_of", "says_expired"]

R = TypeVar("R")

Reason = Literal["start", "expired", "no_ids", "poll_gap"]

_PUTS: dict[str, Literal["added", "modified"]] = {
    "added": "added",
    "created": "added",
    "modified": "modified",
    "updated": "modified",
}
#: the names of events that are changes; others are ``Other``
CHANGES = frozenset({*_PUTS, "deleted"})


@dataclass(frozen=True)
class Put(Generic[R]):
    """An object is there: it was added, or modified, or it is in the list that a watch fetched.

    Attributes:
        type: ``added``, ``modified`` or ``listed``.
        key: its key.
        item: the object as it is now.
        cursor: the position after this change; None if the stream has none, and for ``listed``.
    """

    type: Literal["added", "modified", "listed"]
    key: str
    item: R
    cursor: Optional[str]


@dataclass(frozen=True)
class Deleted(Generic[R]):
    """An object is gone. ``item`` is its last state where the node sent it, else None."""

    type: Literal["deleted"]
    key: str
    item: Optional[R]
    cursor: Optional[str]


@dataclass(frozen=True)
class Resync:
    """Everything was listed just now, as ``listed`` puts: what isn't among ``keys`` is gone.

    Attributes:
        type: ``resync``.
        reason: ``start`` (asked for with ``initial=True``), ``expired`` (the cursor was older than what the node
            keeps), ``no_ids`` (a lost stream had no id to go on from) or ``poll_gap`` (the watch polls from now on).
        keys: the keys of all objects that exist.
        cursor: None: there is no position to go on from until the next id comes, and whoever has kept one forgets it.
    """

    type: Literal["resync"]
    reason: Reason
    keys: frozenset[str]
    cursor: Optional[str]


@dataclass(frozen=True)
class Other:
    """An event of another name, or one that could not be read as its name says.

    Attributes:
        type: ``other``.
        event: the event's name.
        data: its text as it came.
        cursor: the position after it; None if the stream has none.
        error: why it is no change of the resource, where its name says that it is one; None otherwise.
    """

    type: Literal["other"]
    event: str
    data: str
    cursor: Optional[str]
    error: Optional[RonParseError] = None


Change = Union[Put[R], Deleted[R], Resync, Other]


class Reader:
    """Reads the events of one resource: what they have in common is looked up once."""

    __slots__ = ("_attaches", "_authority", "_description", "_key", "_parents")

    def __init__(
        self, description: Description, authority: object, parents: Optional[Mapping[str, Any]] = None
    ) -> None:
        self._description = description
        self._authority = authority
        self._key = description.keys[0] if len(description.keys) == 1 else None
        self._parents = parent_values(description, parents or {})
        self._attaches = bool(description.mutable_fields or description.parents)

    def changes(self, events: Sequence[Event], answer: Answer, wall: float) -> list[Any]:
        """The changes that events mean, in order. One that can't be read is an ``Other`` with its ``error``."""
        # Its tag would speak of the stream, not of the objects.
        origin = Origin(answer, self._authority, wall, listed=True)
        items = iter(self._together([event.data for event in events if event.event in _PUTS]) or ())
        changes: list[Any] = []
        for event in events:
            kind = _PUTS.get(event.event)
            cursor: Optional[str] = event.id
            if not cursor or not sendable(cursor):
                cursor = None
            try:
                if kind is None:
                    changes.append(self._no_put(event, cursor, answer, origin))
                    continue
                item = next(items, None)
                if item is None:
                    item = self._alone(event, answer)
            except RonParseError as error:
                changes.append(Other("other", event.event, event.data, cursor, error))
                continue
            self._mark(item, origin)
            put = _new(Put)
            key = item.__dict__[self._key] if self._key else None
            if type(key) is not str:
                key = self._description.key_text(item.__dict__)
            # What the dataclass's own __init__ does for each field in turn; a stream makes many of these.
            _set(put, "__dict__", {"type": kind, "key": key, "item": item, "cursor": cursor})
            changes.append(put)
        return changes

    def _mark(self, item: Any, origin: Origin) -> None:
        if self._attaches:
            attach(self._description, item, origin, self._parents)
        else:
            set_origin(item, origin)

    def _no_put(self, event: Event, cursor: Optional[str], answer: Answer, origin: Origin) -> Any:
        if event.event == "deleted":
            deleted = _deleted(self._description, event, cursor, answer)
            if deleted.item is not None:
                self._mark(deleted.item, origin)
            return deleted
        return Other("other", event.event, event.data, cursor)

    def _together(self, texts: list[str]) -> Optional[list[Any]]:
        """The objects of many events, read as one list, which takes two thirds of the time; None if one doesn't fit."""
        if len(texts) < _MANY:
            return None
        data = f"[{','.join(texts)}]".encode()
        try:
            check_numbers(data)
            items: list[Any] = _list_validator(self._description).validate_json(data)
        except ValueError:  # pydantic's is one
            return None
        return items if len(items) == len(texts) else None

    def _alone(self, event: Event, answer: Answer) -> Any:
        problem = ""
        try:
            data = event.data.encode()
            check_numbers(data)
            return self._description.cls.__pydantic_validator__.validate_json(data)
        except ValidationError as error:
            problem = describe_errors(error, quote=False)
        except ValueError:
            problem = "its data is not valid JSON"
        raise _bad_event(self._description, event, answer, problem)


#: from so many objects on it is worth reading them as one list
_MANY = 4


@lru_cache(maxsize=1024)
def _list_validator(description: Description) -> Any:
    """Reads many objects at once; the first one that doesn't fit is enough, each is read alone then."""
    whole: Any = Annotated[list[description.cls], FailFast()]  # type: ignore[name-defined]
    return TypeAdapter(whole).validator


_new: Any = object.__new__
_set = object.__setattr__


def key_of(description: Description, item: Any) -> str:
    """An object's key as changes tell it."""
    return description.key_text(item.__dict__)


def _deleted(description: Description, event: Event, cursor: Optional[str], answer: Answer) -> Deleted[Any]:
    """A deletion carries the whole object, an object with only the key, or the bare key (design §4)."""
    text = event.data.strip()
    try:
        data: Any = read_json(text.encode())
    except ValueError:  # a bare key, unless it begins as JSON does
        data = None if text[:1] in ("", "{", "[", '"') else text
    if isinstance(data, (int, float)) and not isinstance(data, bool):
        data = text  # a key that happens to read as a number, such as 1e5 or -0
    if isinstance(data, str):
        return Deleted("deleted", _bare_key(description, event, data, answer), None, cursor)
    key = description.wire_key_text(data) if isinstance(data, dict) else None
    if key is None:
        raise _bad_event(description, event, answer, f"its data holds no {description.key}")
    item = None
    with contextlib.suppress(ValidationError):  # only part of the object may have been sent; the key is what counts
        item = description.cls.__pydantic_validator__.validate_json(event.data)
    return Deleted("deleted", key, item, cursor)


def _bare_key(description: Description, event: Event, text: str, answer: Answer) -> str:
    if description.singleton:
        return ""
    with contextlib.suppress(RonInputError):
        return description.text_of(text)
    raise _bad_event(description, event, answer, f"its data is not the whole key ({description.key})")


def _bad_event(description: Description, event: Event, answer: Answer, problem: str) -> RonParseError:
    name = "".join(c if c.isprintable() else "?" for c in event.event[:40])
    place = "".join(c if c.isprintable() else "?" for c in event.id[:80])
    return RonParseError(
        f"event {name!r} with id {place!r} is no {description.name}: {problem}",
        request_id=answer.request_id,
        attempts=answer.attempts,
    )


_EXPIRED = frozenset({"gone", "expired", "cursor_expired", "410"})


def says_expired(data: str) -> bool:
    """Whether an ``error`` event is a Problem (or a Kubernetes-like status) that says 410: the cursor is too old."""
    try:
        problem: Any = read_json(data.encode())
    except ValueError:
        return False
    if not isinstance(problem, dict):
        return False
    return any(
        isinstance(value, (str, int)) and str(value).lower() in _EXPIRED
        for value in (problem.get(name) for name in ("code", "status", "http", "reason"))
    )
