"""What a facet's explicit routes may be. Every rule is a micronode's (protocol.md "Facet manifests"); no I/O.

A node skips a bad manifest without a word, matches ``{name}`` as literal text, and panics at start-up on routes that
clash; so all of that is refused here, when the facet class is made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Optional

from ._plan import encode_path
from ._suggest import shown
from .errors import RonConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "METHODS",
    "TAIL",
    "Route",
    "checked_files",
    "checked_index",
    "checked_routes",
    "different_parameters",
    "route_name",
]

#: what a manifest may name, in the order in which routes are written; HEAD comes with GET
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
#: the only ending with which a proxy forwards the rest of the path; it matches no empty rest
TAIL = "/*tail"
_PARAMETER = re.compile(r"[:*][A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True)
class Route:
    """One explicit route of a facet (protocol.md "Facet manifests").

    Attributes:
        path: below the facet; begins with ``/``; ``:name`` is a parameter, a final ``*tail`` takes the rest, which is
            never empty. A proxy forwards only what ``*tail`` stands for, so that ``:name`` needs an ``upstream_path``.
        method: ``GET``, ``POST``, ``PUT``, ``PATCH`` or ``DELETE``, in any case. A static facet only has ``GET``.
        file: for static facets: the file to serve, relative to ``root`` (to the node's working directory without one).
        upstream_path: for proxy facets: the path to ask the upstream for, where it differs; where ``path`` ends in
            ``/*tail``, what stands before the rest.
    """

    path: str
    method: str = "GET"
    file: Optional[str] = None
    upstream_path: Optional[str] = None


def route_name(path: str, method: str) -> str:
    """A route as messages write it: ``Route('/items', 'GET')``."""
    return f"Route({shown(path)}, {method!r})"


def checked_routes(name: str, kind: str, routes: Sequence[Route]) -> tuple[Route, ...]:
    """The routes of the facet class ``name``, their methods in upper case.

    Raises:
        RonConfigError: naming class and route, for a route that a node would skip, mount wrongly or panic on, and for
            one method and path given twice.
    """
    checked: list[Route] = []
    for given in routes:
        method = _method(f"class {name}: Route({shown(given.path)})", given.method)
        where = f"class {name}: {route_name(given.path, method)}"
        route = replace(given, method=method)
        _check_path(where, kind, route.path)
        _CHECKS[kind](where, route)
        for other in checked:
            _check_pair(where, route, other)
        checked.append(route)
    return tuple(checked)


def checked_files(name: str, kind: str, keywords: Mapping[str, Any]) -> tuple[str, ...]:
    """The patterns of ``files=``.

    Raises:
        RonConfigError: on another kind than static, without a root, and for what cannot match a file in it.
    """
    given: Any = keywords.get("files") or ()
    patterns: list[Any] = (
        [given] if isinstance(given, str) else list(given) if isinstance(given, (list, tuple)) else [0]
    )
    for pattern in patterns:
        if not isinstance(pattern, str) or not pattern:
            raise RonConfigError(
                f"class {name}: files must be a pattern such as '**/*', or a list of them, not {shown(given)}"
            )
        if "\\" in pattern or any(segment in ("", ".", "..") for segment in pattern.split("/")):
            raise RonConfigError(
                f"class {name}: files {shown(pattern)} is below root: write names and '*' with one '/' between them, "
                "without '.' and '..'"
            )
        if any("**" in segment and segment != "**" for segment in pattern.split("/")):
            raise RonConfigError(
                f"class {name}: files {shown(pattern)}: '**' stands for folders and is a segment of its own: write "
                "'**/*.html'"
            )
    if patterns and kind != "static":
        raise RonConfigError(f"class {name}: files is for kind='static'; a {kind} facet has no files")
    if patterns and keywords.get("root") is None:
        raise RonConfigError(f"class {name}: files are looked for in a root: write root='site'")
    return tuple(patterns)


def checked_index(name: str, keywords: Mapping[str, Any]) -> Optional[str]:
    """The file name of ``index=``, ``index.html`` if it isn't given."""
    index: Any = keywords.get("index", "index.html")
    if index is not None and (not isinstance(index, str) or index in ("", ".", "..") or re.search(r"[/\\]", index)):
        raise RonConfigError(f"class {name}: index is the name of a file, such as 'index.html', not {shown(index)}")
    if "index" in keywords and not keywords.get("files"):
        raise RonConfigError(f"class {name}: index is a file among those of files=: write files='**/*' too")
    return index


def different_parameters(one: str, other: str) -> Optional[tuple[str, str]]:
    """The parameters with which two paths name the same place differently: a node panics on that."""
    for left, right in zip(one.split("/"), other.split("/")):
        if left != right:
            both = left[:1] in (":", "*") and right[:1] in (":", "*")
            return (left, right) if both else None
    return None


def _check_pair(where: str, route: Route, other: Route) -> None:
    if (route.method, route.path) == (other.method, other.path):
        raise RonConfigError(f"{where} is there twice: a node would panic on it; leave one out")
    names = different_parameters(route.path, other.path)
    if names:
        raise RonConfigError(
            f"{where} and {route_name(other.path, other.method)} have {names[0]!r} and {names[1]!r} at one place: a "
            "node would panic on it; give both the same parameter"
        )


def _method(where: str, method: Any) -> str:
    upper = method.upper() if isinstance(method, str) else None
    if upper == "HEAD":
        raise RonConfigError(
            f"{where}: nodes refuse a manifest with HEAD; they answer it themselves where 'GET' stands"
        )
    if upper not in METHODS:
        raise RonConfigError(f"{where}: method must be {', '.join(METHODS)}, not {shown(method)}")
    return upper


