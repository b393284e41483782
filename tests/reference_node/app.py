"""The ASGI application: which path leads where."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Optional

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.reference_node.door import Door
from tests.reference_node.events import Events
from tests.reference_node.node import Node
from tests.reference_node.problems import Refused, render
from tests.reference_node.record import seen
from tests.reference_node.service import Service
from tests.reference_node.shapes import Choice, shape_routes

DEFAULT_COLLECTIONS = ("items", "shop/items", "notes")


def create_app(collections: Iterable[str] = DEFAULT_COLLECTIONS, *, node: Optional[Node] = None) -> Starlette:
    """Return the node's application; `app.state.node` is the `Node` that tests turn the knobs of.

    A collection is named by its path below `/app`. One under a facet (`shop/items`) is served below
    `/facets` too, where a micronode mounts it.
    """
    names = tuple(collections)
    shared = node if node is not None else Node()
    service = Service(shared, names)
    routes = [
        Route("/healthz", service.healthz),
        Route("/readyz", service.readyz),
        Route("/version", service.version),
        Route("/metrics", service.metrics),
        Route("/facets/meta", service.facets_meta),
    ]
    routes += shape_routes(shared)
    for name in names:
        routes += _routes(shared, name)
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Door, node=shared)],
        exception_handlers={HTTPException: _unmatched, Refused: _refused},
    )
    # A node answers `/app/items/` with a 404; only a browser-minded framework would redirect it.
    app.router.redirect_slashes = False
    app.state.node = shared
    return app


def _routes(node: Node, name: str) -> list[Route]:
    collection, events = Choice(node, name), Events(node, name)
    prefixes = ("/app", "/facets") if "/" in name else ("/app",)
    routes: list[Route] = []
    for base in (f"{prefix}/{name}" for prefix in prefixes):
        routes += [
            Route(base, collection.whole, methods=["GET", "POST"]),
            Route(f"{base}/events", events.open, methods=["GET"]),
            Route(f"{base}/{{key}}", collection.one, methods=["GET", "PATCH", "PUT", "DELETE"]),
        ]
    return routes


async def _unmatched(request: Request, error: Exception) -> Response:
    """Answer an unmatched path with an empty 404, a method without a route with an empty 405."""
    if not isinstance(error, HTTPException):
        raise error
    return Response(status_code=error.status_code, headers=error.headers)


async def _refused(request: Request, error: Exception) -> Response:
    """Answer a refusal in the dialect of the node."""
    if not isinstance(error, Refused):
        raise error
    node: Node = request.app.state.node
    asked = seen(request.scope, b"")
    return render(error.refusal, node.knobs.dialect, asked.correlation_id)
