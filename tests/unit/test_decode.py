"""From bytes to values: plain JSON, typed bodies, and errors that never quote what came."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Literal, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, field_validator

from ron._decode import decode_plain, decode_typed, describe_errors
from ron._flow import Answer
from ron._values import Reply
from ron.errors import RonParseError


def answer(body: bytes, content_type: str = "application/json", status: int = 200) -> Answer:
    """An answer with this body, after two attempts."""
    return Answer(Reply(status, ((b"content-type", content_type.encode("latin-1")),), body), "r-1", 2)


def refusal(body: bytes, content_type: str = "application/json") -> str:
    """What the error says; it knows its request and is chained to nothing."""
    with pytest.raises(RonParseError) as raised:
        decode_plain(answer(body, content_type))
    error = raised.value
    assert ("r-1", 2, None, None) == (error.request_id, error.attempts, error.__cause__, error.__context__)
    return str(error)


# --- Plain ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"", None),
        (b"null", None),
        (b"0", 0),
        (b' {"a": [1, 2.5, "x", true, null]} ', {"a": [1, 2.5, "x", True, None]}),
        (b"18446744073709551616", 2**64),
        (b"1" * 4000, int("1" * 4000)),
        (b"1e308", 1e308),
        (b"1e-999", 0.0),
        ('"\u2603 \\u2603 \\ud83d\\ude00"'.encode(), "\u2603 \u2603 \U0001f600"),
        (b'{"text": "1e999 ' + b"9" * 400 + b'"}', {"text": "1e999 " + "9" * 400}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b"[" * 150 + b"]" * 150, json.loads("[" * 150 + "]" * 150)),
    ],
)
def test_json_as_it_came(body: bytes, value: Any) -> None:
    """A plain call gives the JSON value, None for an empty body."""
    assert value == decode_plain(answer(body))


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (
            b"<html>secret</html>",
            "text/html; charset=utf-8",
            "the body is not JSON but text/html (status 200, 19 bytes)",
        ),
        (b"hello secret", "text/plain", "the body is not JSON but text/plain (status 200, 12 bytes)"),
        (b"hello secret", "", "the body is not valid JSON, at line 1 column 1 (status 200, 12 bytes)"),
        (b"hello secret", "nonsense", "the body is not valid JSON, at line 1 column 1"),
        (b'{"a": "secret', "application/json", "the body is not valid JSON, at line 1 column"),
        (b'{"a": 1}{"b": 2}', "application/json", "the body is not valid JSON, at line 1 column 9"),
        (b"   ", "application/json", "the body is not valid JSON"),
        (b"NaN", "application/json", "the body is not valid JSON"),
        (b'{"a": NaN}', "application/json", "the body is not valid JSON"),
        (b"-Infinity", "application/json", "the body is not valid JSON"),
        (b"1e999", "application/json", "the body holds a number beyond the range of a float"),
        (b"[-1e0999]", "application/json", "the body holds a number beyond the range of a float"),
        (b"9" * 308 + b"e1", "application/json", "the body holds a number beyond the range of a float"),
        (b'{"a": [{"b": 1E+400}]}', "application/json", "the body holds a number beyond the range of a float"),
        (b"9" * 400 + b".0", "application/json", "the body holds a number beyond the range of a float"),
        (b"1" * 5000, "application/json", "the body is not valid JSON"),
        (b"[" * 100_000, "application/json", "the body is not valid JSON"),
        (b"[" * 1000 + b"]" * 1000, "application/json", "the body is not valid JSON"),
        (b'"\\ud800"', "application/json", "the body is not valid JSON"),
        (b'"\\udc00 secret"', "application/json", "the body is not valid JSON"),
        (b'"\xff"', "application/json", "the body is not valid JSON"),
        (b"\x1f\x8b\x08", "application/json", "the body is not valid JSON"),
        (b"x", "application/" + "j" * 500, "the body is not JSON but application/jjj"),
        (b"x", "application/vnd.ron+json", "the body is not valid JSON"),
    ],
)
def test_what_is_no_json_is_a_parse_error(body: bytes, content_type: str, message: str) -> None:
    """The error says what came instead and where, and quotes nothing of it."""
    said = refusal(body, content_type)
    assert said.startswith(message)
    assert "secret" not in said
    assert len(said) < 250


@given(st.binary(max_size=64) | st.text('{}[]",:0123456789.eE+-NaIfinty\\ud8 ', max_size=40).map(str.encode))
def test_any_bytes_are_a_finite_json_value_or_a_parse_error(body: bytes) -> None:
    """Nothing else is raised, and what is returned can be written as strict JSON."""
    try:
        value = decode_plain(answer(body))
    except RonParseError:
        return
    json.dumps(value, allow_nan=False).encode("utf-8")


@given(st.integers(0, 400), st.integers(-5, 400), st.booleans())
def test_numbers_near_the_end_of_the_floats(digits: int, exponent: int, dot: bool) -> None:
    """However a number is written, an infinite float never comes out."""
    text = f"[{'9' * (digits + 1)}{'.5' if dot else ''}e{exponent}]"
    try:
        [value] = decode_plain(answer(text.encode()))
    except RonParseError as error:
        assert math.isinf(float(text[1:-1])), str(error)  # noqa: PT017
        return
    assert math.isfinite(value)


# --- Typed ------------------------------------------------------------------------------------------


class Part(BaseModel):
    """One of many."""

    model_config = ConfigDict(hide_input_in_errors=True)

    name: str
    size: float = 0.0
    kind: Literal["a", "b"] = "a"

    @field_validator("name")
    @classmethod
    def _check(cls, value: str) -> str:
        if value.startswith("bad"):
            raise ValueError(f"{value} is bad")
        return value


class Whole(BaseModel):
    """What is declared."""

    items: list[Part]
    more: Optional[Mapping[str, int]] = None


WHOLE = TypeAdapter(Whole)


def typed(body: bytes) -> str:
    """What the error says."""
    with pytest.raises(RonParseError) as raised:
        decode_typed(answer(body), WHOLE, "Whole")
    error = raised.value
    assert ("r-1", 2, None, None) == (error.request_id, error.attempts, error.__cause__, error.__context__)
    return str(error)


def test_a_typed_body() -> None:
    """What fits the declaration becomes its class."""
    body = b'{"items": [{"name": "NaN Infinity 1e999", "size": 1e3}]}'
    assert Whole(items=[Part(name="NaN Infinity 1e999", size=1000.0)]) == decode_typed(answer(body), WHOLE, "Whole")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the answer is no Whole: the body is empty (status 200, 0 bytes)"),
        (b"[]", "the answer is no Whole: Input should be an object (status 200, 2 bytes)"),
        (b'{"items": ["secret"]}', "the answer is no Whole: items[0]: Input should be an object"),
        (
            b'{"items": [{"name": "x"}, {"name": 5}]}',
            "the answer is no Whole: items[1].name: Input should be a valid string",
        ),
        (b'{"items": [{}]}', "the answer is no Whole: items[0].name: Field required"),
        (b'{"items": [{"name": "bad secret"}]}', "the answer is no Whole: items[0].name: is not valid (value_error)"),
        (
            b'{"items": [{"name": "x", "kind": "secret"}]}',
            "the answer is no Whole: items[0].kind: Input should be 'a' or 'b'",
        ),
        (b'{"items": [{}, {}, {}, {}, {}]}', "items[2].name: Field required; and 2 more"),
        (b'{"items": [{"name": "secret', "the answer is no Whole: the body is not valid JSON, at line 1 column"),
        (b'{"items": [{"name": "x", "size": NaN}]}', "the answer is no Whole: the body is not valid JSON"),
        (b'{"items": [], "x": -Infinity}', "the answer is no Whole: the body is not valid JSON"),
        (b'{"items": [{"name": "x", "size": 1e999}]}', "the body holds a number beyond the range of a float"),
        (b'{"items": [], "kept": 1e999}', "the body holds a number beyond the range of a float"),
        (b"<html>", "the answer is no Whole: the body is not valid JSON, at line 1 column 1"),
        (b"[" * 5000, "the answer is no Whole: the body is not valid JSON"),
        (b'{"items": [{"name": "\\ud800"}]}', "the answer is no Whole: the body is not valid JSON"),
    ],
)
def test_what_does_not_fit_is_a_parse_error(body: bytes, message: str) -> None:
    """The error names index and field and what was expected, never the payload."""
    said = typed(body)
    assert message in said
    assert "secret" not in said


def test_names_from_the_payload_are_short_and_printable() -> None:
    """A name that only the payload knows is cut and cleaned before it is shown."""
    body = json.dumps({"items": [], "more": {"\x1b[31m" + "k" * 500: "x"}}).encode()
    said = typed(body)
    assert "more.?[31m" + "k" * 35 + ": Input should be a valid integer" in said
    assert "\x1b" not in said


def test_texts_of_the_callers_own_input_may_quote() -> None:
    """What a validator says about the caller's own data is shown to the caller."""
    with pytest.raises(ValidationError) as raised:
        Part(name="bad thing")
    assert "name: Value error, bad thing is bad" == describe_errors(raised.value, quote=True)
    assert "name: is not valid (value_error)" == describe_errors(raised.value, quote=False)
