"""From a field's declaration to its Arrow type, and how its values become what Arrow takes. Nothing here may do I/O.

The type depends on the declaration alone, never on the data: every page, and none at all, gives the same schema.
"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, Optional, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel, NaiveDatetime, SecretBytes, SecretStr
from typing_extensions import Literal as LiteralOfExtensions
from typing_extensions import TypeAliasType

from ..errors import RonConfigError
from ..types import _WideInteger

__all__ = ["Column", "column_of", "columns_of"]

#: what a Decimal has where its declaration doesn't say: Field(max_digits=..., decimal_places=...)
DECIMAL = (38, 18)
_LITERALS = (Literal, LiteralOfExtensions)  # two, on Python 3.9
_LISTS = (list, tuple, set, frozenset, Sequence, AbstractSet, Iterable)


class Column(NamedTuple):
    """A field's Arrow type, and what a value of it is turned into first (None: nothing)."""

    type: Any
    nullable: bool
    convert: Optional[Callable[[Any], Any]]


def columns_of(pa: Any, model: type[BaseModel], names: Iterable[str], seen: tuple[Any, ...] = ()) -> dict[str, Column]:
    """The columns of a model's fields.

    Raises:
        RonConfigError: for a field whose type has no Arrow type; names it, and says what to do.
    """
    columns = {}
    for name in names:
        info = model.model_fields[name]
        column = column_of(pa, f"{model.__name__}.{name}", info.annotation, tuple(info.metadata), (*seen, model))
        columns[name] = column._replace(nullable=column.nullable or (not info.is_required() and info.default is None))
    return columns


def column_of(
    pa: Any, where: str, annotation: Any, metadata: tuple[Any, ...] = (), seen: tuple[Any, ...] = ()
) -> Column:
    """The column of a type as it stands in a declaration; see ``columns_of``."""
    origin = get_origin(annotation)
    if isinstance(annotation, TypeAliasType) or type(annotation).__name__ == "TypeAliasType":
        return column_of(pa, where, annotation.__value__, metadata, seen)
    if hasattr(annotation, "__supertype__"):  # NewType
        return column_of(pa, where, annotation.__supertype__, metadata, seen)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return column_of(pa, where, inner, (*more, *metadata), seen)
    if origin is Union or type(annotation).__name__ == "UnionType":
        return _union(pa, where, get_args(annotation), metadata, seen)
    if origin in _LITERALS:
        return Column(_common(pa, where, [type(one) for one in get_args(annotation)], "Literal"), False, None)
    if origin is not None:
        return _container(pa, where, annotation, origin, seen)
    if not isinstance(annotation, type):
        raise _none(where, annotation)
    if issubclass(annotation, enum.Enum):
        values = [type(one.value) for one in annotation]
        return Column(_common(pa, where, values, annotation.__name__), False, _value_of)
    if issubclass(annotation, BaseModel):
        return _struct(pa, where, annotation, seen)
    return _plain(pa, where, annotation, metadata)


def _plain(pa: Any, where: str, kind: Any, metadata: tuple[Any, ...]) -> Column:
    if issubclass(kind, bool):
        return Column(pa.bool_(), False, None)
    if issubclass(kind, int):
        return Column(_integer(pa, metadata), False, None)
    if issubclass(kind, Decimal):
        digits, places = _bound(metadata, "max_digits"), _bound(metadata, "decimal_places")
        digits, places = (DECIMAL[0] if digits is None else digits), (DECIMAL[1] if places is None else places)
        make = pa.decimal128 if digits <= DECIMAL[0] else pa.decimal256
        return Column(make(digits, min(places, digits)), False, None)
    for known, arrow in _scalars(pa):
        if issubclass(kind, known):
            return Column(arrow, False, None if kind is not datetime else _aware)
    if issubclass(kind, uuid.UUID):
        return Column(pa.string(), False, str)
    if issubclass(kind, (SecretStr, SecretBytes)):
        raise RonConfigError(f"to_arrow: {where} is a secret: leave it out with columns=[...]")
    raise _none(where, kind)


def _scalars(pa: Any) -> Iterable[tuple[Any, Any]]:
    return (
        (float, pa.float64()),
        (str, pa.string()),
        (bytes, pa.binary()),
        (NaiveDatetime, pa.timestamp("us")),
        (AwareDatetime, pa.timestamp("us", "UTC")),
        (datetime, pa.timestamp("us", "UTC")),
        (date, pa.date32()),
        (time, pa.time64("us")),
        (timedelta, pa.duration("us")),
    )


def _integer(pa: Any, metadata: tuple[Any, ...]) -> Any:
    """``U64``, ``I64`` and ``U32`` have types of their own; every other integer is an int64."""
    for one in metadata:
        if isinstance(one, _WideInteger):
            return pa.uint64() if one.low == 0 else pa.int64()
    return pa.uint32() if (_bound(metadata, "ge"), _bound(metadata, "le")) == (0, 2**32 - 1) else pa.int64()


