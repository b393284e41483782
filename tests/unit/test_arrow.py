"""``to_arrow``: types by declaration, values that arrive whole, one batch in hand, and clear errors."""

from __future__ import annotations

import enum
import sys
import uuid
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, NewType, Optional, Union

import pyarrow as pa
import pytest
from pydantic import BaseModel, Field, NaiveDatetime, SecretStr
from typing_extensions import Literal, TypedDict

import ron
from ron import (
    I64,
    U32,
    U64,
    Bytes,
    ContentId,
    Resource,
    RonClient,
    RonClientSync,
    RonConfigError,
    RonInputError,
    RonParseError,
    RonServerError,
    Timestamp,
    UnixMillis,
    UnixSeconds,
    server,
)
from ron.testing import MemoryNode, stored

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)
ZERO = uuid.UUID(int=0)
CONTENT = "b3:" + "0" * 64


Serial = NewType("Serial", str)


class Colour(str, enum.Enum):
    red = "red"


class Level(enum.IntEnum):
    low = 1


class Part(BaseModel):
    name: str
    weight: Optional[float] = None


class Everything(Resource, path="/app/everything"):
    """A field of each kind: its Arrow type stands in ``TYPES``, its value in ``VALUES``."""

    id: str = server()
    made: Timestamp = server(default=None)
    u64: U64
    i64: I64
    u32: U32
    seconds: UnixSeconds
    millis: UnixMillis
    data: Bytes
    content: ContentId
    flag: bool
    number: int
    ratio: float
    price: Decimal = Field(max_digits=10, decimal_places=2)
    long: Decimal = Field(max_digits=50, decimal_places=4)
    some: Decimal
    day: date
    clock: time
    took: timedelta
    local: NaiveDatetime
    moment: datetime
    uid: uuid.UUID
    colour: Colour
    level: Level
    word: Literal["a", "b"]
    named: Serial
    either: Union[int, float]
    maybe: Optional[U64] = None
    small: Optional[U32] = None
    wides: list[U64]
    gaps: list[Optional[int]]
    tags: set[str]
    pair: tuple[int, int]
    more: tuple[str, ...]
    part: Optional[Part] = None
    parts: list[Part]
    counts: dict[str, U64]


UTC = pa.timestamp("us", "UTC")
PART = pa.struct([pa.field("name", pa.string(), False), pa.field("weight", pa.float64())])


def listed(kind: Any, nullable: bool = False) -> Any:
    """A list of values that are there, or may be."""
    return pa.list_(pa.field("item", kind, nullable))


