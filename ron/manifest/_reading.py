"""From a file's text to a manifest: version 1, the documented ``[facet.upstream]``, the legacy version 0. Pure.

What a node needs must be there with its type, or the text is no manifest. What a node does not read is never a reason
to refuse a file: where its type is another one, it is kept as an unknown key, and ``check`` says so.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Optional, TypeVar

from .._suggest import did_you_mean
from ..errors import RonConfigError
from ._model import Manifest, Origin
from ._tables import FacetTable, Integrity, Limits, ManifestRoute, Meta, Security, Upstream
from ._toml import made_from_in

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["expected_type", "read_manifest"]

T = TypeVar("T", FacetTable, Integrity, Limits, ManifestRoute, Meta, Security, Upstream)

_KINDS = ("static", "echo", "proxy")
#: what a node refuses the file for, if its type is another one
_STRICT: Mapping[type[Any], Mapping[str, type]] = {
    FacetTable: {"id": str, "kind": str},
    Upstream: {"scheme": str, "host": str, "port": int, "base_path": str},
    ManifestRoute: {"method": str, "path": str, "file": str, "upstream_path": str},
}
_OPTIONAL = frozenset({"base_path", "file", "upstream_path"})
#: what is documented, and read by no node yet
_LENIENT: Mapping[type[Any], Mapping[str, type]] = {
    Meta: {"description": str, "owner": str, "version": str},
    Security: {"requires_auth": bool, "public": bool},
    Limits: {"max_rps": int},
    Integrity: {"sha256": str},
}
_SUBTABLES: Mapping[type[Any], Mapping[str, type[Any]]] = {
    FacetTable: {"meta": Meta, "security": Security, "limits": Limits},
    ManifestRoute: {"integrity": Integrity},
}
_CALLED = {
    str: "a string",
    int: "a whole number",
    bool: "true or false",
    dict: "a table",
    list: "an array",
    float: "a float",
}


def read_manifest(text: str, source: Optional[str] = None) -> Manifest:
    """The manifest of a file's text; see ``Manifest.from_toml``."""
    if not isinstance(text, str):
        raise RonConfigError(
            f"from_toml takes the file's text, not {type(text).__name__}: Manifest.load(path) reads it"
        )
    name = source or "the manifest"
    document = _document(text, name)
    if _is_legacy(document, name):
        manifest, origin = _legacy(document, name)
    else:
        manifest, origin = _version_1(document, name)
    made = manifest if made_from_in(text) is None else manifest.model_copy(update={"made_from": made_from_in(text)})
    return made._come_from(origin._replace(source=source))


def expected_type(kind: type[Any], key: str) -> str:
    """What a documented key holds, in words."""
    of = {**_STRICT.get(kind, {}), **_LENIENT.get(kind, {})}.get(key, dict)
    return _CALLED[of]


def _document(text: str, name: str) -> dict[str, Any]:
    try:
        document = tomllib.loads(text)
        if _is_shallow(document):
            return document
        reason = _TOO_DEEP
    except RecursionError:
        reason = _TOO_DEEP
    except tomllib.TOMLDecodeError as error:
        reason = _bounded(str(error))
    except ValueError:
        reason = "a number in it has too many digits"  # Python's own limit, where it has one
    raise RonConfigError(f"{name} is no TOML: {reason}")


_TOO_DEEP = "it is nested too deeply"
_DEEPEST = 50


def _is_shallow(document: Mapping[str, Any]) -> bool:
    """Whether everything that walks through a document gets to its end; dotted keys nest without an end."""
    level: list[Any] = [document]
    for _ in range(_DEEPEST):
        values = [list(one.values()) if isinstance(one, dict) else one for one in level]
        level = [one for each in values for one in each if isinstance(one, (dict, list))]
        if not level:
            return True
    return False


def _bounded(reason: str) -> str:
    """What the parser said, without what it may quote of the file."""
    said, _, place = reason.rpartition(" (at ")
    said = said.split("(")[0].split("namespace")[0].strip()  # what follows are the file's own keys
    return f"{said} (at {place}" if place else "it cannot be read"


def _is_legacy(document: Mapping[str, Any], name: str) -> bool:
    """Whether a node reads the document as version 0: only if it can't as version 1."""
    at_top = isinstance(document.get("id"), str) and isinstance(document.get("kind"), str)
    if "facet" not in document:
        if at_top:
            return True
        near = next((key for key in document if did_you_mean(key, ["facet"])), None)
        hint = f" (is [{near}] meant?)" if near and near.isidentifier() else ""
        raise RonConfigError(
            f'{name} is no facet manifest: it has no [facet] table{hint}; write [facet] with id = "..." and '
            'kind = "proxy", "static" or "echo"'
        )
    facet = document["facet"]
    if at_top and not (isinstance(facet, dict) and isinstance(facet.get("id"), str) and facet.get("kind") in _KINDS):
        raise RonConfigError(
            f"{name} has id and kind before any table beside a [facet] that is not whole: which is meant? Write them "
            "in [facet] only"
        )
    return False


