"""``Resource``: the base of resource declarations. Nothing here may do I/O.

Two validators stand behind a class. Its own (pydantic's) reads answers: ``server()`` fields are required, unknown
fields are kept. Its *draft validator* checks what the constructor is given: ``server()`` fields and unknown names are
refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Optional, Union

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, create_model
from pydantic_core import InitErrorDetails, PydanticCustomError
from typing_extensions import dataclass_transform

from .._suggest import did_you_mean
from ..errors import RonConfigError, RonInputError, RonUnassignedError
from ._actions import ActionMark
from ._attributes import ManagerAttribute, ManagerSyncAttribute
from ._declare import check_keywords, check_marks, check_names, describe
from ._description import Description
from ._fields import ParentField, ServerField, parent, server
from ._origin import keep_base, origin_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic._internal._model_construction import ModelMetaclass
    from typing_extensions import Literal, Self

    from ..facets import Facet
    from ._page_shape import Pages
else:
    ModelMetaclass = type(BaseModel)

__all__ = ["Resource"]


@dataclass_transform(kw_only_default=True, field_specifiers=(Field, PrivateAttr, server, parent))
class ResourceMeta(ModelMetaclass):
    """Tells type checkers that ``server()`` fields are not in ``__init__``.

    At run time it sees to it that a resource's validator is built with its class, so that mistakes show there.
    """

    if not TYPE_CHECKING:

        def __new__(mcs, name: str, bases: Any, namespace: Any, /, **keywords: Any) -> Any:
            own = namespace.get("model_config", {})
            if "ignored_types" in own:  # pydantic would forget those of the base
                own = namespace["model_config"] = {**own, "ignored_types": (ActionMark, *own["ignored_types"])}
            if bases != (BaseModel,) and "defer_build" not in own and "defer_build" not in keywords:
                namespace["model_config"] = {**own, "defer_build": False}
            cls = super().__new__(mcs, name, bases, namespace, **keywords)
            if not cls.__pydantic_complete__ and not cls.model_config["defer_build"]:
                # pydantic looked for names where it was called, which is here; the class statement is one frame up.
                cls.model_rebuild(raise_errors=False, _parent_namespace_depth=3)
            return cls


class Resource(BaseModel, metaclass=ResourceMeta):
    r"""Base of resource declarations.

    ::

        class Item(Resource, path="/app/items"):
            id: str = server()
            name: str
            price: U64 = 0

    Class keywords:

    Args:
        path: the collection's path: the whole app-plane path, or with ``facet`` the facet's own. ``{name}`` is a
            parameter, filled by ``.at(name=...)``. A class without ``path`` is a base for others.
        facet: the facet it belongs to.
        key: the field that is the key in paths, ``id`` by default; or several, in the order of the path.
        singleton: the path is that of one object, which has no key and is not listed; see also :class:`ron.Singleton`.
        filters: a class or TypedDict with typed fields: what ``list`` and ``watch`` can filter by beyond the resource's
            own fields.
        order_by: the fields that ``list(order_by=...)`` may name; True for every one.
        order_param: the query parameter that carries them; ``order_by`` by default.
        fields: the fields that ``list`` and ``get`` may ask for one by one, with ``fields=``; True for every one.
        fields_param: the query parameter that carries them; ``fields`` by default.
        pages: the shape of the node's pages, a :class:`ron.Pages`, where it is not the documented one.
        watch: the event stream's path; ``<path>/events`` by default.
        update_method: ``PATCH`` (what changed) or ``PUT`` (the whole object), for ``update`` and ``save``.
        encoded_keys: keys may hold ``/ \ ? # %``, for nodes that keep them encoded.
        empty_404: ``missing`` if this node answers an empty 404 for a missing object; ``route`` by default.
        operations: which of get, list, create, update, replace, delete, watch the resource has; all by default (of a
            singleton get, update, replace, watch).
        idempotent: the service honours ``Idempotency-Key``; the facet's word by default.

    What it can do beyond these operations are actions: ``archive = action("POST", "{id}:archive")``.

    Raises:
        RonConfigError: when the class is made, for whatever is wrong with the declaration.
    """

    __slots__ = ("__ron_base__", "__ron_given__", "__ron_origin__")

    model_config = ConfigDict(
        extra="allow",
        validate_assignment=True,
        hide_input_in_errors=True,
        populate_by_name=True,
        allow_inf_nan=False,
        ser_json_inf_nan="constants",  # refused before sending, not sent as null
        ignored_types=(ActionMark,),
        defer_build=True,  # of this base only (see ResourceMeta): an import need not build a validator
    )

    __ron__: ClassVar[Optional[Description]] = None
    __ron_server__: ClassVar[frozenset[str]] = frozenset()
    __ron_parents__: ClassVar[Mapping[str, ParentField]] = MappingProxyType({})
    __ron_draft__: ClassVar[Optional[type[BaseModel]]] = None

    objects: ClassVar[ManagerAttribute] = ManagerAttribute()
    objects_sync: ClassVar[ManagerSyncAttribute] = ManagerSyncAttribute()

    if TYPE_CHECKING:

        def __init_subclass__(
            cls,
            *,
            path: Optional[str] = None,
            facet: Optional[type[Facet]] = None,
            key: Union[str, Sequence[str], None] = None,
            singleton: bool = False,
            filters: Optional[type[Any]] = None,
            order_by: Union[Sequence[str], bool, None] = None,
            order_param: Optional[str] = None,
            fields: Union[Sequence[str], bool, None] = None,
            fields_param: Optional[str] = None,
            pages: Optional[Pages] = None,
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
                annotations = cls.__dict__.get("__annotations__", {})
                check_names(cls.__name__, (*annotations, *cls.__dict__))
                check_marks(cls.__name__, annotations, cls.__dict__)
                cls.__ron_server__, cls.__ron_parents__ = _take_server_fields(cls)
                cls.__ron__ = None
                cls.__ron_draft__ = None
                if "__init__" in cls.__dict__:
                    raise RonConfigError(
                        f"class {cls.__name__}: a resource has no __init__ of its own, which would run for every "
                        "answer: "
                        "write a validator, model_post_init, or a classmethod"
                    )
            super().__init_subclass__()

        @classmethod
        def __pydantic_init_subclass__(cls, **keywords: Any) -> None:
            super().__pydantic_init_subclass__()
            _check_marks(cls)
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
            keep_base(self)
            super().__setattr__(name, value)

        def __getattr__(self, name: str) -> Any:
            if name in type(self).__pydantic_fields__:
                raise RonUnassignedError(_why_missing(self, name))
            return super().__getattr__(name)

    def __repr_args__(self) -> Any:
        """Only what is there: a ``server()`` field that is not assigned yet is left out."""
        try:
            return list(super().__repr_args__())
        except RonUnassignedError:  # a computed field reads one
            fields = type(self).model_fields
            return [(name, value) for name, value in self.__dict__.items() if name not in fields or fields[name].repr]

    @classmethod
    def _stored(cls, data: dict[str, Any]) -> Self:
        """A whole object, as decoding makes one; for ``ron.testing.stored``."""
        return cls.model_validate(data)


def _take_server_fields(cls: Any) -> tuple[frozenset[str], dict[str, ParentField]]:
    """Replaces ``server()`` and ``parent()`` marks by what pydantic understands.

    Returns:
        All fields so marked and those of them that are parents, by the MRO's rules.
    """
    found: dict[str, Any] = {}
    inherited: dict[str, Optional[ParentField]] = {}
    for base in reversed(cls.__mro__):
        taken = base.__dict__.get("__ron_server__", ())
        parents = base.__dict__.get("__ron_parents__", {})
        for name in base.__dict__.get("__annotations__", ()):
            inherited.pop(name, None)
            found[name] = base.__dict__.get(name)
            if name in taken:
                inherited[name] = parents.get(name)
    own: dict[str, ServerField] = {}
    for name, mark in found.items():
        if name in inherited:
            continue
        if isinstance(mark, ServerField) and cls.__dict__.get(name) is mark:
            setattr(cls, name, mark.field())
            own[name] = mark
        elif isinstance(mark, ServerField):
            called = "parent" if isinstance(mark, ParentField) else "server"
            raise RonConfigError(
                f"class {cls.__name__}: {name} = {called}() stands in a base that is no Resource: derive that base "
                "from Resource"
            )
        elif mark is server or mark is parent:
            raise RonConfigError(f"class {cls.__name__}: {name} = {mark.__name__}: write {name} = {mark.__name__}()")
    marks = {**inherited, **own}
    return frozenset(marks), {name: mark for name, mark in marks.items() if isinstance(mark, ParentField)}


def _check_marks(cls: type[Resource]) -> None:
    """Refuses marks where they cannot be seen in time: inside ``Annotated``, or in a model that is no Resource."""
    for name, info in cls.model_fields.items():
        for part in (info.default, *info.metadata):
            if isinstance(part, ServerField):
                called = "parent" if isinstance(part, ParentField) else "server"
                raise RonConfigError(
                    f"class {cls.__name__}: {called}() marks a field as its default, in a Resource class: write "
                    f"`{name}: ... = {called}()`"
                )


def draft_class(cls: type[Resource]) -> type[BaseModel]:
    """The class whose validator checks the constructor's input: ``cls`` with its server fields defaulted."""
    if cls.__ron_draft__ is None or not cls.__ron_draft__.__pydantic_complete__:
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
        if not _is_settable(cls, name)
    ]
    if wrong:
        raise ValidationError.from_exception_data(cls.__name__, wrong, hide_input=True)
    draft_class(cls).__pydantic_validator__.validate_python(data, self_instance=self)
    for name in cls.__ron_server__:
        vars(self).pop(name, None)