TYPES: dict[str, tuple[Any, bool]] = {
    "id": (pa.string(), False),
    "made": (UTC, True),
    "u64": (pa.uint64(), False),
    "i64": (pa.int64(), False),
    "u32": (pa.uint32(), False),
    "seconds": (UTC, False),
    "millis": (UTC, False),
    "data": (pa.binary(), False),
    "content": (pa.string(), False),
    "flag": (pa.bool_(), False),
    "number": (pa.int64(), False),
    "ratio": (pa.float64(), False),
    "price": (pa.decimal128(10, 2), False),
    "long": (pa.decimal256(50, 4), False),
    "some": (pa.decimal128(38, 18), False),
    "day": (pa.date32(), False),
    "clock": (pa.time64("us"), False),
    "took": (pa.duration("us"), False),
    "local": (pa.timestamp("us"), False),
    "moment": (UTC, False),
    "uid": (pa.string(), False),
    "colour": (pa.string(), False),
    "level": (pa.int64(), False),
    "word": (pa.string(), False),
    "named": (pa.string(), False),
    "either": (pa.float64(), False),
    "maybe": (pa.uint64(), True),
    "small": (pa.uint32(), True),
    "wides": (listed(pa.uint64()), False),
    "gaps": (listed(pa.int64(), nullable=True), False),
    "tags": (listed(pa.string()), False),
    "pair": (listed(pa.int64()), False),
    "more": (listed(pa.string()), False),
    "part": (PART, True),
    "parts": (listed(PART), False),
    "counts": (pa.map_(pa.string(), pa.field("value", pa.uint64(), False)), False),
}
VALUES: dict[str, Any] = {
    "id": "e-1",
    "made": None,
    "u64": 2**64 - 1,
    "i64": -(2**63),
    "u32": 2**32 - 1,
    "seconds": NOW,
    "millis": NOW,
    "data": b"\x00\xff",
    "content": CONTENT,
    "flag": True,
    "number": -5,
    "ratio": 0.5,
    "price": Decimal("12.34"),
    "long": Decimal("1234567890123456789012345678901234567890.1234"),
    "some": Decimal("0.000000000000000001"),
    "day": NOW.date(),
    "clock": time(1, 2, 3, 4),
    "took": timedelta(seconds=1, microseconds=2),
    "local": NOW.replace(tzinfo=None),
    "moment": NOW,
    "uid": ZERO,
    "colour": Colour.red,
    "level": Level.low,
    "word": "a",
    "named": "n",
    "either": 3,
    "maybe": None,
    "small": 7,
    "wides": [2**64 - 1],
    "gaps": [1, None],
    "tags": {"b", "a"},
    "pair": (1, 2),
    "more": ("x",),
    "part": None,
    "parts": [Part(name="p", weight=1.5), Part(name="q")],
    "counts": {"k": 2**64 - 1},
}
#: those that come out in another form
COME_OUT = {
    "uid": str(ZERO),
    "colour": "red",
    "level": 1,
    "either": 3.0,
    "tags": ["a", "b"],
    "pair": [1, 2],
    "more": ["x"],
    "parts": [{"name": "p", "weight": 1.5}, {"name": "q", "weight": None}],
    "counts": [("k", 2**64 - 1)],
}


class Thing(Resource, path="/app/things"):
    id: str = server()
    name: str
    count: int = 0


def filled(count: int) -> MemoryNode:
    """A node with so many things."""
    node = MemoryNode(Thing)
    node.add(*(stored(Thing, {"colour": "red"}, id=f"t-{n}", name=f"n{n}", count=n) for n in range(count)))
    return node


def test_types_come_from_the_declaration() -> None:
    """The schema is the declaration's, in its order, without a request and for no rows at all."""
    node = MemoryNode(Everything)
    with RonClientSync(transport=node) as client:
        reader = client.objects(Everything).list().to_arrow()
        found = {field.name: (field.type, field.nullable) for field in reader.schema}
        assert () == node.requests
        table = reader.read_all()
    assert list(found.items()) == list(TYPES.items())
    assert (0, reader.schema) == (table.num_rows, table.schema)


def test_values_arrive_whole() -> None:
    """Every value is the one that the object has, the widest integers and finest times included."""
    node = MemoryNode(Everything)
    sent = {
        name: value for name, value in VALUES.items() if name != "made"
    }  # its default stands in for what is missing
    node.add(stored(Everything, {"undeclared": 1}, **sent))
    with RonClientSync(transport=node) as client:
        (row,) = client.objects(Everything).list().to_arrow().read_all().to_pylist()
    assert {**VALUES, **COME_OUT} == row


@pytest.mark.anyio
@pytest.mark.parametrize(("page_size", "batch_size"), [(3, 4), (4, 3), (2, 100), (100, 2), (5, 5)])
async def test_batches_have_the_size_that_was_asked_for(page_size: int, batch_size: int) -> None:
    """Batches are as large as asked for, whatever the pages, and the last one has the rest; in both colours."""
    node = filled(10)
    full, rest = divmod(10, batch_size)
    expected = [batch_size] * full + ([rest] if rest else [])
    with RonClientSync(transport=node) as sync:
        reader = sync.objects(Thing).list(page_size=page_size).to_arrow(batch_size=batch_size)
        assert expected == [batch.num_rows for batch in reader]
    async with RonClient(transport=node) as client:
        batches = client.objects(Thing).list(page_size=page_size).to_arrow(batch_size=batch_size)
        got = [batch async for batch in batches]
        assert expected == [batch.num_rows for batch in got]
        table = await batches.read_all()
        assert pa.Table.from_batches(got) == table
        assert reader.schema == batches.schema == table.schema
    assert [{"id": f"t-{n}", "name": f"n{n}", "count": n} for n in range(10)] == table.to_pylist()


