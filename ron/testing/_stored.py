"""``stored``: whole objects, as a node would have sent them. Nothing here may do I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional, TypeVar

from pydantic import ValidationError

from .._decode import describe_errors
from .._suggest import did_you_mean, shown
from ..errors import RonInputError
from ..resources._description import description_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..resources import Resource

__all__ = ["stored"]

R = TypeVar("R", bound="Resource")


def stored(resource: type[R], extra: Optional[Mapping[str, Any]] = None, /, **fields: Any) -> R:
    """A whole object of a resource, its ``server()`` fields set, as if a node had sent it.

    ::

        node.add(stored(Item, id="i-1", name="kettle", created_at="2026-01-01T00:00:00Z"))

    Args:
        resource: the resource class.
        extra: what the node sends beyond the declaration, by wire name: ``{"colour": "red"}``.
        fields: the declared fields; all that have no default, those of the node too.

    Raises:
        RonInputError: naming what is missing, unknown or of the wrong type.
    """
    description = description_of(resource)
    beyond = dict(extra or {})
    for name in beyond:
        if name in description.fields or name in description.fields.values():
            raise RonInputError(f"stored({description.name}): {name!r} is a declared field: write {name}=... instead")
    _check_names(resource, fields)
    problem = ""
    try:
        return resource._stored({**beyond, **fields})
    except ValidationError as error:
        problem = describe_errors(error, quote=True)
    raise RonInputError(f"stored({description.name}): {problem}")


def _check_names(resource: type[Resource], fields: Mapping[str, Any]) -> None:
    """Refuses unknown names, and tells all that are missing at once."""
    description = description_of(resource)
    names = {wire: name for name, wire in description.fields.items()}
    given = {names.get(name, name) for name in fields}
    for name in fields:
        if name not in description.fields and name not in names:
            raise RonInputError(
                f"stored({description.name}): there is no field {shown(name)}"
                f"{did_you_mean(name, description.fields)}; what a node sends beyond the "
                f"declaration goes first: stored({description.name}, {{{name!r}: ...}}, ...)"
            )
    missing = [
        f"{name}=... (assigned by the node)"
        if name in description.server_fields and name not in description.parents
        else f"{name}=..."
        for name, info in resource.model_fields.items()
        if (info.is_required() or name in description.parents) and name not in given
    ]
    if missing:
        raise RonInputError(f"stored({description.name}) makes a whole object: also give {', '.join(missing)}")
