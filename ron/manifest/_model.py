"""The manifest file as a model: the same tables, the same keys (protocol.md "Facet manifests"). Nothing here does I/O.

A model holds what a file says, so its types are as wide as the file's; ``build_manifest`` makes only what nodes load.
``None`` means that the key is not in the file.
"""

from __future__ import annotations

from typing import Optional

from pydantic import BaseModel, ConfigDict, Field

from .._routes import METHODS
from ._toml import render

__all__ = ["FacetTable", "Limits", "Manifest", "ManifestRoute", "Meta", "Security", "Upstream"]


# ``frozen=True`` stands in each class, because type checkers read it only there.
class _Table(BaseModel, frozen=True):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Meta(_Table, frozen=True):
    """``[facet.meta]``: for people; nodes ignore it."""

    description: Optional[str] = None
    owner: Optional[str] = None
    version: Optional[str] = None


class Security(_Table, frozen=True):
    """``[facet.security]``: today's micronodes ignore it, so it protects nothing yet."""

    requires_auth: Optional[bool] = None
    public: Optional[bool] = None


class Limits(_Table, frozen=True):
    """``[facet.limits]``: requests a second; today's micronodes ignore it."""

    max_rps: Optional[int] = None


class FacetTable(_Table, frozen=True):
    """``[facet]``: ``kind`` is ``proxy``, ``static`` or ``echo``, in lower case only."""

    id: str
    kind: str
    meta: Optional[Meta] = None
    security: Optional[Security] = None
    limits: Optional[Limits] = None


class Upstream(_Table, frozen=True):
    """``[upstream]``, a table of its own: nodes do not see ``[facet.upstream]``. An IPv6 ``host`` is in brackets."""

    scheme: str
    host: str
    port: int
    base_path: Optional[str] = None

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}{self.base_path or ''}"


class ManifestRoute(_Table, frozen=True):
    """One ``[[route]]``; ``file`` is relative to the node's working directory."""

    method: str
    path: str
    file: Optional[str] = None
    upstream_path: Optional[str] = None


class Manifest(_Table, frozen=True):
    """A facet's manifest. Frozen, comparable, hashable.

    ::

        print(Shop.manifest().to_toml())

    Attributes:
        facet: ``[facet]`` with its ``meta``, ``security`` and ``limits``.
        upstream: ``[upstream]``, for a proxy.
        routes: the ``[[route]]`` tables (``route=`` in the constructor, as in the file).
        made_from: the declarations it was made from, for the file's first line; no key of the file.
    """

    facet: FacetTable
    upstream: Optional[Upstream] = None
    routes: tuple[ManifestRoute, ...] = Field(default=(), alias="route")
    made_from: Optional[str] = Field(default=None, exclude=True)

    def to_toml(self) -> str:
        """The file's text: the same manifest always gives the same bytes, in UTF-8. Unset keys are not written."""
        return render(self)

    def __repr__(self) -> str:
        return f"<Manifest {self._title()}: {len(self.routes)} route{'' if len(self.routes) == 1 else 's'}>"

    def __str__(self) -> str:
        methods: dict[tuple[str, str], list[str]] = {}
        for route in self.routes:
            leads_to = route.file or route.upstream_path
            methods.setdefault((route.path, f"  -> {leads_to}" if leads_to else ""), []).append(route.method)
        width = max((len(" ".join(names)) for names in methods.values()), default=0)
        lines = [f"  {' '.join(names):{width}}  {path}{leads_to}" for (path, leads_to), names in methods.items()]
        return "\n".join([self._title(), *lines])

    def _title(self) -> str:
        behind = f" to {self.upstream}" if self.upstream else ""
        return f"{self.facet.id} ({self.facet.kind}{behind})"


def route_order(route: ManifestRoute) -> tuple[list[str], int]:
    """Sorts routes by path, a folder before what is in it, then by method in the order of ``METHODS``."""
    return route.path.split("/"), METHODS.index(route.method)
