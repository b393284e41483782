"""The states of a watch, as a table. ``watch.status`` shows them. Nothing here may do I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FIRST", "LAST", "STATES", "TRANSITIONS", "diagram", "follow"]

FIRST, LAST = "idle", "closed"

#: what each state means, in the order of a watch's life
STATES: Mapping[str, str] = {
    "idle": "made, and nothing asked yet",
    "connecting": "a stream was asked for",
    "live": "the stream is open",
    "listing": "continuity was lost: everything is listed again, beside the open stream",
    "lost": "the last attempt failed: waiting before the next one",
    "polling": "the node can't stream here: the list is fetched at an interval",
    "closed": "ended",
}

#: (state, what happens) → state; every change of ``watch.status`` is one of these
TRANSITIONS: Mapping[tuple[str, str], str] = {
    ("idle", "open"): "connecting",
    ("connecting", "opened"): "live",
    ("connecting", "cursor expired"): "connecting",
    ("connecting", "failed"): "lost",
    ("connecting", "can't stream"): "polling",
    ("live", "continuity lost"): "listing",
    ("live", "lost or ended"): "lost",
    ("live", "was buffered"): "polling",
    ("listing", "listed"): "live",
    ("listing", "failed"): "lost",
    ("lost", "open"): "connecting",
    ("lost", "poll"): "polling",
    ("polling", "failed"): "lost",
    ("polling", "try a stream again"): "connecting",
    ("idle", "close"): "closed",
    ("connecting", "204, close or error"): "closed",
    ("live", "close or error"): "closed",
    ("listing", "close or error"): "closed",
    ("lost", "too often, or close"): "closed",
    ("polling", "close or error"): "closed",
}


def follow(state: str, what: str) -> str:
    """The state that follows. Raises ``KeyError`` for a step that the table does not have."""
    return TRANSITIONS[state, what]


def diagram() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2", f"  [*] --> {FIRST}"]
    lines += [f"  {state} --> {to}: {what}" for (state, what), to in TRANSITIONS.items()]
    return "\n".join([*lines, f"  {LAST} --> [*]"])
