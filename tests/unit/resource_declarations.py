"""The declarations that the resource tests share, and objects as a node would have sent them."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any, Optional

from pydantic import BaseModel, Field

from ron import U64, Facet, Resource, Timestamp, server
from ron._flow import Answer
from ron._session import Session
from ron._values import Reply
from ron.resources._bodies import decode_object
from ron.resources._description import Description, description_of
from ron.testing import FakeClock
from tests.unit.rig import make_session

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)


class Shop(Facet, id="shop", kind="proxy", upstream="http://127.0.0.1:4000"):
    """Catalogue and orders."""


class Size(BaseModel):
    width: int
    depth: Optional[int] = None


class ItemFilters:
    """What items can be filtered by beyond their fields."""

    updated_after: Timestamp
    tagged: list[str]


class Item(Resource, path="/items", facet=Shop, filters=ItemFilters):
    id: str = server()
    name: str
    price: U64 = 0
    note: Optional[str] = None
    tags: list[str] = Field(default_factory=list)
    size: Optional[Size] = None
    colour: Optional[str] = Field(default=None, alias="color")
    ready_at: Optional[Timestamp] = None
    created_at: Timestamp = server(default=NOON)


class Task(Resource, path="/app/projects/{project}/tasks", key="number"):
    """Lives below a project; the caller chooses its number."""

    project: str
    number: int
    text: str = ""
    owner: Any = None


def as_json(**fields: Any) -> bytes:
    """A body."""
    return json.dumps(fields).encode()


def decoded(cls: Any, session: Optional[Session] = None, etag: Optional[str] = '"1"', **fields: Any) -> Any:
    """An object as it comes from a node, with its origin."""
    headers = [(b"X-Request-Id", b"r-1")] + ([] if etag is None else [(b"ETag", etag.encode())])
    answer = Answer(Reply(200, headers, as_json(**fields)), "r-0", 1)
    session = make_session(FakeClock()) if session is None else session
    return decode_object(described(cls), session, answer, 1_700_000_000.0)


def described(cls: Any) -> Description:
    """What the class declares."""
    return description_of(cls)