def _bound(metadata: tuple[Any, ...], name: str) -> Any:
    """A constraint of a field, wherever pydantic keeps it: in an object of its own, or within a nested ``Field``."""
    for one in metadata:
        nested = getattr(one, "metadata", None)
        found = _bound(tuple(nested), name) if nested else getattr(one, name, None)
        if found is not None:
            return found
    return None


def _value_of(member: Any) -> Any:
    return member.value if isinstance(member, enum.Enum) else member  # use_enum_values has made it the value already


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a time without a zone: declare the field as Timestamp, or as pydantic's NaiveDatetime")
    return value


def _common(pa: Any, where: str, kinds: Sequence[type[Any]], what: str) -> Any:
    """The one type of an enumeration's values."""
    for kind, arrow in ((bool, pa.bool_()), (int, pa.int64()), (str, pa.string()), (float, pa.float64())):
        if kinds and all(issubclass(one, kind) and (kind is bool or one is not bool) for one in kinds):
            return arrow
    raise RonConfigError(
        f"to_arrow: the values of {what} in {where} are not all str, int, float or bool: leave it out with "
        "columns=[...]"
    )


def _union(pa: Any, where: str, parts: Sequence[Any], metadata: tuple[Any, ...], seen: tuple[Any, ...]) -> Column:
    rest = [part for part in parts if part is not type(None)]
    columns = [column_of(pa, where, part, metadata, seen) for part in rest]
    if len(columns) == 1:
        return columns[0]._replace(nullable=True)
    types = [column.type for column in columns]
    if types and all(one in (pa.int64(), pa.float64()) for one in types):
        return Column(pa.float64(), len(rest) < len(parts), None)
    raise RonConfigError(
        f"to_arrow: {where} can be {' or '.join(_name(part) for part in rest)}, and an Arrow column has one type: "
        "leave it out with columns=[...]"
    )


def _container(pa: Any, where: str, annotation: Any, origin: Any, seen: tuple[Any, ...]) -> Column:
    parts = get_args(annotation)
    if isinstance(origin, type) and issubclass(origin, BaseModel):
        return _struct(pa, where, annotation, seen)
    if origin in _LISTS:
        kinds = [part for part in parts if part is not Ellipsis]
        if origin is not tuple or (len(parts) == 2 and parts[1] is Ellipsis):
            inner = column_of(pa, f"{where}[]", kinds[0], (), seen)
        else:
            inner = _same(where, [column_of(pa, f"{where}[]", kind, (), seen) for kind in kinds])
        kind = pa.list_(pa.field("item", inner.type, inner.nullable))
        return Column(kind, False, _each(inner.convert, sort=issubclass(origin, AbstractSet)))
    if origin in (dict, Mapping):
        key, value = (column_of(pa, f"{where}[]", part, (), seen) for part in parts)
        return Column(pa.map_(key.type, pa.field("value", value.type, value.nullable)), False, _pairs(key, value))
    raise _none(where, annotation)


def _same(where: str, columns: Sequence[Column]) -> Column:
    if not columns or any(column.type != columns[0].type for column in columns):
        raise RonConfigError(
            f"to_arrow: {where} is a tuple of different types, and an Arrow list has one: leave it out with "
            "columns=[...]"
        )
    return columns[0]


def _struct(pa: Any, where: str, model: Any, seen: tuple[Any, ...]) -> Column:
    if model in seen:
        raise RonConfigError(
            f"to_arrow: {where} is a {model.__name__} within a {model.__name__}, and Arrow has no recursive types: "
            "leave it out with columns=[...]"
        )
    columns = columns_of(pa, model, model.model_fields, seen)
    if not columns:
        raise RonConfigError(f"to_arrow: {where}: {model.__name__} declares no fields: leave it out with columns=[...]")
    kind = pa.struct([pa.field(name, column.type, column.nullable) for name, column in columns.items()])

    def convert(value: Any) -> Any:
        return {name: converted(column, value.__dict__.get(name)) for name, column in columns.items()}

    return Column(kind, False, convert)


def _each(convert: Optional[Callable[[Any], Any]], *, sort: bool) -> Callable[[Any], Any]:
    def convert_all(values: Any) -> list[Any]:
        done = [one if convert is None or one is None else convert(one) for one in values]
        return sorted(done) if sort else done  # a set has no order, and the same data should give the same bytes

    return convert_all


def _pairs(key: Column, value: Column) -> Callable[[Any], Any]:
    return lambda mapping: [(converted(key, name), converted(value, one)) for name, one in mapping.items()]


def converted(column: Column, value: Any) -> Any:
    """A value as Arrow takes it."""
    return value if value is None or column.convert is None else column.convert(value)


def _name(annotation: Any) -> str:
    name = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    return name.replace("typing.", "")


def _none(where: str, annotation: Any) -> RonConfigError:
    return RonConfigError(
        f"to_arrow: {where} is declared as {_name(annotation)}, which has no Arrow type: declare a type that has, or "
        "leave it out with columns=[...]"
    )
