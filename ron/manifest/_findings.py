"""What ``check`` says: one finding, its place in a file, and the list of all codes. Nothing here may do I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, Optional

__all__ = ["CODES", "EFFECTS", "Finding", "Place"]

#: what a node does about it; the first four make an error, the rest a warning
EFFECTS: Mapping[str, str] = MappingProxyType(
    {
        "panics": "the node dies at start-up",
        "skipped": "the node skips the whole file",
        "empty": "the node loads it, says that it is ready, and answers nothing of it",
        "exposed": "a secret lies open in the file",
        "unanswered": "the node answers 404 or 405 there",
        "misdirected": "the node asks the upstream for something else",
        "outside": "the node serves a file that lies elsewhere",
        "ignored": "the node reads it and does nothing with it, or doesn't read it",
    }
)
_ERRORS = frozenset({"panics", "skipped", "empty", "exposed"})

#: every code that a finding may have, with what it means
CODES: Mapping[str, str] = MappingProxyType(
    {
        "base_path": "`base_path` does not begin with `/`",
        "clash": "two routes that a node cannot have together: the same one twice, or two parameters at one place",
        "collection": "a wildcard without a route for what stands before it",
        "duplicate_id": "two files of a directory have the same id",
        "file_kind": "`file` on a facet that serves no files",
        "file_missing": "a static route without `file`, or whose file is not in the working directory",
        "file_outside": "a file outside the node's working directory, through `..`, an absolute path or a link",
        "form": "a form of the file that a node reads otherwise, or not at all",
        "hidden": "a path that hides what a wildcard above it would answer, with another method",
        "host": "`host` is empty, or more than a host",
        "id": "an id that is blank, or that no path has",
        "ignored": "a documented key that this node does not heed",
        "integer": "a number of more than 64 bits",
        "kind": "a kind that this node does not have",
        "literal": "text that looks like a parameter and isn't one for this node",
        "method": "a method that a manifest may not name",
        "no_manifest": "a directory without a manifest that a node would load",
        "no_routes": "a facet without any route that a node mounts",
        "not_mounted": "a method that passes validation and is not mounted",
        "parameter": "a parameter that is forwarded as it is written",
        "path": "a path that does not begin with `/`, or that no request has",
        "port": "`port` is not within 1 to 65535",
        "scheme": "`scheme` is not `http` or `https`",
        "secret": "a token, a password or user information",
        "unknown_key": "a key that nobody knows",
        "unreadable": "a file that is no manifest",
        "upstream": "a proxy without `[upstream]`, or an upstream where it is of no use",
        "upstream_path": "`upstream_path` does not begin with `/`, or is of no use",
        "wildcard": "a wildcard that is not last, has no name, or does not forward the rest",
        "wrong_type": "a value of another type than the key has",
    }
)


@dataclass(frozen=True)
class Place:
    """Where in which file: ``shop.toml [[route]] 2 path``.

    Attributes:
        file: the file's name or path as it was given, None for a manifest that comes from no file.
        table: as it stands in the file, such as ``[facet.meta]`` or ``[[route]] 2`` (counted from 1); ``""`` for the
            keys before any table, and for the whole file.
        key: the key, None for the whole table.
    """

    file: Optional[str] = None
    table: str = ""
    key: Optional[str] = None

    def __str__(self) -> str:
        return " ".join(part for part in (self.file, self.table, self.key) if part)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a manifest, on a certain kind of node.

    Attributes:
        level: ``error`` if the node dies, skips the file or answers nothing of it, or a secret lies open; else
            ``warning``.
        code: one of ``CODES``, for programs.
        effect: one of ``EFFECTS``: what the node does.
        where: file, table and key.
        message: what is wrong. It never shows a value that looks like a secret.
        fix: what to write instead.
    """

    level: Literal["error", "warning"] = field(init=False)
    code: str
    effect: str
    where: Place
    message: str
    fix: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", "error" if self.effect in _ERRORS else "warning")

    def __str__(self) -> str:
        where = str(self.where)
        return f"{self.level}: {where}{': ' if where else ''}{self.message}; {self.fix}"
