"""What differs between manifests and what is there: on a running node, or in another set of manifests. Pure.

A node tells of each facet its id, kind, upstream, and the method and path of every route (protocol.md "Reaching the app
plane"), so nothing else is compared with it; two files are compared key by key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Optional, Union

from .._url import parse_base_url
from ..errors import RonConfigError, RonParseError
from ._exposed import named, quoted, reason
from ._model import Manifest

if TYPE_CHECKING:
    from ._disk import StrPath
    from ._tables import ManifestRoute

__all__ = ["Difference", "diff"]

_Facts = dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """One difference.

    Attributes:
        kind: ``missing`` (wanted, and not there), ``extra`` (there, and not wanted) or ``changed``.
        facet: the facet's id.
        what: ``facet`` for the whole, else what of it: ``kind``, ``upstream``, ``route GET /items``,
            ``facet.meta owner``.
        wanted: what the manifests say, None if nothing; a value that looks like a secret is not shown.
        actual: what is there, likewise.
    """

    kind: Literal["missing", "extra", "changed"]
    facet: str
    what: str
    wanted: Optional[str] = None
    actual: Optional[str] = None

    def __str__(self) -> str:
        change = f": {self.actual} -> {self.wanted}" if self.kind == "changed" else ""
        return f"{self.kind}: {self.facet} {self.what}{change}"


def diff(
    manifests: Iterable[Manifest], against: Union[Mapping[str, Any], Iterable[Manifest], StrPath]
) -> list[Difference]:
    """What must change ``against`` for it to be what the manifests say; empty if nothing.

    Args:
        manifests: what is wanted; each id once.
        against: the JSON value that a node gave for ``GET /facets/meta``; or manifests; or the path of a directory of
            them.

    Returns:
        Differences by facet id, each facet's in the order kind, upstream, other keys, routes.

    Raises:
        RonParseError: for JSON that no node gives.
        RonConfigError: for an id that is wanted twice, a directory that can't be read, or a file in it that is no
            manifest.
    """
    wanted_manifests = _by_id(manifests)
    if isinstance(against, Mapping):
        actual = _running({str(key): value for key, value in against.items()})
        wanted = {key: _told(one) for key, one in wanted_manifests.items()}
    else:
        there = _read(against) if isinstance(against, str) or hasattr(against, "__fspath__") else against
        actual = {}
        for one in _checked(there):
            actual.setdefault(one.facet.id, _facts(one))  # as a node: the first of two counts
        wanted = {key: _facts(one) for key, one in wanted_manifests.items()}
    found: list[Difference] = []
    for key in sorted({*wanted, *actual}):
        found += _facet(key, wanted.get(key), actual.get(key))
    return found


def _read(directory: Any) -> Iterable[Manifest]:
    from ._directory import load_directory

    loaded = load_directory(directory)
    for finding in loaded.findings:
        raise RonConfigError(f"{finding.where}: {finding.message}")
    return loaded


def _by_id(manifests: Iterable[Manifest]) -> dict[str, Manifest]:
    found: dict[str, Manifest] = {}
    for one in _checked(manifests):
        if found.setdefault(one.facet.id, one) is not one:
            raise RonConfigError(f"two of the manifests have the id {quoted(one.facet.id)}: give diff one of them")
    return found


def _checked(manifests: Any) -> Iterator[Manifest]:
    if isinstance(manifests, Manifest) or not isinstance(manifests, Iterable):
        raise RonConfigError(f"diff takes several manifests, such as [Shop.manifest()], not {type(manifests).__name__}")
    for one in manifests:
        if not isinstance(one, Manifest):
            raise RonConfigError(f"diff takes manifests, such as [Shop.manifest()], not {type(one).__name__}")
        yield one


def _facet(key: str, wanted: Optional[_Facts], actual: Optional[_Facts]) -> Iterator[Difference]:
    shown = named(key)
    if wanted is None or actual is None:
        yield Difference("missing" if actual is None else "extra", shown, "facet")
        return
    for fact in [*wanted, *(name for name in actual if name not in wanted)]:
        what = _plain(fact)
        if fact not in actual:
            yield Difference("missing", shown, what, _said(wanted[fact]))
        elif fact not in wanted:
            yield Difference("extra", shown, what, None, _said(actual[fact]))
        elif wanted[fact] != actual[fact]:
            yield Difference("changed", shown, what, _said(wanted[fact]), _said(actual[fact]))


def _said(value: Any) -> Optional[str]:
    return None if value is None else _plain(value) if isinstance(value, str) else quoted(value)


def _plain(text: str) -> str:
    """A text on one line; none of it if it looks like a secret, and not all of it if it is long."""
    shown = "[redacted]" if reason(text) else "".join(char if char.isprintable() else "?" for char in text)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"


_LONGEST = 200


def _told(manifest: Manifest) -> _Facts:
    """What a node would tell of a manifest."""
    facts: _Facts = {"kind": manifest.facet.kind}
    if manifest.upstream is not None and manifest.facet.kind == "proxy":
        facts["upstream"] = _url(str(manifest.upstream))
    return {**facts, **{_route(one): None for one in manifest.routes}}


def _route(route: ManifestRoute) -> str:
    return f"route {route.method.upper()} {route.path}"


def _facts(manifest: Manifest) -> _Facts:
    """Everything that a manifest says: one fact a key, one a route."""
    facts = {key: value for key, value in _told(manifest).items() if value is not None}
    content = manifest.content()
    for table, name in ((content, ""), (content["facet"], "facet")):
        for key, value in table.items():
            if key in ("facet", "upstream", "route") or (name and key in ("id", "kind")):
                continue
            facts.update(_flat(f"{name} {key}".strip(), name, key, value))
    if manifest.upstream is not None:
        facts.update(_flat("", "upstream", "", dict(manifest.upstream.unknown)))
    for route in manifest.routes:
        rest = {key: value for key, value in route.content().items() if key not in ("method", "path")}
        facts[_route(route)] = ", ".join(f"{key} = {_said(value)}" for key, value in rest.items()) or "-"
    return facts


def _flat(what: str, table: str, key: str, value: Any) -> _Facts:
    if not isinstance(value, Mapping):
        return {what: value}
    name = ".".join(part for part in (table, key) if part)
    return {f"{name} {one}": value[one] for one in value}


def _running(meta: Mapping[str, Any]) -> dict[str, _Facts]:
    """What a node says that it has loaded, checked."""
    loaded = meta.get("loaded")
    if not isinstance(loaded, list):
        raise RonParseError(_NOT_META + "'loaded' is no list")
    found: dict[str, _Facts] = {}
    for number, one in enumerate(loaded, 1):
        where = f"facet {number} of 'loaded'"
        if not isinstance(one, Mapping) or not isinstance(one.get("id"), str) or not isinstance(one.get("kind"), str):
            raise RonParseError(_NOT_META + f"{where} has no id and kind")
        facts: _Facts = {"kind": one["kind"].lower()}
        if one.get("upstream") is not None:
            facts["upstream"] = _upstream(one["upstream"], where)
        routes = one.get("routes", [])
        if not isinstance(routes, list):
            raise RonParseError(_NOT_META + f"the routes of {where} are no list")
        for route in routes:
            if not isinstance(route, Mapping) or not all(isinstance(route.get(key), str) for key in ("method", "path")):
                raise RonParseError(_NOT_META + f"a route of {where} has no method and path")
            facts[f"route {route['method'].upper()} {route['path']}"] = None
        found.setdefault(one["id"], facts)
    return found


def _url(text: str) -> str:
    """One form for what means one upstream: with its port, without a final ``/``."""
    try:
        return str(parse_base_url(text))
    except RonConfigError:
        return text


_NOT_META = "this is no answer of GET /facets/meta: "


def _upstream(value: Any, where: str) -> str:
    """A URL, however the node writes it."""
    if isinstance(value, str):
        return _url(value)
    if isinstance(value, Mapping) and all(key in value for key in ("scheme", "host", "port")):
        base = value.get("base_path") or ""
        return _url(f"{value['scheme']}://{value['host']}:{value['port']}{base}")
    raise RonParseError(_NOT_META + f"the upstream of {where} is neither a URL nor a table of scheme, host and port")
