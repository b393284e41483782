"""``ron watch``."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Optional

import click

from ._command import command
from ._connection import Connection, connected
from ._resource import at_option, filter_option, filters_of, manager_of, query_option, resource_argument

if TYPE_CHECKING:
    from ._screen import Screen

__all__ = ["watch_command"]

_STYLES = {"added": "green", "modified": "yellow", "listed": "green", "deleted": "red"}


@command("watch", summary="Show changes as they happen.")
@resource_argument
@filter_option
@click.option("--cursor", metavar="ID", help="Where to go on from: the cursor of the last change that was seen.")
@click.option("--limit", metavar="N", type=click.IntRange(1), help="End after so many changes.")
@click.option(
    "--idle-timeout",
    metavar="SECONDS",
    type=click.FloatRange(0.001, 86400),
    help="Silence after which the stream counts as lost and is opened again.",
)
@query_option
@at_option
@click.option("--ndjson", is_flag=True, help="One JSON object a change: type, key, item, cursor.")
@connected()
@click.pass_obj
def watch_command(
    screen: Screen,
    connection: Connection,
    resource: str,
    filters: tuple[str, ...],
    cursor: Optional[str],
    limit: Optional[int],
    idle_timeout: Optional[float],
    query: tuple[str, ...],
    at: tuple[str, ...],
    ndjson: bool,
) -> None:
    r"""Show the changes of MODULE:ITEM as they happen, until Ctrl-C.

    With --memory the objects of --seed are added once the watch is open, and the watch ends after them.

    \b
    Example:
      ron watch shop:Item -f status=open --ndjson
    """
    from ._names import load_resource
    from ._pairs import query_values

    kind = load_resource(resource)
    node = dataclasses.replace(connection, seed=None).node(kind) if connection.memory else None
    with connection.client(screen, node=node) as client:
        changes = manager_of(client, kind, at).watch(
            filters_of(kind, filters), cursor=cursor, idle_timeout=idle_timeout, query=query_values(query)
        )
        with changes:
            if node is not None:
                # Nobody else changes a node in this process: what there is to see is added now, and then it ends.
                connection.plant(node, kind)
                node.finish_streams()
            _follow(screen, changes, limit, ndjson)


def _follow(screen: Screen, changes: Any, limit: Optional[int], ndjson: bool) -> None:
    """Shows change after change; where it is interrupted, says how to go on."""
    seen = 0
    try:
        for change in changes:
            _show(screen, change, ndjson)
            seen += 1
            if seen == limit:
                break
    except KeyboardInterrupt:
        if changes.cursor is not None and screen.watched:
            screen.note(f"go on with --cursor {changes.cursor}")
        raise


def _show(screen: Screen, change: Any, ndjson: bool) -> None:
    from ._changes import change_line, change_text

    if ndjson:
        screen.write_json(change_line(change))
    elif not screen.terminal:
        screen.line("\t".join(change_text(change)))
    else:
        from rich.text import Text

        kind, key, rest = change_text(change)
        screen.draw(Text.assemble((f"{kind:<8}", _STYLES.get(kind, "magenta")), " ", (key, "cyan"), " ", rest))
