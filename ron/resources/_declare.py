"""From a class statement to its ``Description``; every declaration mistake is found here, when the class is made."""

from __future__ import annotations

import enum
import re
import uuid
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Optional, Union, get_args, get_origin

from pydantic import AwareDatetime, PydanticUserError
from typing_extensions import Literal, get_type_hints

from .._plan import encode_path
from .._suggest import did_you_mean, listed, shown
from ..errors import RonConfigError
from ._actions import ActionMark, declared_actions, verbs_of
from ._declare_shapes import declared_keys, declared_pages, declared_parents, declared_selection
from ._description import OPERATIONS, SINGLETON_OPERATIONS, Description, parameters_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["KEYWORDS", "check_keywords", "check_marks", "check_names", "describe"]

KEYWORDS = (
    "path",
    "facet",
    "key",
    "singleton",
    "filters",
    "order_by",
    "order_param",
    "fields",
    "fields_param",
    "pages",
    "watch",
    "update_method",
    "encoded_keys",
    "empty_404",
    "operations",
    "idempotent",
)
RESERVED = ("objects", "objects_sync")
_IMMUTABLE: tuple[Any, ...] = (str, bytes, int, float, bool, complex, Decimal, uuid.UUID, enum.Enum)
_IMMUTABLE += (datetime, date, time, timedelta, AwareDatetime)  # the last one is a class of pydantic's at run time


def check_keywords(name: str, keywords: Mapping[str, Any]) -> None:
    """Refuses class keywords that don't exist."""
    for keyword in keywords:
        if keyword not in KEYWORDS:
            raise RonConfigError(
                f"class {name}: unknown keyword {keyword!r}{did_you_mean(keyword, KEYWORDS)}; a resource takes "
                f"{listed(KEYWORDS)}"
            )


def check_marks(name: str, annotations: Mapping[str, Any], namespace: Mapping[str, Any]) -> None:
    """Refuses an action with a type beside it, which would be a field."""
    for attribute, value in namespace.items():
        if isinstance(value, ActionMark) and "ClassVar" not in str(annotations.get(attribute, "ClassVar")):
            raise RonConfigError(
                f"class {name}: {attribute} = action(...) is no field: write it without the annotation"
            )


def check_names(name: str, annotations: Iterable[str]) -> None:
    """Refuses fields whose names a resource needs itself."""
    for field in annotations:
        if field in RESERVED:
            raise RonConfigError(
                f"class {name}: a field cannot be called {field!r}, because {name}.{field} is the manager; name it "
                f"otherwise and give the wire name as Field(alias={field!r})"
            )


def describe(cls: Any, keywords: Mapping[str, Any], server_fields: frozenset[str]) -> Description:
    """The description of a class that has a path.

    Raises:
        RonConfigError: naming the class, the keyword, what is wrong and what to write.
    """
    name = cls.__name__
    fields = {field: _wire_name(field, info) for field, info in cls.model_fields.items()}
    facet = _facet(name, keywords.get("facet"))
    path = _path(name, keywords["path"], "path", facet)
    watch = _path(name, keywords.get("watch", f"{path.rstrip('/')}/events"), "watch", facet)
    parameters = _parameters(name, path, watch, fields)
    singleton = _flag(name, "singleton", keywords.get("singleton", False))
    keys = declared_keys(name, keywords.get("key"), fields, singleton=singleton)
    update_method = _one_of(name, "update_method", keywords.get("update_method", "PATCH"), ("PATCH", "PUT"))
    actions = declared_actions(cls, path, keys, _taken(update_method, singleton=singleton))
    description = Description(
        cls=cls,
        name=name,
        path=path,
        facet=facet,
        key=", ".join(keys),
        keys=keys,
        singleton=singleton,
        parameters=parameters,
        server_fields=server_fields,
        fields=fields,
        filters=_filters(name, keywords.get("filters")),
        operations=_operations(name, keywords.get("operations"), singleton=singleton),
        watch=watch,
        update_method=update_method,
        encoded_keys=_flag(name, "encoded_keys", keywords.get("encoded_keys", False)),
        empty_404=_one_of(name, "empty_404", keywords.get("empty_404", "route"), ("route", "missing")),
        idempotent=_flag(
            name, "idempotent", keywords.get("idempotent", facet is not None and facet.__facet__.idempotent)
        ),
        mutable_fields=frozenset(
            field
            for field, info in cls.model_fields.items()
            if field not in server_fields and not _is_immutable(info.annotation)
        ),
        parents=declared_parents(name, path, cls.__ron_parents__, parameters, keys),
        pages=declared_pages(name, keywords.get("pages")),
        order_by=declared_selection(
            name, "order_by", keywords.get("order_by"), "order_param", keywords.get("order_param"), fields
        ),
        selection=declared_selection(
            name, "fields", keywords.get("fields"), "fields_param", keywords.get("fields_param"), fields
        ),
        actions=actions,
        verbs=verbs_of(actions),
    )
    if facet is not None:
        facet.__facet__.bind(description)
    return description


