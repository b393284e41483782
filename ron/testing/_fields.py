"""A resource's declared fields as a node sees them: by wire name, as JSON. Nothing here may do I/O."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import TypeAdapter, ValidationError

from .._decode import describe_errors
from ._answers import Refused, problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..resources._description import Description

__all__ = ["adapters_of", "from_text", "names_of", "to_value", "wire_text"]


@lru_cache(maxsize=256)
def adapters_of(description: Description) -> Mapping[str, TypeAdapter[Any]]:
    """What validates and writes each field's values, by Python name."""
    found: dict[str, TypeAdapter[Any]] = {}
    for name, info in description.cls.model_fields.items():
        annotation: Any = info.annotation
        for extra in info.metadata:
            annotation = Annotated[annotation, extra]
        found[name] = TypeAdapter(annotation)
    return found


@lru_cache(maxsize=256)
def names_of(description: Description) -> Mapping[str, str]:
    """Wire name → Python name."""
    return {wire: name for name, wire in description.fields.items()}


def to_value(adapter: TypeAdapter[Any], value: Any) -> Any:
    """A Python value of a field as the JSON value that nodes send."""
    return adapter.dump_python(value, mode="json", warnings=False)


def from_text(description: Description, name: str, text: str, where: str) -> Any:
    """The JSON value of a field that stands as text in a path or query; refuses with 400."""
    adapter = adapters_of(description)[name]
    reason = ""
    for read in (adapter.validate_python, adapter.validate_json):  # strict types, such as U32, read JSON's numbers only
        try:
            return to_value(adapter, read(text))
        except ValidationError as error:
            reason = reason or describe_errors(error, quote=False)
    wire = description.fields[name]
    raise Refused(problem(400, f"{where} {wire!r} is no value of that field: {reason}"))


def wire_text(value: Any) -> str:
    """A JSON value as a path or query says it: ``true``, ``null``, ``12``, ``open``."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
