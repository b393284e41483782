"""Texts from the command line as values of declared fields and filters. Nothing here may do I/O."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from .._decode import describe_errors
from ..errors import RonInputError
from ..resources._fields import annotated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..resources._description import Description
    from ._pairs import Pair

__all__ = ["field_values", "filter_values", "member_values", "parent_values"]


def field_values(description: Description, given: Iterable[Pair]) -> dict[str, Any]:
    """The fields of a create or update, by Python name.

    Names that are not declared stay as they are: the operation refuses them and says what was meant.

    Raises:
        RonInputError: naming the field and what its type wants.
    """
    values: dict[str, Any] = {}
    for pair in given:
        name = _field_name(description, pair.name)
        if name in values:
            raise RonInputError(f"field {pair.name!r} is given twice")
        values[name] = _value(description, name, pair)
    return values


def member_values(description: Description, members: Mapping[str, Any]) -> dict[str, Any]:
    """The fields in a JSON object, by Python name."""
    values: dict[str, Any] = {}
    for key, value in members.items():
        name = _field_name(description, key)
        adapter = _field_adapter(description, name)
        text = json.dumps(value, ensure_ascii=False)
        values[name] = value if adapter is None else _read(adapter, text, True, f"field {key!r}")
    return values


def filter_values(description: Description, given: Iterable[Pair]) -> dict[str, Any]:
    """The filters of a list or watch; one that is given twice becomes a list."""
    values: dict[str, Any] = {}
    for pair in given:
        name = _field_name(description, pair.name)
        hint = description.filters.get(name)
        adapter = _field_adapter(description, name) if hint is None else TypeAdapter(hint)
        if adapter is None:
            values[name] = pair.text  # refused by the listing, which says what was meant
        elif name in values:
            values[name] = [*_as_list(values[name]), *_as_list(_filter(adapter, pair))]
        else:
            values[name] = _filter(adapter, pair)
    return values


def parent_values(description: Description, given: Iterable[Pair]) -> dict[str, Any]:
    """The parents of ``--at``, typed by the fields of the same names.

    Raises:
        RonInputError: where the resource's path has a parameter that is not given.
    """
    values = field_values(description, given)
    missing = [name for name in description.parameters if name not in values]
    if missing:
        raise RonInputError(f"{description.name} lives below {missing[0]!r}: add --at {missing[0]}=VALUE")
    return values


def _value(description: Description, name: str, pair: Pair) -> Any:
    adapter = _field_adapter(description, name)
    if adapter is None:
        return pair.text
    return _read(adapter, pair.text, pair.json, f"field {pair.name!r}")


def _filter(adapter: TypeAdapter[Any], pair: Pair) -> Any:
    """A filter's value; a list filter takes a single element as well."""
    try:
        return _read(adapter, pair.text, pair.json, f"filter {pair.name!r}")
    except RonInputError as error:
        refused = error
    try:
        return adapter.validate_python([pair.text])
    except ValidationError:
        raise refused from None


def _read(adapter: TypeAdapter[Any], text: str, is_json: bool, what: str) -> Any:
    """Text as the type reads it: as a string first, so that ``name=5`` of a ``str`` stays one, then as JSON."""
    problem = ""
    if not is_json:
        try:
            return adapter.validate_python(text)
        except ValidationError as error:
            problem = describe_errors(error, quote=True)
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        problem = problem or describe_errors(error, quote=True)
    raise RonInputError(f"{what}: {problem}")


def _field_name(description: Description, name: str) -> str:
    """The Python name: what JSON calls the field is understood, too."""
    if name in description.fields:
        return name
    return next((field for field, wire in description.fields.items() if wire == name), name)


def _field_adapter(description: Description, name: str) -> Any:
    info = description.cls.model_fields.get(name)
    return None if info is None else TypeAdapter(annotated(info.annotation, info.metadata))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