def _taken(update_method: str, *, singleton: bool) -> dict[tuple[str, str], str]:
    """What the operations send, as actions write it: method, and tail (behind ``{}`` where it follows a key)."""
    one = "" if singleton else "{}"
    item = {("GET", one): "get", ("PUT", one): "replace", ("DELETE", one): "delete", (update_method, one): "update"}
    return item if singleton else {("GET", ""): "list", ("POST", ""): "create", **item}


def _parameters(name: str, path: str, watch: str, fields: Mapping[str, str]) -> tuple[str, ...]:
    parameters = parameters_of(path)
    for parameter in parameters_of(watch):
        if parameter not in parameters:
            raise RonConfigError(
                f"class {name}: watch parameter {{{parameter}}} is not in path {path!r}"
                f"{did_you_mean(parameter, parameters)}"
            )
    for parameter in parameters:
        if parameter not in fields:
            raise RonConfigError(
                f"class {name}: path parameter {{{parameter}}} has no field{did_you_mean(parameter, fields)}: declare "
                f"`{parameter}: str` in the class"
            )
    if len(set(parameters)) != len(parameters):
        raise RonConfigError(f"class {name}: path {path!r} names a parameter twice")
    return parameters


def _path(name: str, path: Any, keyword: str, facet: Any) -> str:
    if not isinstance(path, str) or not path.startswith("/"):
        raise RonConfigError(f"class {name}: {keyword} begins with '/', such as '/items', not {shown(path)}")
    if path != "/" and path.endswith("/"):
        raise RonConfigError(f"class {name}: {keyword} {path!r} ends with '/': leave that out")
    if "*" in path or re.search(r"/:", path):
        raise RonConfigError(f"class {name}: {keyword} {path!r}: write a parameter as {{name}}, not ':name' or '*'")
    if facet is not None and (path == "/app" or path.startswith("/app/")):
        raise RonConfigError(
            f"class {name}: {keyword} {path!r} begins with /app, but below a facet the path is the facet's own: write "
            f"{path[4:] or '/'!r}, or leave facet= out"
        )
    parameters_of(path)
    reason = ""
    try:
        encode_path(re.sub(r"[{}]", "", path))
    except RonConfigError as error:
        reason = error.message
    if reason:
        raise RonConfigError(f"class {name}: {keyword}: {reason}")
    return path


def _facet(name: str, facet: Any) -> Any:
    if facet is None:
        return None
    from ..facets import Facet

    if not (isinstance(facet, type) and issubclass(facet, Facet) and facet is not Facet):
        raise RonConfigError(f"class {name}: facet must be a Facet class, such as facet=Shop, not {shown(facet)}")
    return facet


