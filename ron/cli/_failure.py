"""How a run that failed is told: one line on stderr, a traceback with ``--debug``, and the exit code."""

from __future__ import annotations

import shlex
import traceback
from typing import TYPE_CHECKING

import click

from . import _exits

if TYPE_CHECKING:
    from ._screen import Screen

__all__ = ["PipeClosed", "Refusal", "tell"]


class Refusal(click.ClickException):
    """Raised when the arguments are wrong in a way that click doesn't see; nothing was sent."""

    exit_code = _exits.USAGE


class PipeClosed(Exception):
    """Raised when the reader of the output has gone."""


def tell(error: Exception, screen: Screen) -> int:
    """Writes what went wrong; returns the exit code."""
    line, code = _said(error)
    if screen.debug:
        screen_text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        for part in screen.scrubbed(screen_text).splitlines():
            screen.note(part)
    screen.note(line)
    return code


def _said(error: Exception) -> tuple[str, int]:
    if isinstance(error, click.UsageError):
        where = error.ctx.command_path if error.ctx is not None else "ron"
        return f"{where}: {_message(error)} (see {where} --help)", _exits.USAGE
    if isinstance(error, click.ClickException):
        return f"ron: {_message(error)}", _exits.USAGE
    from ..errors import RonError

    code = _exits.exit_code(error)
    if isinstance(error, RonError):
        return f"ron: {error.message}{_trail(error)}", code
    if isinstance(error, OSError):
        return f"ron: the output could not be written: {error.strerror or type(error).__name__}", code
    kind = type(error).__name__
    return f"ron: {kind}, which should not happen: run it again with --debug and report what that shows", code


def _message(error: click.ClickException) -> str:
    return " ".join(error.format_message().split()).rstrip(".")


def _trail(error: BaseException) -> str:
    """What leads to the call in the node's logs, and when to come back."""
    parts = []
    attempts = getattr(error, "attempts", 0)
    if attempts > 1:
        parts.append(f"{attempts} attempts")
    wait = getattr(error, "retry_after", None)
    if wait is not None:
        parts.append(f"retry after {wait:g} s")
    request_id = getattr(error, "request_id", None)
    if request_id is not None:
        parts.append(f"request id {request_id}")
    checkpoint = getattr(error, "checkpoint", None)
    if checkpoint is not None:
        parts.append(f"go on with --page-token {shlex.quote(checkpoint)}")
    cursor = getattr(error, "cursor", None)
    if cursor is not None:
        parts.append(f"go on with --cursor {shlex.quote(cursor)}")
    return f" ({'; '.join(parts)})" if parts else ""
