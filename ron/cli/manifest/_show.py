"""``ron manifest show``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .._command import command

if TYPE_CHECKING:
    from ...manifest import Manifest
    from .._screen import Screen

__all__ = ["show_command"]

_HEADS = ("facet", "kind", "method", "path", "leads to")


@command(
    "show",
    summary="Show the routes of manifests.",
    examples=(
        "ron manifest show shop:Shop",
        "ron manifest show facets/",
    ),
)
@click.argument("names", metavar="PATH|MODULE[:FACET]...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Everything that they say, as JSON.")
@click.pass_obj
def show_command(screen: Screen, names: tuple[str, ...], as_json: bool) -> None:
    """Show the routes of manifests: files, directories, or facets that are declared in Python."""
    from .._render import json_text
    from .._tables import show_table
    from ._sources import manifests

    found = manifests(names)
    if as_json:
        screen.write_json(json_text([manifest.content() for manifest in found]))
        return
    show_table(screen, _HEADS, [row for manifest in found for row in _rows(manifest)])


def _rows(manifest: Manifest) -> list[list[str]]:
    from .._visible import visible

    facet = manifest.facet
    behind = "" if manifest.upstream is None else str(manifest.upstream)
    routes = [
        [facet.id, facet.kind, route.method, route.path, route.file or f"{behind}{route.upstream_path or ''}"]
        for route in manifest.routes
    ]
    return [[visible(text) for text in row] for row in routes or [[facet.id, facet.kind, "", "", behind]]]
