"""A small model of what a micronode does with manifests: load, mount, forward.

Written from protocol.md ("Facet manifests, as a micronode loads them"), not from `ron.manifest`, and proved by the
vectors in `tests/vectors/manifest`, whose first lines say what a real node does.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Optional

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

KINDS = ("static", "echo", "proxy")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
#: what today's micronode mounts; the rest passes validation and answers 404 or 405
MOUNTED = ("GET", "POST")


class SkippedError(Exception):
    """The node skips the file with a log line."""


class NodePanicError(Exception):
    """The node dies at start-up."""


@dataclass(frozen=True)
class Loaded:
    """A manifest that a node took, with the keys that it knows."""

    id: str
    kind: str
    routes: tuple[dict[str, Any], ...]
    upstream: Optional[dict[str, Any]] = None


def load(text: str, files: Collection[str] = ()) -> Loaded:
    """What the node's loader makes of a file's text; `files` are those that it finds from its working directory."""
    document = tomllib.loads(text)
    manifest = _v1(document) or _legacy(document)
    if manifest is None:
        raise SkippedError("did not match any variant")
    if not manifest.id.strip():
        raise SkippedError("blank id")
    if manifest.kind == "proxy":
        _check_upstream(manifest.upstream)
    for route in manifest.routes:
        _check_route(manifest.kind, route, files)
    return manifest


def _v1(document: dict[str, Any]) -> Optional[Loaded]:
    facet = document.get("facet")
    if not isinstance(facet, dict) or not _header(facet):
        return None
    upstream, routes = document.get("upstream"), document.get("route", [])
    if upstream is not None and not _typed(upstream, scheme=str, host=str, port=int):
        return None
    if not all(_typed(route, method=str, path=str) for route in routes):
        return None
    return Loaded(facet["id"], facet["kind"], tuple(routes), upstream)


def _legacy(document: dict[str, Any]) -> Optional[Loaded]:
    routes = document.get("routes", [])
    if not _header(document) or not all(_typed(route, path=str) for route in routes):
        return None
    return Loaded(document["id"], document["kind"], tuple({**route, "method": "GET"} for route in routes))


def _header(table: dict[str, Any]) -> bool:
    return _typed(table, id=str, kind=str) and table["kind"] in KINDS


def _typed(table: Any, **keys: type) -> bool:
    return isinstance(table, dict) and all(isinstance(table.get(key), of) for key, of in keys.items())


def _check_upstream(upstream: Optional[dict[str, Any]]) -> None:
    if upstream is None:
        raise SkippedError("proxy facet requires [upstream]")
    if upstream["scheme"].lower() not in ("http", "https") or not upstream["host"].strip():
        raise SkippedError("bad upstream scheme or host")
    if not 1 <= upstream["port"] <= 65535:
        raise SkippedError("bad upstream port")
    if not upstream.get("base_path", "/").startswith("/"):
        raise SkippedError("bad base_path")


def _check_route(kind: str, route: dict[str, Any], files: Collection[str]) -> None:
    if not route["path"].startswith("/") or not route.get("upstream_path", "/").startswith("/"):
        raise SkippedError("a path must begin with '/'")
    if route["method"].upper() not in METHODS:
        raise SkippedError("unknown method")
    if kind == "static" and route["method"].upper() != "GET":
        raise SkippedError("static routes must be GET")
    if kind == "static" and route.get("file") not in files:
        raise SkippedError("no such file")


@dataclass
class Node:
    """A node with these manifests mounted; `mounts` are the methods that it can mount.

    Raises:
        NodePanicError: at start-up, where axum's router would panic.
    """

    manifests: Iterable[Loaded]
    mounts: tuple[str, ...] = MOUNTED
    table: dict[str, dict[str, tuple[Loaded, dict[str, Any]]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for manifest in self.manifests:
            if re.search(r"[:*]", manifest.id):
                raise NodePanicError(f"id {manifest.id!r}")
            for route in manifest.routes:
                if route["method"].upper() in self.mounts:
                    self._mount(f"/facets/{manifest.id}{route['path']}", manifest, route)

    def _mount(self, path: str, manifest: Loaded, route: dict[str, Any]) -> None:
        *before, _ = path.split("/")
        if any("*" in segment for segment in before) or re.search(r"[:*](/|$)", path):
            raise NodePanicError(f"a wildcard that is not last, or without a name: {path}")
        for other in self.table:
            if other != path and _named_otherwise(other, path):
                raise NodePanicError(f"different parameters at one place: {other} and {path}")
        methods = self.table.setdefault(path, {})
        if route["method"].upper() in methods:
            raise NodePanicError(f"the same method and path twice: {route['method']} {path}")
        methods[route["method"].upper()] = (manifest, route)

    def answer(self, method: str, path: str) -> str:
        """`404`, `405`, `file <name>`, `echo`, or the URL that the upstream is asked for."""
        matching = [pattern for pattern in self.table if _matches(pattern, path)]
        if not matching:
            return "404"
        # the most specific path wins, and only then the method counts
        pattern = min(matching, key=lambda one: [_rank(segment) for segment in one.split("/")])
        if method not in self.table[pattern]:
            return "405"
        manifest, route = self.table[pattern][method]
        if manifest.kind != "proxy":
            return f"file {route['file']}" if manifest.kind == "static" else "echo"
        assert manifest.upstream is not None
        upstream = manifest.upstream
        asked = _asked(f"/facets/{manifest.id}", route, path)
        joined = _joined(upstream.get("base_path", ""), asked)
        return f"{upstream['scheme']}://{upstream['host']}:{upstream['port']}{joined}"


def _asked(base: str, route: dict[str, Any], path: str) -> str:
    if not route["path"].endswith("/*tail"):
        literal: str = route.get("upstream_path", route["path"])
        return literal
    prefix = route["path"][: -len("/*tail")]
    mounted_at = base + prefix
    # compared as text, so a ':name' before the wildcard never fits
    rest = path[len(mounted_at) :] if path.startswith(mounted_at) else ""
    return _joined(route.get("upstream_path", prefix), rest)


def _joined(before: str, after: str) -> str:
    return before.rstrip("/") + after if after.startswith("/") else before + after


def _named_otherwise(one: str, other: str) -> bool:
    for left, right in zip(one.split("/"), other.split("/")):
        if left != right:
            return left[:1] in (":", "*") and right[:1] in (":", "*")
    return False


def _matches(pattern: str, path: str) -> bool:
    expression = "".join(
        f"/{'.+' if part[:1] == '*' else '[^/]+' if part[:1] == ':' else re.escape(part)}"
        for part in pattern.split("/")[1:]
    )
    return re.fullmatch(expression, path) is not None


def _rank(segment: str) -> int:
    return {":": 1, "*": 2}.get(segment[:1], 0)