@pytest.mark.anyio
async def test_pages_are_fetched_as_batches_are_read() -> None:
    """Reading is what fetches: a reader asks for no page before its batch is wanted, and none after it was left."""
    node = filled(10)
    with RonClientSync(transport=node) as sync:
        reader = sync.objects(Thing).list(page_size=2).to_arrow(batch_size=2)
        for pages in (1, 2, 3):
            reader.read_next_batch()
            assert pages == len(node.requests)
        del reader
    assert 3 == len(node.requests)
    async with RonClient(transport=node) as client:
        async for _ in client.objects(Thing).list(page_size=2, prefetch=False).to_arrow(batch_size=2):
            break
    assert 4 == len(node.requests)


def test_columns_are_chosen_in_order() -> None:
    """``columns`` takes the named fields, in that order; a ``limit`` holds as ever."""
    with RonClientSync(transport=filled(10)) as client:
        table = client.objects(Thing).list(limit=3).to_arrow(columns=["count", "id"]).read_all()
    assert [{"count": n, "id": f"t-{n}"} for n in range(3)] == table.to_pylist()
    assert ["count", "id"] == table.column_names


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": "id"}, "columns must be several names of fields, such as ['id'], not 'id'"),
        ({"columns": []}, "columns must be several names of fields, such as ['id'], not []"),
        ({"columns": ["nam"]}, "Thing has no field 'nam' (did you mean 'name'?); its fields are count, id, name"),
        ({"columns": ["id", "id"]}, "columns names a field twice"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, not 0"),
        ({"batch_size": None}, "batch_size must be a whole number of at least 1, not None"),
    ],
)
@pytest.mark.anyio
async def test_wrong_options_are_refused(options: Any, message: str) -> None:
    """A wrong option is an error at once, in both colours."""
    with RonClientSync(transport=filled(1)) as sync, pytest.raises(RonInputError) as raised:
        sync.objects(Thing).list().to_arrow(**options)
    assert message == str(raised.value)
    async with RonClient(transport=filled(1)) as client:
        with pytest.raises(RonInputError) as raised:
            client.objects(Thing).list().to_arrow(**options)
    assert message == str(raised.value)


class Node(BaseModel):
    inner: Optional[Node] = None


class Mixed(enum.Enum):
    a = 1
    b = "b"


class Link(TypedDict):
    href: str


class Empty(BaseModel):
    pass


WITHOUT: dict[str, tuple[Any, str]] = {
    "link": (Link, "is declared as Link, which has no Arrow type"),
    "any": (Any, "is declared as Any, which has no Arrow type: declare a type that has"),
    "union": (Union[int, str], "can be int or str, and an Arrow column has one type"),
    "mixed": (Mixed, "the values of Mixed in R.x are not all str, int, float or bool"),
    "recursive": (Node, "Node.inner is a Node within a Node, and Arrow has no recursive types"),
    "secret": (SecretStr, "R.x is a secret"),
    "tuple": (tuple[int, str], "R.x is a tuple of different types"),
    "bare": (list, "is declared as list, which has no Arrow type"),
    "inside": (list[dict[str, Any]], "R.x[][] is declared as Any"),
    "nothing": (Empty, "R.x: Empty declares no fields"),
    "complex": (complex, "is declared as complex, which has no Arrow type"),
}


