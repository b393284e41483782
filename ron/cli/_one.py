"""``ron get``, ``create``, ``update`` and ``delete``: one object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional, Union

import click

from ._command import command
from ._connection import Connection, connected
from ._resource import at_option, key_option, manager_of, resource_argument

if TYPE_CHECKING:
    from ._screen import Screen

__all__ = ["create_command", "delete_command", "get_command", "update_command"]

_fields_argument = click.argument("fields", metavar="[NAME=VALUE]...", nargs=-1)
_data_option = click.option(
    "-d", "--data", metavar="JSON|@FILE|-", help="A JSON object of fields; those given as NAME=VALUE win."
)
_key_argument = click.argument("key", metavar="KEY", required=False)  # a singleton has none
_json_option = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@command("get", summary="Show one object.", examples=("ron get shop:Item i-1 --json",))
@resource_argument
@_key_argument
@at_option
@_json_option
@connected()
@click.pass_obj
def get_command(
    screen: Screen, connection: Connection, resource: str, key: Optional[str], at: tuple[str, ...], as_json: bool
) -> None:
    """Show the object of MODULE:ITEM with that KEY; a singleton is shown without one."""
    from ._names import load_resource

    kind = load_resource(resource)
    named = _named(kind, key)
    with connection.client(screen, kind) as client:
        _show(screen, kind, manager_of(client, kind, at).get(*named), as_json)


@command(
    "create",
    summary="Create an object from fields.",
    examples=(
        "ron create shop:Item name=kettle price=1299",
        "ron create shop:Item name=kettle tags:='[\"new\"]'",
    ),
)
@resource_argument
@_fields_argument
@_data_option
@at_option
@key_option
@_json_option
@connected()
@click.pass_obj
def create_command(
    screen: Screen,
    connection: Connection,
    resource: str,
    fields: tuple[str, ...],
    data: Optional[str],
    at: tuple[str, ...],
    idempotency_key: Optional[str],
    as_json: bool,
) -> None:
    """Create an object of MODULE:ITEM.

    Fields are typed by the declaration; NAME:=JSON gives JSON, for lists, objects and null.
    """
    from ._names import load_resource

    kind = load_resource(resource)
    values = _values(kind, fields, data)
    with connection.client(screen, kind) as client:
        made = manager_of(client, kind, at).create(idempotency_key=_key(idempotency_key), **values)
        _show(screen, kind, made, as_json)


@command(
    "update",
    summary="Change fields of one object.",
    examples=("ron update shop:Item i-1 price=999 note:=null",),
)
@resource_argument
@_key_argument
@_fields_argument
@_data_option
@at_option
@key_option
@_json_option
@connected()
@click.pass_obj
def update_command(
    screen: Screen,
    connection: Connection,
    resource: str,
    key: Optional[str],
    fields: tuple[str, ...],
    data: Optional[str],
    at: tuple[str, ...],
    idempotency_key: Optional[str],
    as_json: bool,
) -> None:
    """Change the given fields of the object of MODULE:ITEM with that KEY (none for a singleton); the others stay."""
    from ._names import load_resource

    kind = load_resource(resource)
    if key is not None and _is_singleton(kind):
        fields, key = (key, *fields), None
    named = _named(kind, key)
    values = _values(kind, fields, data)
    with connection.client(screen, kind) as client:
        manager: Any = manager_of(client, kind, at)
        changed = manager.update(*named, idempotency_key=_key(idempotency_key), **values)
        _show(screen, kind, changed, as_json)


@command("delete", summary="Delete one object.", examples=("ron delete shop:Item i-1 --missing-ok",))
@resource_argument
@_key_argument
@at_option
@click.option("--missing-ok", is_flag=True, help="Not an error if it is not there.")
@key_option
@connected()
@click.pass_obj
def delete_command(
    screen: Screen,
    connection: Connection,
    resource: str,
    key: Optional[str],
    at: tuple[str, ...],
    missing_ok: bool,
    idempotency_key: Optional[str],
) -> None:
    """Delete the object of MODULE:ITEM with that KEY; a singleton without one."""
    from ._names import load_resource

    kind = load_resource(resource)
    named = _named(kind, key)
    with connection.client(screen, kind) as client:
        manager_of(client, kind, at).delete(*named, missing_ok=missing_ok, idempotency_key=_key(idempotency_key))
    screen.note(f"deleted {kind.__name__ if key is None else key}")


def _is_singleton(kind: type[Any]) -> bool:
    from ..resources._description import description_of

    return description_of(kind).singleton


def _named(kind: type[Any], key: Optional[str]) -> tuple[str, ...]:
    """The key as managers take it: none for a singleton, which says so itself where one is given."""
    if key is None and not _is_singleton(kind):
        raise click.UsageError("Missing argument 'KEY'", click.get_current_context())
    return () if key is None else (key,)


def _values(kind: type[Any], fields: tuple[str, ...], data: Optional[str]) -> dict[str, Any]:
    """The fields of a write: those of ``-d``, and over them those that stand alone."""
    from ..resources._description import description_of
    from ._data import read_data
    from ._failure import Refusal
    from ._pairs import pairs
    from ._typed import field_values, member_values

    description = description_of(kind)
    whole: Any = {} if data is None else read_data(data)
    if not isinstance(whole, dict):
        raise Refusal(f"-d must be a JSON object of {description.name}'s fields")
    return {**member_values(description, whole), **field_values(description, pairs(fields, "field"))}


def _key(text: Optional[str]) -> Union[str, bool, None]:
    return True if text == "new" else text


def _show(screen: Screen, kind: type[Any], item: Any, as_json: bool) -> None:
    from ..resources._description import description_of
    from ._render import cells, columns, document, json_text
    from ._tables import show_fields

    if as_json:
        screen.write_json(json_text(document(item)))
        return
    names = columns(description_of(kind))
    show_fields(screen, [*zip(names, cells(item, names))])