def _filters(name: str, filters: Any) -> Mapping[str, Any]:
    if filters is None:
        return {}
    if not isinstance(filters, type):
        raise RonConfigError(
            f"class {name}: filters must be a class or TypedDict with typed fields, such as filters={name}Filters, not "
            f"{shown(filters)}"
        )
    unresolved = ""
    hints: dict[str, Any] = {}
    try:
        hints = get_type_hints(filters, include_extras=True)
    except (NameError, TypeError) as error:  # TypeError: `X | None` before Python 3.10
        unresolved = str(error)
    if unresolved:
        raise RonConfigError(f"class {name}: the types of {filters.__name__} cannot be resolved: {unresolved}")
    found = {
        field: _unqualified(hint)
        for field, hint in hints.items()
        if not field.startswith(("_", "model_")) and get_origin(hint) is not ClassVar
    }
    if not found:
        raise RonConfigError(
            f"class {name}: {filters.__name__} declares no fields: write `updated_after: Timestamp` in it"
        )
    for field, hint in found.items():
        _check_filter(f"class {name}: {filters.__name__}.{field}", hint)
    return found


def _unqualified(hint: Any) -> Any:
    """A TypedDict's type without ``NotRequired`` and the like: which of its keys must be there is for checkers only."""
    while getattr(get_origin(hint), "_name", None) in ("NotRequired", "Required", "ReadOnly"):
        hint = get_args(hint)[0]
    return hint


def _check_filter(what: str, hint: Any) -> None:
    from pydantic import TypeAdapter

    problem = ""
    try:
        TypeAdapter(hint)
    except PydanticUserError as error:
        problem = error.message.splitlines()[0]
    if problem:
        raise RonConfigError(f"{what} has a type that cannot be checked: {problem}")


def _operations(name: str, operations: Any, *, singleton: bool) -> frozenset[str]:
    allowed = SINGLETON_OPERATIONS if singleton else OPERATIONS
    if operations is None:
        return frozenset(allowed) - {"delete"} if singleton else frozenset(allowed)
    if isinstance(operations, str) or not hasattr(operations, "__iter__"):
        raise RonConfigError(
            f"class {name}: operations must be several names, such as ('get', 'list'), not {shown(operations)}"
        )
    for operation in operations:
        if singleton and operation in ("list", "create"):
            raise RonConfigError(f"class {name}: a singleton has no {operation!r}: there are {', '.join(allowed)}")
        if operation not in allowed:
            raise RonConfigError(
                f"class {name}: unknown operation {shown(operation)}{did_you_mean(str(operation), allowed)}; "
                "there are "
                f"{', '.join(allowed)}"
            )
    return frozenset(operations)


def _one_of(name: str, keyword: str, value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise RonConfigError(f"class {name}: {keyword} must be {' or '.join(map(repr, allowed))}, not {shown(value)}")
    return str(value)


def _flag(name: str, keyword: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise RonConfigError(f"class {name}: {keyword} must be True or False, not {shown(value)}")
    return value


def _wire_name(field: str, info: Any) -> str:
    return info.serialization_alias or info.alias or field


def _is_immutable(annotation: Any) -> bool:
    """Whether values of this type cannot change without being assigned; doubt counts as mutable."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _is_immutable(get_args(annotation)[0])
    if origin is Literal or annotation is None or annotation is type(None):
        return True
    if origin is Union or type(annotation).__name__ == "UnionType":
        return all(_is_immutable(one) for one in get_args(annotation))
    if origin in (tuple, frozenset):
        parts = get_args(annotation)
        return bool(parts) and all(one is Ellipsis or _is_immutable(one) for one in parts)
    return isinstance(annotation, type) and issubclass(annotation, _IMMUTABLE)


def replaced(old: Optional[Description], new: Description) -> bool:
    """Whether ``new`` is the same class statement run again (a notebook cell, a reload)."""
    return old is not None and (old.cls.__module__, old.cls.__qualname__) == (
        new.cls.__module__,
        new.cls.__qualname__,
    )
