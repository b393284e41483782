"""Which routes a proxy facet needs so that its node forwards what its resources send. Pure; no I/O.

A node matches the most specific path first and only then looks at the method, so a path hides what a wildcard above
it would have forwarded with other methods; and it forwards the rest of a path only for ``/*tail``, which matches no
empty rest (protocol.md "Facet manifests"). From that follow the three steps: *collect* what is asked for, *fill* every
path with the methods of the wildcard above it, *drop* the paths that then add nothing to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional

from .._plan import encode_path
from .._routes import METHODS, TAIL, different_parameters, route_name
from ..errors import RonConfigError
from ._tables import ManifestRoute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ..facets import FacetDescription
    from ..resources._description import Description

__all__ = ["proxy_routes"]

_BEGINS_PARAMETER = frozenset(":*{}")


@dataclass(frozen=True)
class _Entry:
    """One method of one path.

    ``target`` is what the upstream is asked for; for a wildcard, what stands before the rest. ``source`` names who
    wants the route. ``explicit`` routes are written as they were given.
    """

    target: str
    source: str
    upstream_path: Optional[str] = None
    explicit: bool = False


_Table = dict[str, dict[str, _Entry]]


def proxy_routes(
    facet: FacetDescription, resources: Iterable[Description], *, below: Callable[[str], str] = str
) -> list[ManifestRoute]:
    """The routes of ``facet`` for these resources and its explicit ones, in no particular order.

    ``below`` gives the facet's own path for a path that a resource sends to.

    Raises:
        RonConfigError: naming both, for two routes that a node could not have together.
    """
    table = _collect(facet, resources, below)
    _check_places(facet, table)
    _fill(facet, table)
    kept = [path for path in table if not _is_redundant(table, path)]
    return [
        ManifestRoute(method=method, path=path, upstream_path=entry.upstream_path)
        for path in kept
        for method, entry in table[path].items()
    ]


def _collect(facet: FacetDescription, resources: Iterable[Description], below: Callable[[str], str]) -> _Table:
    table: _Table = {}
    for route in facet.routes:
        entry = _Entry(
            _bare(route.path) if route.upstream_path is None else _bare(route.upstream_path, route.path),
            route_name(route.path, route.method),
            route.upstream_path,
            explicit=True,
        )
        table.setdefault(route.path, {})[route.method] = entry
    for resource in resources:
        for operation, method, template in _requests(resource):
            path = _route_path(below(template))
            entry = _Entry(_bare(path), f"{resource.name} ({operation})")
            there = table.setdefault(path, {}).setdefault(method, entry)
            if there.target != entry.target:
                raise RonConfigError(
                    f"class {facet.name}: {there.source} has upstream_path={there.upstream_path!r}, but {entry.source} "
                    f"needs {method} {path} forwarded as it is: leave upstream_path out, or give one of them another "
                    "path"
                )
    return table


def _requests(resource: Description) -> Iterator[tuple[str, str, str]]:
    """What a manager of the resource sends: operation, method, path below the facet; the key is a parameter."""
    item = f"{resource.path.rstrip('/')}/{{key}}"
    for operation, method, template in (
        ("list", "GET", resource.path),
        ("create", "POST", resource.path),
        ("get", "GET", item),
        ("update", resource.update_method, item),
        ("replace", "PUT", item),
        ("delete", "DELETE", item),
        ("watch", "GET", resource.watch),
    ):
        if operation in resource.operations:
            yield operation, method, template


def _route_path(template: str) -> str:
    """The route that forwards a template: itself, or the wildcard after what stands before its first parameter."""
    if template == "/":
        return template
    literal: list[str] = []
    for segment in template.split("/")[1:]:
        # a node takes a ':' for a parameter within a segment too
        if not segment or _BEGINS_PARAMETER.intersection(segment):
            return "/".join(["", *literal]) + TAIL
        # nodes compare paths as they travel
        literal.append(encode_path(f"/{segment}")[1:].decode("ascii"))
    return "/".join(["", *literal])


def _bare(path: str, route: Optional[str] = None) -> str:
    """What the node asks the upstream for, the rest apart: it joins with one ``/``."""
    if not (route or path).endswith(TAIL):
        return path
    return (path if route else path[: -len(TAIL)]).rstrip("/")


def _check_places(facet: FacetDescription, table: _Table) -> None:
    paths = sorted(table)
    for number, path in enumerate(paths):
        for other in paths[:number]:
            names = different_parameters(other, path)
            if names:
                one, two = (next(iter(table[place].values())).source for place in (other, path))
                raise RonConfigError(
                    f"class {facet.name}: {one} and {two} need {other!r} and {path!r}, with {names[0]!r} and "
                    f"{names[1]!r} at one place: a node would panic on it; give one of them another path"
                )


def _wildcard_above(table: _Table, path: str) -> Optional[str]:
    """The longest wildcard that would match ``path`` if it were not there itself."""
    found: Optional[str] = None
    for other in table:
        before = other[: -len("*tail")]
        if other.endswith(TAIL) and other != path and path.startswith(before) and len(path) > len(before):
            found = other if found is None or len(other) > len(found) else found
    return found


def _fill(facet: FacetDescription, table: _Table) -> None:
    # a wildcard before all that it covers, so that what it was given itself is passed on
    for path in sorted(table, key=lambda path: (path.count("/"), not path.endswith(TAIL))):
        above = _wildcard_above(table, path)
        if above is None:
            continue
        for method in METHODS:
            entry = table[above].get(method)
            if entry is None or method in table[path]:
                continue
            if "/:" in path:
                hiding = next(iter(table[path].values())).source
                raise RonConfigError(
                    f"class {facet.name}: {hiding} hides {method} {above} from {entry.source}, and no route can ask "
                    f"the upstream for what ':' stands for: write {path.split('/:')[0] + TAIL!r}, or give it another "
                    "path"
                )
            table[path][method] = _inherited(entry, above, path)


def _inherited(entry: _Entry, above: str, path: str) -> _Entry:
    target = entry.target + _bare(path)[len(above) - len(TAIL) :]
    return _Entry(target, entry.source, None if target == _bare(path) else target)


def _is_redundant(table: _Table, path: str) -> bool:
    above = _wildcard_above(table, path)
    if above is None or any(entry.explicit for entry in table[path].values()):
        return False
    return table[path].keys() == table[above].keys() and all(
        entry.target == _inherited(table[above][method], above, path).target for method, entry in table[path].items()
    )
