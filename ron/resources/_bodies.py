"""From objects, drafts and keyword arguments to request bodies, and from answers to objects. Nothing here may do
I/O.
"""

from __future__ import annotations

import copy
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Optional

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from .._decode import decode_typed, describe_errors
from .._suggest import did_you_mean
from ..errors import RonInputError
from ._drafts import Draft, Patch
from ._origin import Origin, base_of, forget_given, given_of, origin_of, set_base, set_origin
from ._parents import fill_parents, parent_values
from ._partial import partial_one, to_partial

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .._flow import Answer
    from .._session import Session
    from ._description import Description

__all__ = [
    "assign",
    "base_object",
    "changed_fields",
    "create_body",
    "decode_object",
    "new_object",
    "patch_body",
    "patch_json",
    "patch_of",
    "refresh_object",
    "replace_body",
    "unset_nones",
]

_NOBODY: Mapping[str, Any] = MappingProxyType({})


def new_object(description: Description, given: Any, fields: Mapping[str, Any]) -> Any:
    """The object to create: the one given, or one made of a draft or of keyword arguments.

    Raises:
        RonInputError: if it is no new object of this resource, or doesn't fit the declaration.
    """
    cls = description.cls
    if given is None:
        return _constructed(description, fields)
    if fields:
        raise RonInputError(f"create takes either an object or fields, not both: leave {next(iter(fields))!r} out")
    if isinstance(given, cls):
        if origin_of(given) is not None:
            raise RonInputError(
                f"this {description.name} came from a node: save(obj) writes its changes; to create another one, "
                "give its "
                "fields"
            )
        return given
    if isinstance(given, Draft) and getattr(given, "__ron_resource__", None) is cls:
        return _constructed(description, {name: getattr(given, name) for name in given.model_fields_set})
    raise RonInputError(
        f"create takes a {description.name}, a Draft[{description.name}] or fields, not {type(given).__name__}"
    )


def _constructed(description: Description, fields: Mapping[str, Any]) -> Any:
    problem = ""
    try:
        return description.cls(**fields)
    except ValidationError as error:
        problem = describe_errors(error, quote=True)
    raise RonInputError(f"{description.name}: {problem}")


def create_body(description: Description, obj: Any, parents: Mapping[str, Any] = _NOBODY) -> bytes:
    """What is sent on create: no server fields, unless they are parents to be sent; no optional ones that are unset."""
    obj, sent = _with_parents(description, obj, parents)
    return _json(description, obj, _given_fields(description, obj) | sent)


def replace_body(description: Description, obj: Any, parents: Mapping[str, Any] = _NOBODY) -> bytes:
    """The whole object for PUT: as on create, with the unknown fields that the node had sent."""
    obj, sent = _with_parents(description, obj, parents)
    return _json(description, obj, _given_fields(description, obj) | set(obj.__pydantic_extra__ or ()) | sent)


def _with_parents(description: Description, obj: Any, parents: Mapping[str, Any]) -> tuple[Any, set[str]]:
    """The object with the parents that are declared to be sent, and their names; the caller's own stays as it is."""
    sent = {name for name, mark in description.parents.items() if mark.sent}
    if sent:
        obj = obj.model_copy()
        obj.__dict__.update(parent_values(description, parents))
    return obj, sent


def _given_fields(description: Description, obj: Any) -> set[str]:
    """The fields that travel: not the node's own, and no optional ones that nobody has set."""
    values, set_on_purpose = obj.__dict__, obj.model_fields_set
    return {
        name
        for name in description.fields
        if name not in description.server_fields and (name in set_on_purpose or values.get(name) is not None)
    }


def patch_body(description: Description, given: Any, changes: Mapping[str, Any]) -> bytes:
    """What an update sends: only the fields given, checked by type.

    Raises:
        RonInputError: for unknown or server fields, wrong types, or nothing to change.
    """
    return patch_json(description, patch_of(description, given, changes))


def patch_of(description: Description, given: Any, changes: Mapping[str, Any]) -> Any:
    """The patch that was given, or one of keyword arguments. Raises as ``patch_body``."""
    patch_class: Any = Patch[description.cls]  # type: ignore[name-defined]
    if given is not None:
        if changes:
            raise RonInputError(f"update takes either a patch or changes, not both: leave {next(iter(changes))!r} out")
        if not (isinstance(given, Patch) and getattr(given, "__ron_resource__", None) is description.cls):
            raise RonInputError(f"update takes a Patch[{description.name}] or changes, not {type(given).__name__}")
        patch: BaseModel = given
    else:
        patch = _patch(description, patch_class, changes)
    if not patch.model_fields_set:
        raise RonInputError(f"update of {description.name}: nothing to change: give at least one field")
    return patch


def patch_json(description: Description, patch: Any) -> bytes:
    """The JSON of a patch: the fields that it has been given."""
    return _json(description, patch, set(patch.model_fields_set))


def _patch(description: Description, patch_class: type[BaseModel], changes: Mapping[str, Any]) -> BaseModel:
    for name in changes:
        if name in description.server_fields:
            whose = "comes from the path" if name in description.parents else "is assigned by the node"
            raise RonInputError(f"{description.name}.{name} {whose}: it cannot be changed")
        if name not in description.fields:
            settable = [field for field in description.fields if field not in description.server_fields]
            raise RonInputError(f"{description.name} has no field {name!r}{did_you_mean(name, settable)}")
    problem = ""
    try:
        return patch_class(**changes)
    except ValidationError as error:
        problem = describe_errors(error, quote=True)
    raise RonInputError(f"{description.name}: {problem}")


def save_patch_body(description: Description, obj: Any, names: set[str]) -> bytes:
    """What ``save`` sends of an object that came from a node: the fields that changed."""
    return _json(description, obj, names)


