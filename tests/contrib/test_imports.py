"""What `ron.contrib` needs, what needs it, and what is said where a framework is missing."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path

import pytest

import ron.contrib

ROOT = Path(__file__).resolve().parents[2]
FRAMEWORKS = {"asgiref", "django", "fastapi", "flask", "starlette"}


def imports(path: Path) -> set[str]:
    """What a file imports, as dotted names; relative ones begin with dots."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return found


def test_nothing_else_imports_contrib() -> None:
    """The package without servers knows nothing of `ron.contrib`."""
    offenders = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "ron").rglob("*.py"))
        if path.parent.name != "contrib" and any("contrib" in name for name in imports(path))
    ]
    assert [] == offenders


def test_only_a_frameworks_own_module_imports_it() -> None:
    """`asgi` and what all share import no framework, `flask` imports Flask and nothing of FastAPI, and so on."""
    found = {
        path.stem: {name.split(".")[0] for name in imports(path)} & FRAMEWORKS
        for path in sorted((ROOT / "ron" / "contrib").glob("*.py"))
    }
    assert {
        "django": {"asgiref", "django"},
        "fastapi": {"fastapi", "starlette"},
        "flask": {"flask"},
    } == {name: used for name, used in found.items() if used}


@pytest.mark.parametrize(
    ("module", "framework", "name", "requirement"),
    [
        ("fastapi", "fastapi", "FastAPI", "fastapi>=0.115"),
        ("flask", "flask", "Flask", "flask>=2.3"),
        ("django", "django", "Django", "django>=4.2"),
    ],
)
def test_a_missing_framework_is_named(
    module: str, framework: str, name: str, requirement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Importing an adapter without its framework says what to install."""
    for loaded in [one for one in sys.modules if one.split(".")[0] == framework]:
        monkeypatch.setitem(sys.modules, loaded, None)
    monkeypatch.setitem(sys.modules, framework, None)
    monkeypatch.delitem(sys.modules, f"ron.contrib.{module}", raising=False)
    with pytest.raises(ImportError) as raised:
        importlib.import_module(f"ron.contrib.{module}")
    assert str(raised.value).startswith(f"ron.contrib.{module} needs {name}: pip install '{requirement}' (")


def test_public_names_are_what_the_list_says() -> None:
    """Every name can be had, and the list is sorted; another one is an AttributeError."""
    assert sorted(ron.contrib.__all__) == ron.contrib.__all__ == dir(ron.contrib)
    assert all(getattr(ron.contrib, name).__name__ == name for name in ron.contrib.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Tenant'"):
        ron.contrib.Tenant  # noqa: B018 - that it raises is the point
