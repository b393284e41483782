"""Which benchmarks there are, and what one gives back."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, cast

__all__ = ["NAMES", "ON_REQUEST", "Benchmark", "Figures", "load", "with_block"]

#: One name, one module of this folder that is a ``Benchmark``. It is imported only when it is asked for, so that what
#: one needs, another can do without.
NAMES = (
    "get",
    "page",
    "listing",
    "watch",
    "writes",
    "many",
    "imports",
    "throughput",
    "parts",
    "outage",
    "soak",
    "goals",
)
#: of these, what takes long: run when named, and in smoke runs
ON_REQUEST = frozenset({"soak"})


class Figures(NamedTuple):
    """What a run gave.

    ``result`` is written as JSON, ``text`` is printed. ``pictures`` are SVG texts by file name, without a suffix.
    ``blocks`` are texts by page and name: they replace what stands there between ``<!-- benchmark: NAME -->`` and
    ``<!-- /benchmark -->``.
    """

    result: Mapping[str, Any]
    text: str
    pictures: Mapping[str, str]
    blocks: Mapping[str, Mapping[str, str]]


class Benchmark(Protocol):
    """A module that can be run."""

    def run(self, *, smoke: bool, draw: bool) -> Figures:
        """Measures. With ``smoke`` in a second or two, only to see that it works; with ``draw`` pictures as well."""
        ...


def load(name: str) -> Benchmark:
    """The benchmark of that name. Raises ``KeyError`` if there is none."""
    if name not in NAMES:
        raise KeyError(name)
    return cast("Benchmark", importlib.import_module(f"benchmarks.{name}"))


def with_block(page: str, name: str, text: str) -> str:
    """The page with that text in the block of that name. Raises ``KeyError`` if the page has no such block."""
    block = re.compile(rf"(<!-- benchmark: {re.escape(name)} -->\n).*?(\n<!-- /benchmark -->)", re.DOTALL)
    changed, found = block.subn(lambda match: f"{match[1]}{text}{match[2]}", page)
    if found != 1:
        raise KeyError(name)
    return changed
