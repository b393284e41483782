"""The rules of the house that no single file shows: packaging, layout, and what stays out."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typing_extensions import TypeGuard

import ron._version

ROOT = Path(__file__).resolve().parents[2]
DISTRIBUTION = "ron-app-sdk-py"

# --- Layout -----------------------------------------------------------------------------------

HTTP_LIBRARIES = frozenset({"h11", "httpcore", "httpx", "httpx2", "pyreqwest"})
IMPURE = frozenset({"anyio", "asyncio", "h11", "httpcore", "httpx", "httpx2", "pyreqwest", "threading", "time"})
# Stages that decide and never act. A folder means every module in it.
PURE = (
    "ron/_plan.py",
    "ron/_reconnect.py",
    "ron/_flow.py",
    "ron/_decode.py",
    "ron/_effects.py",
    "ron/_sse.py",
    "ron/_backoff.py",
    "ron/_calls.py",
    "ron/_events.py",
    "ron/_fanout.py",
    "ron/_html.py",
    "ron/_json.py",
    "ron/_middleware.py",
    "ron/_outcome.py",
    "ron/_problem.py",
    "ron/_redaction.py",
    "ron/_routes.py",
    "ron/_secrets.py",
    "ron/_session.py",
    "ron/_url.py",
    "ron/_values.py",
    "ron/cli/_changes.py",
    "ron/cli/_exits.py",
    "ron/cli/_pairs.py",
    "ron/cli/_render.py",
    "ron/cli/_typed.py",
    "ron/cli/_visible.py",
    "ron/cli/doctor/_diagnose.py",
    "ron/cli/doctor/_evidence.py",
    "ron/cli/doctor/_kind.py",
    "ron/cli/doctor/_plane.py",
    "ron/cli/doctor/_reach.py",
    "ron/cli/doctor/_state.py",
    "ron/facets.py",
    "ron/resources",
    "ron/manifest",
)
# The few modules in a pure folder that drive what the others decide.
RUNNING_HALVES = frozenset({"ron/manifest/_disk.py", "ron/resources/mirror.py"})


def sources(*places: str) -> list[Path]:
    """The Python files at these places, which are files or folders of the project."""
    found: list[Path] = []
    for place in places:
        path = ROOT / place
        found += [path] if path.is_file() else sorted(path.rglob("*.py"))
    return found


def name_of(path: Path) -> str:
    """A file's path as the tests' messages write it."""
    return path.relative_to(ROOT).as_posix()


def is_import_call(node: ast.AST) -> TypeGuard[ast.Call]:
    """Whether this is `import_module(...)` or `__import__(...)`."""
    if not isinstance(node, ast.Call):
        return False
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return called in {"import_module", "__import__"}


def imports(path: Path) -> Iterator[str]:
    """The top-level names that a file imports anywhere in it, by statement or by function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").split(".")[0]
        elif is_import_call(node):
            argument = node.args[0] if node.args else None
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value.split(".")[0]


def pure_modules() -> list[Path]:
    """Every file that promises to do no I/O."""
    return [path for path in sources(*PURE) if name_of(path) not in RUNNING_HALVES]


def test_only_the_transport_knows_http_libraries() -> None:
    """No module of ron outside ron/transport/ imports httpx, httpcore, h11 or pyreqwest."""
    offenders = {
        name_of(path): sorted(found)
        for path in sources("ron")
        if not name_of(path).startswith("ron/transport/")
        if (found := HTTP_LIBRARIES.intersection(imports(path)))
    }
    assert {} == offenders


def test_pure_modules_import_nothing_that_acts() -> None:
    """Plan, flow, decode, the SSE reader, resources and manifest import no I/O, clock or thread."""
    offenders = {
        name_of(path): sorted(found) for path in pure_modules() if (found := IMPURE.intersection(imports(path)))
    }
    assert {} == offenders