def _field_of(cls: type[Resource], name: str) -> Optional[str]:
    """The field that a keyword of the constructor means, by its name or its alias; None if there is none."""
    if name in cls.model_fields:
        return name
    return next((field for field, info in cls.model_fields.items() if name in _aliases(info)), None)


def _is_settable(cls: type[Resource], name: str) -> bool:
    field = _field_of(cls, name)
    return field is not None and field not in cls.__ron_server__


def _aliases(info: Any) -> Sequence[Any]:
    alias = info.validation_alias or info.alias
    return alias.choices if isinstance(alias, AliasChoices) else (alias,)


def _refusal(cls: type[Resource], name: str) -> PydanticCustomError:
    field = _field_of(cls, name)
    if field is not None:
        text = (
            f"{field} comes from the path: leave it out, and write .at({field}=...) on the manager; tests build whole "
            f"objects with ron.testing.stored({cls.__name__}, {field}=...)"
            if field in cls.__ron_parents__
            else f"{field} is assigned by the node: leave it out; tests build whole objects with "
            f"ron.testing.stored({cls.__name__}, {field}=...)"
        )
    else:
        text = f"{cls.__name__} has no field {name!r}{did_you_mean(name, _settable(cls))}"
    return PydanticCustomError("not_settable", "{text}", {"text": text})


