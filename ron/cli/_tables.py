"""Tables: drawn with rich on a terminal, tab-separated anywhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from ._render import tabbed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ._screen import Screen

__all__ = ["show_fields", "show_table"]


def show_table(
    screen: Screen,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Collection[str] = (),
    styles: Optional[Mapping[str, str]] = None,
) -> None:
    """Rows under heads; cells are safe already. Columns in ``right`` are aligned there; ``styles`` by first cell."""
    if not screen.terminal:
        screen.write("".join(f"{tabbed(row)}\n" for row in (heads, *rows)))
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
    for at, head in enumerate(heads):
        first = "cyan" if at == 0 and styles is None else ""
        table.add_column(Text(head), justify="right" if head in right else "left", style=first, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row), style=(styles or {}).get(row[0], ""))
    screen.draw(table)


def show_fields(screen: Screen, fields: Sequence[tuple[str, str]]) -> None:
    """One object: a name and a value a line."""
    if not screen.terminal:
        screen.write("".join(f"{tabbed(pair)}\n" for pair in fields))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields:
        table.add_row(Text(name), Text(value))
    screen.draw(table)