def _check_path(where: str, kind: str, path: Any) -> None:
    if not isinstance(path, str) or not path.startswith("/"):
        raise RonConfigError(f"{where}: path begins with '/', such as '/items', not {shown(path)}")
    braced = re.search(r"\{[^/]*|[^/]*\}", path)
    if braced:
        above = path[: braced.start()].rsplit("/", 1)[0]
        better = f"{above}{TAIL}" if kind == "proxy" else f"{above}/:{braced.group().strip('{}') or 'name'}"
        raise RonConfigError(f"{where}: a node takes {braced.group()!r} as literal text: write {better!r}")
    segments = path.split("/")[1:]
    if "" in segments[:-1]:
        raise RonConfigError(f"{where}: path has an empty segment: write one '/' between two names")
    for place, segment in enumerate(segments, 1):
        _check_segment(where, segment, last=place == len(segments))
    parameters = [segment[1:] for segment in segments if segment[:1] in (":", "*")]
    if len(set(parameters)) != len(parameters):
        raise RonConfigError(f"{where}: path names one parameter twice: give each its own name")


def _check_segment(where: str, segment: str, *, last: bool) -> None:
    if segment[:1] == "*" and not last:
        raise RonConfigError(f"{where}: {segment!r} takes the whole rest, so it is last: a node would panic on it")
    if segment[:1] in (":", "*"):
        if not _PARAMETER.fullmatch(segment):
            raise RonConfigError(
                f"{where}: {shown(segment)} is no parameter: after {segment[0]!r} comes a name of letters, digits and "
                f"'_', such as {':id' if segment[0] == ':' else '*tail'!r}"
            )
        return
    for mark in ":*":
        if mark in segment:
            raise RonConfigError(
                f"{where}: {mark!r} begins a parameter, also within {shown(segment)}: it can only begin a segment"
            )
    travels = _encoded(where, "path", f"/{segment}")[1:]
    if travels != segment:
        raise RonConfigError(f"{where}: a node compares paths as they travel: write {travels!r} for {shown(segment)}")


def _encoded(where: str, what: str, path: str) -> str:
    reason = ""
    try:
        return encode_path(path).decode("ascii")
    except RonConfigError as error:
        reason = error.message
    raise RonConfigError(f"{where}: {what}: {reason}")


def _check_proxy(where: str, route: Route) -> None:
    if route.file is not None:
        raise RonConfigError(
            f"{where}: file is for kind='static'; a proxy asks its upstream: write upstream_path or leave it out"
        )
    segments = route.path.split("/")
    if segments[-1][:1] == "*" and segments[-1] != "*tail":
        raise RonConfigError(f"{where}: a proxy forwards the rest only where the path ends in '/*tail': write that")
    parameter = next((segment for segment in segments if segment[:1] == ":"), None)
    if parameter is not None and (route.upstream_path is None or route.path.endswith(TAIL)):
        above = route.path.split("/:", 1)[0]
        raise RonConfigError(
            f"{where}: a proxy would ask the upstream for the literal {parameter!r}: write {above + TAIL!r}, which "
            "forwards whatever follows"
        )
    if route.upstream_path is not None:
        _check_upstream_path(where, route)


def _check_upstream_path(where: str, route: Route) -> None:
    path: Any = route.upstream_path
    if not isinstance(path, str) or not path.startswith("/"):
        raise RonConfigError(f"{where}: upstream_path begins with '/', such as '/v2/items', not {shown(path)}")
    filled = re.search(r"/:[^/]*|\*[^/]*|[{}]", path)
    if filled:
        better = (
            shown(path[: -len(TAIL)] or "/") if path.endswith(TAIL) and "*" not in path[:-5] else "a path without it"
        )
        raise RonConfigError(
            f"{where}: upstream_path {shown(path)} is asked for as it stands, {filled.group().lstrip('/')!r} too: "
            f"write {better}" + (", to which the rest is appended" if route.path.endswith(TAIL) else "")
        )
    travels = _encoded(where, "upstream_path", path)
    if travels != path:
        raise RonConfigError(f"{where}: upstream_path is asked for as it stands: write {travels!r}")


def _check_static(where: str, route: Route) -> None:
    if route.upstream_path is not None:
        raise RonConfigError(f"{where}: upstream_path is for kind='proxy'; a static facet has files: write file='...'")
    if route.method != "GET":
        raise RonConfigError(f"{where}: a static facet only answers GET: leave method out")
    file: Any = route.file
    if not isinstance(file, str) or not file:
        raise RonConfigError(f"{where}: which file? Write file='hello.txt', relative to root, not {shown(file)}")
    if file.startswith("/") or re.match(r"[A-Za-z]:", file):
        raise RonConfigError(
            f"{where}: file {shown(file)} is absolute: write it relative to root=, which may be absolute"
        )
    if "\\" in file:
        raise RonConfigError(f"{where}: file {shown(file)} holds a backslash: write '/' between folders")
    if any(segment in ("", ".", "..") for segment in file.split("/")):
        raise RonConfigError(
            f"{where}: file {shown(file)} has an empty, '.' or '..' segment: name a file inside root, such as "
            "'site/a.txt'"
        )
    if _CONTROL.search(file):
        raise RonConfigError(f"{where}: file {shown(file)} holds a control character")


def _check_echo(where: str, route: Route) -> None:
    for keyword, value in (("file", route.file), ("upstream_path", route.upstream_path)):
        if value is not None:
            raise RonConfigError(f"{where}: an echo facet only answers what it was sent: leave {keyword} out")


_CHECKS = {"proxy": _check_proxy, "static": _check_static, "echo": _check_echo}
