"""A manifest as TOML text, the same bytes for the same manifest. Nothing here may do I/O.

``tomli_w`` writes each table's keys; the tables' order and headers are ours, because it would write short routes as an
inline array where people and nodes' documents have ``[[route]]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

import tomli_w

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ._model import Manifest

__all__ = ["render"]


def render(manifest: Manifest) -> str:
    """The file: a comment, ``[facet]`` and its sub-tables, ``[upstream]``, then every ``[[route]]``."""
    content = manifest.model_dump(exclude_none=True, by_alias=True)
    header = f"# Made by ron{_made_from(manifest.made_from)}: change that, not this file.\n"
    return "\n".join([header, *_sections(content)])


def _made_from(text: Optional[str]) -> str:
    """Whatever a class is called, the comment stays one line."""
    if not text:
        return ""
    return " from " + "".join(char if char.isprintable() else "?" for char in text)


def _sections(content: Mapping[str, Any]) -> Iterator[str]:
    for name, value in content.items():
        if isinstance(value, dict):
            yield from _table(f"[{name}]", name, value)
        else:
            for one in value:
                yield from _table(f"[[{name}]]", name, one)


def _table(header: str, name: str, table: Mapping[str, Any]) -> Iterator[str]:
    keys = {key: value for key, value in table.items() if not isinstance(value, dict)}
    # A multi-line string would turn "\r\n" into "\n" (TOML 1.0 "String" lets writers normalise line ends).
    lines_survive = not any("\r" in value for value in keys.values() if isinstance(value, str))
    yield f"{header}\n{tomli_w.dumps(keys, multiline_strings=lines_survive)}"
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _table(f"[{name}.{key}]", f"{name}.{key}", value)
