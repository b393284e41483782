"""Static files as values: what was seen, which patterns they match, which paths they are served at. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import translate
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple, Optional

__all__ = ["Folder", "SeenFiles", "matches", "served_at"]


class SeenFiles(NamedTuple):
    """Of a manifest's files, those that are in the node's working directory, and those that lie outside of it."""

    found: frozenset[str]
    outside: frozenset[str]


class Folder(NamedTuple):
    """What a facet's root holds: the files that its patterns match, sorted, and hashes by file where wanted."""

    files: tuple[str, ...] = ()
    sha256: Mapping[str, str] = MappingProxyType({})


def matches(file: str, pattern: str) -> bool:
    """Whether a relative path matches: ``*`` and ``?`` within a segment, ``**`` for any number of folders."""
    return _matches(file.split("/"), pattern.split("/"))


def served_at(file: str, index: Optional[str]) -> Iterator[str]:
    """The paths of a file below its facet: itself, and the folder that it is the index of."""
    folder, _, name = f"/{file}".rpartition("/")
    if name == index:
        yield f"{folder}/"
    yield f"/{file}"


def _matches(segments: Sequence[str], patterns: Sequence[str]) -> bool:
    if not patterns:
        return not segments
    if patterns[0] == "**":
        return any(_matches(segments[skipped:], patterns[1:]) for skipped in range(len(segments) + 1))
    return bool(segments) and bool(_compiled(patterns[0]).match(segments[0])) and _matches(segments[1:], patterns[1:])


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))
