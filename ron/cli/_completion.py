"""``ron completion``: click's own scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ._command import command

if TYPE_CHECKING:
    from ._screen import Screen

__all__ = ["completion_command"]

SHELLS = ("bash", "zsh", "fish")


@command(
    "completion",
    summary="Print the completion script of a shell.",
    examples=(
        'eval "$(ron completion bash)"  # in ~/.bashrc; bash 4.4 or newer',
        'eval "$(ron completion zsh)"  # in ~/.zshrc',
        "ron completion fish > ~/.config/fish/completions/ron.fish",
    ),
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion_command(ctx: click.Context, shell: str) -> None:
    """Print the completion script of SHELL."""
    from click.shell_completion import get_completion_class

    from ._failure import Refusal

    screen: Screen = ctx.obj
    kind = get_completion_class(shell)
    script = ""
    if kind is not None:
        try:
            script = kind(ctx.find_root().command, {}, "ron", "_RON_COMPLETE").source()
        except RuntimeError as error:  # an old click, and no bash to ask for its version
            raise Refusal(str(error)) from error
    screen.write(f"{script.strip()}\n")
