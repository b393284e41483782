"""Wire types: what they accept, what they write, what they refuse and with which words."""

from __future__ import annotations

import enum
import json
from datetime import datetime, timedelta, timezone
from typing import Any, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ron import I64, U32, U64, Bytes, ContentId, Timestamp, UnixMillis, UnixSeconds

CID = "b3:" + "0a" * 32
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
CET = timezone(timedelta(hours=1))
LAST = datetime.max.replace(tzinfo=timezone.utc)
FIRST = datetime.min.replace(tzinfo=timezone.utc)

U64_TEXT = "must be a whole number from 0 to 18446744073709551615, or its decimal string"
I64_TEXT = "must be a whole number from -9223372036854775808 to 9223372036854775807, or its decimal string"
BASE64_TEXT = "Value error, must be base64url text (RFC 4648 section 5), with or without padding"
YEARS_TEXT = "Value error, is outside the years 1 to 9999"


class Level(enum.IntEnum):
    HIGH = 3


def adapter(kind: Any) -> TypeAdapter[Any]:
    """Reads and writes values of that type."""
    return TypeAdapter(kind)


def message(kind: Any, value: Any) -> str:
    """What is said about a bad value."""
    with pytest.raises(ValidationError) as caught:
        adapter(kind).validate_python(value)
    (error,) = caught.value.errors()
    text: str = error["msg"]
    return text


# --- Both directions --------------------------------------------------------------------------

BOTH_WAYS = [
    (U64, 0, '"0"'),
    (U64, 2**53 + 1, '"9007199254740993"'),
    (U64, 2**64 - 1, '"18446744073709551615"'),
    (I64, -(2**63), '"-9223372036854775808"'),
    (I64, 2**63 - 1, '"9223372036854775807"'),
    (U32, 0, "0"),
    (U32, 2**32 - 1, "4294967295"),
    (Bytes, b"", '""'),
    (Bytes, b"\xff\xfe\xfd", '"__79"'),
    (Bytes, b"a", '"YQ"'),
    (Timestamp, NOON, '"2026-03-01T12:00:00Z"'),
    (Timestamp, NOON.replace(microsecond=250), '"2026-03-01T12:00:00.000250Z"'),
    (Timestamp, FIRST, '"0001-01-01T00:00:00Z"'),
    (Timestamp, LAST, '"9999-12-31T23:59:59.999999Z"'),
    (UnixSeconds, NOON, "1772366400"),
    (UnixSeconds, NOON + timedelta(milliseconds=500), "1772366400.5"),
    (UnixSeconds, datetime(1969, 12, 31, tzinfo=timezone.utc), "-86400"),
    (UnixMillis, NOON, "1772366400000"),
    (UnixMillis, NOON + timedelta(microseconds=250), "1772366400000.25"),
    (ContentId, CID, f'"{CID}"'),
    (Optional[U64], None, "null"),
]


@pytest.mark.parametrize(("kind", "value", "text"), BOTH_WAYS)
def test_values_and_their_documented_json_form_correspond(kind: Any, value: Any, text: str) -> None:
    """A value is written in the documented form, and that form is read as the value."""
    assert text == adapter(kind).dump_json(value).decode()
    assert value == adapter(kind).validate_json(text)


@pytest.mark.parametrize(("kind", "value", "text"), BOTH_WAYS)
def test_python_dumps_keep_python_values(kind: Any, value: Any, text: str) -> None:
    """Only JSON has the wire form: a Python dump gives the value as it is."""
    assert value == adapter(kind).dump_python(value)
    assert type(value) is type(adapter(kind).dump_python(value))
    assert json.loads(text) == adapter(kind).dump_python(value, mode="json")


# --- The other forms that nodes send ----------------------------------------------------------

READ_TOO = [
    (U64, "7", 7),
    (U64, "18446744073709551615", 2**64 - 1),
    (I64, "-7", -7),
    (Timestamp, "1772366400", NOON),
    (Timestamp, "1772366400000", NOON),
    (Timestamp, '"2026-03-01T13:00:00+01:00"', NOON),
    (Timestamp, '"2026-03-01 12:00:00Z"', NOON),
    (Timestamp, '"2026-03-01T12:00:00.123456789Z"', NOON.replace(microsecond=123456)),
    (UnixSeconds, '"2026-03-01T12:00:00Z"', NOON),
    (UnixSeconds, '"1772366400"', NOON),
    (UnixSeconds, '"1772366400.5"', NOON + timedelta(milliseconds=500)),
    (UnixSeconds, "1772366400.0", NOON),
    (UnixMillis, '"1772366400000"', NOON),
    (UnixMillis, '"1000"', datetime(1970, 1, 1, 0, 0, 1, tzinfo=timezone.utc)),
    (UnixMillis, "1000", datetime(1970, 1, 1, 0, 0, 1, tzinfo=timezone.utc)),
    (Bytes, '"YQ=="', b"a"),
]


