"""What stands in a resource's path: from what ``.at()`` is given to keys, and to the fields of what comes back.

Nothing here may do I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from .._decode import describe_errors
from .._suggest import did_you_mean
from ..errors import RonConfigError, RonInputError
from ._filters import adapter_of
from ._keys import encode_key, key_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._description import Description

__all__ = ["checked_parents", "fill_parents", "parent_values"]


def checked_parents(description: Description, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parents that ``.at()`` is given, as keys; an object of a ``parent(Project)`` field's class gives its key.

    Raises:
        RonConfigError: for a name that is no parameter of the path.
        RonInputError: for a key that no path can carry, or that is none of the field's type.
    """
    keys: dict[str, Any] = {}
    for name, value in given.items():
        if name not in description.parameters:
            raise RonConfigError(
                f"{description.name} has no path parameter "
                f"{name!r}{did_you_mean(name, description.parameters)}; its "
                f"path is {description.path!r}"
            )
        keys[name] = key = _key_of(description, name, value)
        encode_key(key, name, encoded=description.encoded_keys)
        if name in description.parents:
            _typed(description, name, key)
    return keys


def _key_of(description: Description, name: str, value: Any) -> Any:
    mark = description.parents.get(name)
    if mark is None or mark.resource is None or not isinstance(value, mark.resource):
        return value
    (key,) = mark.resource.__ron__.keys
    if key not in value.__dict__:
        raise RonInputError(f".at({name}=...): this {mark.resource.__name__} has no {key} yet: create it first")
    return value.__dict__[key]


def parent_values(description: Description, parents: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the ``parent()`` fields below these parents, as their fields have them; those that are known."""
    return {name: _typed(description, name, parents[name]) for name in description.parents if name in parents}


def _typed(description: Description, name: str, key: Any) -> Any:
    """A key as a value of its field: as it is, or read from its text."""
    problem = ""
    for value in (key, key_text(key)):
        try:
            return adapter_of(description, name).validate_python(value)
        except ValidationError as error:
            problem = problem or describe_errors(error, quote=True)
    raise RonInputError(f".at({name}=...): {problem}")


def fill_parents(description: Description, obj: Any, values: Mapping[str, Any]) -> None:
    """Sets the ``parent()`` fields that the node left out; one that is not known stays unassigned."""
    given: set[str] = obj.__pydantic_fields_set__
    for name in description.parents:
        if name in given:
            continue
        if name in values:
            obj.__dict__[name] = values[name]
            given.add(name)
        else:
            obj.__dict__.pop(name, None)
