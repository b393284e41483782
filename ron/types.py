"""Wire types (design §4): how a Python value and its JSON form correspond.

The documents say u64 as decimal strings and ISO-8601 timestamps; nodes send numbers almost everywhere (protocol.md,
"Values"). So either form is read, and the documented one is written.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

__all__ = ["I64", "U32", "U64", "Bytes", "ContentId", "Timestamp", "UnixMillis", "UnixSeconds"]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LAST = datetime.max.replace(tzinfo=timezone.utc)
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*={0,2}")
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")


class _WideInteger:
    """An integer that JSON carries as a decimal string, because doubles end at 2**53; validated without Python code."""

    def __init__(self, low: int, high: int) -> None:
        self.low = low
        self.high = high

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        digits = core_schema.str_schema(strict=True, pattern="^-?[0-9]{1,20}$")
        bounded = core_schema.int_schema(ge=self.low, le=self.high, strict=False)
        return core_schema.union_schema(
            [
                core_schema.int_schema(ge=self.low, le=self.high, strict=True),
                core_schema.chain_schema([digits, bounded]),
            ],
            mode="left_to_right",
            custom_error_type="wide_integer",
            custom_error_message=f"must be a whole number from {self.low} to {self.high}, or its decimal string",
            serialization=core_schema.to_string_ser_schema(when_used="json"),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[0-9]{1,20}$" if self.low == 0 else "^-?[0-9]{1,20}$"}


U64 = Annotated[int, _WideInteger(0, 2**64 - 1)]
"""0 to 2**64-1: ``int`` in Python, a decimal string in JSON; numbers are accepted on input."""

I64 = Annotated[int, _WideInteger(-(2**63), 2**63 - 1)]
"""-2**63 to 2**63-1: ``int`` in Python, a decimal string in JSON; numbers are accepted on input."""

U32 = Annotated[int, Field(ge=0, le=2**32 - 1, strict=True)]
"""0 to 2**32-1: ``int`` in Python, a number in JSON."""


def _from_base64url(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.rstrip("=")
    if not _BASE64URL.fullmatch(value) or len(text) % 4 == 1:
        raise ValueError("must be base64url text (RFC 4648 section 5), with or without padding")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise ValueError("must be base64url text (RFC 4648 section 5)") from None


def _to_base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


Bytes = Annotated[
    bytes,
    BeforeValidator(_from_base64url),
    PlainSerializer(_to_base64url, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "base64url"}),
]
"""``bytes`` in Python, unpadded base64url text in JSON (RFC 4648 §5); padding is accepted on input."""


def _to_iso(value: datetime) -> str:
    try:
        return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    except OverflowError:  # the first or last hours of the calendar, which in UTC belong to the year 0 or 10000
        return value.isoformat()


Timestamp = Annotated[
    AwareDatetime,
    PlainSerializer(_to_iso, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An aware ``datetime`` in Python, ISO 8601 in UTC with ``Z`` in JSON; unix numbers are accepted on input."""


class _Unix:
    """A point in time as the number of ``unit`` since 1970-01-01T00:00Z; to the microsecond until the year 2242."""

    def __init__(self, unit: timedelta) -> None:
        self.unit = unit
        self.last = math.nextafter((_LAST - _EPOCH) / unit, 0.0)  # the quotient itself is rounded up, to the year 10000

    def read(self, value: Any) -> Any:
        """A number, or its text, becomes an aware datetime; the rest is left to pydantic (ISO text, a datetime)."""
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            value = float(value) if "." in value else int(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return value
        try:
            if not math.isfinite(value):
                raise ValueError("must be a finite number")
            return _EPOCH + value * self.unit
        except OverflowError:
            raise ValueError("is outside the years 1 to 9999") from None

    def write(self, value: datetime) -> Any:
        """A whole number where the time is one."""
        whole, rest = divmod(value - _EPOCH, self.unit)
        return whole if not rest else min((value - _EPOCH) / self.unit, self.last)


_SECONDS = _Unix(timedelta(seconds=1))
_MILLIS = _Unix(timedelta(milliseconds=1))

UnixSeconds = Annotated[
    AwareDatetime,
    BeforeValidator(_SECONDS.read),
    PlainSerializer(_SECONDS.write, when_used="json"),
    WithJsonSchema({"type": "number"}),
]
"""An aware ``datetime`` in Python, seconds since 1970 as a number in JSON."""

UnixMillis = Annotated[
    AwareDatetime,
    BeforeValidator(_MILLIS.read),
    PlainSerializer(_MILLIS.write, when_used="json"),
    WithJsonSchema({"type": "number"}),
]
"""An aware ``datetime`` in Python, milliseconds since 1970 as a number in JSON."""

ContentId = Annotated[str, StringConstraints(pattern=r"^b3:[0-9a-f]{64}$")]
"""A content address: ``b3:`` and 64 lower-case hexadecimal digits."""
