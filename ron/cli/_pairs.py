"""``name=value`` and ``name:=json`` on the command line. Nothing here may do I/O."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from .._suggest import shown
from ._failure import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Pair", "header_fields", "pairs", "query_values"]

_PAIR = re.compile(r"([^=:\s]+)(:?=)(.*)", re.DOTALL)
_HEADER = re.compile(r"([^:\s]+):\s*(.*)", re.DOTALL)


class Pair(NamedTuple):
    """One ``name=text``; ``json`` where it was written ``name:=text``."""

    name: str
    text: str
    json: bool


def pairs(texts: Iterable[str], what: str) -> list[Pair]:
    """These arguments, split; ``what`` names them for messages, such as ``field``."""
    found = []
    for text in texts:
        match = _PAIR.fullmatch(text)
        if match is None:
            raise Refusal(
                f"{what} {shown(text)} must be name=value, or name:=JSON for numbers, lists, objects and null"
            )
        found.append(Pair(match[1], match[3], match[2] == ":="))
    return found


def query_values(texts: Iterable[str]) -> dict[str, Any]:
    """``-q name=value``; a name that comes twice becomes a list."""
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Refusal(f"-q {shown(text)} must be name=value")
        values[name] = value if name not in values else [*_as_list(values[name]), value]
    return values


def header_fields(texts: Iterable[str]) -> dict[str, str]:
    """``-H 'Name: value'``."""
    fields: dict[str, str] = {}
    for text in texts:
        match = _HEADER.fullmatch(text)
        if match is None:
            raise Refusal("-H must be 'Name: value'")  # what was given is not shown: it may be a secret
        fields[match[1]] = match[2].strip()
    return fields


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
