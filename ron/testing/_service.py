"""What a node says about itself (protocol.md, "Reaching the app plane"). Nothing here may do I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from .._version import __version__
from ..manifest._forwarding import proxy_routes
from ._answers import empty, json_reply, text_reply, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._values import Reply
    from ..facets import Facet
    from ..resources._description import Description
    from ._received import Received

__all__ = ["service_reply"]

_METRICS = (
    "# HELP http_requests_total Requests received.\n"
    "# TYPE http_requests_total counter\n"
    'http_requests_total{{service="memory-node"}} {count}\n'
)


def service_reply(request: Received, descriptions: Sequence[Description], count: int) -> Optional[Reply]:
    """The answer of a node's own endpoint; None if the path is none of these."""
    replies = {
        "/healthz": lambda: text_reply("ok"),
        "/readyz": lambda: text_reply("ready"),
        "/version": lambda: json_reply(to_json({"service": "memory-node", "version": __version__})),
        "/metrics": lambda: text_reply(_METRICS.format(count=count)),
        "/facets/meta": lambda: json_reply(to_json({"loaded": _facets(descriptions)})),
    }
    if request.path not in replies:
        return None
    if request.method not in ("GET", "HEAD"):
        return empty(405, (b"Allow", b"GET, HEAD"))
    return replies[request.path]()


def _facets(descriptions: Sequence[Description]) -> list[dict[str, Any]]:
    """The facets as a micronode tells them that has loaded their manifests."""
    resources: dict[type[Facet], list[Description]] = {}
    for description in descriptions:
        if description.facet is not None:
            resources.setdefault(description.facet, []).append(description)
    loaded = []
    for cls, own in resources.items():
        facet = cls.__facet__
        routes = sorted(proxy_routes(facet, own), key=lambda route: (route.path, route.method))
        entry: dict[str, Any] = {"id": facet.id, "kind": facet.kind}
        entry["routes"] = [{"method": route.method, "path": route.path} for route in routes]
        loaded.append(entry if facet.upstream is None else {**entry, "upstream": facet.upstream})
    return loaded
