"""The routes of a manifest, each for itself: what a node would not mount, or forward wrongly. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Optional

from .._suggest import listed
from ._check_tables import route_table, travels
from ._exposed import quoted
from ._findings import Finding, Place
from ._nodes import BRACES, COLON

if TYPE_CHECKING:
    from ._files import SeenFiles
    from ._model import Manifest
    from ._nodes import KindRules, NodeCapabilities
    from ._tables import ManifestRoute

__all__ = ["RoutePlace", "check_routes", "is_mounted"]


def check_routes(
    manifest: Manifest, node: NodeCapabilities, rules: Optional[KindRules], seen: Optional[SeenFiles]
) -> Iterator[Finding]:
    """What is wrong with each route for itself, and with having none."""
    for number, route in enumerate(manifest.routes, 1):
        yield from _route(RoutePlace(manifest.source, route_table(manifest, number)), route, node, rules, seen)
    if manifest.made_from is None and rules is not None and rules.upstream:
        yield from _collections(manifest, node)
    yield from _hidden(manifest, node)
    if not any(is_mounted(route, node) for route in manifest.routes):
        yield Finding(
            "no_routes",
            "empty",
            Place(manifest.source),
            "no route is mounted, so that nothing of the facet is answered",
            _without_routes(manifest, node),
        )


class RoutePlace:
    """One route's place in its file: makes findings of it."""

    def __init__(self, source: Optional[str], table: str) -> None:
        self.source, self.table = source, table

    def __call__(self, code: str, effect: str, key: Optional[str], message: str, fix: str) -> Finding:
        return Finding(code, effect, Place(self.source, self.table, key), message, fix)

    def other(self, mounted: tuple[Optional[str], str]) -> str:
        """Another route, with its file if that is another one."""
        source, route = mounted
        return route if source in (None, self.source) else f"{route} of {source}"


def is_mounted(route: ManifestRoute, node: NodeCapabilities) -> bool:
    """Whether requests reach the route."""
    return route.method.upper() in node.mounted and route.path.startswith("/")


def _route(
    where: RoutePlace,
    route: ManifestRoute,
    node: NodeCapabilities,
    rules: Optional[KindRules],
    seen: Optional[SeenFiles],
) -> Iterator[Finding]:
    yield from _method(where, route, node, rules)
    if not route.path.startswith("/"):
        better = (
            f"write {quoted('/' + route.path)}" if re.match(r"[\w:*{]", route.path) else "write it with a '/' first"
        )
        yield where("path", "skipped", "path", f"{quoted(route.path)} does not begin with '/'", better)
    else:
        yield from _path(where, route, node, rules)
        if rules is not None and rules.upstream:
            yield from _forwarding(where, route, node)
    # of a kind that the node doesn't have, nobody knows what its routes need
    if rules is not None:
        yield from _upstream_path(where, route, node, rules)
        yield from _file(where, route, rules, seen)


def _method(
    where: RoutePlace, route: ManifestRoute, node: NodeCapabilities, rules: Optional[KindRules]
) -> Iterator[Finding]:
    method = route.method.upper()
    if method not in node.methods:
        fix = "write 'GET', which answers HEAD too" if method == "HEAD" else f"write one of {listed(node.methods)}"
        yield where("method", "skipped", "method", f"no manifest may name {quoted(route.method)}", fix)
    elif rules is not None and method not in rules.methods:
        allowed = listed(rules.methods)
        yield where(
            "method", "skipped", "method", f"a facet of this kind has only {allowed}, not {method}", f"write {allowed}"
        )
    elif method not in node.mounted:
        yield where(
            "not_mounted",
            "unanswered",
            "method",
            f"a {node.name} lists {method} {quoted(route.path)} and does not mount it: it answers 404 or 405",
            f"use {listed(node.mounted)} there, or wait for nodes that mount it",
        )


def _path(
    where: RoutePlace, route: ManifestRoute, node: NodeCapabilities, rules: Optional[KindRules]
) -> Iterator[Finding]:
    """Segments that no request has, or that only look like parameters; paths that panic are found when mounting."""
    foreign = COLON if node.syntax == BRACES else BRACES
    fills = rules is None or not rules.upstream or node.forwards_parameters
    literal: list[str] = []
    segments = route.path.split("/")[1:]
    for place, segment in enumerate(segments):
        if node.syntax.is_variable(segment):
            continue
        if foreign.is_variable(segment):
            name = foreign.name(segment) or "name"
            before, after = node.syntax.wildcard if foreign.is_wildcard(segment) else node.syntax.parameter
            tail = "/".join(["", *segments[:place]]) + (node.tail or f"/{before}tail{after}")
            yield where(
                "literal",
                "unanswered",
                "path",
                f"a {node.name} takes {quoted(segment)} as literal text",
                f"write {quoted(before + name + after if fills else tail)}",
            )
        elif node.syntax.opens_within(segment):
            yield where(
                "parameter",
                "misdirected",
                "path",
                f"a parameter begins within {quoted(segment)}",
                "let it begin the segment, or write the mark percent-encoded",
            )
        else:
            literal.append(segment)
    if not travels("/" + "/".join(literal)) or "" in segments[:-1]:
        yield where(
            "path",
            "unanswered",
            "path",
            f"no client asks for {quoted(route.path)}: nodes compare paths as they travel",
            "write segments percent-encoded, one '/' between them, without '.', '..', '?' and '#'",
        )


