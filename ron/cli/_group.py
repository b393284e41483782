"""A group of commands: what was meant where there is no such command, and its help where none is named."""

from __future__ import annotations

from typing import Optional

import click

__all__ = ["Group", "show_help_alone"]


class Group(click.Group):
    """``click.Group``, with advice."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[Optional[str], Optional[click.Command], list[str]]:
        """Names what was meant where there is no such command."""
        known = self.list_commands(ctx)
        if args[0] not in known and not args[0].startswith("-"):
            from .._suggest import did_you_mean, listed, shown

            ctx.fail(f"there is no command {shown(args[0])}{did_you_mean(args[0], known)}; there are {listed(known)}")
        return super().resolve_command(ctx, args)


def show_help_alone(ctx: click.Context) -> None:
    """Shows the help of a group that is called without a command."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
