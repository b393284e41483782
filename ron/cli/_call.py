"""``ron call``: one request, as curl would send it, with the SDK's deadline, repeats and redaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

import click

from ._command import command
from ._connection import Connection, connected
from ._resource import key_option

if TYPE_CHECKING:
    from .._flow import Answer
    from ..client import RonClientSync
    from ._screen import Screen

__all__ = ["call_command"]


@command(
    "call",
    summary="Send one request, as curl would, with the SDK's care.",
    examples=(
        "ron call GET /app/shop/items -q status=open -q page_size=5",
        'ron call POST /app/shop/items -d \'{"name": "kettle"}\'',
    ),
)
@click.argument("method", metavar="METHOD")
@click.argument("path", metavar="PATH")
@click.option("-d", "--data", metavar="JSON|@FILE|-", help="The body: JSON, a file's, or stdin's.")
@click.option("-q", "--query", metavar="NAME=VALUE", multiple=True, help="A query parameter; repeatable.")
@click.option("-H", "--header", "headers", metavar="'NAME: VALUE'", multiple=True, help="A header; repeatable.")
@click.option("-i", "--include", is_flag=True, help="Show the answer's status and headers as well.")
@key_option
@connected()
@click.pass_obj
def call_command(
    screen: Screen,
    connection: Connection,
    method: str,
    path: str,
    data: Optional[str],
    query: tuple[str, ...],
    headers: tuple[str, ...],
    include: bool,
    idempotency_key: Optional[str],
) -> None:
    """Send METHOD to PATH below the URL and show the body of the answer.

    JSON is indented; other text is shown as it is, on a terminal without escape sequences.
    """
    from ._data import read_data
    from ._failure import Refusal
    from ._pairs import header_fields, query_values

    if "?" in path:
        raise Refusal("PATH holds a '?': give the query as -q NAME=VALUE")
    parts: dict[str, Any] = {"query": query_values(query), "headers": {"Accept": "*/*", **header_fields(headers)}}
    if data is not None:
        parts["json"] = read_data(data)
    with connection.client(screen) as client:
        answer = _answer(client, method.upper(), path, idempotency_key, parts)
    if include:
        _show_head(screen, answer)
    _show_body(screen, answer)


def _answer(client: RonClientSync, method: str, path: str, key: Optional[str], parts: dict[str, Any]) -> Answer:
    """The answer as it came: ``client.call`` would only give its JSON."""
    from .._flow import perform
    from .._plan import checked_key, plain_plan

    session = client._session
    chosen = checked_key(True if key == "new" else key, session.new_id)
    return client._run(perform(session, plain_plan(method, path, key=chosen, **parts)))


def _show_head(screen: Screen, answer: Answer) -> None:
    from ..logging_ import redact_headers
    from ._visible import visible

    reply = answer.reply
    fields = {name.decode("latin-1"): value.decode("latin-1") for name, value in reply.headers}
    lines = [f"HTTP {reply.status}", *(f"{name}: {value}" for name, value in redact_headers(fields).items())]
    screen.write("".join(f"{visible(screen.scrubbed(line))}\n" for line in lines) + "\n")


def _show_body(screen: Screen, answer: Answer) -> None:
    from .._json import read_json
    from ._render import json_text
    from ._visible import visible

    body: bytes = answer.reply.body
    if not body:
        return
    try:
        value = read_json(body)
    except ValueError:
        pass
    else:
        screen.write_json(json_text(value))
        return
    if screen.terminal:
        text = visible(body.decode("utf-8", "replace"), keep="\n\t")
        screen.write(text if text.endswith("\n") else f"{text}\n")
    else:
        screen.raw(body)
