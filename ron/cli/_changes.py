"""A change of a watch as JSON and as text, whatever kinds there are. Nothing here may do I/O."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from ._render import document
from ._visible import visible, visible_json

__all__ = ["change_line", "change_text"]


def change_line(change: Any) -> str:
    """One line of JSON: the change's own fields, its item as nodes write it."""
    return visible_json(json.dumps(_fields(change), ensure_ascii=False, separators=(",", ":")))


def change_text(change: Any) -> tuple[str, str, str]:
    """What happened, to which key, and the rest, safe for a terminal."""
    fields = _fields(change)
    kind, key = fields.pop("type"), fields.pop("key", "")
    cursor = fields.pop("cursor", None)
    rest = fields.pop("item") if set(fields) == {"item"} else fields
    text = "" if rest is None else json.dumps(rest, ensure_ascii=False)
    return visible(str(kind)), visible(str(key)), f"{visible_json(text)}{_at(cursor)}"


def _fields(change: Any) -> dict[str, Any]:
    fields = {field.name: _value(getattr(change, field.name)) for field in dataclasses.fields(change)}
    if fields.get("error", "") is None:  # only of changes that could not be read
        del fields["error"]
    return fields


def _value(value: Any) -> Any:
    if hasattr(value, "model_dump_json"):
        return document(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value) if isinstance(value, Exception) else value


def _at(cursor: Any) -> str:
    return "" if cursor is None else f" @{visible(str(cursor))}"
