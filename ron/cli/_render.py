"""Objects of a resource as JSON and as cells of a table. Nothing here may do I/O."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ._visible import visible, visible_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..resources._description import Description

__all__ = ["cells", "columns", "document", "is_number", "json_line", "json_text", "tabbed"]


def json_text(value: Any) -> str:
    """A JSON value for people: indented, safe for a terminal."""
    return visible_json(json.dumps(value, ensure_ascii=False, indent=2))


def json_line(item: Any) -> str:
    """One object as nodes write it, on one line."""
    return visible_json(item.model_dump_json(by_alias=True))


def document(item: Any) -> Any:
    """One object as the JSON value that nodes write."""
    return json.loads(item.model_dump_json(by_alias=True))


def columns(description: Description) -> list[str]:
    """The fields that a table shows: the declared ones, the key first."""
    return [*description.keys, *(name for name in description.fields if name not in description.keys)]


def cells(item: Any, names: Sequence[str]) -> list[str]:
    """One object's values as texts, in that order, safe for a terminal."""
    values = json.loads(item.model_dump_json(include=set(names)))
    return [_cell(values.get(name)) for name in names]


def is_number(item: Any, name: str) -> bool:
    """Whether a value reads better when its digits stand below each other."""
    value = item.__dict__.get(name)
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def tabbed(texts: Sequence[str]) -> str:
    """Cells as a line for other programs; no cell holds a tab or a line end."""
    return "\t".join(texts)


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return visible(value)
    if value is None:
        return ""
    return visible(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
