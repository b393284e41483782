"""From a whole object to what a node keeps of it. Nothing here may do I/O."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticSerializationError

from ..errors import RonInputError

if TYPE_CHECKING:
    from ..resources._description import Description

__all__ = ["whole_fields"]


def whole_fields(description: Description, obj: Any) -> dict[str, Any]:
    """The object's JSON, by wire name, with its server fields and what lies beyond the declaration.

    Raises:
        RonInputError: if a field that the node assigns is missing, or a value has no JSON form.
    """
    missing = sorted(name for name in description.server_fields if name not in obj.__dict__)
    if missing:
        raise RonInputError(
            f"node.add takes whole objects; this {description.name} has no {', '.join(missing)}: "
            f"make it with ron.testing.stored({description.name}, {missing[0]}=..., ...)"
        )
    unset = {name for name in description.fields if name not in obj.model_fields_set and obj.__dict__.get(name) is None}
    names = (set(description.fields) - unset) | set(obj.__pydantic_extra__ or ())
    text, reason = b"", ""
    try:
        text = obj.__pydantic_serializer__.to_json(obj, include=names, by_alias=True, warnings="error")
    except PydanticSerializationError as error:
        reason = str(error).splitlines()[0][:200]
    if reason:
        raise RonInputError(f"this {description.name} cannot be written as JSON: {reason}")
    fields: dict[str, Any] = json.loads(text)
    return fields
