"""``ron manifest export``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

import click

from .._command import command

if TYPE_CHECKING:
    from ...manifest import Manifest
    from .._screen import Screen

__all__ = ["export_command"]


@command(
    "export",
    summary="Write the manifests of declared facets.",
    examples=(
        "ron manifest export shop:Shop",
        "ron manifest export shop --dir facets/",
    ),
)
@click.argument("names", metavar="MODULE[:FACET]...", nargs=-1, required=True)
@click.option(
    "--dir",
    "directory",
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="Write <id>.toml there, instead of to stdout.",
)
@click.option("--node", metavar="KIND", default="micronode", help="The kind of node that the notes are about.")
@click.pass_obj
def export_command(screen: Screen, names: tuple[str, ...], directory: Optional[str], node: str) -> None:
    """Write the manifests of the facets that are declared in Python.

    The same declarations always give the same bytes; with --dir a file is replaced as a whole, and only if that
    changes it. What a node would do with a manifest that it doesn't say is told on stderr.
    """
    from .._failure import Refusal
    from ._sources import declared

    made = [manifest for name in names for manifest in declared(name)]
    if directory is None and len(made) > 1:
        raise Refusal(f"these are {len(made)} manifests, and one file holds one: add --dir DIR")
    if directory is None:
        screen.write(made[0].to_toml())
    else:
        _write(screen, made, directory)
    for manifest in made:
        for finding in manifest.check(node):
            screen.note(f"ron: {manifest.facet.id}: {finding}")


def _write(screen: Screen, made: list[Manifest], directory: str) -> None:
    for manifest in made:
        path, wrote = manifest.write(directory)
        screen.line(f"{'written' if wrote else 'unchanged'}\t{path}")
