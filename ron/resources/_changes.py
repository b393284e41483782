"""What a watch yields, and how an event becomes one of these. Nothing here may do I/O."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Optional, TypeVar, Union

from pydantic import ValidationError
from typing_extensions import Literal

from .._decode import describe_errors
from .._json import check_numbers, read_json
from ..errors import RonParseError
from ._bodies import attach
from ._origin import Origin

if TYPE_CHECKING:
    from .._flow import Answer
    from .._session import Session
    from .._sse import Event
    from ._description import Description

__all__ = ["Change", "Deleted", "Other", "Put", "change_of"]

R = TypeVar("R")

_PUTS: dict[str, Literal["added", "modified"]] = {
    "added": "added",
    "created": "added",
    "modified": "modified",
    "updated": "modified",
}


@dataclass(frozen=True)
class Put(Generic[R]):
    """An object is there: it was added, or modified.

    Attributes:
        type: ``added`` or ``modified``.
        key: its key.
        item: the object as it is now.
        cursor: the position after this change; None if the stream has none.
    """

    type: Literal["added", "modified"]
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
class Other:
    """An event of another name: ``event`` is that name, ``data`` its text as it came."""

    type: Literal["other"]
    event: str
    data: str
    cursor: Optional[str]


Change = Union[Put[R], Deleted[R], Other]


def change_of(description: Description, session: Session, event: Event, answer: Answer, wall: float) -> Any:
    """The change that an event means.

    Raises:
        RonParseError: if its data is not what its name says; names the event's name and id, never its data.
    """
    cursor = event.id or None
    if event.event in _PUTS:
        item = _item(description, event, answer)
        attach(description, item, Origin(answer, session.authority, wall, listed=True))
        return Put(_PUTS[event.event], str(item.__dict__[description.key]), item, cursor)
    if event.event == "deleted":
        return _deleted(description, event, answer)
    return Other("other", event.event, event.data, cursor)


def _item(description: Description, event: Event, answer: Answer) -> Any:
    problem = ""
    try:
        check_numbers(event.data.encode())
        return description.cls.__pydantic_validator__.validate_json(event.data)
    except ValidationError as error:
        problem = describe_errors(error, quote=False)
    except ValueError:
        problem = "its data is not valid JSON"
    raise _bad_event(description, event, answer, problem)


def _deleted(description: Description, event: Event, answer: Answer) -> Deleted[Any]:
    """A deletion carries the whole object, an object with only the key, or the bare key (design §4)."""
    cursor = event.id or None
    text = event.data.strip()
    try:
        data: Any = read_json(text.encode())
    except ValueError:  # a bare key, unless it begins as JSON does
        data = None if text[:1] in ("", "{", "[", '"') else text
    if isinstance(data, float):
        data = text  # a key that happens to read as a number, such as 1e5
    if isinstance(data, (str, int)) and not isinstance(data, bool):
        return Deleted("deleted", str(data), None, cursor)
    key = data.get(description.fields[description.key]) if isinstance(data, dict) else None
    if isinstance(key, bool) or not isinstance(key, (str, int)):
        raise _bad_event(description, event, answer, f"its data holds no {description.key}")
    item = None
    with contextlib.suppress(ValidationError):  # only part of the object may have been sent; the key is what counts
        item = description.cls.__pydantic_validator__.validate_json(event.data)
    return Deleted("deleted", str(key), item, cursor)


def _bad_event(description: Description, event: Event, answer: Answer, problem: str) -> RonParseError:
    name = "".join(c if c.isprintable() else "?" for c in event.event[:40])
    place = "".join(c if c.isprintable() else "?" for c in event.id[:80])
    return RonParseError(
        f"event {name!r} with id {place!r} is no {description.name}: {problem}",
        request_id=answer.request_id,
        attempts=answer.attempts,
    )
