"""What the commands on a resource have in common: their argument, ``--at``, and the manager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..client import RonClientSync
    from ..resources import ManagerSync

__all__ = ["at_option", "filter_option", "filters_of", "key_option", "manager_of", "query_option", "resource_argument"]

resource_argument = click.argument("resource", metavar="MODULE:ITEM")
at_option = click.option(
    "--at", "at", metavar="NAME=VALUE", multiple=True, help="A parameter of the resource's path; repeatable."
)
filter_option = click.option(
    "-f",
    "--filter",
    "filters",
    metavar="NAME=VALUE",
    multiple=True,
    help="A field to compare with or a declared filter; repeatable. NAME:=JSON gives JSON.",
)
query_option = click.option(
    "-q", "--query", metavar="NAME=VALUE", multiple=True, help="A further query parameter, unchecked; repeatable."
)
key_option = click.option(
    "--idempotency-key",
    metavar="KEY",
    help="Your word that the service honours it, so that a lost write may be repeated; 'new' makes one.",
)


def manager_of(client: RonClientSync, resource: type[Any], at: Iterable[str]) -> ManagerSync[Any]:
    """The manager of the resource, below the parents of ``--at``."""
    from ..resources._description import description_of
    from ._pairs import pairs
    from ._typed import parent_values

    manager = client.objects(resource)
    parents = parent_values(description_of(resource), pairs(at, "--at"))
    return manager.at(**parents) if parents else manager


def filters_of(resource: type[Any], given: Iterable[str]) -> dict[str, Any]:
    """The filters of ``-f``, typed."""
    from ..resources._description import description_of
    from ._pairs import pairs
    from ._typed import filter_values

    return filter_values(description_of(resource), pairs(given, "filter"))
