"""Taking a token out of text that came from outside. Nothing here may do I/O.

A run of ``LONGEST_SHOWN + 1`` or more characters of the token, or of its Base64, is replaced, wherever in the token it
begins: nodes shorten what they quote. Escapes of JSON and of URLs are read as what they stand for.
"""

from __future__ import annotations

import base64
import re

from ._json import read_json

__all__ = ["LONGEST_SHOWN", "REDACTED", "redact"]

REDACTED = b"[redacted]"
#: so many characters of a token in a row may be a coincidence
LONGEST_SHOWN = 11
#: shorter tokens are no secrets, and would be found in any text
SHORTEST_SECRET = 6
#: the escapes of JSON and URLs that can stand for a character of a token
_JSON_ESCAPE = re.compile(rb"\\(?:\\|/|u00[2-7][0-9A-Fa-f])")
_URL_ESCAPE = re.compile(rb"%([2-7][0-9A-Fa-f])")
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def redact(text: bytes, token: bytes, *, json: bool) -> bytes:
    """``text`` without the token; unchanged, escapes included, if it holds none of it.

    ``json`` says that it is JSON: its escapes are read, and it stays JSON or, where that cannot be, becomes
    ``REDACTED``.
    """
    if len(token) < SHORTEST_SECRET:
        return text
    forms = _forms(token, json)
    clean = text
    # Three readings: a token may itself hold what looks like an escape, alone or with what stands before it.
    for of_json, of_urls in ((json, True), (json, False), (False, False)):
        plain = _JSON_ESCAPE.sub(_json_character, clean) if of_json else clean
        plain = _URL_ESCAPE.sub(_json_percent if json else _percent, plain) if of_urls else plain
        found = _without_all(plain, forms)
        clean = clean if found == plain else found
    if json and clean != text and not _is_json(clean):
        return REDACTED  # the run that was cut out shared a character with an escape beside it
    return clean


def _is_json(text: bytes) -> bool:
    try:
        read_json(text)
    except ValueError:
        return False
    return True


def _forms(token: bytes, json: bool) -> list[bytes]:
    """What stands for the token in a text: itself, and what the Base64 of anything around it has in common."""
    forms = [token.replace(b"\\", b"\\\\").replace(b'"', b'\\"') if json else token]
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + token)
        # The outermost characters depend on what stands beside the token, too.
        inner = encoded[(0, 2, 3)[before] : (before + len(token)) * 8 // 6]
        forms += [inner, inner.translate(_URL_SAFE)]
    return list(dict.fromkeys(form for form in forms if len(form) >= SHORTEST_SECRET))


def _without_all(text: bytes, forms: list[bytes]) -> bytes:
    for form in forms:
        text = _without(text, form)
    return text


def _without(text: bytes, form: bytes) -> bytes:
    shortest = min(LONGEST_SHOWN + 1, len(form))
    # A run of that length covers at least one of the form's pieces of half of it, so only these are looked for.
    size = (shortest + 1) // 2
    for at in range(0, len(form) - size + 1, size):
        text = _without_runs(text, form, at, size, shortest)
    return text


def _without_runs(text: bytes, form: bytes, at: int, size: int, shortest: int) -> bytes:
    """The text without the runs of ``form`` that hold its piece at ``at``."""
    piece = form[at : at + size]
    kept: list[bytes] = []
    done = 0
    found = text.find(piece)
    while found >= 0:
        left = _common(text[max(done, found - at) : found][::-1], form[:at][::-1])
        end = found + size + _common(text[found + size : found + len(form) - at], form[at + size :])
        if end - found + left >= shortest:
            kept += [text[done : found - left], REDACTED]
            done = end
        found = text.find(piece, max(done, found + 1))
    return b"".join([*kept, text[done:]]) if kept else text


def _common(one: bytes, other: bytes) -> int:
    """How many bytes both begin with."""
    for count, (left, right) in enumerate(zip(one, other)):
        if left != right:
            return count
    return min(len(one), len(other))


def _json_character(match: re.Match[bytes]) -> bytes:
    escape = match.group()
    if escape == b"\\/":
        return b"/"
    return escape if len(escape) == 2 else _in_json(int(escape[4:], 16))


def _json_percent(match: re.Match[bytes]) -> bytes:
    return _in_json(int(match.group(1), 16))


def _percent(match: re.Match[bytes]) -> bytes:
    return bytes((int(match.group(1), 16),))


def _in_json(code: int) -> bytes:
    """A character as it stands within a string of JSON."""
    character = bytes((code,))
    return b"\\" + character if character in b'"\\' else character
