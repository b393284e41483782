"""``ron doctor``."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Optional

import click

from .. import _exits
from .._command import command
from .._connection import Connection, connected

if TYPE_CHECKING:
    from .._screen import Screen
    from ._evidence import Evidence

__all__ = ["doctor_command"]


@command(
    "doctor",
    summary="Say what answers at a URL, and what to do about what is wrong.",
    examples=(
        "ron doctor http://127.0.0.1:5304",
        "ron doctor --path /app/shop/items --stream /app/shop/items/events",
    ),
)
@click.argument("url", metavar="[URL]", required=False)
@click.option("--path", metavar="PATH", help="A route of your own to try, with the token.")
@click.option("--stream", metavar="PATH", help="An event stream to try: whether it arrives while it lasts.")
@click.option("--strict", is_flag=True, help="Warnings end with exit code 1, too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@connected(without=("url", "retries"))
@click.pass_context
def doctor_command(
    ctx: click.Context,
    connection: Connection,
    url: Optional[str],
    path: Optional[str],
    stream: Optional[str],
    strict: bool,
    as_json: bool,
) -> None:
    """Say what answers at URL (by default the environment's), and what to do about what is wrong.

    Nothing is changed: it asks for a few well-known paths, without the token; only --path and --stream are asked for
    with it. --timeout bounds it all, by default 10 seconds. Where the URL names this machine and no gateway or
    micronode answers there, the other usual ports of this machine are tried.
    """
    from ._diagnose import diagnose
    from ._report import as_document, show

    screen: Screen = ctx.obj
    evidence = _evidence(screen, replace(connection, url=url), path, stream)
    diagnosis = diagnose(evidence)
    if as_json:
        screen.write_json(as_document(evidence, diagnosis))
    else:
        show(screen, evidence, diagnosis)
    if diagnosis.worst == "error" or (strict and diagnosis.worst == "warning"):
        ctx.exit(_exits.FOUND)


def _evidence(screen: Screen, connection: Connection, path: Optional[str], stream: Optional[str]) -> Evidence:
    from ...client import RonClientSync
    from ._kind import kind_of
    from ._probes import Questions, examine, neighbours

    if connection.memory:
        with connection.client(screen) as client:
            return examine(client, Questions(path, stream, client.config.overall_timeout_ms / 1000))
    config = connection.config(screen, opt_in=False)
    seconds = config.overall_timeout_ms / 1000
    withheld = config.base_url.startswith("http://") and not config.allow_insecure_http and config.token is not None
    # Asking over plain http is what a doctor is for, as long as it is without the token.
    config = config.with_overrides(allow_insecure_http=True, **({"token": None} if withheld else {}))
    started = time.monotonic()
    with RonClientSync(config=config) as client:
        evidence = examine(client, Questions(path, stream, seconds, withheld))
    if not evidence.loopback or kind_of(evidence) in ("gateway", "micronode"):
        return evidence

    def at(port: int) -> RonClientSync:
        host = f"[{evidence.host}]" if ":" in evidence.host else evidence.host
        return RonClientSync(base_url=f"http://{host}:{port}", allow_insecure_http=True)

    return replace(evidence, elsewhere=neighbours(evidence.port, at, seconds - (time.monotonic() - started)))