def _settable(cls: type[Resource]) -> list[str]:
    return [name for name in cls.model_fields if name not in cls.__ron_server__]


def _why_missing(self: Resource, name: str) -> str:
    """Why a declared field is not there."""
    cls = type(self)
    origin = origin_of(self)
    if name not in cls.__ron_server__ or (origin is not None and origin.partial):
        return (
            f"{name} was not asked for: this {cls.__name__} came with some of its fields only (fields=...); "
            "refresh(obj) reads it whole"
        )
    if name in cls.__ron_parents__:
        return f"{name} is what the {cls.__name__} lives below: create it with .at({name}=...) first"
    return f"{name} is assigned by the node: create the {cls.__name__} first"


def _check_assignment(self: Resource, name: str) -> None:
    cls = type(self)
    if name in cls.__ron_parents__:
        raise RonInputError(f"{cls.__name__}.{name} comes from the path: it cannot be set; write .at({name}=...)")
    if name in cls.__ron_server__:
        raise RonInputError(f"{cls.__name__}.{name} is assigned by the node: it cannot be set")
    if name in cls.model_fields or name.startswith("_"):
        return
    if isinstance(getattr(cls, name, None), property):
        return
    raise RonInputError(f"{cls.__name__} has no field {name!r}{did_you_mean(name, _settable(cls))}")
