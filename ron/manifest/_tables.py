"""The tables of a manifest file, each a frozen model of its keys (protocol.md "Facet manifests"). Pure.

A model holds what a file says, so its types are as wide as the file's. ``None`` means that the key is not in the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Optional

from pydantic import BaseModel, ConfigDict, Field

from .._routes import METHODS

__all__ = ["FacetTable", "Integrity", "Limits", "ManifestRoute", "Meta", "Security", "Table", "Upstream", "route_order"]


# ``frozen=True`` stands in each class, because type checkers read it only there.
class Table(BaseModel, frozen=True):
    """``unknown`` holds the keys of the file's table that no field stands for, as they were read."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    unknown: Mapping[str, Any] = Field(default_factory=dict, exclude=True, repr=False)

    def __hash__(self) -> int:
        return hash(tuple(value for name, value in self.__dict__.items() if name not in ("unknown", "made_from")))

    def content(self) -> dict[str, Any]:
        """The table as the file has it: set keys, in the model's order, then unknown ones, sorted."""
        found: dict[str, Any] = {}
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if field.exclude or value is None or value == ():
                continue
            if isinstance(value, tuple):
                value = [one.content() for one in value]
            found[field.alias or name] = value.content() if isinstance(value, Table) else value
        return {**found, **{key: _sorted(self.unknown[key]) for key in sorted(self.unknown) if key not in found}}


class Meta(Table, frozen=True):
    """``[facet.meta]``: for people; nodes ignore it."""

    description: Optional[str] = None
    owner: Optional[str] = None
    version: Optional[str] = None


class Security(Table, frozen=True):
    """``[facet.security]``: today's micronodes ignore it, so it protects nothing yet."""

    requires_auth: Optional[bool] = None
    public: Optional[bool] = None


class Limits(Table, frozen=True):
    """``[facet.limits]``: requests a second; today's micronodes ignore it."""

    max_rps: Optional[int] = None


class FacetTable(Table, frozen=True):
    """``[facet]``: ``kind`` is ``proxy``, ``static`` or ``echo``, in lower case only."""

    id: str
    kind: str
    meta: Optional[Meta] = None
    security: Optional[Security] = None
    limits: Optional[Limits] = None


class Upstream(Table, frozen=True):
    """``[upstream]``, a table of its own: nodes do not see ``[facet.upstream]``. An IPv6 ``host`` is in brackets."""

    scheme: str
    host: str
    port: int
    base_path: Optional[str] = None

    def __str__(self) -> str:
        before, at, host = self.host.rpartition("@")
        return f"{self.scheme}://{'[redacted]' if before else ''}{at}{host}:{self.port}{self.base_path or ''}"


class Integrity(Table, frozen=True):
    """``[route.integrity]``: ``sha256`` of the file, in lower-case hexadecimal; today's micronodes ignore it."""

    sha256: Optional[str] = None


class ManifestRoute(Table, frozen=True):
    """One ``[[route]]``; ``file`` is relative to the node's working directory."""

    method: str
    path: str
    file: Optional[str] = None
    upstream_path: Optional[str] = None
    integrity: Optional[Integrity] = None


def route_order(route: ManifestRoute) -> tuple[list[str], int]:
    """Sorts routes by path, a folder before what is in it, then by method in the order of ``METHODS``."""
    return route.path.split("/"), METHODS.index(route.method)


def _sorted(value: Any) -> Any:
    """Unknown content in one order, whatever order it was written in."""
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return [_sorted(one) for one in value]
    return value
