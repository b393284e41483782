"""``Draft[Item]``, what may be sent on create, and ``Patch[Item]``, only the given fields. Nothing here may do I/O.

Both are made from the declaration as plain pydantic models, so they serve as request bodies in FastAPI and the like.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, Optional, TypeVar

from pydantic import BaseModel, ConfigDict, Field, create_model, field_validator

from ..errors import RonConfigError
from ._description import description_of
from ._fields import annotated

if TYPE_CHECKING:
    from ._model import Resource

__all__ = ["Draft", "Patch", "field_like", "validators_of"]

R = TypeVar("R", bound="Resource")

_MADE: dict[tuple[str, type[Any]], type[BaseModel]] = {}


class _Shape(BaseModel):
    """What drafts and patches have in common."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
        ser_json_inf_nan="constants",
        validate_assignment=True,
    )

    __ron_resource__: ClassVar[Optional[type[Resource]]] = None


if TYPE_CHECKING:

    class Draft(_Shape, Generic[R]):
        """What may be sent on create: the fields of a resource without its ``server()`` fields."""

        def __init__(self, **fields: Any) -> None: ...

    class Patch(_Shape, Generic[R]):
        """What an update changes: any of the fields of a resource without its ``server()`` fields; unset ones stay."""

        def __init__(self, **fields: Any) -> None: ...

else:

    class Draft(_Shape):
        """What may be sent on create: the fields of a resource without its ``server()`` fields.

        ``Draft[Item]`` is a pydantic model; unknown fields are refused.
        """

        def __class_getitem__(cls, resource: Any) -> Any:
            return _made("Draft", cls, resource, optional=False)

    class Patch(_Shape):
        """What an update changes: any of the fields of a resource without its ``server()`` fields.

        ``Patch[Item]`` is a pydantic model in which every field may be left out; ``None`` is only sent when it is
        given.
        """

        def __class_getitem__(cls, resource: Any) -> Any:
            return _made("Patch", cls, resource, optional=True)


def _made(kind: str, base: Any, resource: Any, *, optional: bool) -> Any:
    if isinstance(resource, TypeVar):
        return base
    if base.__ron_resource__ is not None:
        raise RonConfigError(f"{base.__name__} is made already: write {kind}[Item] with the resource class")
    description = description_of(resource)
    made: Any = _MADE.get((kind, resource))
    if made is None:
        sendable = [name for name in resource.model_fields if name not in description.server_fields]
        fields: dict[str, Any] = {}
        for name in sendable:
            info = resource.model_fields[name]
            fields[name] = (annotated(info.annotation, info.metadata), field_like(info, optional=optional))
        made = create_model(
            f"{resource.__name__}{kind}",
            __base__=base,
            __module__=resource.__module__,
            __doc__=f"{kind} of {resource.__name__}.",
            __validators__=validators_of(resource, frozenset(sendable)),
            **fields,
        )
        made.__ron_resource__ = resource
        _MADE[(kind, resource)] = made
    return made


#: what a field says beside its type and its default
_KEPT = (
    "alias",
    "alias_priority",
    "deprecated",
    "description",
    "discriminator",
    "examples",
    "exclude",
    "json_schema_extra",
    "serialization_alias",
    "title",
    "validation_alias",
)


def field_like(info: Any, *, optional: bool) -> Any:
    """A field like ``info``, made anew: versions of pydantic differ in what they take from a changed copy of one."""
    kept = {name: getattr(info, name) for name in _KEPT if getattr(info, name) is not None}
    if optional:
        return Field(default=None, **kept)
    if info.is_required():
        return Field(**kept)
    kept["default_factory" if info.default_factory is not None else "default"] = info.default_factory or info.default
    return Field(validate_default=info.validate_default, **kept)


def validators_of(resource: type[Resource], sendable: frozenset[str]) -> dict[str, Any]:
    """The resource's own field validators, for the fields that are left."""
    found: dict[str, Any] = {}
    for name, decorator in resource.__pydantic_decorators__.field_validators.items():
        fields = [field for field in decorator.info.fields if field in sendable or field == "*"]
        if fields:
            mode: Any = decorator.info.mode
            made: Any = field_validator(*fields, mode=mode)
            found[name] = made(staticmethod(decorator.func))  # bound already: its cls is the resource
    return found
