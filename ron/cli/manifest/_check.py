"""``ron manifest check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Optional

import click

from .. import _exits
from .._command import command

if TYPE_CHECKING:
    from ...manifest import Finding
    from .._screen import Screen

__all__ = ["check_command"]

_MARKS = {"warning": ("!", "yellow"), "error": ("✗", "red")}


@command(
    "check",
    summary="Say what a node would do with manifests that it doesn't say.",
    examples=(
        "ron manifest check facets/",
        "ron manifest check shop.toml --strict",
    ),
)
@click.argument("names", metavar="PATH|MODULE[:FACET]...", nargs=-1, required=True)
@click.option("--node", metavar="KIND", default="micronode", help="The kind of node; by default micronode.")
@click.option(
    "--root",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    help="The node's working directory, in which the files of static facets must be.",
)
@click.option("--strict", is_flag=True, help="Warnings end with exit code 1, too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def check_command(
    ctx: click.Context, names: tuple[str, ...], node: str, root: Optional[str], strict: bool, as_json: bool
) -> None:
    """Say what a node would skip, ignore, not mount, forward wrongly, or die of.

    PATH is a manifest, or a directory of them, which is then checked as a node reads it: together. The exit code is 1
    if there is an error.
    """
    screen: Screen = ctx.obj
    findings = [finding for name in names for finding in _findings(name, node, root)]
    if as_json:
        from .._render import json_text

        screen.write_json(json_text([_document(finding) for finding in findings]))
    elif findings:
        _show(screen, findings)
    elif screen.terminal:
        screen.note("nothing found")
    levels = {finding.level for finding in findings}
    if "error" in levels or (strict and levels):
        ctx.exit(_exits.FOUND)


def _findings(name: str, node: str, root: Optional[str]) -> list[Finding]:
    from ...errors import RonConfigError
    from ...manifest import Finding, Manifest, Place, check_dir
    from ._sources import declared

    path = Path(name)
    if path.is_dir():
        return check_dir(path, node, root=root)
    if not path.is_file() and path.suffix != ".toml":
        return [finding for made in declared(name) for finding in made.check(node, root=root)]
    if path.is_file():
        try:
            manifest = Manifest.load(path)
        except RonConfigError as error:  # what a directory of it would have as a finding
            said = error.message.removeprefix(name).lstrip(": ")
            return [Finding("unreadable", "skipped", Place(name), said, "write a facet manifest")]
    else:
        manifest = Manifest.load(path)
    return manifest.check(node, root=root)


def _document(finding: Finding) -> dict[str, object]:
    where = {"file": finding.where.file, "table": finding.where.table, "key": finding.where.key}
    names = ("level", "code", "effect", "message", "fix")
    return {**{name: getattr(finding, name) for name in names}, "where": where}


def _show(screen: Screen, findings: list[Finding]) -> None:
    """A line a finding: level, code, place, message, fix; on a terminal with marks, the fix on a line of its own."""
    from .._render import tabbed
    from .._visible import visible

    rows = [[visible(text) for text in (one.level, one.code, str(one.where), one.message, one.fix)] for one in findings]
    if not screen.terminal:
        screen.write("".join(f"{tabbed(row)}\n" for row in rows))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1))
    table.add_column()
    table.add_column(overflow="fold")
    for level, code, where, message, fix in rows:
        mark, style = _MARKS[level]
        table.add_row(Text(mark, style=style), Text.assemble((where, "bold"), f": {message} ", (f"[{code}]", "dim")))
        table.add_row("", Text(f"→ {fix}", style="italic"))
    screen.draw(table)
