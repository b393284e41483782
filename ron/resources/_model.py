"""``Resource``: the base of resource declarations. Nothing here may do I/O.

Two validators stand behind a class. Its own (pydantic's) reads answers: ``server()`` fields are required, unknown fields are
kept. Its *draft validator* checks what the constructor is given: ``server()`` fields and unknown names are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Optional

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, create_model
from pydantic_core import InitErrorDetails, PydanticCustomError
from typing_extensions import dataclass_transform

from .._suggest import did_you_mean
from ..errors import RonConfigError, RonInputError, RonUnassignedError
from ._declare import check_keywords, check_names, describe
from ._description import Description
from ._fields import ServerField, server
from ._origin import base_of, origin_of, set_base
from .manager import ManagerAttribute, ManagerSyncAttribute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic._internal._model_construction import ModelMetaclass
    from typing_extensions import Literal, Self

    from ..facets import Facet
else:
    ModelMetaclass = type(BaseModel)

__all__ = ["Resource"]


@dataclass_transform(kw_only_default=True, field_specifiers=(Field, PrivateAttr, server))
class ResourceMeta(ModelMetaclass):
    """Tells type checkers that ``server()`` fields are not in ``__init__``; does nothing at run time."""


class Resource(BaseModel, metaclass=ResourceMeta):
    """Base of resource declarations.

    ::

        class Item(Resource, path="/app/items"):
            id: str = server()
            name: str
            price: U64 = 0

    Class keywords:

    Args:
        path: the collection's path: the whole app-plane path, or with ``facet`` the facet's own. ``{name}`` is a parameter,
            filled by ``.at(name=...)``. A class without ``path`` is a base for others.
        facet: the facet it belongs to.
        key: the field that is the key in paths; ``id`` by default.
        filters: a class with typed fields: what ``list`` and ``watch`` can filter by beyond the resource's own fields.
        watch: the event stream's path; ``<path>/events`` by default.
        update_method: ``PATCH`` (what changed) or ``PUT`` (the whole object), for ``update`` and ``save``.
        encoded_keys: keys may hold ``/ \\ ? # %``, for nodes that keep them encoded.
        empty_404: ``missing`` if this node answers an empty 404 for a missing object; ``route`` by default.
        operations: which of get, list, create, update, replace, delete, watch the resource has; all by default.
        idempotent: the service honours ``Idempotency-Key``; the facet's word by default.

    Raises:
        RonConfigError: when the class is made, for whatever is wrong with the declaration.
    """

    __slots__ = ("__ron_base__", "__ron_origin__")

    model_config = ConfigDict(
        extra="allow",
        validate_assignment=True,
        hide_input_in_errors=True,
        populate_by_name=True,
        allow_inf_nan=False,
    )

    __ron__: ClassVar[Optional[Description]] = None
    __ron_server__: ClassVar[frozenset[str]] = frozenset()
    __ron_draft__: ClassVar[Optional[type[BaseModel]]] = None

    objects: ClassVar[ManagerAttribute] = ManagerAttribute()
    objects_sync: ClassVar[ManagerSyncAttribute] = ManagerSyncAttribute()

    if TYPE_CHECKING:

        def __init_subclass__(
            cls,
            *,
            path: Optional[str] = None,
            facet: Optional[type[Facet]] = None,
            key: Optional[str] = None,
            filters: Optional[type[Any]] = None,
            watch: Optional[str] = None,
            update_method: Literal["PATCH", "PUT"] = "PATCH",
            encoded_keys: bool = False,
            empty_404: Literal["route", "missing"] = "route",
            operations: Optional[Sequence[str]] = None,
            idempotent: bool = False,
        ) -> None: ...

    else:

        def __init_subclass__(cls, **keywords: Any) -> None:
            if keywords.pop("_draft_of", None) is None:
                check_keywords(cls.__name__, keywords)
                own = cls.__dict__.get("__annotations__", {})
                check_names(cls.__name__, own)
                cls.__ron_server__ = _take_server_fields(cls, own)
                cls.__ron__ = None
                cls.__ron_draft__ = None
            super().__init_subclass__()

        @classmethod
        def __pydantic_init_subclass__(cls, **keywords: Any) -> None:
            super().__pydantic_init_subclass__()
            if "_draft_of" not in keywords and "path" in keywords:
                cls.__ron__ = describe(cls, keywords, cls.__ron_server__)
            elif "_draft_of" not in keywords and keywords:
                raise RonConfigError(
                    f"class {cls.__name__}: path is missing: write path='/app/...' beside {', '.join(keywords)}"
                )

        def __init__(self, /, **data: Any) -> None:
            _init(self, data)

        # pydantic calls an __init__ of ours for every answer it validates unless it is marked as its own
        __init__.__pydantic_base_init__ = True

        def __setattr__(self, name: str, value: Any) -> None:
            _check_assignment(self, name)
            _keep_base(self)
            super().__setattr__(name, value)

        def __getattr__(self, name: str) -> Any:
            if name in type(self).__ron_server__:
                raise RonUnassignedError(f"{name} is assigned by the node: create the {type(self).__name__} first")
            return super().__getattr__(name)

    def __repr_args__(self) -> Any:
        """Only what is there: a ``server()`` field that is not assigned yet is left out."""
        for name, value in super().__repr_args__():
            if name is None or name in self.__dict__ or name not in type(self).__ron_server__:
                yield name, value

    @classmethod
    def _stored(cls, data: dict[str, Any]) -> Self:
        """A whole object, as decoding makes one; for ``ron.testing.stored``."""
        return cls.model_validate(data)


def _take_server_fields(cls: Any, annotations: dict[str, Any]) -> frozenset[str]:
    """Replaces ``server()`` marks in a class body by what pydantic understands; returns all server fields' names."""
    names = set(cls.__ron_server__)
    for name in annotations:
        mark = cls.__dict__.get(name)
        if isinstance(mark, ServerField):
            names.add(name)
            setattr(cls, name, mark.field())
        elif name in names:
            names.discard(name)
    return frozenset(names)


