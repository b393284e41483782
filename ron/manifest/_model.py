"""The manifest of one facet as a model, and what can be done with it. Nothing here does I/O: ``_disk`` does.

A model holds what a file says; ``build_manifest`` makes only what nodes load.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Union

from pydantic import Field, PrivateAttr
from typing_extensions import Self

from ._tables import FacetTable, ManifestRoute, Table, Upstream

if TYPE_CHECKING:
    from ..facets import Route
    from ..resources import Resource
    from ._directory import LoadedDirectory
    from ._disk import StrPath, Written
    from ._findings import Finding
    from ._nodes import NodeCapabilities

__all__ = ["Manifest", "Origin"]


class Origin(NamedTuple):
    """What a manifest that was read stood like in its file, for ``check``.

    ``ignored_methods`` are the positions of routes of version 0 that name another method than GET.
    """

    source: Optional[str] = None
    form: str = "v1"
    upstream_table: str = "upstream"
    ignored_methods: tuple[int, ...] = ()


class Manifest(Table, frozen=True):
    """A facet's manifest. Frozen, comparable, hashable.

    ::

        print(Shop.manifest().to_toml())
        for finding in Manifest.load("facets/shop.toml").check():
            print(finding)

    Two are equal if their files say the same; where they come from doesn't count.

    Attributes:
        facet: ``[facet]`` with its ``meta``, ``security`` and ``limits``.
        upstream: ``[upstream]``, for a proxy.
        routes: the ``[[route]]`` tables (``route=`` in the constructor, as in the file).
        unknown: keys that nobody knows; each table has its own.
        made_from: the declarations it was made from, for the file's first line; no key of the file.
    """

    facet: FacetTable
    upstream: Optional[Upstream] = None
    routes: tuple[ManifestRoute, ...] = Field(default=(), alias="route")
    made_from: Optional[str] = Field(default=None, exclude=True)
    _origin: Origin = PrivateAttr(default_factory=Origin)

    @classmethod
    def from_toml(cls, text: str, source: Optional[str] = None) -> Manifest:
        """Reads a manifest: version 1, the documented ``[facet.upstream]``, and the legacy form of version 0.

        The last two are written by ``to_toml`` as what a micronode loads; unknown keys are kept and written back.

        Args:
            text: the file's content.
            source: the file's name, for messages and findings.

        Raises:
            RonConfigError: for text that is no TOML or no manifest, naming table and key; no value is shown.
        """
        from ._reading import read_manifest

        return read_manifest(text, source)

    @classmethod
    def load(cls, path: StrPath) -> Manifest:
        """Reads a file, as ``from_toml`` does.

        Raises:
            RonConfigError: also where there is no such file, or it is not UTF-8.
        """
        from ._disk import read_text

        return cls.from_toml(read_text(path), str(path))

    @classmethod
    def load_dir(cls, directory: StrPath) -> LoadedDirectory:
        """Reads every ``*.toml`` of a directory as a node does: not recursively, in the directory's order.

        Returns:
            A ``LoadedDirectory``: its ``manifests``, and a finding for each file that is none.

        Raises:
            RonConfigError: if there is no such directory.
        """
        from ._directory import load_directory

        return load_directory(directory)

    @classmethod
    def for_resources(
        cls,
        *,
        id: str,
        resources: Sequence[type[Resource]],
        upstream: str,
        routes: Sequence[Route] = (),
        description: Optional[str] = None,
        owner: Optional[str] = None,
        version: Optional[str] = None,
        requires_auth: Optional[bool] = None,
        public: Optional[bool] = None,
        max_rps: Optional[int] = None,
    ) -> Manifest:
        """The manifest of a proxy for resources that were declared without a facet.

        The facet's own path is what follows ``/app/<id>`` in the resource's path, or else what follows ``/app``: with
        ``id="shop"`` both ``/app/shop/items`` and ``/app/items`` give the route ``/items``, which is reached at
        ``/app/shop/items``. A resource that is only ever called there says so better with ``facet=``.

        Args:
            id: the facet's id, one path segment.
            resources: classes with a path and without ``facet=``.
            upstream: the service behind it, ``http(s)://host:port[/base]``.
            routes: explicit ones beside those of the resources.
            description: for people, what a facet class has as its docstring.
            owner: who answers for it.
            version: of the facet.
            requires_auth: never written unless given, as ``public``.
            public: whether anybody may call it.
            max_rps: requests a second.

        Raises:
            RonConfigError: for what a facet class would be refused for, resources that have a facet, and routes that
                clash.
        """
        from ._build import manifest_for

        keywords = {
            "id": id,
            "kind": "proxy",
            "upstream": upstream,
            "routes": routes,
            "owner": owner,
            "version": version,
            "requires_auth": requires_auth,
            "public": public,
            "max_rps": max_rps,
        }
        return manifest_for(keywords, description, resources)

    def to_toml(self) -> str:
        """The file's text, as a micronode loads it: the same manifest always gives the same bytes, in UTF-8.

        Unset keys are not written. The first line says from what it was made.
        """
        from ._toml import render

        return render(self)

    def write(self, directory: StrPath) -> Written:
        """Writes ``<id>.toml`` into a directory: whole or not at all, and only if that changes the file.

        Returns:
            ``Written(path, wrote)``: where the file is, and whether it had to be written.

        Raises:
            RonConfigError: if there is no such directory, it can't be written to, or the id is blank.
        """
        from ._disk import write_manifest

        return write_manifest(directory, self.facet.id, self.to_toml())

    def check(
        self, node: Union[str, NodeCapabilities] = "micronode", *, root: Optional[StrPath] = None
    ) -> list[Finding]:
        """What a node would do with this manifest that it doesn't say; empty if nothing.

        A manifest that was read is checked as it stands in its file; every other one as ``to_toml`` writes it.

        Args:
            node: the kind of node: a name in ``NODES``, or a table of its own.
            root: the working directory of the node, in which static files must exist; None looks at no file.

        Returns:
            Findings: of the file's form, its tables, its routes, what is ignored, secrets, and what collides. Each has
            ``level`` (``error`` or ``warning``), ``code``, ``effect``, ``where``, ``message`` and ``fix``.

        Raises:
            RonConfigError: for an unknown node, or a root that is no directory.
        """
        from ._check import check_manifest
        from ._nodes import node_named

        known = node_named(node)
        if root is None:
            return check_manifest(self, known)
        from ._disk import look_at_files

        return check_manifest(self, known, look_at_files(root, [route.file for route in self.routes if route.file]))

    @property
    def source(self) -> Optional[str]:
        """The file that the manifest was read from, None if it was made."""
        return self._origin.source

    def model_copy(self, *, update: Optional[Mapping[str, Any]] = None, deep: bool = False) -> Self:
        """A copy; with ``update`` it is no longer the file that was read, and is checked as it would be written."""
        copied = super().model_copy(update=update, deep=deep)
        return copied._come_from(Origin(self.source)) if update else copied

    def _come_from(self, origin: Origin) -> Self:
        assert self.__pydantic_private__ is not None
        self.__pydantic_private__["_origin"] = origin
        return self

    def __eq__(self, other: object) -> bool:
        return self.content() == other.content() if isinstance(other, Manifest) else NotImplemented

    __hash__ = Table.__hash__

    def __repr__(self) -> str:
        return f"<Manifest {self._title()}: {len(self.routes)} route{'' if len(self.routes) == 1 else 's'}>"

    def __str__(self) -> str:
        methods: dict[tuple[str, str], list[str]] = {}
        for route in self.routes:
            leads_to = route.file or route.upstream_path
            methods.setdefault((route.path, f"  -> {leads_to}" if leads_to else ""), []).append(route.method)
        width = max((len(" ".join(names)) for names in methods.values()), default=0)
        lines = [f"  {' '.join(names).ljust(width)}  {path}{leads_to}" for (path, leads_to), names in methods.items()]
        return "\n".join([self._title(), *lines])

    def _title(self) -> str:
        behind = f" to {self.upstream}" if self.upstream else ""
        return f"{self.facet.id} ({self.facet.kind}{behind})"
