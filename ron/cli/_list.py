"""``ron list``."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Optional

import click

from ._command import command
from ._connection import Connection, connected
from ._resource import at_option, filter_option, filters_of, manager_of, query_option, resource_argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._screen import Screen

__all__ = ["list_command"]


@command(
    "list",
    summary="List the objects of a resource.",
    examples=(
        "ron list shop:Item -f status=open --limit 20",
        "ron list shop:Item --ndjson | jq .price",
    ),
)
@resource_argument
@filter_option
@click.option("--limit", metavar="N", type=click.IntRange(1), help="At most so many objects.")
@click.option("--page-size", metavar="N", type=click.IntRange(1), help="Objects a request; by default the node's.")
@click.option("--page-token", metavar="TOKEN", help="Where to begin: the token that an error named.")
@query_option
@at_option
@click.option("--json", "as_json", is_flag=True, help="One JSON list, when all is there.")
@click.option("--ndjson", is_flag=True, help="One JSON object a line, as they come.")
@connected()
@click.pass_obj
def list_command(
    screen: Screen,
    connection: Connection,
    resource: str,
    filters: tuple[str, ...],
    limit: Optional[int],
    page_size: Optional[int],
    page_token: Optional[str],
    query: tuple[str, ...],
    at: tuple[str, ...],
    as_json: bool,
    ndjson: bool,
) -> None:
    """List the objects of MODULE:ITEM, page after page.

    On a terminal as a table, with progress on stderr while it is long; anywhere else tab-separated, heads first.
    """
    from ._names import load_resource
    from ._pairs import query_values

    if as_json and ndjson:
        raise click.UsageError("--json and --ndjson: give one of them")
    kind = load_resource(resource)
    with connection.client(screen, kind) as client:
        listing = manager_of(client, kind, at).list(
            filters_of(kind, filters),
            limit=limit,
            page_size=page_size,
            page_token=page_token,
            query=query_values(query),
        )
        pages = _pages(screen, listing, limit, hidden=ndjson and screen.terminal)
        if ndjson:
            _show_lines(screen, pages)
        else:
            _show_whole(screen, kind, [item for page in pages for item in page], as_json)


def _pages(screen: Screen, listing: Any, limit: Optional[int], *, hidden: bool) -> Iterator[Any]:
    """The pages; from the second on with progress, so that a short list doesn't flicker."""
    from ._progress import progress

    done = 0
    with contextlib.ExitStack() as stack:
        report = stack.enter_context(progress("listing")) if screen.watched and not hidden else None
        for page in listing.pages():
            done += len(page)
            if report is not None and page.next_page_token is not None:
                report(done, limit)
            yield page


def _show_lines(screen: Screen, pages: Iterator[Any]) -> None:
    from ._render import json_line

    for page in pages:
        screen.write_json_lines([json_line(item) for item in page])


def _show_whole(screen: Screen, kind: type[Any], items: Any, as_json: bool) -> None:
    from ..resources._description import description_of
    from ._render import cells, columns, document, is_number, json_text
    from ._tables import show_table

    if as_json:
        screen.write_json(json_text([document(item) for item in items]))
        return
    names = columns(description_of(kind))
    right = [name for name in names if items and all(is_number(item, name) for item in items)]
    show_table(screen, names, [cells(item, names) for item in items], right=right)
