"""'Did you mean': one wording for every name that isn't known."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["did_you_mean", "listed", "shown"]

MAX_SHOWN = 40


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``" (did you mean 'status'?)"`` or ``""``; begins with a blank so that it can be appended."""
    import difflib  # only for a message

    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""


def listed(names: Iterable[str]) -> str:
    """Names for a message: sorted, comma-separated, ``none`` if there are none."""
    return ", ".join(sorted(names)) or "none"


def shown(value: object) -> str:
    """A caller's own short value for a message: ``repr``, at most 40 characters. Never for tokens or payloads."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
