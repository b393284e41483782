"""Text from outside, made safe for a terminal. Nothing here may do I/O.

What a node sends may hold escape sequences that move the cursor, change the title, or turn text around (ECMA-48,
Unicode's bidirectional controls). Every character that acts instead of being seen is written as its escape.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["ascii_json", "visible", "visible_json"]

#: controls, format characters, surrogates, line and paragraph separators
_ACTING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
#: the joiners that spell words in Persian and Hindi, and make one emoji of several
_JOINERS = "\u200c\u200d"
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_UNUSUAL = re.compile(r"[^\x20-\x7e]")


def visible(text: str, *, keep: str = "") -> str:
    r"""The text with what acts on a terminal written as ``\x1b``, ``\n``, ``\u202e``; characters in ``keep`` stay."""
    if text.isascii() and text.isprintable():
        return text
    return _UNUSUAL.sub(lambda found: found[0] if found[0] in keep or not _acts(found[0]) else _escape(found[0]), text)


def visible_json(text: str) -> str:
    r"""A JSON text that means the same, with what acts on a terminal written as JSON's ``\u001b``; its lines stay."""
    if text.isascii() and text.isprintable():
        return text
    return _UNUSUAL.sub(lambda found: found[0] if found[0] == "\n" or not _acts(found[0]) else _units(found[0]), text)


def ascii_json(text: str) -> str:
    """A JSON text that means the same, in ASCII."""
    return _UNUSUAL.sub(lambda found: found[0] if found[0] == "\n" else _units(found[0]), text)


def _acts(character: str) -> bool:
    return unicodedata.category(character) in _ACTING and character not in _JOINERS


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return _SHORT.get(character, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _units(character: str) -> str:
    """RFC 8259 §7: one or two UTF-16 units."""
    data = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{data[at : at + 2].hex()}" for at in range(0, len(data), 2))
