"""A diagnosis for people, for other programs, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._render import json_text, tabbed
from .._visible import visible

if TYPE_CHECKING:
    from .._screen import Screen
    from ._diagnose import Diagnosis
    from ._evidence import Evidence

__all__ = ["as_document", "show"]

_MARKS = {"ok": ("✓", "green"), "note": ("•", "blue"), "warning": ("!", "yellow"), "error": ("✗", "red")}


def as_document(evidence: Evidence, diagnosis: Diagnosis) -> str:
    """``url``, ``kind``, ``worst`` and the ``findings``."""
    findings = [finding._asdict() for finding in diagnosis.findings]
    value = {"url": evidence.url, "kind": diagnosis.kind, "worst": diagnosis.worst, "findings": findings}
    return json_text(value)


def show(screen: Screen, evidence: Evidence, diagnosis: Diagnosis) -> None:
    """A line a finding: level, code, message, fix; on a terminal with marks, the fix on a line of its own."""
    if not screen.terminal:
        screen.write("".join(f"{tabbed([visible(text) for text in finding])}\n" for finding in diagnosis.findings))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1))
    for style in ("", "cyan", ""):
        table.add_column(style=style, overflow="fold")
    for finding in diagnosis.findings:
        mark, style = _MARKS[finding.level]
        table.add_row(Text(mark, style=style), Text(finding.code), Text(visible(finding.message)))
        if finding.fix:
            table.add_row("", "", Text(f"→ {visible(finding.fix)}", style="italic"))
    screen.draw(Text(visible(evidence.url), style="bold"))
    screen.draw(table)
