"""'Did you mean': one wording for every name that isn't known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["did_you_mean", "listed", "media_type", "shown"]

MAX_SHOWN = 40
#: what is sent where something else was expected
_MEDIA_TYPES = frozenset(
    "application/cbor application/json application/octet-stream application/pdf application/problem+json "
    "application/x-ndjson application/xhtml+xml application/xml image/png image/svg+xml multipart/form-data text/css "
    "text/csv text/event-stream text/html text/javascript text/plain text/xml".split()
)
_UNCOMMON_TYPE = re.compile(r"(application|audio|font|image|multipart|text|video)/[a-z0-9.+-]{1,11}")


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


def media_type(content_type: Optional[str]) -> str:
    """The media type of a ``Content-Type`` field for a message; of one that isn't common only the beginning, because a
    node may put anything there. ``""`` if there is none.
    """
    name = (content_type or "").split(";")[0].strip().lower()
    uncommon = _UNCOMMON_TYPE.match(name)
    return name if name in _MEDIA_TYPES else uncommon.group() if uncommon else ""
