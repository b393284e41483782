"""What a node's router would not take: routes that cannot be together, wildcards that it does not know. Pure.

Routers compare whole mounted paths, so this is looked for over all manifests of a node together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Optional

from ._check_routes import RoutePlace, is_mounted
from ._check_tables import route_table
from ._exposed import quoted

if TYPE_CHECKING:
    from ._findings import Finding
    from ._model import Manifest
    from ._nodes import NodeCapabilities

__all__ = ["check_mounts"]

#: by mounted path and method: the file, and the route as its file has it
_Mounted = dict[str, dict[str, tuple[Optional[str], str]]]


def check_mounts(manifests: Sequence[tuple[int, Manifest]], node: NodeCapabilities) -> Iterator[tuple[int, Finding]]:
    """What a node's router would not take, over these manifests in their order; each beside its manifest's number."""
    table: _Mounted = {}
    varying: _Mounted = {}  # of these, the paths with variables: only they can differ in a name
    for number, manifest in manifests:
        if any(char in manifest.facet.id for char in node.forbidden_in_id):
            continue  # said of the id
        for place, route in enumerate(manifest.routes, 1):
            if not is_mounted(route, node):
                continue
            where = RoutePlace(manifest.source, route_table(manifest, place))
            mine = (manifest.source, f"{route.method.upper()} {quoted(route.path)}")
            path = f"{node.mount}/{manifest.facet.id}{route.path}"
            reason = _wildcard_reason(route.path, node)
            if reason:
                yield number, where("wildcard", node.clash, "path", *reason)
                continue
            there = table.setdefault(path, {}).setdefault(route.method.upper(), mine)
            varies = any(node.syntax.is_variable(segment) for segment in path.split("/"))
            if there is not mine:
                said = f"{where.other(there)} is mounted at the same path already"
                yield number, where("clash", node.clash, "path", said, "leave one of them out")
            elif varies:
                for finding in _named_otherwise(where, path, node, varying):
                    yield number, finding
            if varies:
                varying[path] = table[path]


def _wildcard_reason(path: str, node: NodeCapabilities) -> Optional[tuple[str, str]]:
    """Why a router takes the path's wildcard or parameter for an error, and what to write."""
    *before, last = path.split("/")
    mark = node.syntax.wildcard[0]
    early = next((segment for segment in before if mark in segment), None)
    if early is not None:
        return f"{quoted(early)} takes the whole rest, and is not last", "write it as the last segment"
    nameless = next((one for one in (*before, last) if _is_nameless(one, node)), None)
    if nameless is not None:
        return f"{quoted(nameless)} has no name", "write a name after the mark, such as 'tail'"
    return None


def _is_nameless(segment: str, node: NodeCapabilities) -> bool:
    """Whether a segment ends with the opening mark of a parameter or wildcard, or has nothing between its marks."""
    if node.syntax.is_variable(segment) and not node.syntax.name(segment):
        return True
    return not node.syntax.parameter[1] and segment[-1:] in (node.syntax.parameter[0], node.syntax.wildcard[0])


def _named_otherwise(where: RoutePlace, path: str, node: NodeCapabilities, varying: _Mounted) -> Iterator[Finding]:
    """The first path that has another variable at the same place."""
    for other, methods in varying.items():
        names = _different(other, path, node) if other != path else None
        if names:
            mounted = where.other(next(iter(methods.values())))
            said = f"{quoted(names[1])} stands where {mounted} has {quoted(names[0])}"
            yield where("clash", node.clash, "path", said, "give both the same parameter")
            return


def _different(one: str, other: str, node: NodeCapabilities) -> Optional[tuple[str, str]]:
    for left, right in zip(one.split("/"), other.split("/")):
        if left != right:
            both = node.syntax.is_variable(left) and node.syntax.is_variable(right)
            return (left, right) if both else None
    return None
