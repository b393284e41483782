"""How the tests call the command: in this process, with its streams apart."""

from __future__ import annotations

import inspect
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Optional

from click.testing import CliRunner
from rich.console import Console

from ron.cli._app import app
from ron.cli._screen import Screen

__all__ = ["ROOT", "Ran", "environment", "run", "run_on_terminal", "seed_file", "spawn"]

ROOT = Path(__file__).resolve().parents[2]
#: before click 8.2 the streams were mixed unless one said otherwise
_APART: dict[str, Any] = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}


class Ran(NamedTuple):
    """How a run ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The JSON that it wrote to stdout."""
        return json.loads(self.out)

    @property
    def rows(self) -> list[list[str]]:
        """The tab-separated lines that it wrote to stdout."""
        return [line.split("\t") for line in self.out.splitlines()]


def run(
    *arguments: str,
    input: Optional[str] = None,
    env: Optional[Mapping[str, Optional[str]]] = None,
    screen: Optional[Screen] = None,
) -> Ran:
    """Runs the command in this process, as when its output goes into a pipe."""
    extra: dict[str, Any] = {} if screen is None else {"obj": screen}
    result = CliRunner(**_APART).invoke(app, list(arguments), input=input, env=env, **extra)
    return Ran(result.exit_code, result.stdout, result.stderr)


def run_on_terminal(*arguments: str, width: int = 80, env: Optional[Mapping[str, Optional[str]]] = None) -> Ran:
    """Runs the command in this process, as on a terminal of that width."""
    console = Console(file=io.StringIO(), force_terminal=True, width=width, color_system="truecolor", highlight=False)
    return run(*arguments, env=env, screen=Screen(console=console, terminal=True))


def seed_file(folder: Path, *objects: Mapping[str, Any]) -> str:
    """A seed file with these objects; what items lack and nodes assign is filled in."""
    path = folder / "seed.json"
    whole = [{"id": f"i-{at}", "created_at": "2026-01-01T00:00:00Z", **one} for at, one in enumerate(objects, 1)]
    path.write_text(json.dumps(whole), encoding="utf-8")
    return str(path)


def environment(**variables: str) -> dict[str, str]:
    """The environment of a process of its own: without our settings, colour only where the terminal has it."""
    dropped = ("RON_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "COVERAGE", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**kept, "PYTHONIOENCODING": "utf-8", "TERM": "xterm-256color", **variables}


def spawn(
    *arguments: str,
    env: Optional[Mapping[str, str]] = None,
    **streams: Any,
) -> subprocess.Popen[bytes]:
    """Starts `python -m ron` as a process of its own, in the project's folder."""
    whole = [sys.executable, "-m", "ron", *arguments]
    process: Any = subprocess.Popen(whole, cwd=ROOT, env=env or environment(), **streams)
    started: subprocess.Popen[bytes] = process
    return started
