"""``-d``: JSON as an argument, from a file (``@name``) or from stdin (``-``)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ._failure import Refusal

__all__ = ["read_data"]


def read_data(given: str) -> Any:
    """The JSON value.

    Raises:
        Refusal: where the file can't be read or it is no JSON (RFC 8259); never quotes the data.
    """
    import json

    from .._json import read_json

    text = _text(given)
    try:
        json.loads(text)  # says where it goes wrong; what it takes beyond RFC 8259 is refused below
    except (ValueError, RecursionError) as error:
        raise Refusal(f"-d is no JSON: {getattr(error, 'msg', 'it is nested too deeply')}{_place(error)}") from None
    try:
        return read_json(text.encode("utf-8", "surrogatepass"))
    except ValueError:
        pass
    raise Refusal("-d is no JSON: NaN, infinities, numbers beyond a float's range and lone surrogates are none")


def _text(given: str) -> str:
    try:
        if given == "-":
            return sys.stdin.read()
        if given.startswith("@"):
            return Path(given[1:]).read_text(encoding="utf-8")
    except UnicodeError as error:
        raise Refusal("-d is not UTF-8 text") from error
    except OSError as error:
        raise Refusal(f"-d {given}: {error.strerror}") from error
    return given


def _place(error: BaseException) -> str:
    line, column = getattr(error, "lineno", None), getattr(error, "colno", None)
    return "" if line is None else f" (line {line}, column {column}); quote it for your shell, or use -d @FILE"
