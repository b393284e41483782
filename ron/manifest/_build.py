"""From a facet's declaration and its resources to its manifest. Pure; nothing here may do I/O.

What can be known from the facet class alone was refused when it was made (``ron.facets``); here is what only shows
with the resources and the upstream at hand.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, Optional

from .._plan import encode_path
from .._suggest import listed, shown
from .._url import parse_base_url
from ..errors import RonConfigError
from ._files import Folder, served_at
from ._forwarding import proxy_routes
from ._model import Manifest
from ._tables import FacetTable, Integrity, Limits, ManifestRoute, Meta, Security, Upstream, route_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..facets import FacetDescription
    from ..resources import Resource
    from ..resources._description import Description

__all__ = ["build_manifest", "manifest_for"]

_NOT_LOOKED = Folder()


def build_manifest(
    facet: FacetDescription,
    resources: Sequence[Description],
    *,
    upstream: Optional[str] = None,
    folder: Folder = _NOT_LOOKED,
) -> Manifest:
    """The manifest of a facet: the same declarations, in whatever order, give an equal one.

    A proxy gets the routes that its resources' operations need, and its explicit ones; a static facet its explicit ones
    and those of the files that were found; an echo its explicit ones.

    Args:
        facet: what the facet class declares.
        resources: the resources that it serves.
        upstream: a URL ``http(s)://host[:port][/base]`` instead of the declared one.
        folder: what lies in a static facet's root, as ``Facet.manifest()`` found it.

    Raises:
        RonConfigError: for a proxy without an upstream, a facet without any route, resources on a facet that is no
            proxy, and routes that a node could not have together.
    """
    if facet.kind != "proxy" and resources:
        raise RonConfigError(
            f"class {facet.name}: a {facet.kind} facet has no service behind it, so it cannot serve "
            f"{listed(resource.name for resource in resources)}: write kind='proxy' and upstream='http://host:port'"
        )
    routes = proxy_routes(facet, resources) if facet.kind == "proxy" else _own(facet, folder)
    if not routes:
        raise RonConfigError(_without_routes(facet))
    return _manifest(facet, routes, upstream, _made_from(facet, resources))


def manifest_for(keywords: Mapping[str, Any], doc: Optional[str], resources: Sequence[type[Resource]]) -> Manifest:
    """The manifest of a proxy for resources without a facet; see ``Manifest.for_resources``."""
    from ..facets import describe_facet
    from ..resources._description import description_of

    where = "Manifest.for_resources"
    reason = ""
    try:
        facet = describe_facet(where, doc, keywords)
        if isinstance(resources, type) or not hasattr(resources, "__iter__"):
            name = getattr(resources, "__name__", type(resources).__name__)
            raise RonConfigError(f"{where}: resources is a list of classes: write resources=[{name}]")
        described = [description_of(resource) for resource in resources]
        _check_free(where, described, facet.id)
        routes = proxy_routes(facet, described, below=lambda path: _below(path, facet.id))
        if not routes:
            raise RonConfigError(
                f"{where}: no routes, so that a node would answer nothing: give resources that allow "
                "something, or routes=[Route('/*tail')]"
            )
        names = sorted(one.name for one in described)
        made_from = f"{_resources(names)} for facet {facet.id}" if names else f"routes for facet {facet.id}"
        return _manifest(facet, routes, None, made_from)
    except RonConfigError as error:
        reason = error.message.replace(f"class {where}", where)  # the checks of a class statement, which this is not
    raise RonConfigError(reason)


def _check_free(where: str, resources: Sequence[Description], facet_id: str) -> None:
    """Refuses resources of another facet, and two on one route."""
    taken: dict[str, str] = {}
    for one in resources:
        if one.facet is not None:
            raise RonConfigError(
                f"{where}: {one.name} belongs to facet {one.facet.__name__}: write {one.facet.__name__}.manifest()"
            )
        path = _below(one.path, facet_id)
        if path in taken:
            raise RonConfigError(
                f"{where}: {taken[path]} and {one.name} need the same route {path!r}: give one of them another path"
            )
        taken[path] = one.name


def _below(path: str, facet_id: str) -> str:
    """The facet's own path for a whole path of the app plane."""
    for prefix in (f"/app/{facet_id}", "/app"):
        if path.startswith(f"{prefix}/"):
            return path[len(prefix) :]
    return path


