"""Tables for notebooks: escaped, bounded, and made of what is there already. Nothing here may do I/O."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["MAX_CELL", "MAX_COLUMNS", "MAX_ROWS", "cell", "pairs_table", "rows_of", "table"]

MAX_ROWS = 20
MAX_COLUMNS = 12
MAX_CELL = 80


def cell(value: Any, most: int = MAX_CELL) -> str:
    """A value as the text of one cell: strings as they are, the rest by ``repr``; cut, not escaped."""
    text = value[: most + 1] if isinstance(value, str) else repr(value)
    return text if len(text) <= most else text[: most - 1] + "…"


def rows_of(items: Sequence[Any]) -> tuple[list[str], list[list[str]]]:
    """The columns and the rows of some items: models by their fields, mappings by their names, the rest as one column.

    At most ``MAX_ROWS`` and ``MAX_COLUMNS``; a field that its model leaves out of ``repr`` is left out here.
    """
    shown = items[:MAX_ROWS]
    fields = [_fields(item) for item in shown]
    names = list(dict.fromkeys(name for one in fields for name in one))
    columns = names[:MAX_COLUMNS]
    rows = [[cell(one[name]) if name in one else "" for name in columns] for one in fields]
    if len(names) > MAX_COLUMNS:
        columns = [*columns, f"… {len(names) - MAX_COLUMNS} more"]
        rows = [[*row, ""] for row in rows]
    return columns, rows


def _fields(item: Any) -> Mapping[str, Any]:
    declared = getattr(type(item), "model_fields", None)
    if declared is not None:
        present = vars(item)
        return {name: present[name] for name, info in declared.items() if info.repr and name in present}
    return {str(name): value for name, value in item.items()} if isinstance(item, dict) else {"item": item}


def table(caption: str, columns: Iterable[str], rows: Iterable[Iterable[str]], below: str = "") -> str:
    """An HTML table; every text is escaped here."""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in rows)
    foot = f"<p>{escape(below)}</p>" if below else ""
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{foot}"
    )


def pairs_table(caption: str, pairs: Iterable[tuple[str, str]]) -> str:
    """An HTML table of names and values."""
    rows = "".join(f"<tr><th>{escape(name)}</th><td><pre>{escape(text)}</pre></td></tr>" for name, text in pairs)
    return f"<table><caption>{escape(caption)}</caption><tbody>{rows}</tbody></table>"
