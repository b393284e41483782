"""What a node does not act on: tables that it ignores, unknown keys, numbers too large, secrets. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Optional

from .._suggest import did_you_mean, listed
from ._check_tables import route_table
from ._exposed import exposed, leaves, named, quoted
from ._findings import Finding, Place
from ._model import Manifest
from ._reading import expected_type
from ._tables import FacetTable, Integrity, Limits, ManifestRoute, Meta, Security, Table, Upstream

if TYPE_CHECKING:
    from ._nodes import NodeCapabilities

__all__ = ["check_integers", "check_keys", "check_secrets", "check_unheeded"]


def check_unheeded(manifest: Manifest, node: NodeCapabilities) -> Iterator[Finding]:
    """Documented tables that this node does nothing with."""
    facet, source = manifest.facet, manifest.source
    says = {
        "facet.security": (
            facet.security,
            "so that it protects nothing: the node's own security mode decides",
            "guard it elsewhere",
        ),
        "facet.limits": (facet.limits, "so that nothing is limited", "limit it in front of the node or behind"),
        "facet.meta": (facet.meta, "which is for people", "nothing need be done"),
    }
    for name, (table, so, fix) in says.items():
        if table is not None and name not in node.heeded and name not in node.silent:
            yield Finding("ignored", "ignored", Place(source, f"[{name}]"), f"a {node.name} ignores it, {so}", fix)
    if "route.integrity" not in node.heeded and "route.integrity" not in node.silent:
        place = next((n for n, route in enumerate(manifest.routes, 1) if route.integrity is not None), None)
        if place is not None:
            yield Finding(
                "ignored",
                "ignored",
                Place(source, route_table(manifest, place), "integrity"),
                f"a {node.name} compares no hash, here and in other routes",
                "compare them where the files are put",
            )


def check_keys(manifest: Manifest) -> Iterator[Finding]:
    """Keys that no field stands for."""
    facet, source = manifest.facet, manifest.source
    legacy = manifest._origin.form == "legacy"
    tables: list[tuple[str, Optional[Table]]] = [
        ("", manifest),
        ("" if legacy else "[facet]", facet),
        ("[facet.meta]", facet.meta),
        ("[facet.security]", facet.security),
        ("[facet.limits]", facet.limits),
        (f"[{manifest._origin.upstream_table}]", manifest.upstream),
    ]
    for number, route in enumerate(manifest.routes, 1):
        table = route_table(manifest, number)
        tables += [(table, route), (f"{table} integrity", route.integrity)]
    for name, one in tables:
        for key in () if one is None else one.unknown:
            yield _unknown(type(one), Place(source, name, named(key)), key)


_KNOWN: dict[type[Any], tuple[str, ...]] = {
    kind: tuple(field.alias or name for name, field in kind.model_fields.items() if not field.exclude)
    for kind in (FacetTable, Integrity, Limits, Manifest, ManifestRoute, Meta, Security, Upstream)
}


def _unknown(kind: type[Any], where: Place, key: str) -> Finding:
    known = _KNOWN[kind]
    if key in known:
        of = expected_type(kind, key)
        return Finding("wrong_type", "ignored", where, f"it is not {of}", f"write {of}, or remove it")
    if kind is FacetTable and key == "upstream":
        return Finding("unknown_key", "ignored", where, "[upstream] is there too, and only that is read", "remove it")
    near = did_you_mean(key, known)
    return Finding(
        "unknown_key",
        "ignored",
        where,
        f"nodes know no {quoted(key)} there{near}",
        "write one of " + listed(known) + ", or remove it",
    )


def check_integers(manifest: Manifest) -> Iterator[Finding]:
    """Numbers that Python reads and a node's TOML reader doesn't (TOML 1.0 "Integer")."""
    for at, value in leaves(manifest.content()):
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            yield Finding(
                "integer",
                "skipped",
                _place(manifest.source, at),
                "no TOML reader of a node takes a whole number of more than 64 bits",
                "write a smaller one, or a string",
            )


def check_secrets(manifest: Manifest) -> Iterator[Finding]:
    """What should not be in a file that is committed and copied; values are never shown."""
    for at, why in exposed(manifest.content()):
        yield Finding(
            "secret",
            "exposed",
            _place(manifest.source, at),
            f"the value {why}; a manifest is read by everybody who runs a node",
            "remove it, and replace the secret: whoever has the file has it",
        )


def _place(source: Optional[str], at: tuple[Any, ...]) -> Place:
    """Where a path of keys and positions leads, as the file is written."""
    names = [named(part) if isinstance(part, str) else f"{part + 1}" for part in at]
    if isinstance(at[-1], int):
        names[-2:] = [" ".join(names[-2:])]
        at = at[:-1]
    *tables, key = names
    if not tables:
        table = ""
    elif len(tables) > 1 and isinstance(at[1], int):
        table = " ".join([f"[[{tables[0]}]]", *tables[1:]])
    else:
        table = f"[{'.'.join(tables)}]"
    return Place(source, table, key)
