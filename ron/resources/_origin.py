"""Where an object came from, and what it was then. Kept beside the fields: no part of ``==``, copies or pickles."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Optional

from .._values import Reply
from ..errors import RonConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._flow import Answer

__all__ = [
    "Meta",
    "Origin",
    "base_of",
    "forget_given",
    "given_of",
    "keep_base",
    "meta",
    "origin_of",
    "set_base",
    "set_origin",
]


class Origin:
    """One answer, and the authority (a client's shared credential) through which it came. Shared by a page's items."""

    __slots__ = ("authority", "listed", "partial", "reply", "request_id", "wall")

    def __init__(self, answer: Answer, authority: object, wall: float, *, listed: bool, partial: bool = False) -> None:
        self.reply = Reply(answer.reply.status, answer.reply.headers, b"")
        self.request_id = answer.request_id
        self.authority = authority
        self.wall = wall
        self.listed = listed
        self.partial = partial

    @property
    def etag(self) -> Optional[str]:
        """The object's ETag; that of a list or of some fields speaks of these, so no object has it."""
        return None if self.listed or self.partial else self.reply.header(b"etag")


@dataclass(frozen=True)
class Meta:
    """What came with an object.

    Attributes:
        request_id: the id of the request, as the node gave it back, else as it was sent.
        etag: the object's entity tag (RFC 9110 §8.8.3) with its quotes; None if none came, and for items of a list.
        status: the HTTP status of the answer.
        headers: the answer's fields, names in lower case; of repeated ones the last.
        fetched_at: when the answer was read.
    """

    request_id: str
    etag: Optional[str]
    status: int
    headers: Mapping[str, str] = field(repr=False)  # Set-Cookie may be among them
    fetched_at: datetime


def set_origin(obj: Any, origin: Optional[Origin]) -> None:
    """Attaches where an object came from, past its field checks."""
    object.__setattr__(obj, "__ron_origin__", origin)


def set_base(obj: Any, base: Optional[dict[str, Any]]) -> None:
    """Keeps the values that the node sent last, past the object's field checks."""
    object.__setattr__(obj, "__ron_base__", base)


def base_of(obj: Any) -> Optional[dict[str, Any]]:
    """The values that the node sent last; None if nothing can have changed since."""
    base: Optional[dict[str, Any]] = getattr(obj, "__ron_base__", None)
    return base


def given_of(obj: Any) -> Optional[frozenset[str]]:
    """The fields that the node gave last, None's among them; None if no field was assigned since."""
    given: Optional[frozenset[str]] = getattr(obj, "__ron_given__", None)
    return given


def keep_base(obj: Any) -> None:
    """Before a field is assigned: keeps what the node sent, so that it is known what changed."""
    if getattr(obj, "__ron_given__", None) is None and origin_of(obj) is not None:
        object.__setattr__(obj, "__ron_given__", frozenset(obj.__pydantic_fields_set__))
        if base_of(obj) is None:
            set_base(obj, dict(obj.__dict__))


def forget_given(obj: Any) -> None:
    """The object is what the node says now."""
    object.__setattr__(obj, "__ron_given__", None)


def origin_of(obj: Any) -> Optional[Origin]:
    """The object's origin; None if it never came from a node (a new one, a copy, an unpickled one)."""
    origin: Optional[Origin] = getattr(obj, "__ron_origin__", None)
    return origin


def meta(obj: Any) -> Meta:
    """What came with an object that a node sent.

    Raises:
        RonConfigError: if it came from no node: a new object, a copy, an unpickled one.
    """
    origin = origin_of(obj)
    if origin is None:
        raise RonConfigError(
            f"this {type(obj).__name__} came from no node: only objects that get, list, create, save ... returned "
            "have a meta"
        )
    reply = origin.reply
    return Meta(
        request_id=reply.header(b"x-request-id") or reply.header(b"x-correlation-id") or origin.request_id,
        etag=origin.etag,
        status=reply.status,
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in reply.headers},
        fetched_at=datetime.fromtimestamp(origin.wall, tz=timezone.utc),
    )