@pytest.mark.parametrize(("kind", "text", "value"), READ_TOO)
def test_other_forms_are_read(kind: Any, text: str, value: Any) -> None:
    """What nodes send instead of the documented form is read as the same value."""
    assert value == adapter(kind).validate_json(text)


def test_python_values_of_other_classes_are_read() -> None:
    """An IntEnum is the number it stands for, and any bytes-like value becomes bytes."""
    assert 3 == adapter(U64).validate_python(Level.HIGH)
    assert b"x" == adapter(Bytes).validate_python(bytearray(b"x"))


@pytest.mark.parametrize("kind", [Timestamp, UnixSeconds, UnixMillis])
def test_times_are_aware(kind: Any) -> None:
    """Times read from numbers and from text are aware, and what they mean does not hang on their zone."""
    assert timedelta(0) == adapter(kind).validate_python(1).utcoffset()
    assert NOON == adapter(kind).validate_python(NOON.astimezone(CET))
    assert adapter(kind).dump_json(NOON) == adapter(kind).dump_json(NOON.astimezone(CET))


def test_a_timestamp_that_utc_cannot_say_keeps_its_offset() -> None:
    """The first and last hours of the calendar, in another zone, are written with their own offset."""
    east = timezone(timedelta(hours=14))
    text = adapter(Timestamp).dump_json(datetime(1, 1, 1, tzinfo=east)).decode()
    assert '"0001-01-01T00:00:00+14:00"' == text
    assert datetime(1, 1, 1, tzinfo=east) == adapter(Timestamp).validate_json(text)


# --- Bad values -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        *((U64, bad, U64_TEXT) for bad in (-1, 2**64, "-1", "18446744073709551616", "1" * 21)),
        *((U64, bad, U64_TEXT) for bad in (True, 1.0, None, b"5", "", " 5", "5\n", "+5", "1_0", "0x1", "٣", "5.0")),
        *((I64, bad, I64_TEXT) for bad in (2**63, -(2**63) - 1, "9223372036854775808", "--1", False)),
        (U32, -1, "Input should be greater than or equal to 0"),
        (U32, 2**32, "Input should be less than or equal to 4294967295"),
        *((U32, bad, "Input should be a valid integer") for bad in ("5", True, 1.0, None)),
        *((Bytes, bad, BASE64_TEXT) for bad in ("Y", "Y===", "a+b/", "YQ\n", "é", "Y Q")),
        (Bytes, 5, "Input should be a valid bytes"),
        *((kind, True, "Input should be a valid datetime") for kind in (Timestamp, UnixSeconds, UnixMillis)),
        *(
            (kind, datetime(2026, 1, 1), "Input should have timezone info")  # noqa: DTZ001  # the mistake itself
            for kind in (Timestamp, UnixSeconds, UnixMillis)
        ),
        *((kind, "2026-01-01", "Input should have timezone info") for kind in (Timestamp, UnixSeconds)),
        *((kind, float("nan"), "Value error, must be a finite number") for kind in (UnixSeconds, UnixMillis)),
        *((kind, float("inf"), "Value error, must be a finite number") for kind in (UnixSeconds, UnixMillis)),
        *((kind, bad, YEARS_TEXT) for kind in (UnixSeconds, UnixMillis) for bad in (10**18, -(10**18))),
        (UnixSeconds, 253402300800, YEARS_TEXT),
        (ContentId, CID.upper(), "String should match pattern '^b3:[0-9a-f]{64}$'"),
        (ContentId, CID + "0", "String should match pattern '^b3:[0-9a-f]{64}$'"),
        (ContentId, CID + "\n", "String should match pattern '^b3:[0-9a-f]{64}$'"),
        (ContentId, CID[3:], "String should match pattern '^b3:[0-9a-f]{64}$'"),
        (ContentId, 5, "Input should be a valid string"),
    ],
)
def test_bad_values_are_refused_with_what_is_accepted(kind: Any, value: Any, text: str) -> None:
    """A value that does not fit is refused in words that say what would."""
    assert text == message(kind, value)


