"""What a node makes of a file's form, its ``[facet]`` and its ``[upstream]``. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Optional

from .._plan import encode_path
from .._suggest import listed
from .._url import parse_base_url
from ..errors import RonConfigError
from ._exposed import quoted
from ._findings import Finding, Place

if TYPE_CHECKING:
    from ._model import Manifest
    from ._nodes import KindRules, NodeCapabilities
    from ._tables import Upstream

__all__ = ["check_facet", "check_form", "check_upstream", "route_table", "travels"]

_REWRITE = "write it as version 1, as to_toml() does"


def check_form(manifest: Manifest, node: NodeCapabilities) -> Iterator[Finding]:
    """Version 0, where it is read otherwise than version 1, or not at all."""
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
            Place(origin.source, route_table(manifest, number + 1), "method"),
            "routes of version 0 are always GET",
            "leave method out, or " + _REWRITE,
        )


def route_table(manifest: Manifest, number: int) -> str:
    """How the file calls a route, counted from 1."""
    return f"routes {number}" if manifest._origin.form == "legacy" else f"[[route]] {number}"


def check_facet(manifest: Manifest, node: NodeCapabilities) -> Iterator[Finding]:
    """The facet's kind and id."""
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
    elif "/" in facet.id or not travels(f"/{facet.id}"):
        yield Finding(
            "id",
            "unanswered",
            where,
            f"{quoted(facet.id)} is not one path segment as it travels, so that no client of the facet asks for it",
            "write letters, digits, '.', '_', '~' or '-'",
        )


def travels(path: str) -> bool:
    """Whether a path is written as requests carry it."""
    try:
        return encode_path(path).decode("ascii") == path
    except RonConfigError:
        return False


def check_upstream(manifest: Manifest, node: NodeCapabilities, rules: Optional[KindRules]) -> Iterator[Finding]:
    """Whether a proxy has an upstream where this node looks for it, and what is wrong with its values."""
    upstream, origin = manifest.upstream, manifest._origin
    needed = rules is None or rules.upstream
    table = f"[{origin.upstream_table}]" if upstream is not None else f"[{node.upstream_tables[0]}]"
    seen = upstream is not None and origin.upstream_table in node.upstream_tables
    # that a file of version 0 has no place for an upstream is said of the form
    if rules is not None and rules.upstream and not seen and origin.form == "v1":
        yield Finding(
            "upstream",
            "skipped",
            Place(origin.source, table),
            f"there is no {table}, which a {manifest.facet.kind} must have"
            if upstream is None
            else f"a {node.name} does not look into {table}, so that the {manifest.facet.kind} has no upstream",
            f"write [{node.upstream_tables[0]}] with scheme, host and port",
        )
    elif not needed and upstream is not None:
        yield Finding(
            "upstream",
            "ignored",
            Place(origin.source, table),
            f"a facet of kind {manifest.facet.kind} has no upstream",
            "remove the table, or write kind = 'proxy'",
        )
    # a proxy's must be right, also where it has to be moved; what another kind has for nothing is not looked at
    if upstream is not None and needed:
        yield from _upstream_values(upstream, origin.source, table)


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
    elif base is not None and not travels(base):
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
