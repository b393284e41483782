"""Objects of which only some fields were asked for. Nothing here may do I/O.

What was asked for is read as it is declared; what was not is there if the node sent it anyway, else reading it raises.
The resource's model validators speak of whole objects, so they don't run here; its field validators do.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Optional

from pydantic import BaseModel, ConfigDict, FailFast, TypeAdapter, create_model

from .._suggest import did_you_mean, listed, shown
from ..errors import RonInputError
from ._drafts import field_like, validators_of
from ._fields import annotated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._description import Description, Selection

__all__ = ["chosen_fields", "chosen_order", "chosen_query", "partial_list", "partial_one", "to_partial"]


class _Partial(BaseModel):
    """What a partial object is read as, before it becomes one of its class."""

    model_config = ConfigDict(
        extra="allow", populate_by_name=True, hide_input_in_errors=True, allow_inf_nan=False, protected_namespaces=()
    )


def chosen_fields(description: Description, fields: Optional[Sequence[str]]) -> Optional[tuple[str, ...]]:
    """The fields to ask for, by name: those given, the key and the parents; None for whole objects.

    Raises:
        RonInputError: where the resource declares no choice, or not these.
    """
    if fields is None:
        return None
    selection = description.selection
    if selection is None:
        raise RonInputError(
            f"{description.name} declares no choice of fields: write fields=True in its class, or the names that its "
            "node can give one by one"
        )
    chosen = _names(description, "fields", fields, selection)
    needed = {*description.keys, *description.parameters} - set(description.parents)  # these the path says
    return tuple(name for name in description.fields if name in chosen or name in needed)


def chosen_query(description: Description, order_by: Any, names: Optional[tuple[str, ...]]) -> dict[str, str]:
    """The query parameters that carry an ordering, as ``chosen_order`` checks it, and a choice of fields."""
    query: dict[str, str] = {}
    order = chosen_order(description, order_by)
    if order is not None and description.order_by is not None:
        query[description.order_by.param] = order
    if names is not None and description.selection is not None:
        query[description.selection.param] = ",".join(description.fields[name] for name in names)
    return query


def chosen_order(description: Description, order_by: Any) -> Optional[str]:
    """The value of the ordering's query parameter: wire names, comma-separated, ``-`` before a descending one.

    Raises:
        RonInputError: where the resource declares no ordering, or not by these.
    """
    if order_by is None:
        return None
    if description.order_by is None:
        raise RonInputError(
            f"{description.name} declares no ordering: write order_by=('name', ...) in its class; query={{...}} sends "
            "parameters unchecked"
        )
    given = (order_by,) if isinstance(order_by, str) else order_by
    bare = [one[1:] if isinstance(one, str) and one.startswith("-") else one for one in _sequence("order_by", given)]
    _names(description, "order_by", bare, description.order_by)
    return ",".join(("-" if one.startswith("-") else "") + description.fields[name] for one, name in zip(given, bare))


def _names(description: Description, what: str, given: Any, selection: Selection) -> Sequence[str]:
    names = _sequence(what, given)
    for name in names:
        if name not in selection.names:
            raise RonInputError(
                f"{what} of {description.name}: {shown(name)} is not among what it declares"
                f"{did_you_mean(str(name), selection.names)}: {listed(selection.names)}"
            )
    if len(set(names)) != len(names):
        raise RonInputError(f"{what} of {description.name} names a field twice")
    return names


def _sequence(what: str, given: Any) -> Sequence[str]:
    if isinstance(given, str) or not isinstance(given, (list, tuple)) or not given:
        raise RonInputError(f"{what} takes the names of fields, such as {what}=('name', 'id'), not {shown(given)}")
    return given


@lru_cache(maxsize=256)
def _shape(description: Description, names: tuple[str, ...]) -> type[_Partial]:
    cls = description.cls
    fields: dict[str, Any] = {}
    for name, info in cls.model_fields.items():
        asked = name in names and name not in description.parents
        fields[name] = (annotated(info.annotation, info.metadata), field_like(info, optional=not asked))
    return create_model(
        cls.__name__,
        __base__=_Partial,
        __module__=cls.__module__,
        __validators__=validators_of(cls, frozenset(fields)),
        **fields,
    )


@lru_cache(maxsize=256)
def partial_one(description: Description, names: tuple[str, ...]) -> TypeAdapter[Any]:
    """Reads one object of which these fields were asked for."""
    return TypeAdapter(_shape(description, names))


def partial_list(description: Description, names: tuple[str, ...]) -> Any:
    """The type of a page's items of which these fields were asked for."""
    return Annotated[list[_shape(description, names)], FailFast()]  # type: ignore[misc]  # the class is made here


def to_partial(description: Description, names: tuple[str, ...], read: Any) -> Any:
    """What was read as an object of the resource's class: with what came and what was asked for, and nothing else."""
    cls = description.cls
    came = read.__pydantic_fields_set__
    values = {name: value for name, value in read.__dict__.items() if name in came or name in names}
    obj = cls.model_construct(set(came), **values)
    for name in description.fields:
        if name not in values:
            obj.__dict__.pop(name, None)
    object.__setattr__(obj, "__pydantic_extra__", dict(read.__pydantic_extra__ or {}))
    return obj
