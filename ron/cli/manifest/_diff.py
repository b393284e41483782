"""``ron manifest diff``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import click

from .. import _exits
from .._command import command
from .._connection import Connection, connected

if TYPE_CHECKING:
    from ...manifest import Difference
    from .._screen import Screen

__all__ = ["diff_command"]

_STYLES = {"missing": "red", "extra": "green", "changed": "yellow"}
_HEADS = ("difference", "facet", "what", "wanted", "actual")
#: a node tells what it has loaded without asking for a token, so none is sent
_NEEDLESS = ("url", "ask_token", "insecure_http", "micronode", "auth_scheme", "facet_prefix", "seed")


@command(
    "diff",
    summary="Compare manifests with a running node or a directory.",
    examples=(
        "ron manifest diff shop:Shop http://127.0.0.1:5310",
        "ron manifest diff shop facets/",
    ),
)
@click.argument("names", metavar="SOURCE... [URL|DIR]", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@connected(without=_NEEDLESS)
@click.pass_context
def diff_command(ctx: click.Context, connection: Connection, names: tuple[str, ...], as_json: bool) -> None:
    """Say what must change for a node, or a directory of manifests, to be what the sources say.

    A SOURCE is a manifest, a directory of them, MODULE:FACET or MODULE. They are compared with the node at URL (what it
    says at /facets/meta), with the manifests in DIR, or, where neither comes last, with the node of the environment.
    No token is sent. The exit code is 1 if anything differs.
    """
    from ...manifest import diff
    from ._sources import manifests

    screen: Screen = ctx.obj
    sources, against = _split(names, connection)
    wanted = manifests(sources)
    there: Any = against
    if against is None or "://" in against:
        there = _loaded(screen, replace(connection, url=against))
    differences = diff(wanted, there)
    if as_json:
        from .._render import json_text

        screen.write_json(json_text([vars(one) for one in differences]))
    else:
        _show(screen, differences)
    if differences:
        ctx.exit(_exits.FOUND)


def _split(names: tuple[str, ...], connection: Connection) -> tuple[tuple[str, ...], Optional[str]]:
    """The sources, and what they are compared with; None for the node of the environment or in this process."""
    if connection.memory:
        return names, None
    last = names[-1]
    if "://" in last and len(names) == 1:
        raise click.UsageError("name what is wanted before the URL, such as shop:Shop or facets/")
    if len(names) > 1 and ("://" in last or Path(last).is_dir()):
        return names[:-1], last
    return names, None


def _loaded(screen: Screen, connection: Connection) -> Any:
    """What the node says that it has loaded."""
    from ...client import RonClientSync

    if connection.memory:
        with connection.client(screen) as client:
            return client.get("/facets/meta")
    config = connection.config(screen, opt_in=False).with_overrides(token=None, allow_insecure_http=True)
    with RonClientSync(config=config) as client:
        return client.get("/facets/meta")


def _show(screen: Screen, differences: list[Difference]) -> None:
    from .._render import tabbed
    from .._visible import visible

    rows = [
        [visible(text or "") for text in (one.kind, one.facet, one.what, one.wanted, one.actual)] for one in differences
    ]
    if not screen.terminal:
        screen.write("".join(f"{tabbed(row)}\n" for row in rows))
        return
    if not rows:
        screen.note("no difference")
        return
    from .._tables import show_table

    show_table(screen, _HEADS, rows, styles=_STYLES)