def _manifest(
    facet: FacetDescription, routes: Sequence[ManifestRoute], upstream: Optional[str], made_from: str
) -> Manifest:
    return Manifest(
        facet=_facet_table(facet),
        upstream=_upstream(facet, upstream),
        route=tuple(sorted(routes, key=route_order)),
        made_from=made_from,
    )


def _facet_table(facet: FacetDescription) -> FacetTable:
    meta = Meta(description=facet.description or None, owner=facet.owner, version=facet.version)
    security = Security(requires_auth=facet.requires_auth, public=facet.public)
    limits = Limits(max_rps=facet.max_rps)
    return FacetTable(
        id=facet.id,
        kind=facet.kind,
        meta=None if meta == Meta() else meta,
        security=None if security == Security() else security,
        limits=None if limits == Limits() else limits,
    )


def _upstream(facet: FacetDescription, given: Optional[str]) -> Optional[Upstream]:
    if facet.kind != "proxy":
        if given is not None:
            raise RonConfigError(f"class {facet.name}: manifest(upstream=...) is for kind='proxy', not {facet.kind!r}")
        return None
    source = f"class {facet.name}: upstream" if given is None else f"{facet.name}.manifest(upstream=...)"
    url = facet.upstream if given is None else given
    if url is None:
        raise RonConfigError(
            f"class {facet.name}: which service does the proxy stand before? Write upstream='http://127.0.0.1:4000' in "
            f"the class, or {facet.name}.manifest(upstream='http://127.0.0.1:4000')"
        )
    parts = parse_base_url(url, source=source)
    # a node pastes the host into a URL, where an IPv6 address stands in brackets (RFC 3986 §3.2.2)
    host = f"[{parts.host}]" if ":" in parts.host else parts.host
    return Upstream(scheme=parts.scheme, host=host, port=parts.port, base_path=parts.path or None)


def _own(facet: FacetDescription, folder: Folder) -> list[ManifestRoute]:
    """The explicit routes, and those of the folder's files at paths that none of these has."""
    routes = [_explicit(facet, route.method, route.path, route.file, folder) for route in facet.routes]
    taken = {route.path for route in facet.routes}
    for file in folder.files:
        for path in served_at(file, facet.index):
            served = _served(facet, path, file)
            if served not in taken:
                routes.append(_explicit(facet, "GET", served, file, folder))
    return routes


def _explicit(facet: FacetDescription, method: str, path: str, file: Optional[str], folder: Folder) -> ManifestRoute:
    sha256 = folder.sha256.get(file or "")
    return ManifestRoute(
        method=method,
        path=path,
        file=None if file is None else posixpath.join(facet.root or "", file),
        integrity=None if sha256 is None else Integrity(sha256=sha256),
    )


def _served(facet: FacetDescription, path: str, file: str) -> str:
    """A file's path as it travels, if a node can have it."""
    reason = f"{next((mark for mark in ':*' if mark in path), '')!r} begins a parameter in a route"
    if not any(mark in path for mark in ":*"):
        try:
            return encode_path(path.replace("%", "%25")).decode("ascii")
        except RonConfigError as error:
            reason = error.message
    raise RonConfigError(
        f"class {facet.name}: files= finds {shown(file)}, which no path can name: {reason}; rename it, or write "
        "files= without it"
    )


def _without_routes(facet: FacetDescription) -> str:
    what = {
        "proxy": f"declare a resource that allows something with facet={facet.name}, or write routes=[Route('/*tail')]",
        "static": "write root='site' and files='**/*', or write routes=[Route('/hello', file='hello.txt')]",
        "echo": "write routes=[Route('/who')]",
    }[facet.kind]
    return f"class {facet.name}: a node would load a manifest without routes and answer nothing: {what}"


def _made_from(facet: FacetDescription, resources: Sequence[Description]) -> str:
    names = sorted({resource.name for resource in resources})
    return f"class {facet.name} and its {_resources(names)}" if names else f"class {facet.name}"


def _resources(names: Sequence[str]) -> str:
    return f"resource{'s' if len(names) > 1 else ''} {', '.join(names)}"
