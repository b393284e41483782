"""Keys: how what names an object becomes path segments, and one text. Nothing here may do I/O."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from .._suggest import shown
from ..errors import RonInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["encode_key", "joined_text", "key_text", "split_text"]

_REFUSED_IN_KEYS = re.compile(r"[/\\?#%]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SAFE = "-._~"


def encode_key(key: Any, name: str, *, encoded: bool) -> bytes:
    """A key as exactly one encoded path segment (design §3 "Secrets", protocol.md "Headers, limits, paths").

    Raises:
        RonInputError: for keys that are no str, int or UUID, or that a gateway would turn into something else.
    """
    if isinstance(key, bool) or not (isinstance(key, (str, int)) or type(key).__name__ == "UUID"):
        raise RonInputError(f"{name} must be a str, an int or a UUID, not {type(key).__name__}")
    text = key_text(key)
    if text in ("", ".", ".."):
        raise RonInputError(f"{name} cannot be {text!r}: it would name another path")
    if len(text) > 2000 or _CONTROL.search(text):
        raise RonInputError(f"{name} holds a control character or more than 2000 characters: {shown(text)}")
    bad = _REFUSED_IN_KEYS.search(text)
    if bad and not encoded:
        raise RonInputError(
            f"{name} {shown(text)} holds {bad.group()!r}, which gateways decode and paste into another path; if "
            "this node "
            "keeps the encoding, declare the resource with encoded_keys=True"
        )
    try:
        return quote(text, safe=_SAFE).encode("ascii")
    except UnicodeError:
        pass
    raise RonInputError(f"{name} holds a lone surrogate, which no path can carry")


def key_text(key: Any) -> str:
    """The value itself also where its class, such as an enum of strings, prints something else."""
    if isinstance(key, str):
        return str.__str__(key)
    return int.__repr__(key) if isinstance(key, int) and not isinstance(key, bool) else str(key)


def joined_text(parts: Iterable[str]) -> str:
    """The parts of a composite key as one text, unambiguous: each percent-encoded, ``/`` between them."""
    return "/".join(quote(part, safe=_SAFE, errors="surrogatepass") for part in parts)


def split_text(text: str) -> tuple[str, ...]:
    """The parts that ``joined_text`` joined."""
    return tuple(unquote(part, errors="surrogatepass") for part in text.split("/"))