def test_pure_modules_bring_in_no_http_library() -> None:
    """Importing the pure modules loads no HTTP library either, by whatever way."""
    modules = [name_of(path)[: -len(".py")].replace("/", ".") for path in pure_modules()]
    modules = [module[: -len(".__init__")] if module.endswith(".__init__") else module for module in modules]
    unwanted = sorted(HTTP_LIBRARIES | {"anyio"})
    code = (
        f"import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"print([name for name in {unwanted!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ("[]", "") == (done.stdout.strip(), done.stderr)


@pytest.mark.parametrize("place", [*PURE, *sorted(RUNNING_HALVES)])
def test_layout_rules_name_what_exists(place: str) -> None:
    """A file or folder that a layout rule names exists: a rename must not switch the rule off."""
    assert sources(place), f"{place} is gone: change the rule in {name_of(Path(__file__))}"
    assert (ROOT / place).exists()


def holds_code(path: Path) -> bool:
    """Whether a file has more in it than a docstring."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return any(not isinstance(statement, ast.Expr) for statement in body)


def test_every_module_defers_its_annotations() -> None:
    """Every module opens with `from __future__ import annotations`, which Python 3.9 needs."""
    without = [
        name_of(path)
        for path in sources("ron", "tests", "examples", "benchmarks", "noxfile.py")
        if holds_code(path) and "\nfrom __future__ import annotations\n" not in path.read_text(encoding="utf-8")
    ]
    assert [] == without


# --- What stays out ---------------------------------------------------------------------------

# Brackets in the patterns keep them from finding themselves.
FORBIDDEN = {
    "a note to self": r"\b(TOD[O]|FIXM[E]|XX[X])\b",
    "an unfinished body": r"NotImplementedErro[r]",
    "type: ignore without a code": r"#\s*type:\s*ignor[e](?!\[)",
    "pyright: ignore without a rule": r"#\s*pyright:\s*ignor[e](?!\[)",
    "noqa without a rule": r"#\s*noq[a](?!:)",
}
FORBIDDEN_IN_TESTS = {
    "a test that isn't run": r"\b(pytest|unittest)\.(mark\.)?(ski[p]|xfai[l]|importorski[p])",
    "a test that waits": r"(?<!\w)time\.slee[p]\(",
}


def findings(patterns: dict[str, str], *places: str) -> list[str]:
    """Where the patterns occur, as `file:line: what`."""
    return [
        f"{name_of(path)}:{number}: {what}"
        for path in sources(*places)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for what, pattern in patterns.items()
        if re.search(pattern, line)
    ]


def test_no_forbidden_markers() -> None:
    """No notes to self, unfinished bodies or blanket ignores stand in the code."""
    places = ("ron", "tests", "examples", "benchmarks", "noxfile.py")
    assert [] == findings(FORBIDDEN, *places)


def test_tests_are_run_and_do_not_wait() -> None:
    """No test is skipped or expected to fail, and none sleeps."""
    assert [] == findings(FORBIDDEN_IN_TESTS, "tests")


# --- Packaging --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The wheel, built from this tree by the build backend that pyproject.toml names."""
    target = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = target.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        yield archive


def metadata(wheel: zipfile.ZipFile) -> list[str]:
    """The header lines of the wheel's METADATA."""
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return wheel.read(name).decode("utf-8").split("\n\n")[0].splitlines()


def test_installed_version_is_the_packages_own() -> None:
    """The version that pip knows is the one in ron/_version.py."""
    assert ron._version.__version__ == importlib.metadata.version(DISTRIBUTION)


def test_version_is_one_assignment() -> None:
    """ron/_version.py holds a plain version number, and pyproject.toml reads it from there."""
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", ron._version.__version__)
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'dynamic = ["version"]' in pyproject
    assert 'path = "ron/_version.py"' in pyproject


def test_wheel_says_that_it_is_typed(wheel: zipfile.ZipFile) -> None:
    """The wheel carries py.typed, so type checkers read the package's annotations."""
    assert "ron/py.typed" in wheel.namelist()


def test_wheel_holds_the_package_only(wheel: zipfile.ZipFile) -> None:
    """The wheel installs `ron` and its metadata, and neither tests nor examples."""
    info = f"ron_app_sdk_py-{ron._version.__version__}.dist-info"
    assert {"ron", info} == {name.split("/")[0] for name in wheel.namelist()}


def test_wheel_names_and_carries_both_licences(wheel: zipfile.ZipFile) -> None:
    """The wheel's metadata offers MIT or Apache-2.0, and both texts are inside, whole."""
    lines = metadata(wheel)
    assert "License-Expression: MIT OR Apache-2.0" in lines
    for name, words in {
        "LICENSE-MIT": "Copyright (c) 2026 the ron-app-sdk-py authors",
        "LICENSE-APACHE": "END OF TERMS AND CONDITIONS",
    }.items():
        assert f"License-File: {name}" in lines
        (inside,) = (found for found in wheel.namelist() if found.endswith(f"licenses/{name}"))
        text = wheel.read(inside).decode("utf-8")
        assert (ROOT / name).read_text(encoding="utf-8") == text
        assert words in text
