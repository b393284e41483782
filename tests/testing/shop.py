"""The resources that the memory node's own tests declare."""

from __future__ import annotations

from typing import Optional

from pydantic import Field

from ron import U64, Facet, Resource, Timestamp, UnixSeconds, server

__all__ = ["ITEMS", "Item", "ItemFilters", "Note", "Shop", "Task"]

ITEMS = "/app/shop/items"


class Shop(Facet, id="shop", kind="proxy", upstream="http://127.0.0.1:4000", idempotent=True):
    """A facet of the tests."""


class ItemFilters:
    """What items can be filtered by beyond their fields."""

    updated_after: Timestamp
    name_in: list[str]


class Item(Resource, path="/items", facet=Shop, filters=ItemFilters):
    """Below a facet that honours idempotency keys."""

    id: str = server()
    name: str
    status: str = "new"
    price: U64 = 0
    sold: bool = False
    count: int = 0
    note: Optional[str] = None
    tags: list[str] = Field(default_factory=list)
    created_at: Timestamp = server()
    updated_at: Timestamp = server()


class Note(Resource, path="/app/notes"):
    """Below no facet; keys are not honoured."""

    id: str = server()
    text: str


class Task(Resource, path="/app/projects/{project_id}/tasks"):
    """Below a parent, with a number as its key and another wire name."""

    project_id: str
    id: int = server()
    title: str = Field(alias="Title")
    made: UnixSeconds = server()
