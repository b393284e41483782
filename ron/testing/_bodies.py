"""Request bodies, checked as strictly as the service behind a real node would. No I/O here.

Names are wire names; ``Draft`` and ``Patch`` know the types. A JSON string never passes for a
number or a boolean, whatever pydantic would make of it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import BaseModel, ValidationError

from .._decode import describe_errors
from .._suggest import did_you_mean
from ..resources import Draft, Patch
from ._answers import Refused, problem, to_json
from ._fields import names_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..resources._description import Description

__all__ = ["changed_fields", "check_whole", "new_fields", "parse_object"]

Fields = dict[str, Any]


def refuse(message: str) -> NoReturn:
    """Answers 400."""
    raise Refused(problem(400, message))


def parse_object(body: bytes) -> Fields:
    """The JSON object (RFC 8259) that a request carries; 400 for anything else."""
    try:
        value: Any = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # a lone surrogate has no UTF-8
    except (ValueError, RecursionError):
        refuse("the body is not valid JSON")
    if not isinstance(value, dict):
        refuse("the body is not a JSON object")
    fields: Fields = value
    return fields


def _no_constant(text: str) -> NoReturn:
    raise ValueError(text)


def new_fields(description: Description, given: Fields, before: Mapping[str, Any]) -> Fields:
    """What a whole object (POST, PUT) is made of, without the fields that the node assigns.

    ``before`` is the object that is replaced: unknown fields that it has may be sent back.
    """
    extra = _split_extra(description, given, before)
    draft = _validated(description, Draft[description.cls], given)  # type: ignore[name-defined]
    unset = {
        name
        for name in draft.__class__.model_fields
        if name not in draft.model_fields_set and getattr(draft, name) is None
    }
    return {**_dumped(draft, set(draft.__class__.model_fields) - unset), **extra}


def changed_fields(description: Description, given: Fields, before: Mapping[str, Any]) -> Fields:
    """What a PATCH changes."""
    extra = _split_extra(description, given, before)
    patch = _validated(description, Patch[description.cls], given)  # type: ignore[name-defined]
    return {**_dumped(patch, set(patch.model_fields_set)), **extra}


def _split_extra(description: Description, given: Fields, before: Mapping[str, Any]) -> Fields:
    """Takes out of ``given`` what is no field to write: unknown ones that the object has, and the
    node's own where they are sent back unchanged.
    """
    names = names_of(description)
    extra: Fields = {}
    for wire in tuple(given):
        name = names.get(wire)
        if name is None:
            if wire not in before:
                refuse(f"unknown field {wire!r}{did_you_mean(wire, names)}")
            extra[wire] = given.pop(wire)
        elif name in description.server_fields:
            if wire not in before or before[wire] != given[wire]:
                refuse(f"field {wire!r} is assigned by the node")
            del given[wire]
    return extra


def _validated(description: Description, shape: Any, given: Fields) -> BaseModel:
    names = names_of(description)
    by_name = {names[wire]: value for wire, value in given.items()}
    try:
        model: BaseModel = shape.model_validate_json(to_json(by_name))
    except ValidationError as error:
        refuse(describe_errors(error, quote=False))
    dumped = _dumped(model, set(by_name))
    for wire, value in given.items():
        kind = _kind(dumped.get(wire))
        if kind in ("number", "boolean") and kind != _kind(value):
            refuse(f"{wire}: must be a JSON {kind}")
    return model


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, (int, float)) else type(value).__name__


def _dumped(model: BaseModel, names: set[str]) -> Fields:
    fields: Fields = json.loads(model.__pydantic_serializer__.to_json(model, include=names, by_alias=True))
    return fields


def check_whole(description: Description, fields: Mapping[str, Any]) -> None:
    """Refuses an object that the declaration would not read back: its own validators have a say."""
    try:
        description.cls.__pydantic_validator__.validate_json(to_json(fields))
    except ValidationError as error:
        refuse(describe_errors(error, quote=False))
