"""Facets and resources made on the fly, for the manifest tests."""

from __future__ import annotations

import types
from typing import Any, cast

from ron import Facet, Manifest, Resource, Route
from ron.resources._description import parameters_of


def facet(kind: str = "proxy", doc: object = None, **keywords: Any) -> type[Facet]:
    """`class Shop(Facet, id="shop", kind=kind, **keywords)`, with this docstring."""
    return types.new_class(
        "Shop", (Facet,), {"id": "shop", "kind": kind, **keywords}, lambda body: body.update(__doc__=doc)
    )


def resource(of: type[Facet], name: str, path: str, **keywords: Any) -> type[Resource]:
    """`class <name>(Resource, path=path, facet=of, **keywords)` with a key and a field for each path parameter."""
    fields = dict.fromkeys(("id", *parameters_of(path)), str)
    made = types.new_class(
        name,
        (Resource,),
        {"path": path, "facet": of, **keywords},
        lambda body: body.update(__annotations__=fields, __module__=__name__, __qualname__=name),
    )
    return cast("type[Resource]", made)


def routes_of(manifest: Manifest) -> list[str]:
    """The routes in the manifest's order, those of one path and target on one line: `GET POST /items -> /v2`."""
    lines: dict[tuple[str, str], list[str]] = {}
    for route in manifest.routes:
        leads_to = route.file or route.upstream_path
        lines.setdefault((route.path, f" -> {leads_to}" if leads_to else ""), []).append(route.method)
    return [f"{' '.join(methods)} {path}{leads_to}" for (path, leads_to), methods in lines.items()]


FIXED = facet(
    doc='Catalogue and "orders".\n\n    Two lines, cleaned.\n    ',
    upstream="http://127.0.0.1:4000/api",
    owner="team-shop",
    version="1.2.0",
    requires_auth=True,
    max_rps=100,
    routes=[Route("/stats", upstream_path="/internal/stats")],
)
resource(FIXED, "Item", "/items")
