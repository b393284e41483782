"""The version matrix: the suite on each supported Python, and on the lowest dependencies; and mutation testing.

Which versions, which floors and which modules is read from `pyproject.toml`; nothing is repeated here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
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
# Connections are cut at every seventh place here, and at every byte in the full run of the main version.
COARSER = {"RON_TEST_STRIDE": "7"}


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
    session.run(*TEST, *session.posargs, env=COARSER)


@nox.session(python=FLOOR_PYTHON)
def floor(session: nox.Session) -> None:
    """The suite with the lowest dependencies that pyproject.toml declares."""
    session.install("-e", ".[test]", *floors(FLOOR_PYTHON), *FLOOR_TOOLS)
    session.run(*TEST, *session.posargs, env=COARSER)


LEAST_KILLED = 0.90  # of the mutants of each module


@nox.session(python=FLOOR_PYTHON, default=False)
def mutants(session: nox.Session) -> None:
    """Small mistakes put into policy, redaction and key encoding, one at a time: do the tests notice?

    Works on a copy of the tree. Prints each one that no test noticed, and the rates; fails under 90 % in any module.
    `nox -s mutants -- ron._flow` does one module only.
    """
    session.install("-e", ".[test,mutation]")
    copy = Path(session.create_tmp(), "copy")
    shutil.rmtree(copy, ignore_errors=True)
    for name in ("ron", "tests"):
        shutil.copytree(name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy("pyproject.toml", copy)
    modules = PYPROJECT["tool"]["mutmut"]["only_mutate"]
    names = session.posargs or [name.removesuffix(".py").replace("/", ".") for name in modules]
    session.chdir(copy)
    workers = str(os.cpu_count() or 1)
    # CI: the properties' examples are the same every time, so that the figures repeat.
    session.run(
        "mutmut", "run", "--max-children", workers, *(f"{name}.*" for name in names), env={"CI": "true"}, silent=True
    )
    results = session.run("mutmut", "results", "--all", "true", silent=True)
    found: dict[str, Counter[bool]] = {}
    for name, outcome in re.findall(r"^\s*(ron\.\S+): (.+?)\s*$", str(results), re.MULTILINE):
        if outcome == "not checked":
            continue
        killed = outcome in ("killed", "timeout")
        found.setdefault(name.rpartition(".")[0], Counter())[killed] += 1
        if not killed:
            session.log(f"{name}: {outcome}")
            session.run("mutmut", "show", name, external=False)
    rates = {name: counts[True] / sum(counts.values()) for name, counts in found.items()}
    for name, counts in found.items():
        session.log(f"{name}: {counts[True]} of {sum(counts.values())} killed, {rates[name]:.1%}")
    if set(found) != set(names):
        session.error(f"no mutant was run of {', '.join(sorted(set(names) - set(found)))}")
    if min(rates.values()) < LEAST_KILLED:
        session.error(f"under {LEAST_KILLED:.0%} in at least one module")
