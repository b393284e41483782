"""Strict JSON (RFC 8259) from bytes that somebody else has made. Nothing here may do I/O.

pydantic's parser bounds what is dear: 200 levels, 4300 digits in an integer, no lone surrogates. What it lets through
is a number that overflows a float, ``1e999``, which would come out as an infinity.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic_core import from_json

__all__ = ["NumberTooBig", "check_numbers", "read_json"]

_INFINITIES = (float("inf"), float("-inf"))
#: every digit becomes 0 and every E an e, so that the looks of a huge number can be searched for as plain bytes
_LOOKS = bytes.maketrans(b"123456789E", b"000000000e")
_MANY_DIGITS = b"0" * 200
#: the same where a JSON text can have a number; hexadecimal digests are full of the former
_OVERFLOWING = re.compile(rb"(?:\A|[\[,:\s])-?[0-9][0-9.]*(?:[eE]\+?[0-9]{3}|[0-9]{200})")


class NumberTooBig(ValueError):
    """A number is beyond the range of a float."""


def read_json(data: bytes) -> Any:
    """The JSON value of these bytes.

    Raises:
        NumberTooBig: for a number beyond a float's range.
        ValueError: for what else isn't JSON: NaN, lone surrogates, invalid UTF-8, a byte order mark, more than 200
            levels or an integer of more than 4300 digits. Its text may quote the data.
    """
    value = from_json(data, allow_inf_nan=False)
    if _may_overflow(data) and not _is_finite(value):
        raise NumberTooBig
    return value


def check_numbers(data: bytes) -> None:
    """Raises as ``read_json`` does where data that a validator is about to read may hold a number that is none."""
    if b"NaN" in data or b"Infinity" in data or _may_overflow(data):
        read_json(data)


def _may_overflow(data: bytes) -> bool:
    """Whether a number in it may be beyond a float's range: three digits of an exponent, or 200 in a row.

    Only then are the values searched. The regular expression alone takes longer than pydantic does for everything.
    """
    looks = data.translate(_LOOKS)
    if b"e000" in looks or b"e+000" in looks or _MANY_DIGITS in looks:
        return _OVERFLOWING.search(data) is not None
    return False


def _is_finite(value: Any) -> bool:
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, float) and one in _INFINITIES:
            return False
        if isinstance(one, dict):
            pending.extend(one.values())
        elif isinstance(one, list):
            pending.extend(one)
    return True
