"""What the documentation shows is true: examples, README, docs and docstrings are executed.

A ```python block runs as it stands, `await` at top level included. A comment on the line before it
changes that: `<!-- no-run: reason -->`, `<!-- continues -->`, `<!-- min-python: 3.10 -->`.
"""

from __future__ import annotations

import ast
import asyncio
import doctest
import importlib
import inspect
import os
import re
import subprocess
import sys
import textwrap
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

FENCE = re.compile(r"^( *)```python[^\n]*\n(.*?)^\1```\s*$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"^\s*<!--\s*(.*?)\s*-->\s*$")
GUARD_SECONDS = 120  # an example that hangs must not hang the suite


@dataclass(frozen=True)
class Block:
    """One fenced block: where it stands, its text, and what the comments before it say."""

    page: Path
    line: int
    source: str
    runs: bool
    continues: bool

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def compiled(self) -> types.CodeType:
        """Its code, with line numbers that lead back into the page."""
        padded = "\n" * self.line + self.source
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        # dont_inherit: this module's `from __future__` must not change what readers copy.
        code: types.CodeType = compile(padded, str(self.page), "exec", flags=flags, dont_inherit=True)
        return code


def comments_before(text: str, start: int) -> list[str]:
    """The HTML comments directly above the fence, nearest first."""
    found: list[str] = []
    for line in reversed(text[:start].splitlines()):
        match = COMMENT.match(line)
        if match is None:
            break
        found.append(match[1])
    return found


def parse(page: Path, match: re.Match[str], text: str) -> Optional[Block]:
    """The block, or None if this Python can't read its syntax and it says so."""
    runs, continues = True, False
    line = text.count("\n", 0, match.start()) + 1
    for comment in comments_before(text, match.start()):
        word, _, rest = comment.partition(":")
        if word == "no-run" and rest.strip():
            runs = False
        elif word == "continues":
            continues = True
        elif word == "min-python":
            if sys.version_info < tuple(map(int, rest.split("."))):
                return None
        else:
            raise ValueError(f"{page}:{line}: unknown comment {comment!r} before a code block")
    return Block(page, line, textwrap.dedent(match[2]), runs, continues)


def stories(page: Path) -> list[list[Block]]:
    """The page's blocks that run, each with those that continue it."""
    found: list[list[Block]] = []
    for block in blocks(page):
        if block.runs and block.continues:
            if not found:
                raise ValueError(f"{block}: nothing before it to continue")
            found[-1].append(block)
        elif block.runs:
            found.append([block])
    return found


def blocks(page: Path) -> list[Block]:
    """All ```python blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    parsed = (parse(page, match, text) for match in FENCE.finditer(text))
    return [block for block in parsed if block is not None]


async def play(story: list[Block], namespace: dict[str, object]) -> None:
    """Run the blocks one after the other, in one event loop, as a notebook would."""
    for block in story:
        result = eval(block.compiled(), namespace)
        if inspect.iscoroutine(result):
            await result


STORIES = [story for page in PAGES for story in stories(page)]
BLOCKS = [block for page in PAGES for block in blocks(page)]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_code_block_compiles(block: Block) -> None:
    """Every code block of README and docs is valid Python, also one that isn't run."""
    assert isinstance(block.compiled(), types.CodeType)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: str(story[0]))
def test_code_block_runs(story: list[Block], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A code block of README and docs runs as it stands, without a node or a setting."""
    monkeypatch.chdir(tmp_path)
    module = types.ModuleType("documented")
    monkeypatch.setitem(sys.modules, module.__name__, module)  # where pickle and pydantic look
    asyncio.run(play(story, module.__dict__))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_example_runs(example: Path, tmp_path: Path) -> None:
    """An example runs by itself, prints something, and has nothing to complain about."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("RON_")}
    done = subprocess.run(
        [sys.executable, "-W", "default", str(example)],
        cwd=tmp_path,
        env={**env, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        timeout=GUARD_SECONDS,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.strip(), "an example shows something"


def test_docstring_examples_hold() -> None:
    """The `>>>` examples in docstrings give what they show."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed: dict[str, int] = {}
    for path in sorted((ROOT / "ron").rglob("*.py")):
        if ">>>" in path.read_text(encoding="utf-8"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            failed[name] = doctest.testmod(importlib.import_module(name), optionflags=flags).failed
    assert dict.fromkeys(failed, 0) == failed
