"""Filters: typed, checked before anything is sent, because a misspelt one would list everything. No I/O here."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Optional

from pydantic import BaseModel, TypeAdapter, ValidationError

from .._decode import describe_errors
from .._suggest import did_you_mean, listed
from ..errors import RonInputError
from ._fields import annotated

if TYPE_CHECKING:
    from ._description import Description

__all__ = ["adapter_of", "filter_query"]


def filter_query(
    description: Description,
    filters: Any,
    by_field: Mapping[str, Any],
    query: Optional[Mapping[str, Any]],
) -> dict[str, Any]:
    """The query parameters of a list or watch: filters by equality, declared filters, and ``query`` unchecked.

    Raises:
        RonInputError: naming the filter, what is wrong with it and what was meant.
    """
    given = {**_positional(description, filters), **by_field}
    result: dict[str, Any] = {}
    for name, value in given.items():
        adapter = _adapter(description, name)
        result[description.fields.get(name, name)] = _checked(description, adapter, name, value)
    if query is not None and not isinstance(query, Mapping):
        raise RonInputError(f"query must be a mapping of names to values, not {type(query).__name__}")
    return {**result, **(query or {})}


def _positional(description: Description, filters: Any) -> dict[str, Any]:
    if filters is None:
        return {}
    if isinstance(filters, Mapping):
        return {str(name): value for name, value in filters.items()}
    if isinstance(filters, BaseModel):
        return {name: getattr(filters, name) for name in filters.model_fields_set}
    if dataclasses.is_dataclass(filters) and not isinstance(filters, type):
        values = {field.name: getattr(filters, field.name) for field in dataclasses.fields(filters)}
        return {name: value for name, value in values.items() if value is not None}
    if description.filters and hasattr(filters, "__dict__") and set(vars(filters)) <= set(description.filters):
        return dict(vars(filters))
    raise RonInputError(
        f"filters of {description.name} are keywords, a mapping, or an object of its declared filter class, not "
        f"{type(filters).__name__}"
    )


def _adapter(description: Description, name: str) -> TypeAdapter[Any]:
    known = {*description.fields, *description.filters}
    if name not in known:
        raise RonInputError(
            f"{description.name} has no filter {name!r}{did_you_mean(name, known)}; it filters by {listed(known)}; "
            "query={...} sends parameters unchecked"
        )
    return _adapters(description)[name]


def adapter_of(description: Description, name: str) -> TypeAdapter[Any]:
    """What checks the values of a field or declared filter that is there."""
    return _adapters(description)[name]


@lru_cache(maxsize=1024)
def _adapters(description: Description) -> dict[str, TypeAdapter[Any]]:
    adapters = {}
    for name, info in description.cls.model_fields.items():
        adapters[name] = TypeAdapter(annotated(info.annotation, info.metadata))
    adapters.update({name: TypeAdapter(hint) for name, hint in description.filters.items()})
    return adapters


def _checked(description: Description, adapter: TypeAdapter[Any], name: str, value: Any) -> Any:
    if value is None:
        raise RonInputError(f"filter {name!r} of {description.name} is None: leave it out, or use query={{...}}")
    checked: Any = None
    problem = ""
    try:
        checked = adapter.dump_python(adapter.validate_python(value), mode="json")
    except ValidationError as error:
        problem = describe_errors(error, quote=True)
    if problem:
        raise RonInputError(f"filter {name!r} of {description.name}: {problem}")
    if checked == []:
        raise RonInputError(
            f"filter {name!r} of {description.name} is empty: no parameter would be sent and everything listed; leave "
            "it out if that is meant"
        )
    if isinstance(checked, (str, int, float)) or (
        isinstance(checked, list) and all(isinstance(one, (str, int, float)) for one in checked)
    ):
        return checked
    raise RonInputError(
        f"filter {name!r} of {description.name} has no form in a query: only plain values and lists of them have"
    )
