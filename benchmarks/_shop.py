"""What is fetched: one resource of ours, and the models that a user of plain pydantic would write for the same JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Optional

from pydantic import BaseModel

from ron import U64, Resource, Timestamp, server

__all__ = ["TOKEN", "Item", "PlainItem", "PlainPage"]

TOKEN = "bench-0123456789abcdef"


class Item(Resource, path="/app/items"):
    """What ``ron`` decodes."""

    id: str = server()
    name: str
    status: str = "new"
    price: U64 = 0
    created_at: Timestamp = server()


class PlainItem(BaseModel):
    """What the peers decode; the same fields, types that cost no more."""

    id: str
    name: str
    status: str
    price: int
    created_at: datetime


class PlainPage(BaseModel):
    """A page of these."""

    items: list[PlainItem]
    next_page_token: Optional[str] = None
