"""What a node would do with manifests that it doesn't say: skip a file, ignore a key, die. Pure.

Every rule is read from a :class:`NodeCapabilities`. The routes have a module of their own, ``_check_routes``; here are
the tables before them, what is open to everybody, and the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Optional

from .._plan import encode_path
from .._suggest import did_you_mean, listed
from .._url import parse_base_url
from ..errors import RonConfigError
from ._check_routes import check_mounts, check_routes
from ._exposed import exposed, quoted
from ._findings import Finding, Place
from ._model import FacetTable, Integrity, Limits, Manifest, ManifestRoute, Meta, Security, Upstream
from ._nodes import KindRules

if TYPE_CHECKING:
    from ._files import SeenFiles
    from ._model import _Table
    from ._nodes import NodeCapabilities

__all__ = ["check_manifest", "check_together"]


def check_manifest(manifest: Manifest, node: NodeCapabilities, seen: Optional[SeenFiles] = None) -> list[Finding]:
    """The findings of one manifest; see ``Manifest.check``."""
    return check_together([manifest], node, seen)


def check_together(
    manifests: Sequence[Manifest], node: NodeCapabilities, seen: Optional[SeenFiles] = None
) -> list[Finding]:
    """The findings of manifests that one node loads in this order, each beside its file."""
    found = [list(_alone(manifest, node, seen)) for manifest in manifests]
    # a file that is skipped for itself takes no id and mounts nothing
    loads = [not any(one.effect == "skipped" for one in findings) for findings in found]
    first: dict[str, Manifest] = {}
    for number, manifest in enumerate(manifests):
        if not loads[number]:
            continue
        other = first.setdefault(manifest.facet.id, manifest)
        if other is not manifest:
            found[number].append(_duplicate(manifest, other))
            loads[number] = False
    mounted = [(number, manifest) for number, manifest in enumerate(manifests) if loads[number]]
    for number, finding in check_mounts(mounted, node):
        found[number].append(finding)
    return [finding for findings in found for finding in findings]


def _alone(manifest: Manifest, node: NodeCapabilities, seen: Optional[SeenFiles]) -> Iterator[Finding]:
    rules = node.kinds.get(manifest.facet.kind)
    yield from _form(manifest, node)
    yield from _facet(manifest, node)
    yield from _upstream(manifest, node, rules)
    yield from check_routes(manifest, node, rules or KindRules(), seen)
    yield from _unheeded(manifest, node)
    yield from _keys(manifest)
    yield from _secrets(manifest)


def _duplicate(manifest: Manifest, other: Manifest) -> Finding:
    return Finding(
        "duplicate_id",
        "skipped",
        Place(manifest.source, "[facet]", "id"),
        f"{other.source or 'another manifest'} has the id {quoted(manifest.facet.id)} too, and is read first: nodes "
        "keep the first of a directory's own order",
        "give each an id of its own, or remove one",
    )


def _form(manifest: Manifest, node: NodeCapabilities) -> Iterator[Finding]:
    origin = manifest._origin
    if origin.form == "legacy":
        kind = manifest.facet.kind
        if not node.legacy_kinds:
            yield Finding(
                "form", "skipped", Place(origin.source), f"a {node.name} reads no files of version 0", _REWRITE
            )
        elif kind in node.kinds and kind not in node.legacy_kinds:
            yield Finding(
                "form",
                "skipped",
                Place(origin.source, "", "kind"),
                f"a file of version 0 has no upstream for a {node.name}, so a {kind} in it is refused",
                _REWRITE,
            )
        else:
            yield Finding(
                "form", "ignored", Place(origin.source), "the file is of version 0, without [facet]", _REWRITE
            )
    for number in origin.ignored_methods:
        yield Finding(
            "form",
            "ignored",
            Place(origin.source, f"routes {number + 1}", "method"),
            "routes of version 0 are always GET",
            "leave method out, or " + _REWRITE,
        )


_REWRITE = "write it as version 1, as to_toml() does"


def _facet(manifest: Manifest, node: NodeCapabilities) -> Iterator[Finding]:
    facet, source = manifest.facet, manifest.source
    if facet.kind not in node.kinds:
        lower = facet.kind.strip().lower()
        better = f"write {lower!r}" if lower in node.kinds else f"write one of {listed(node.kinds)}"
        yield Finding(
            "kind", "skipped", Place(source, "[facet]", "kind"), f"no {node.name} has {quoted(facet.kind)}", better
        )
    where = Place(source, "[facet]", "id")
    bad = next((char for char in node.forbidden_in_id if char in facet.id), None)
    if not facet.id.strip():
        yield Finding("id", "skipped", where, "the id is blank", "write a name, such as 'shop'")
    elif bad:
        yield Finding(
            "id",
            node.clash,
            where,
            f"{quoted(facet.id)} holds {bad!r}, which begins a parameter where the facet is mounted",
            "write letters, digits, '.', '_', '~' or '-'",
        )
    elif "/" in facet.id or not _travels(f"/{facet.id}"):
        yield Finding(
            "id",
            "unanswered",
            where,
            f"{quoted(facet.id)} is not one path segment as it travels, so that no client of the facet asks for it",
            "write letters, digits, '.', '_', '~' or '-'",
        )


def _travels(path: str) -> bool:
    try:
        return encode_path(path).decode("ascii") == path
    except RonConfigError:
        return False


def _upstream(manifest: Manifest, node: NodeCapabilities, rules: Optional[KindRules]) -> Iterator[Finding]:
    upstream, origin = manifest.upstream, manifest._origin
    table = f"[{origin.upstream_table}]"
    seen = upstream if origin.upstream_table in node.upstream_tables and origin.form == "v1" else None
    if rules is not None and rules.upstream and seen is None:
        if origin.form == "legacy":
            return  # said of the form
        place = table if upstream is not None else "[upstream]"
        yield Finding(
            "upstream",
            "skipped",
            Place(origin.source, place),
            f"a {node.name} sees no {place} in the file, which a {manifest.facet.kind} must have"
            if upstream is None
            else f"a {node.name} does not look into {place}, so that the proxy has no upstream",
            f"write [{node.upstream_tables[0]}] with scheme, host and port",
        )
    elif rules is not None and not rules.upstream and upstream is not None:
        yield Finding(
            "upstream",
            "ignored",
            Place(origin.source, table),
            f"a {manifest.facet.kind} has no upstream",
            "remove the table, or write kind = 'proxy'",
        )
    # a proxy's must be right; what another kind has for nothing is not looked at
    if seen is not None and (rules is None or rules.upstream):
        yield from _upstream_values(seen, origin.source, table)


def _upstream_values(upstream: Upstream, source: Optional[str], table: str) -> Iterator[Finding]:
    if upstream.scheme.lower() not in ("http", "https"):
        yield Finding(
            "scheme",
            "skipped",
            Place(source, table, "scheme"),
            f"{quoted(upstream.scheme)} is neither http nor https",
            "write 'http' or 'https', without '://'",
        )
    host = upstream.host
    if not host.strip():
        yield Finding(
            "host", "skipped", Place(source, table, "host"), "the host is blank", "write a name or an address"
        )
    elif "@" not in host and not _is_host(host):
        yield Finding(
            "host",
            "misdirected",
            Place(source, table, "host"),
            f"{quoted(host)} is no host",
            "write a name or an address alone, IPv6 in brackets; scheme, port and base_path have keys of their own",
        )
    if not 1 <= upstream.port <= 65535:
        yield Finding(
            "port", "skipped", Place(source, table, "port"), f"{quoted(upstream.port)} is no port", "write 1 to 65535"
        )
    base = upstream.base_path
    if base is not None and not base.startswith("/"):
        yield Finding(
            "base_path",
            "skipped",
            Place(source, table, "base_path"),
            f"{quoted(base)} does not begin with '/'",
            "write it with a '/', or leave it out",
        )
    elif base is not None and not _travels(base):
        yield Finding(
            "base_path",
            "misdirected",
            Place(source, table, "base_path"),
            f"{quoted(base)} is no path as it travels",
            "write a path, percent-encoded, without a query",
        )


def _is_host(host: str) -> bool:
    """Whether nothing but a host would be pasted into a URL."""
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        return False
    try:
        return not parse_base_url(f"http://{host}").path and not host.endswith("/")
    except RonConfigError:
        return False


def _unheeded(manifest: Manifest, node: NodeCapabilities) -> Iterator[Finding]:
    facet, source = manifest.facet, manifest.source
    says = {
        "facet.security": (
            facet.security,
            "so that anybody who reaches the node reaches the facet",
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
                Place(source, f"[[route]] {place}", "integrity"),
                f"a {node.name} compares no hash, here and in other routes",
                "compare them where the files are put",
            )


def _keys(manifest: Manifest) -> Iterator[Finding]:
    """Keys that no field stands for."""
    facet, source = manifest.facet, manifest.source
    legacy = manifest._origin.form == "legacy"
    tables: list[tuple[str, Optional[_Table]]] = [
        ("", manifest),
        ("" if legacy else "[facet]", facet),
        ("[facet.meta]", facet.meta),
        ("[facet.security]", facet.security),
        ("[facet.limits]", facet.limits),
        (f"[{manifest._origin.upstream_table}]", manifest.upstream),
    ]
    for number, route in enumerate(manifest.routes, 1):
        table = f"routes {number}" if legacy else f"[[route]] {number}"
        tables += [(table, route), (f"{table} integrity", route.integrity)]
    for name, one in tables:
        for key in () if one is None else one.unknown:
            yield _unknown(type(one), Place(source, name, key), key)


_KNOWN: dict[type[Any], tuple[str, ...]] = {
    kind: tuple(field.alias or name for name, field in kind.model_fields.items() if not field.exclude)
    for kind in (FacetTable, Integrity, Limits, Manifest, ManifestRoute, Meta, Security, Upstream)
}


def _unknown(kind: type[Any], where: Place, key: str) -> Finding:
    known = _KNOWN[kind]
    where = Place(where.file, where.table, key if quoted(key) == repr(key) else "[redacted]")
    if key in known:
        return Finding(
            "wrong_type", "ignored", where, "its value is of another type than the key has", "see docs/manifests.md"
        )
    if kind is FacetTable and key == "upstream":
        return Finding("unknown_key", "ignored", where, "the upstream is read elsewhere", "write [upstream]")
    near = did_you_mean(key, known)
    return Finding(
        "unknown_key",
        "ignored",
        where,
        f"nodes know no {quoted(key)} there{near}",
        "write one of " + listed(known) + ", or remove it",
    )


def _secrets(manifest: Manifest) -> Iterator[Finding]:
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
    *tables, key = at
    names = [str(part) if isinstance(part, str) else f"{part + 1}" for part in tables]
    if not tables:
        table = ""
    elif len(tables) > 1 and isinstance(tables[1], int):
        table = " ".join([f"[[{names[0]}]]", *names[1:]])
    else:
        table = f"[{'.'.join(names)}]"
    return Place(source, table, key if isinstance(key, str) else str(key + 1))
