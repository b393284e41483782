"""Where manifests come from: declarations, files, directories."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._failure import Refusal
from .._names import load, load_module

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...manifest import Manifest

__all__ = ["declared", "manifests"]


def manifests(names: Iterable[str]) -> list[Manifest]:
    """The manifests of these files, directories, ``module:Facet`` and ``module`` (all that it declares).

    Raises:
        Refusal: for what is none of these.
        RonConfigError: for a file that is no manifest, and a declaration that makes none.
    """
    found: list[Manifest] = []
    for name in names:
        path = Path(name)
        found += _read(path) if path.exists() or path.suffix == ".toml" else declared(name)
    return found


def declared(name: str) -> list[Manifest]:
    """The manifests of ``module:Facet``, or of all facets that ``module`` declares itself."""
    if ":" in name:
        return [_made(load(name, "shop:Shop"), name)]
    module = load_module(name)
    facets = [one for one in vars(module).values() if _is_facet(one) and one.__module__ == module.__name__]
    if not facets:
        raise Refusal(f"{name} declares no Facet, and there is no such file: name one as {name}:Shop")
    return [facet.manifest() for facet in dict.fromkeys(facets)]


def _read(path: Path) -> list[Manifest]:
    from ...errors import RonConfigError
    from ...manifest import Manifest

    if not path.is_dir():
        return [Manifest.load(path)]
    loaded = Manifest.load_dir(path)
    for finding in loaded.findings:
        raise RonConfigError(f"{finding.where}: {finding.message}")
    return [*loaded]


def _made(value: Any, name: str) -> Manifest:
    from ...manifest import Manifest

    if isinstance(value, Manifest):  # of Manifest.for_resources
        return value
    if not _is_facet(value):
        what = getattr(value, "__name__", None) or type(value).__name__
        raise Refusal(f"{name}: {what} is no Facet: name one such as shop:Shop")
    made: Manifest = value.manifest()
    return made


def _is_facet(value: Any) -> bool:
    return isinstance(value, type) and "__facet__" in vars(value)
