"""``ron watch``."""

from __future__ import annotations

import dataclasses
import logging
import shlex
from typing import TYPE_CHECKING, Any, Optional

import click

from ._command import command, show_log
from ._connection import Connection, connected
from ._resource import at_option, filter_option, filters_of, manager_of, query_option, resource_argument

if TYPE_CHECKING:
    from ._screen import Screen

__all__ = ["watch_command"]

_SECONDS = click.FloatRange(0.001, 86400)
_STYLES = {"added": "green", "modified": "yellow", "listed": "green", "deleted": "red"}


@command(
    "watch",
    summary="Show changes as they happen.",
    examples=("ron watch shop:Item -f status=open --ndjson",),
)
@resource_argument
@filter_option
@click.option("--cursor", metavar="ID", help="Where to go on from: the cursor of the last change that was seen.")
@click.option("--initial", is_flag=True, help="Begin with everything that is there.")
@click.option("--limit", metavar="N", type=click.IntRange(1), help="End after so many changes.")
@click.option("--for", "duration", metavar="SECONDS", type=_SECONDS, help="End after so long.")
@click.option(
    "--idle-timeout",
    metavar="SECONDS",
    type=_SECONDS,
    help="Silence after which the stream counts as lost and is opened again.",
)
@click.option(
    "--max-failures",
    metavar="N",
    type=click.IntRange(0, 1_000_000),
    help="How many attempts in a row may bring nothing before it gives up, by default 12.",
)
@query_option
@at_option
@click.option("--ndjson", is_flag=True, help="One JSON object a change: type, key, item, cursor.")
@connected()
@click.pass_context
def watch_command(
    ctx: click.Context,
    connection: Connection,
    resource: str,
    filters: tuple[str, ...],
    cursor: Optional[str],
    initial: bool,
    limit: Optional[int],
    duration: Optional[float],
    idle_timeout: Optional[float],
    max_failures: Optional[int],
    query: tuple[str, ...],
    at: tuple[str, ...],
    ndjson: bool,
) -> None:
    """Show the changes of MODULE:ITEM as they happen, until Ctrl-C.

    Where continuity is lost everything is listed again, then a 'resync' says which keys exist; where the node can't
    stream, the list is asked for again and again. A watch that gave up can be taken up with --cursor.

    With --memory the objects of --seed are added once the watch is open, and the watch ends after them.
    """
    from ._names import load_resource
    from ._pairs import query_values

    screen: Screen = ctx.obj
    if not screen.debug:
        show_log(ctx, logging.WARNING)  # where it polls from now on, or an event could not be read
    kind = load_resource(resource)
    node = dataclasses.replace(connection, seed=None).node(kind) if connection.memory else None
    with connection.client(screen, node=node) as client:
        changes = manager_of(client, kind, at).watch(
            filters_of(kind, filters),
            cursor=cursor,
            initial=initial,
            max_events=limit,
            max_duration=duration,
            idle_timeout=idle_timeout,
            max_failures=max_failures,
            query=query_values(query),
        )
        with changes:
            if node is not None:
                # Nobody else changes a node in this process: what there is to see is added now, and then it ends.
                connection.plant(node, kind)
                node.finish_streams()
            _follow(screen, changes, ndjson)
        if duration is not None and changes._position.heard is None:
            from ..errors import RonTimeoutError

            raise RonTimeoutError(f"{kind.__name__}: no answer within the {duration:g} seconds of --for")


def _follow(screen: Screen, changes: Any, ndjson: bool) -> None:
    """Shows change after change; where it is interrupted, says how to go on."""
    try:
        for change in changes:
            _show(screen, change, ndjson)
    except KeyboardInterrupt:
        if changes.cursor is not None and screen.watched:
            screen.note(f"go on with --cursor {shlex.quote(changes.cursor)}")
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