def test_a_huge_number_in_json_is_refused() -> None:
    """A number of hundreds of digits is an ordinary refusal, whatever the interpreter's own limits are."""
    for kind in (U64, I64, UnixSeconds):
        with pytest.raises(ValidationError):
            adapter(kind).validate_json("1" + "0" * 400)


# --- JSON schema ------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["validation", "serialization"])
@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (U64, {"type": "string", "pattern": "^[0-9]{1,20}$"}),
        (I64, {"type": "string", "pattern": "^-?[0-9]{1,20}$"}),
        (U32, {"type": "integer", "minimum": 0, "maximum": 4294967295}),
        (Bytes, {"type": "string", "format": "base64url"}),
        (Timestamp, {"type": "string", "format": "date-time"}),
        (UnixSeconds, {"type": "number"}),
        (UnixMillis, {"type": "number"}),
        (ContentId, {"type": "string", "pattern": "^b3:[0-9a-f]{64}$"}),
    ],
)
def test_json_schema_says_the_documented_form(kind: Any, schema: dict[str, Any], mode: Any) -> None:
    """The JSON schema, for reading and for writing, is that of the documented form."""
    assert schema == adapter(kind).json_schema(mode=mode)


# --- Round trips ------------------------------------------------------------------------------

MOMENTS = st.datetimes(timezones=st.just(timezone.utc))


def again(kind: Any, value: Any) -> Any:
    """The value after a journey through JSON."""
    return adapter(kind).validate_json(adapter(kind).dump_json(value))


@given(st.integers(0, 2**64 - 1))
def test_every_u64_survives_json(number: int) -> None:
    """Each U64 comes back from JSON as it was, from its string as from its number."""
    assert number == again(U64, number)
    assert number == adapter(U64).validate_json(str(number))


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_i64_survives_json(number: int) -> None:
    """Each I64 comes back from JSON as it was, from its string as from its number."""
    assert number == again(I64, number)
    assert number == adapter(I64).validate_json(str(number))


@given(st.integers())
def test_integers_are_accepted_exactly_within_range(number: int) -> None:
    """An integer is a U64 if and only if it lies within its range; nothing wraps around."""
    accepted = True
    try:
        assert number == adapter(U64).validate_python(str(number))
    except ValidationError:
        accepted = False
    assert (0 <= number < 2**64) == accepted


@given(st.binary(max_size=64))
def test_all_bytes_survive_json(value: bytes) -> None:
    """Any bytes come back from JSON as they were, and their text needs no escaping in a URL."""
    assert value == again(Bytes, value)
    assert "=" not in adapter(Bytes).dump_json(value).decode()


@given(st.datetimes(timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))))
def test_every_timestamp_survives_json(moment: datetime) -> None:
    """Each moment of each zone comes back from JSON as the same moment, years 1 and 9999 included."""
    assert moment - again(Timestamp, moment) == timedelta(0)


@given(MOMENTS.filter(lambda moment: 1700 < moment.year < 2242))
def test_unix_times_survive_json_to_the_microsecond(moment: datetime) -> None:
    """Moments of these centuries come back from unix seconds and milliseconds to the microsecond."""
    assert moment == again(UnixSeconds, moment)
    assert moment == again(UnixMillis, moment)


@given(MOMENTS)
def test_unix_times_of_any_year_survive_json_nearly(moment: datetime) -> None:
    """The first and last years are within what a double can say, and never fail."""
    for kind in (UnixSeconds, UnixMillis):
        assert abs(moment - again(kind, moment)) < timedelta(milliseconds=1)


@pytest.mark.parametrize("kind", [UnixSeconds, UnixMillis])
@pytest.mark.parametrize("moment", [FIRST, LAST, LAST.replace(microsecond=0), FIRST.replace(microsecond=1)])
def test_unix_times_at_the_ends_of_the_calendar(kind: Any, moment: datetime) -> None:
    """The very first and last moments can be written and read: rounding never leaves the calendar."""
    assert abs(moment - again(kind, moment)) < timedelta(milliseconds=1)
