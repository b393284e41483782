"""The resources that the command's tests name as `tests.cli.shop:Item`."""

from __future__ import annotations

from typing import Optional

from pydantic import Field

from ron import U32, U64, Bytes, Facet, Resource, Timestamp, server

__all__ = ["ITEM", "NOTE", "TASK", "Item", "ItemFilters", "Note", "Shop", "Task"]

ITEM, NOTE, TASK = "tests.cli.shop:Item", "tests.cli.shop:Note", "tests.cli.shop:Task"


class Shop(Facet, id="shop", kind="proxy", upstream="http://127.0.0.1:4000"):
    """A facet of the tests."""


class ItemFilters:
    """What items can be filtered by beyond their fields."""

    updated_after: Timestamp
    name_in: list[str]


class Item(Resource, path="/items", facet=Shop, filters=ItemFilters):
    """Below a facet, with a field of every kind that a command line can say."""

    id: str = server()
    name: str
    status: str = "new"
    price: U64 = 0
    count: U32 = 0
    sold: bool = False
    note: Optional[str] = None
    tags: list[str] = Field(default_factory=list)
    blob: Bytes = b""
    created_at: Timestamp = server()


class Note(Resource, path="/app/notes"):
    """Below no facet, as the reference node serves them."""

    id: str = server()
    text: str


class Task(Resource, path="/app/projects/{project_id}/tasks"):
    """Below a parent, with a number as its key and another wire name."""

    project_id: str
    id: int = server()
    title: str = Field(alias="Title")
