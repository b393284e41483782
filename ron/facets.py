"""Facets: their declaration, and under the seed's name the facet-scoped clients. Nothing here may do I/O."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Optional, Union

from ._facet_client import FacetClient, FacetClientSync
from ._routes import Route, checked_files, checked_index, checked_routes
from ._suggest import did_you_mean, listed, shown
from ._url import parse_base_url
from .errors import RonConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .manifest import Manifest
    from .resources import Resource
    from .resources._description import Description

__all__ = ["Facet", "FacetClient", "FacetClientSync", "FacetDescription", "Route"]


@dataclass(frozen=True, eq=False)
class FacetDescription:
    """What a facet class declares; ``resources`` fills up as resource classes name the facet.

    ``upstream`` is a URL ``http(s)://host[:port][/path]`` without userinfo, query or fragment.
    """

    name: str
    id: str
    kind: str
    upstream: Optional[str]
    root: Optional[str]
    files: tuple[str, ...]
    index: Optional[str]
    integrity: bool
    routes: tuple[Route, ...]
    description: Optional[str]
    owner: Optional[str]
    version: Optional[str]
    requires_auth: Optional[bool]
    public: Optional[bool]
    max_rps: Optional[int]
    idempotent: bool
    resources: dict[tuple[str, str], Description] = field(default_factory=dict)

    def bind(self, description: Description) -> None:
        """Adds a resource; the same class statement run again replaces itself, another one on its path is refused."""
        if self.kind != "proxy":
            raise RonConfigError(
                f"class {description.name}: facet {self.name} is kind={self.kind!r}, which has no service behind it: "
                "resources need a facet with kind='proxy'"
            )
        cls = description.cls
        for place, other in self.resources.items():
            if other.path == description.path and place != (cls.__module__, cls.__qualname__):
                raise RonConfigError(
                    f"class {description.name}: facet {self.name} has the route {description.path!r} already, from "
                    f"class {other.name}: a node would panic on it; give one of them another path"
                )
        self.resources[(cls.__module__, cls.__qualname__)] = description


class Facet:
    """Base of facet declarations.

    ::

        class Shop(Facet, id="shop", kind="proxy", upstream="http://127.0.0.1:4000", owner="team-shop"):
            \"\"\"Catalogue and orders.\"\"\"

    The docstring becomes the manifest's description. Resources join with ``facet=Shop``. Class keywords:

    Args:
        id: the facet's id, one path segment; nodes mount it at ``/facets/<id>``.
        kind: ``proxy``, ``static`` or ``echo``.
        upstream: for a proxy: the service behind it, ``http(s)://host:port[/base]``.
        root: for static facets: the folder that files are relative to, written to the manifest as given.
        files: for static facets with a root: which files in it to serve, a pattern or a list of them; ``*`` and ``?``
            match within a name, ``**`` any number of folders (``"**/*"`` is every file). They are looked for when
            ``manifest()`` is called, below the working directory; hidden ones (``.git``) are not found, links are
            followed, and one that leads out of the root is an error. Each is served at its own path.
        index: the name of the file that is also served at its folder's path: ``docs/index.html`` at ``/docs/``; None
            for no such file.
        integrity: for static facets: write the sha256 of every file into ``[route.integrity]``.
        routes: a list of explicit :class:`Route` values; for a proxy, beside what its resources bring; for a static
            facet, instead of what ``files`` brings at the same path.
        owner: who answers for it.
        version: of the facet.
        requires_auth: whether the node should ask for a capability; never written unless given.
        public: whether anybody may call it; never written unless given.
        max_rps: requests a second.
        idempotent: the service behind it honours ``Idempotency-Key``, so that lost writes may be repeated.
    """

    __facet__: ClassVar[FacetDescription]

    if TYPE_CHECKING:

        def __init_subclass__(
            cls,
            *,
            id: str,
            kind: Literal["proxy", "static", "echo"],
            upstream: Optional[str] = None,
            root: Optional[str] = None,
            files: Union[str, Sequence[str]] = (),
            index: Optional[str] = "index.html",
            integrity: bool = False,
            routes: Sequence[Route] = (),
            owner: Optional[str] = None,
            version: Optional[str] = None,
            requires_auth: Optional[bool] = None,
            public: Optional[bool] = None,
            max_rps: Optional[int] = None,
            idempotent: bool = False,
        ) -> None: ...

    else:

        def __init_subclass__(cls, **keywords: Any) -> None:
            super().__init_subclass__()
            cls.__facet__ = describe_facet(cls.__name__, cls.__doc__, keywords)

    @classmethod
    def manifest(cls, resources: Optional[Sequence[type[Resource]]] = None, upstream: Optional[str] = None) -> Manifest:
        """The facet's manifest, from this declaration and the resources that name it.

        Args:
            resources: these instead of all that were declared with ``facet=`` this class.
            upstream: this URL instead of the declared one, for another environment.

        For a static facet this looks at its files: the folder that ``files=`` names, the hashes that ``integrity=True``
        asks for, and whether those that are here lie in the root.

        Raises:
            RonConfigError: where no manifest that works can be made: a proxy without an upstream, or without resources
                and routes; routes that clash; files that are missing or lead out of the root.
        """
        from .manifest import build_manifest
        from .manifest._static import folder_of

        chosen = (
            list(cls.__facet__.resources.values())
            if resources is None
            else [_description_in(cls, resource) for resource in resources]
        )
        return build_manifest(cls.__facet__, chosen, upstream=upstream, folder=folder_of(cls.__facet__))


def _description_in(facet: type[Facet], resource: Any) -> Description:
    description: Optional[Description] = getattr(resource, "__ron__", None)
    if description is None or description.facet is not facet:
        raise RonConfigError(
            f"manifest(resources=...): {shown(getattr(resource, '__name__', resource))} was not declared with "
            f"facet={facet.__name__}"
        )
    return description


_KEYWORDS = (
    "id",
    "kind",
    "upstream",
    "root",
    "files",
    "index",
    "integrity",
    "routes",
    "owner",
    "version",
    "requires_auth",
    "public",
    "max_rps",
    "idempotent",
)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,99}")
_SURROGATE = re.compile("[\ud800-\udfff]")
#: TOML 1.0 "Integer": what every reader accepts
_MAX_INTEGER = 2**63 - 1


def describe_facet(name: str, doc: Optional[str], keywords: Mapping[str, Any]) -> FacetDescription:
    """The description of a facet class; every mistake is a ``RonConfigError`` that names class and keyword."""
    for keyword in keywords:
        if keyword not in _KEYWORDS:
            raise RonConfigError(
                f"class {name}: unknown keyword {keyword!r}{did_you_mean(keyword, _KEYWORDS)}; a facet takes "
                f"{listed(_KEYWORDS)}"
            )
    facet_id, kind = keywords.get("id"), keywords.get("kind")
    if not isinstance(facet_id, str) or not _ID.fullmatch(facet_id):
        raise RonConfigError(
            f"class {name}: id must be letters, digits, '.', '_', '~' or '-' (at most 100), such as id='shop', not "
            f"{shown(facet_id)}"
        )
    if kind not in ("proxy", "static", "echo"):
        raise RonConfigError(f"class {name}: kind must be 'proxy', 'static' or 'echo' (lower case), not {shown(kind)}")
    _check_kind(name, kind, keywords)
    _check_values(name, doc, keywords)
    return FacetDescription(
        name=name,
        id=facet_id,
        kind=kind,
        upstream=keywords.get("upstream"),
        root=keywords.get("root"),
        files=checked_files(name, kind, keywords),
        index=checked_index(name, keywords),
        integrity=bool(keywords.get("integrity", False)),
        routes=checked_routes(name, kind, _routes(name, keywords.get("routes"))),
        description=inspect.cleandoc(doc) if doc else None,
        owner=keywords.get("owner"),
        version=keywords.get("version"),
        requires_auth=keywords.get("requires_auth"),
        public=keywords.get("public"),
        max_rps=keywords.get("max_rps"),
        idempotent=bool(keywords.get("idempotent", False)),
    )


def _check_kind(name: str, kind: str, keywords: Mapping[str, Any]) -> None:
    """What only some kinds have: an upstream, a root; and routes where nothing else can bring any."""
    if keywords.get("upstream") is not None:
        if kind != "proxy":
            raise RonConfigError(f"class {name}: upstream is for kind='proxy'; a {kind} facet has none")
        parse_base_url(keywords["upstream"], source=f"class {name}: upstream")
    root = keywords.get("root")
    if root is not None and kind != "static":
        raise RonConfigError(f"class {name}: root is for kind='static'; a {kind} facet has no files")
    if root == "":
        raise RonConfigError(f"class {name}: root is empty: leave it out, or write root='site'")
    if keywords.get("integrity") and kind != "static":
        raise RonConfigError(f"class {name}: integrity is for kind='static'; a {kind} facet has no files")
    if kind == "proxy" or root is not None or keywords.get("routes") or keywords.get("files"):
        return
    route = "Route('/who')" if kind == "echo" else "Route('/hello', file='site/hello.txt')"
    raise RonConfigError(
        f"class {name}: a node would load this {kind} facet and answer nothing: write routes=[{route}]"
    )


def _check_values(name: str, doc: Optional[str], keywords: Mapping[str, Any]) -> None:
    for flag in ("requires_auth", "public", "idempotent", "integrity"):
        if not isinstance(keywords.get(flag), (bool, type(None))):
            raise RonConfigError(f"class {name}: {flag} must be True or False, not {shown(keywords[flag])}")
    max_rps = keywords.get("max_rps")
    if max_rps is not None and (type(max_rps) is not int or not 1 <= max_rps <= _MAX_INTEGER):
        raise RonConfigError(
            f"class {name}: max_rps must be a whole number of at least 1 (and of 64 bits), not {shown(max_rps)}"
        )
    for what, text in (("the docstring", doc), *((word, keywords.get(word)) for word in ("owner", "version", "root"))):
        if not isinstance(text, (str, type(None))):
            raise RonConfigError(f"class {name}: {what} must be a str, not {shown(text)}")
        if text and _SURROGATE.search(text):
            raise RonConfigError(f"class {name}: {what} holds a lone surrogate, which no file can: {shown(text)}")


def _routes(name: str, routes: Any) -> tuple[Route, ...]:
    if routes is None:
        return ()
    listed_routes: list[Any] = list(routes) if isinstance(routes, (list, tuple)) else [routes]
    for route in listed_routes:
        if not isinstance(route, Route) or route is routes:
            raise RonConfigError(f"class {name}: routes must be a list of Route('/path', ...), not {shown(route)}")
    return tuple(listed_routes)