@pytest.mark.parametrize("name", WITHOUT)
def test_a_field_without_a_type_is_named(name: str) -> None:
    """What has no Arrow type is refused before anything is sent: which field, why, and what to do; or left out."""
    kind, message = WITHOUT[name]
    made: Any = type(
        "R", (Resource,), {"__annotations__": {"id": str, "x": kind}, "__module__": __name__}, path="/app/r"
    )
    with RonClientSync(transport=MemoryNode()) as client:
        with pytest.raises(RonConfigError) as raised:
            client.objects(made).list().to_arrow()
        assert ["id"] == client.objects(made).list().to_arrow(columns=["id"]).schema.names
    assert message in str(raised.value)
    assert str(raised.value).startswith("to_arrow: ")
    assert str(raised.value).endswith("leave it out with columns=[...]")


class Loose(Resource, path="/app/loose"):
    id: str = server()
    number: int = 0
    price: Decimal = Decimal(0)
    at: datetime = NOW


@pytest.mark.parametrize(
    ("field", "value", "advice"),
    [
        ("number", 2**63, "Arrow's int64 cannot hold: declare it as U64 if it goes beyond 2**63"),
        ("price", Decimal("0.1234567890123456789"), "declare its digits as Field(max_digits=..., decimal_places=...)"),
        ("at", datetime(2026, 1, 1), "declare a time with a zone as Timestamp"),  # noqa: DTZ001 - that's what is wrong
    ],
)
@pytest.mark.anyio
async def test_a_value_that_does_not_fit_is_told(field: str, value: Any, advice: str) -> None:
    """A value beyond its column's type is a RonParseError that names the field and never quotes the value."""
    node = MemoryNode(Loose)
    node.add(stored(Loose, id="l-1", **{field: value}))
    with RonClientSync(transport=node) as sync, pytest.raises(RonParseError) as raised:
        sync.objects(Loose).list().to_arrow().read_all()
    assert f"to_arrow: Loose.{field} has a value that " in str(raised.value)
    assert advice in str(raised.value)
    assert str(value) not in str(raised.value)
    async with RonClient(transport=node) as client:
        with pytest.raises(RonParseError, match=f"Loose.{field} has a value"):
            await client.objects(Loose).list().to_arrow().read_all()


def test_errors_come_through_the_reader() -> None:
    """What goes wrong while a page is fetched is raised by the reader as it is, with its checkpoint."""
    node = filled(10)
    with RonClientSync(transport=node, max_retries=0) as client:
        reader = client.objects(Thing).list(page_size=5).to_arrow(batch_size=5)
        assert 5 == reader.read_next_batch().num_rows
        node.fail(status=500)
        with pytest.raises(RonServerError) as raised:
            reader.read_next_batch()
        rest = client.objects(Thing).list(page_size=5, page_token=raised.value.checkpoint).to_arrow().read_all()
    assert [f"t-{n}" for n in range(5, 10)] == rest.column("id").to_pylist()


def test_without_pyarrow_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the call is an error that names it; nothing else of a listing needs it."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with RonClientSync(transport=filled(1)) as client:
        with pytest.raises(RonConfigError, match=r"to_arrow needs pyarrow: pip install 'ron-app-sdk-py\[arrow\]'"):
            client.objects(Thing).list().to_arrow()
        assert 1 == len(client.objects(Thing).list().all())


class Chosen(Resource, path="/app/chosen", fields=True):
    id: str = server()
    name: str
    price: U64 = 0


def test_a_choice_of_fields_is_the_choice_of_columns() -> None:
    """What was not asked for is no column: a null where none may be would say what the node did not."""
    node = MemoryNode(Chosen)
    node.add(stored(Chosen, id="c-1", name="k", price=9))
    with RonClientSync(transport=node) as client:
        listing = client.objects(Chosen).list(fields=["name"])
        table = listing.to_arrow().read_all()
        table.validate(full=True)
        assert {"id": ["c-1"], "name": ["k"]} == table.to_pydict()
        with pytest.raises(ron.RonInputError, match=r"^to_arrow: 'price' is not among the fields that the listing"):
            listing.to_arrow(columns=["price"])
