"""From a facet's declaration and its resources to its manifest. Pure; nothing here may do I/O.

What can be known from the facet class alone was refused when it was made (``ron.facets``); here is what only shows
with the resources and the upstream at hand.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Optional

from .._suggest import listed
from .._url import parse_base_url
from ..errors import RonConfigError
from ._forwarding import proxy_routes
from ._model import FacetTable, Limits, Manifest, ManifestRoute, Meta, Security, Upstream, route_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..facets import FacetDescription
    from ..resources._description import Description

__all__ = ["build_manifest"]


def build_manifest(
    facet: FacetDescription, resources: Sequence[Description], *, upstream: Optional[str] = None
) -> Manifest:
    """The manifest of a facet: the same declarations, in whatever order, give an equal one.

    A proxy gets the routes that its resources' operations need, and its explicit ones; other kinds their explicit ones.

    Args:
        facet: what the facet class declares.
        resources: the resources that it serves.
        upstream: a URL ``http(s)://host[:port][/base]`` instead of the declared one.

    Raises:
        RonConfigError: for a proxy without an upstream, a facet without any route, resources on a facet that is no
            proxy, and routes that a node could not have together.
    """
    if facet.kind != "proxy" and resources:
        raise RonConfigError(
            f"class {facet.name}: a {facet.kind} facet has no service behind it, so it cannot serve "
            f"{listed(resource.name for resource in resources)}: write kind='proxy' and upstream='http://host:port'"
        )
    routes = proxy_routes(facet, resources) if facet.kind == "proxy" else _explicit(facet)
    if not routes:
        raise RonConfigError(_without_routes(facet))
    return Manifest(
        facet=_facet_table(facet),
        upstream=_upstream(facet, upstream),
        route=tuple(sorted(routes, key=route_order)),
        made_from=_made_from(facet, resources),
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


def _explicit(facet: FacetDescription) -> list[ManifestRoute]:
    return [
        ManifestRoute(
            method=route.method,
            path=route.path,
            file=None if route.file is None else posixpath.join(facet.root or "", route.file),
        )
        for route in facet.routes
    ]


def _without_routes(facet: FacetDescription) -> str:
    what = {
        "proxy": f"declare a resource that allows something with facet={facet.name}, or write routes=[Route('/*tail')]",
        "static": "write routes=[Route('/hello', file='hello.txt')]",
        "echo": "write routes=[Route('/who')]",
    }[facet.kind]
    return f"class {facet.name}: a node would load a manifest without routes and answer nothing: {what}"


def _made_from(facet: FacetDescription, resources: Sequence[Description]) -> str:
    names = sorted({resource.name for resource in resources})
    if not names:
        return f"class {facet.name}"
    return f"class {facet.name} and its resource{'s' if len(names) > 1 else ''} {', '.join(names)}"
