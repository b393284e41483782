"""The page about watches shows the table that watches follow."""

from __future__ import annotations

from pathlib import Path

from ron.resources._watch_states import diagram

PAGE = Path(__file__).resolve().parents[2] / "docs" / "watching.md"


def test_the_diagram_is_the_table() -> None:
    """The state diagram in docs/watching.md is what `diagram()` makes of the transitions."""
    assert f"<!-- states -->\n```mermaid\n{diagram()}\n```\n" in PAGE.read_text(encoding="utf-8")
