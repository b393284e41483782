"""Listings as Arrow record batches: page after page, with one batch in hand at a time. Nothing here may do I/O.

pyarrow is an extra, and loaded when it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, Optional, TypeVar

from .._suggest import did_you_mean, listed, shown
from ..errors import RonConfigError, RonInputError, RonParseError
from ..pagination import checked_size
from ._arrow_types import columns_of, converted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import pyarrow

    from ._description import Description
    from .listing import Listing, ListingSync

__all__ = ["ArrowBatches", "Frames", "reader"]

R = TypeVar("R")


class Frames:
    """The schema of a resource, and how its objects become record batches of ``batch_size`` rows.

    Raises:
        RonConfigError: without pyarrow, for columns that the resource lacks, and for fields that have no Arrow type.
    """

    def __init__(self, description: Description, columns: Optional[Sequence[str]], batch_size: int) -> None:
        self._pa = _pyarrow()
        self._name = description.name
        if checked_size("batch_size", batch_size) is None:
            raise RonInputError("batch_size must be a whole number of at least 1, not None")
        self.batch_size = batch_size
        names = _checked_columns(description, columns)
        self._columns = columns_of(self._pa, description.cls, names)
        fields = [self._pa.field(name, one.type, one.nullable) for name, one in self._columns.items()]
        self.schema: pyarrow.Schema = self._pa.schema(fields)

    def batch(self, items: Sequence[Any]) -> pyarrow.RecordBatch:
        """These objects as one batch.

        Raises:
            RonParseError: for a value that its column's type cannot hold; names the field.
        """
        arrays = [self._array(name, items) for name in self._columns]
        made: pyarrow.RecordBatch = self._pa.RecordBatch.from_arrays(arrays, schema=self.schema)
        return made

    def _array(self, name: str, items: Sequence[Any]) -> Any:
        column = self._columns[name]
        try:
            return self._pa.array([converted(column, item.__dict__.get(name)) for item in items], column.type)
        except (self._pa.ArrowException, AttributeError, ValueError, TypeError, OverflowError):
            pass  # its text may quote the value
        raise RonParseError(
            f"to_arrow: {self._name}.{name} has a value that Arrow's {column.type} cannot hold"
            f"{_advice(str(column.type))}; or leave the field out with columns=[...]"
        )


def _advice(kind: str) -> str:
    if kind.startswith("decimal"):
        return ": declare its digits as Field(max_digits=..., decimal_places=...)"
    if kind == "int64":
        return ": declare it as U64 if it goes beyond 2**63"
    return ": declare a time with a zone as Timestamp" if kind.startswith("timestamp") else ""


def reader(listing: ListingSync[Any], columns: Optional[Sequence[str]], batch_size: int) -> pyarrow.RecordBatchReader:
    """A reader of a sync listing's batches; it fetches as it is read."""
    frames = Frames(listing._scope.description, _chosen(listing, columns), batch_size)

    def batches() -> Iterator[pyarrow.RecordBatch]:
        buffer: list[Any] = []
        for page in listing.pages():
            buffer += page.items
            while len(buffer) >= frames.batch_size:
                yield frames.batch(buffer[: frames.batch_size])
                del buffer[: frames.batch_size]
        if buffer:
            yield frames.batch(buffer)

    made: pyarrow.RecordBatchReader = _pyarrow().RecordBatchReader.from_batches(frames.schema, batches())
    return made


class ArrowBatches(Generic[R]):
    """The record batches of a listing, for ``async for``; each iteration fetches anew.

    Attributes:
        schema: the ``pyarrow.Schema`` of all of them; known before anything is fetched.
    """

    def __init__(self, listing: Listing[R], columns: Optional[Sequence[str]], batch_size: int) -> None:
        self._listing = listing
        self._frames = Frames(listing._scope.description, _chosen(listing, columns), batch_size)
        self.schema = self._frames.schema

    async def __aiter__(self) -> AsyncIterator[pyarrow.RecordBatch]:
        frames = self._frames
        buffer: list[Any] = []
        async for page in self._listing.pages():
            buffer += page.items
            while len(buffer) >= frames.batch_size:
                yield frames.batch(buffer[: frames.batch_size])
                del buffer[: frames.batch_size]
        if buffer:
            yield frames.batch(buffer)

    async def read_all(self) -> pyarrow.Table:
        """Everything, as one table."""
        batches = [batch async for batch in self]
        made: pyarrow.Table = _pyarrow().Table.from_batches(batches, self.schema)
        return made

    def __repr__(self) -> str:
        return f"<ArrowBatches of {self._listing!r}: {len(self.schema)} columns>"


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError:
        pass
    else:
        return pyarrow
    raise RonConfigError("to_arrow needs pyarrow: pip install 'ron-app-sdk-py[arrow]'")


def _chosen(listing: Any, columns: Optional[Sequence[str]]) -> Optional[Sequence[str]]:
    """The columns; of a listing with ``fields=`` those that it asks for, because the others are not there."""
    if not listing._fields:
        return columns
    there = [
        name
        for name in listing._scope.description.fields
        if name in {*listing._fields, *listing._scope.description.parents}
    ]
    for name in () if columns is None or isinstance(columns, str) else columns:
        if name in listing._scope.description.fields and name not in there:
            raise RonInputError(
                f"to_arrow: {name!r} is not among the fields that the listing asks for ({listed(there)}): name it in "
                "fields=[...], too"
            )
    return there if columns is None else columns


def _checked_columns(description: Description, columns: Optional[Sequence[str]]) -> Sequence[str]:
    if columns is None:
        return list(description.fields)
    if isinstance(columns, str) or not isinstance(columns, Sequence) or not columns:
        raise RonInputError(f"columns must be several names of fields, such as ['id'], not {shown(columns)}")
    for name in columns:
        if name not in description.fields:
            raise RonInputError(
                f"{description.name} has no field {shown(name)}{did_you_mean(str(name), description.fields)}; its "
                f"fields are {listed(description.fields)}"
            )
    if len(set(columns)) != len(columns):
        raise RonInputError("columns names a field twice")
    return columns
