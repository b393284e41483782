"""``ron manifest export|check|show|diff``."""

from __future__ import annotations

import click

from .._group import Group, show_help_alone
from ._check import check_command
from ._diff import diff_command
from ._export import export_command
from ._show import show_command

__all__ = ["manifest_command"]


@click.group(
    "manifest",
    cls=Group,
    invoke_without_command=True,
    short_help="Export, check, show and compare facet manifests.",
)
@click.pass_context
def manifest_command(ctx: click.Context) -> None:
    """Export, check, show and compare facet manifests.

    A node skips a bad manifest without a word and mounts only some of its routes; these commands say so beforehand.
    """
    show_help_alone(ctx)


for _command in (export_command, check_command, show_command, diff_command):
    manifest_command.add_command(_command)