def draft_class(cls: type[Resource]) -> type[BaseModel]:
    """The class whose validator checks the constructor's input: ``cls`` with its server fields defaulted."""
    if cls.__ron_draft__ is None or "__ron_draft__" not in cls.__dict__:
        blank: Any = {name: (Any, Field(default=None, exclude=True)) for name in cls.__ron_server__}
        cls.__ron_draft__ = create_model(
            cls.__name__,
            __base__=cls,
            __module__=cls.__module__,
            __cls_kwargs__={"_draft_of": cls},
            **blank,
        )
    return cls.__ron_draft__


def _init(self: Resource, data: dict[str, Any]) -> None:
    cls = type(self)
    wrong = [
        InitErrorDetails(type=_refusal(cls, name), loc=(name,), input=None)
        for name in data
        if name in cls.__ron_server__ or not _is_known(cls, name)
    ]
    if wrong:
        raise ValidationError.from_exception_data(cls.__name__, wrong, hide_input=True)
    draft_class(cls).__pydantic_validator__.validate_python(data, self_instance=self)
    for name in cls.__ron_server__:
        vars(self).pop(name, None)


def _is_known(cls: type[Resource], name: str) -> bool:
    return name in cls.model_fields or any(
        name in (info.alias, info.validation_alias) for info in cls.model_fields.values()
    )


def _refusal(cls: type[Resource], name: str) -> PydanticCustomError:
    if name in cls.__ron_server__:
        text = (
            f"{name} is assigned by the node: leave it out; tests build whole objects with "
            f"ron.testing.stored({cls.__name__}, {name}=...)"
        )
    else:
        text = f"{cls.__name__} has no field {name!r}{did_you_mean(name, _settable(cls))}"
    return PydanticCustomError("not_settable", "{text}", {"text": text})


def _settable(cls: type[Resource]) -> list[str]:
    return [name for name in cls.model_fields if name not in cls.__ron_server__]


def _check_assignment(self: Resource, name: str) -> None:
    cls = type(self)
    if name in cls.__ron_server__:
        raise RonInputError(f"{cls.__name__}.{name} is assigned by the node: it cannot be set")
    if name in cls.model_fields or name.startswith("_"):
        return
    if isinstance(getattr(cls, name, None), property):
        return
    raise RonInputError(f"{cls.__name__} has no field {name!r}{did_you_mean(name, _settable(cls))}")


def _keep_base(self: Resource) -> None:
    """Before the first assignment: keep what the node sent, so that ``save`` knows what changed."""
    if origin_of(self) is not None and base_of(self) is None:
        set_base(self, dict(self.__dict__))
