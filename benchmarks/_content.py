"""What the benchmarks' servers answer, as files in a folder: both kinds of server serve the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

__all__ = ["CHAIN_PAGES", "CHAIN_SIZE", "CREATED", "ITEM", "page_file", "write_content"]

#: the list that is walked from page to page: so many pages of so many items
CHAIN_PAGES, CHAIN_SIZE = 20, 100


def _item(number: int) -> dict[str, str]:
    return {
        "id": f"i-{number}",
        "name": f"kettle number {number}",
        "status": "open",
        "price": str(1000 + number),
        "created_at": "2026-01-02T03:04:05Z",
    }


ITEM = json.dumps(_item(1), separators=(",", ":"))
CREATED = ITEM


def page_file(size: int, token: str = "") -> str:
    """Where a page stands in the folder; the first one of a list has no token."""
    return f"pages/{size}-{token}.json"


def write_content(root: Path, *, sizes: Iterable[int] = (), events: int = 0) -> None:
    """Writes whole lists of one page for each of these sizes, the chain of pages, and a stream of so many events."""
    (root / "pages").mkdir(parents=True, exist_ok=True)
    for size in sizes:
        _write_page(root, size, "", None)
    for number in range(CHAIN_PAGES):
        following = f"p{number + 1}" if number + 1 < CHAIN_PAGES else None
        _write_page(root, CHAIN_SIZE, f"p{number}" if number else "", following)
    lines = (
        f"id: {number}\nevent: modified\ndata: {json.dumps(_item(number), separators=(',', ':'))}\n\n"
        for number in range(1, events + 1)
    )
    (root / "events.txt").write_bytes("".join(lines).encode("utf-8"))


def _write_page(root: Path, size: int, token: str, following: object) -> None:
    page = {"items": [_item(number) for number in range(size)], "next_page_token": following}
    (root / page_file(size, token)).write_text(json.dumps(page, separators=(",", ":")), encoding="utf-8")
