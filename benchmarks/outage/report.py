"""The figures as a table in Markdown; made of the JSON alone, so that a page can be checked against it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

__all__ = ["table"]

_HEAD = (
    "| | policy | goodput | attempts per call | calls that succeed | recovery | successes take, p50 / p99 |"
    " errors take, p50 |\n|---|---|---|---|---|---|---|---|"
)


def table(result: Mapping[str, Any], part: str) -> str:
    """A table of ``result["days"]`` or ``result["variations"]``, one row for each day and policy."""
    rows = [_HEAD]
    for name, policies in result[part].items():
        title = name if part == "variations" else result["scenarios"][name]["title"]
        for policy, figures in policies.items():
            rows.append(f"| {title} | {policy} | {' | '.join(_cells(figures))} |")
            title = ""
    return "\n".join(rows)


def _cells(figures: Mapping[str, Any]) -> list[str]:
    return [
        f"{figures['goodput']:.1%}",
        f"{figures['amplification']:.2f}",
        f"{figures['success']:.1%}",
        "never" if figures["recovery"] is None else f"{figures['recovery']:.0f} s",
        f"{_seconds(figures['p50'])} / {_seconds(figures['p99'])}",
        _seconds(figures["error_p50"]),
    ]


def _seconds(value: Optional[float]) -> str:
    return "–" if value is None else f"{value:.2f} s"
