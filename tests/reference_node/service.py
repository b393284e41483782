"""What a node says about itself: health, readiness, version, metrics, facets (protocol.md)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from tests.reference_node.node import Node

_METRICS = """\
# HELP http_requests_total Requests received.
# TYPE http_requests_total counter
http_requests_total{{service="reference-node"}} {count}
"""
_UPSTREAM = "http://127.0.0.1:4000"


class Service:
    """The endpoints outside the app plane; a token is asked for by none of them."""

    def __init__(self, node: Node, collections: Iterable[str]) -> None:
        self._node = node
        self._collections = tuple(collections)

    async def healthz(self, request: Request) -> Response:
        """Answer that the process lives."""
        if self._node.knobs.role == "omnigate":
            return JSONResponse({"ok": True})
        return PlainTextResponse("ok")

    async def readyz(self, request: Request) -> Response:
        """Answer whether requests would be served: 200, 503 or 504."""
        knobs = self._node.knobs
        ready = knobs.ready == "ready"
        status = 200 if ready else 504 if knobs.ready == "timeout" else 503
        if knobs.role == "omnigate":
            if ready:
                return JSONResponse({"ready": True})
            return JSONResponse({"missing": [knobs.ready]}, status, {"Retry-After": "3"})
        headers = {}
        if not ready and knobs.ready_retry_after is not None:
            headers["Retry-After"] = knobs.ready_retry_after
        return PlainTextResponse(knobs.ready, status, headers)

    async def version(self, request: Request) -> Response:
        """Answer with the version: JSON on a gateway, plain text on a micronode."""
        if self._node.knobs.role == "micronode":
            return PlainTextResponse("micronode 0.1.0")
        return JSONResponse({"service": "reference-node", "version": "0.1.0"})

    async def metrics(self, request: Request) -> Response:
        """Answer in the Prometheus text format."""
        text = _METRICS.format(count=len(self._node.requests))
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    async def facets_meta(self, request: Request) -> Response:
        """Answer with the loaded facets and their routes."""
        return JSONResponse({"loaded": self._facets()})

    def _facets(self) -> list[dict[str, Any]]:
        routes: dict[str, list[dict[str, str]]] = {}
        for name in self._collections:
            facet, slash, path = name.partition("/")
            if slash:
                mounted = routes.setdefault(facet, [])
                for route in (f"/{path}", f"/{path}/*tail"):
                    mounted += [{"method": verb, "path": route} for verb in ("GET", "POST")]
        return [
            {"id": facet, "kind": "proxy", "routes": mounted, "upstream": _UPSTREAM}
            for facet, mounted in routes.items()
        ]