def _json(description: Description, obj: BaseModel, names: set[str]) -> bytes:
    misfits = []
    try:
        return _written(description, obj, names)
    except (ValueError, RecursionError):  # PydanticSerializationError is a ValueError
        misfits = [name for name in sorted(names) if not _is_writable(description, obj, name)]
    raise RonInputError(
        f"{description.name} cannot be written as JSON: {', '.join(misfits)} was changed in place to what its type "
        "does "
        "not allow, or holds a number or text that JSON has no form for"
    )


def _is_writable(description: Description, obj: BaseModel, name: str) -> bool:
    try:
        _written(description, obj, {name})
    except (ValueError, RecursionError):
        return False
    return True


def _written(description: Description, obj: BaseModel, names: set[str]) -> bytes:
    unset = {name: unset_nones(obj.__dict__.get(name)) for name in names & description.mutable_fields}
    exclude = {name: parts for name, parts in unset.items() if parts}
    body = obj.__pydantic_serializer__.to_json(
        obj, include=names, exclude=exclude or None, by_alias=True, warnings="error"
    )
    if b"NaN" in body or b"Infinity" in body:
        from_json(body, allow_inf_nan=False)
    return body


def unset_nones(value: Any) -> dict[Any, Any]:
    """Where, inside a value, optional fields of models are unset: as pydantic's ``exclude``."""
    if isinstance(value, BaseModel):
        missing = {
            name: True for name, one in value.__dict__.items() if one is None and name not in value.model_fields_set
        }
        return {**missing, **_unset_inside(value.__dict__.items())}
    if isinstance(value, dict):
        return _unset_inside(value.items())
    return _unset_inside(enumerate(value)) if isinstance(value, (list, tuple)) else {}


def _unset_inside(items: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    return {place: found for place, one in items if (found := unset_nones(one))}


def assign(description: Description, obj: Any, changes: Mapping[str, Any]) -> None:
    """Sets fields of an object that a node sent.

    Raises:
        RonInputError: if a validator of the resource refuses what they are together.
    """
    problem = ""
    try:
        for name, value in changes.items():
            setattr(obj, name, value)
    except ValidationError as error:
        problem = describe_errors(error, quote=True)
    if problem:
        raise RonInputError(f"{description.name}: {problem}")


def changed_fields(description: Description, obj: Any) -> set[str]:
    """Which fields would be sent otherwise than the node sent them last.

    A field that the node left out and that was set to None on purpose has changed, too.
    """
    base = base_of(obj)
    if base is None:
        return set()
    present, given = obj.__dict__, given_of(obj)
    changed: set[str] = set()
    equal: list[str] = []
    for name in description.fields:
        if name in description.server_fields or name not in present:
            continue
        set_since = given is not None and name not in given and name in obj.__pydantic_fields_set__
        if set_since or name not in base or present[name] != base[name]:
            changed.add(name)
        elif name in description.mutable_fields and present[name] is not None:
            equal.append(name)
    if equal:
        before = base_object(obj)
        changed.update(name for name in equal if not _same(description, obj, before, name))
    return changed


def _same(description: Description, obj: Any, before: Any, name: str) -> bool:
    """Whether equal values are also sent alike: ``1 == True``, and an unset None equals one that was set."""
    try:
        return _written(description, obj, {name}) == _written(description, before, {name})
    except (ValueError, RecursionError):
        return False  # what cannot be written is refused where it is sent


def base_object(obj: Any) -> Any:
    """The object as the node sent it last, as another object of its class that came from no node."""
    base, given = base_of(obj), given_of(obj)
    before = obj.model_copy()
    if base is not None:
        object.__setattr__(before, "__dict__", dict(base))
    if given is not None:
        object.__setattr__(before, "__pydantic_fields_set__", set(given))
    return before


def decode_object(
    description: Description,
    session: Session,
    answer: Answer,
    wall: float,
    parents: Mapping[str, Any] = _NOBODY,
    names: Optional[tuple[str, ...]] = None,
) -> Any:
    """The object in an answer, with its origin attached.

    ``parents`` are the keys below which it was asked for, ``names`` the fields that were; None for a whole object.
    """
    if names is None:
        obj = decode_typed(answer, description.cls.__pydantic_validator__, description.name)
    else:
        obj = to_partial(description, names, decode_typed(answer, partial_one(description, names), description.name))
    values = parent_values(description, parents) if description.parents else _NOBODY
    attach(description, obj, Origin(answer, session.authority, wall, listed=False, partial=names is not None), values)
    return obj


def attach(description: Description, obj: Any, origin: Origin, values: Mapping[str, Any] = _NOBODY) -> None:
    """Marks an object as come from a node; keeps copies of values that could change unseen.

    ``values`` (of ``parent_values``) are its ``parent()`` fields where the node left them out.
    """
    set_origin(obj, origin)
    if description.parents:
        fill_parents(description, obj, values)
    if description.mutable_fields:
        base = dict(obj.__dict__)
        for name in description.mutable_fields:
            if name in base:
                base[name] = copy.deepcopy(base[name])
        set_base(obj, base)


def refresh_object(obj: Any, fresh: Any) -> Any:
    """Makes ``obj`` what the node says now, in place."""
    object.__setattr__(obj, "__dict__", fresh.__dict__)
    object.__setattr__(obj, "__pydantic_fields_set__", fresh.__pydantic_fields_set__)
    object.__setattr__(obj, "__pydantic_extra__", fresh.__pydantic_extra__)
    set_base(obj, base_of(fresh))
    forget_given(obj)
    set_origin(obj, origin_of(fresh))
    return obj