def _forwarding(where: RoutePlace, route: ManifestRoute, node: NodeCapabilities) -> Iterator[Finding]:
    segments = route.path.split("/")[1:]
    last = segments[-1]
    above = "/".join(["", *segments[:-1]])
    parameter = next((one for one in segments if node.syntax.is_parameter(one)), None)
    if node.syntax.is_wildcard(last) and node.tail is not None and not route.path.endswith(node.tail):
        yield where(
            "wildcard",
            "misdirected",
            "path",
            f"a {node.name} forwards the rest only for paths that end in {node.tail!r}",
            f"write {quoted(above + node.tail)}",
        )
    if parameter is None or node.forwards_parameters:
        return
    tail = node.tail is None or route.path.endswith(node.tail)
    if route.upstream_path is None or (tail and node.syntax.is_wildcard(last)):
        better = "/".join(["", *segments[: segments.index(parameter)]])
        yield where(
            "parameter",
            "misdirected",
            "path",
            f"a {node.name} would ask the upstream for the literal {quoted(parameter)}",
            f"write {quoted(better + (node.tail or ''))}, which forwards whatever follows",
        )


def _upstream_path(
    where: RoutePlace, route: ManifestRoute, node: NodeCapabilities, rules: KindRules
) -> Iterator[Finding]:
    path = route.upstream_path
    if path is None:
        return
    if not path.startswith("/"):
        yield where(
            "upstream_path",
            "skipped",
            "upstream_path",
            f"{quoted(path)} does not begin with '/'",
            "write it with a '/'",
        )
    elif not rules.upstream:
        yield where("upstream_path", "ignored", "upstream_path", "a facet of this kind asks no upstream", "remove it")
    elif not travels(path) or (
        not node.forwards_parameters and any(COLON.is_variable(one) or "{" in one for one in path.split("/"))
    ):
        yield where(
            "upstream_path",
            "misdirected",
            "upstream_path",
            f"the upstream is asked for {quoted(path)} as it stands",
            "write a path, percent-encoded; the rest that a wildcard stands for is appended",
        )


def _file(where: RoutePlace, route: ManifestRoute, rules: KindRules, seen: Optional[SeenFiles]) -> Iterator[Finding]:
    file = route.file
    if not rules.file:
        if file is not None:
            yield where("file_kind", "ignored", "file", "a facet of this kind serves no files", "remove it")
        return
    if file is None:
        yield where("file_missing", "skipped", None, "a static route names no file", "write file = 'site/hello.txt'")
        return
    if seen is not None and file not in seen.found:
        yield where(
            "file_missing",
            "skipped",
            "file",
            f"there is no file {quoted(file)} in the working directory",
            "write it relative to the directory that the node is started in, or put it there",
        )
    if ".." in re.split(r"[/\\]", file) or (seen is not None and file in seen.outside):
        yield where(
            "file_outside",
            "outside",
            "file",
            f"{quoted(file)} leads out of the node's working directory, and a node serves it all the same",
            "write a file below it, without '..' and links that lead out",
        )


def _collections(manifest: Manifest, node: NodeCapabilities) -> Iterator[Finding]:
    """A wildcard matches no empty rest. In generated manifests the declarations say whether that is wanted."""
    paths = {route.path for route in manifest.routes}
    said = set()
    for number, route in enumerate(manifest.routes, 1):
        above, _, last = route.path.rpartition("/")
        if not node.syntax.is_wildcard(last) or not is_mounted(route, node) or above in paths or route.path in said:
            continue
        said.add(route.path)
        if above:
            yield Finding(
                "collection",
                "unanswered",
                Place(manifest.source, route_table(manifest, number), "path"),
                f"{quoted(route.path)} does not match {quoted(above)}, because the rest is never empty",
                f"add a route for {quoted(above)}, if it is to be answered",
            )


def _hidden(manifest: Manifest, node: NodeCapabilities) -> Iterator[Finding]:
    """A node takes the most specific path first, and only then looks at the method."""
    methods: dict[str, dict[str, int]] = {}
    for number, route in enumerate(manifest.routes, 1):
        if is_mounted(route, node):
            methods.setdefault(route.path, {}).setdefault(route.method.upper(), number)
    wildcards = {path: own for path, own in methods.items() if node.syntax.is_wildcard(path.rpartition("/")[2])}
    for path, own in methods.items():
        for wide, others in wildcards.items():
            lost = others.keys() - own.keys()
            if lost and wide != path and _covers(wide, path, node):
                yield Finding(
                    "hidden",
                    "unanswered",
                    Place(manifest.source, route_table(manifest, min(own.values())), "path"),
                    f"{quoted(path)} hides {listed(lost)} of {quoted(wide)}: the most specific path is taken, whatever "
                    "the method",
                    f"add {listed(lost)} {quoted(path)}, if it is to be answered",
                )


def _covers(wide: str, path: str, node: NodeCapabilities) -> bool:
    """Whether a wildcard would match what another path stands for."""
    before, segments = wide.split("/")[:-1], path.split("/")
    return segments[len(before) :] not in ([], [""]) and all(
        one == other or node.syntax.is_parameter(one) for one, other in zip(before, segments)
    )


def _without_routes(manifest: Manifest, node: NodeCapabilities) -> str:
    if manifest.unknown.get("routes"):
        return "write [[route]] for each, not [[routes]]"
    if manifest.routes:
        return f"add a route with {listed(node.mounted)}"
    return "write at least one [[route]] with method and path"