def _version_1(document: Mapping[str, Any], name: str) -> tuple[Manifest, Origin]:
    rest = dict(document)
    facet = dict(_dict(rest.pop("facet"), f"{name}: [facet]"))
    table, at = "upstream", rest.pop("upstream", None)
    # anything else there is an unknown key like others
    if at is None and _fits(Upstream, facet.get("upstream")):
        table, at = "facet.upstream", facet.pop("upstream")
    routes = rest.pop("route", [])
    if not isinstance(routes, list):
        raise RonConfigError(f"{name}: route must be an array of tables, not {_called(routes)}: write [[route]]")
    manifest = Manifest(
        facet=_read(FacetTable, facet, f"{name}: [facet]"),
        upstream=None if at is None else _read(Upstream, at, f"{name}: [{table}]"),
        route=tuple(_read(ManifestRoute, one, f"{name}: [[route]] {number}") for number, one in enumerate(routes, 1)),
        unknown=rest,
    )
    return manifest, Origin(upstream_table=table)


def _fits(kind: type[Any], table: Any) -> bool:
    """Whether a value is a table with what this kind of table must have."""
    return isinstance(table, dict) and all(
        type(table[key]) is of if key in table else key in _OPTIONAL for key, of in _STRICT[kind].items()
    )


def _legacy(document: Mapping[str, Any], name: str) -> tuple[Manifest, Origin]:
    rest = dict(document)
    facet = {key: rest.pop(key) for key in ("id", "kind")}
    upstream = rest.pop("upstream") if _fits(Upstream, rest.get("upstream")) else None
    routes = rest.pop("routes", [])
    ignored: list[int] = []
    if not isinstance(routes, list):
        raise RonConfigError(f"{name}: routes must be an array of tables, not {_called(routes)}")
    read: list[ManifestRoute] = []
    for number, one in enumerate(routes, 1):
        where = f"{name}: routes {number}"
        route = dict(_dict(one, where))
        method = route.pop("method", "GET")
        if not isinstance(method, str) or method.upper() != "GET":
            ignored.append(number - 1)
        read.append(_read(ManifestRoute, {**route, "method": "GET"}, where))
    # what version 0 does not know must not come to mean something in version 1
    rest = {f"ignored_{key}" if key in ("route", "upstream") else key: value for key, value in rest.items()}
    manifest = Manifest(
        facet=_read(FacetTable, facet, name),
        upstream=None if upstream is None else _read(Upstream, upstream, f"{name}: [upstream]"),
        route=tuple(read),
        unknown=rest,
    )
    return manifest, Origin(form="legacy", ignored_methods=tuple(ignored))


def _read(kind: type[T], value: Any, where: str) -> T:
    """One table: known keys with their types, sub-tables, the rest unknown."""
    rest = dict(_dict(value, where))
    known: dict[str, Any] = {}
    for key, of in _STRICT.get(kind, {}).items():
        if key in rest:
            if type(rest[key]) is not of:
                raise RonConfigError(f"{where} {key} must be {_CALLED[of]}, not {_called(rest[key])}")
            known[key] = rest.pop(key)
        elif key not in _OPTIONAL:
            near = next((one for one in rest if one not in _STRICT[kind] and did_you_mean(one, [key])), None)
            hint = f" (is {near} meant?)" if near and near.isidentifier() else ""
            raise RonConfigError(f"{where} has no {key}{hint}: write {key} = {_EXAMPLES[key]}")
    for key, of in _LENIENT.get(kind, {}).items():
        if type(rest.get(key)) is of:
            known[key] = rest.pop(key)
    for key, table in _SUBTABLES.get(kind, {}).items():
        if isinstance(rest.get(key), dict):
            known[key] = _read(table, rest.pop(key), f"{where} {key}")
    return kind(**known, unknown=rest)


_EXAMPLES = {
    "id": '"shop"',
    "kind": '"proxy", "static" or "echo"',
    "scheme": '"http"',
    "host": '"127.0.0.1"',
    "port": "4000",
    "method": '"GET"',
    "path": '"/items"',
}


def _dict(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise RonConfigError(f"{where} must be a table, not {_called(value)}")
    return value


def _called(value: Any) -> str:
    return _CALLED.get(type(value), "a date or time")
