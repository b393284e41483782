"""What all commands have in common: ``--debug``, and how they are declared."""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._screen import Screen

__all__ = ["command", "show_log", "turn_debug_on"]


class _NoteHandler(logging.Handler):
    """Log records as lines on stderr, without tokens."""

    def __init__(self, screen: Screen) -> None:
        super().__init__()
        self.screen = screen

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one record."""
        self.screen.note(f"{record.levelname.lower()} {record.name}: {record.getMessage()}")


def turn_debug_on(ctx: click.Context) -> None:
    """Tracebacks and the SDK's log on stderr, until this run ends."""
    screen: Screen = ctx.find_root().obj
    if not screen.debug:
        screen.debug = True
        show_log(ctx, logging.DEBUG)


def show_log(ctx: click.Context, level: int) -> None:
    """The SDK's log on stderr, from that level on, until this run ends."""
    from ..logging_ import get_logger

    root = ctx.find_root()
    logger, handler = get_logger(), _NoteHandler(root.obj)
    handler.setLevel(level)
    before = logger.level
    logger.addHandler(handler)
    if logger.getEffectiveLevel() > level:
        logger.setLevel(level)

    def undo() -> None:
        logger.removeHandler(handler)
        logger.setLevel(before)

    root.call_on_close(undo)


def _debug(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        turn_debug_on(ctx)


def command(name: str, *, summary: str, examples: Sequence[str] = ()) -> Callable[[Callable[..., Any]], click.Command]:
    """Declares a command: ``click.command`` with ``--debug``, and with examples below the docstring in its help."""

    def declare(function: Callable[..., Any]) -> click.Command:
        debug = click.option(
            "--debug",
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_debug,
            help="Show tracebacks and the SDK's log on stderr.",
        )
        help_text = inspect.cleandoc(function.__doc__ or "")
        if examples:  # \b keeps click from wrapping what follows
            help_text += "\n\n\b\nExamples:\n" + "\n".join(f"  {example}" for example in examples)
        return click.command(name, short_help=summary, help=help_text)(debug(function))

    return declare
