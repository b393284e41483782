"""The version matrix: the suite on each supported Python, and on the lowest dependencies.

Which versions and which floors is read from `pyproject.toml`; nothing is repeated here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Optional

import nox
from packaging.requirements import Requirement

PYPROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PYPROJECT)
FLOOR_PYTHON = "3.11"  # the target; its lowest dependencies are what a user there can still have
# Beside our floor of typing-extensions pip picks an anyio (4.13, 4.14) whose pytest plug-in imports
# a name that pytest 9.2 deprecates. The older one tests the same; users' anyio is not bounded.
FLOOR_TOOLS = ("anyio<4.13",)

# mypy and pyright read the same text whichever interpreter starts them; .ci/run starts them once.
TEST = ("pytest", "--ignore=tests/typing")


def pyenv_interpreters() -> Optional[list[Path]]:
    """The `bin` folders of pyenv's newest 3.x patch versions; None on a machine without pyenv.

    pyenv's shims refuse versions that aren't activated: the real folders must come first on PATH.
    """
    if shutil.which("pyenv") is None:
        return None
    root = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=True).stdout
    newest: dict[str, tuple[int, Path]] = {}
    for folder in Path(root.strip(), "versions").iterdir():
        match = re.fullmatch(r"(3\.\d+)\.(\d+)", folder.name)
        if match:
            version, patch = match[1], int(match[2])
            if (folder / "bin" / f"python{version}").exists():
                newest[version] = max(newest.get(version, (-1, folder)), (patch, folder / "bin"))
    return [folder for version, (_, folder) in newest.items() if version in PYTHONS]


interpreters = pyenv_interpreters()
os.environ["PATH"] = os.pathsep.join([*map(str, interpreters or ()), os.environ.get("PATH", "")])

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "venv"
nox.options.download_python = "never"
# With pyenv every version can be had, so CI insists on it; elsewhere nox prints which is absent.
nox.options.error_on_missing_interpreters = bool(os.environ.get("CI")) and interpreters is not None


def floors(python: str) -> list[str]:
    """Our runtime dependencies, each pinned to the lower bound that it declares."""
    pins: list[str] = []
    for line in PYPROJECT["project"]["dependencies"]:
        wanted = Requirement(line)
        lowest = [bound.version for bound in wanted.specifier if bound.operator == ">="]
        if len(lowest) != 1:
            raise ValueError(f"pyproject.toml: {line!r} needs exactly one '>=', the tested floor")
        if wanted.marker is None or wanted.marker.evaluate({"python_version": python}):
            pins.append(f"{wanted.name}=={lowest[0]}")
    return pins


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The suite with the newest dependencies that this Python can have."""
    session.install("-e", ".[test]")
    session.run(*TEST, *session.posargs)


@nox.session(python=FLOOR_PYTHON)
def floor(session: nox.Session) -> None:
    """The suite with the lowest dependencies that pyproject.toml declares."""
    session.install("-e", ".[test]", *floors(FLOOR_PYTHON), *FLOOR_TOOLS)
    session.run(*TEST, *session.posargs)
